import { describe, expect, it } from 'vitest'
import { BASE_URL, createWorld, HOUR, WHO_AM_I } from '../support/world.ts'

const BASIC = `Basic ${btoa('demo:demo-password')}`

describe('no-basic-auth', () => {
  it('is never sent in a day of use', async () => {
    const { clock, call, now, log } = createWorld()
    for (let hour = 0; hour < 24; hour++) {
      await now(call())
      await clock.advance(HOUR)
    }
    expect(new Set(log().map(({ authScheme }) => authScheme))).toEqual(new Set(['none', 'Bearer']))
  })

  it.each([
    ['a header', WHO_AM_I, { headers: { Authorization: BASIC } }],
    ['a header in lower case', WHO_AM_I, { headers: [['authorization', BASIC.toLowerCase()]] as [string, string][] }],
    ['a Request', new Request(BASE_URL + WHO_AM_I, { headers: { Authorization: BASIC } }), undefined],
    ['the URL', `https://demo:demo-password@sandbox.test${WHO_AM_I}`, undefined],
  ])('a request with Basic in %s is refused, and nothing is sent', async (_where, input, init) => {
    const { auth, refused, log } = createWorld()
    const error = await refused(auth.fetchLike(input, init))
    expect(error).toMatchObject({ code: 'REQUEST_REFUSED', clause: 'no-basic-auth' })
    expect(log()).toEqual([])
  })

  it('the other face refuses it too', async () => {
    const { auth, refused, log } = createWorld()
    const error = await refused(auth.fetch(WHO_AM_I, { headers: { Authorization: BASIC } }))
    expect(error).toMatchObject({ code: 'REQUEST_REFUSED', clause: 'no-basic-auth' })
    expect(log()).toEqual([])
  })

  it('a base URL that holds credentials is no base URL', () => {
    const { client } = createWorld()
    expect(() => client({ baseURL: 'https://demo:demo-password@sandbox.test' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})
