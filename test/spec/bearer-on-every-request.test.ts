import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, WHO_AM_I } from '../support/world.ts'

describe('bearer-on-every-request', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'])('%s carries the access token', async (method) => {
    const { auth, now, log } = createWorld()
    await now(auth.fetchLike(WHO_AM_I, { method }))
    const [granted] = log('create')
    expect(log('api')).toMatchObject([{ method, authScheme: 'Bearer', accessJti: granted?.grantedAccessJti }])
  })

  it('both faces, and instances made from them, carry it', async () => {
    const { auth, now, log } = createWorld()
    await now(auth.fetch(WHO_AM_I))
    await now(auth.fetch.raw(WHO_AM_I))
    await now(auth.fetch.create({ headers: { 'X-Job': '1' } })(WHO_AM_I))
    await now(auth.fetchLike(WHO_AM_I))
    await now(auth.fetchLike(new Request(`https://sandbox.test${WHO_AM_I}`)))
    expect(log('api').map(({ authScheme, status }) => `${authScheme} ${status}`)).toEqual(Array(5).fill('Bearer 200'))
  })

  it("takes the place of the caller's own Authorization", async () => {
    const { auth, now, log } = createWorld()
    await now(auth.fetchLike(WHO_AM_I, { headers: { authorization: 'Token of-api-v1' } }))
    await now(auth.fetch(WHO_AM_I, { headers: { Authorization: 'Bearer stale' } }))
    expect(log('api')).toMatchObject([
      { authScheme: 'Bearer', status: 200 },
      { authScheme: 'Bearer', status: 200 },
    ])
  })

  it('the replay carries the new token', async () => {
    const { clock, sandbox, call, now, log } = createWorld()
    await now(call())
    await clock.advance(2 * MINUTE)
    sandbox.revokeAll('access')
    expect(await now(call())).toBe(200)
    const [refreshed] = log('refresh')
    expect(log('api').at(-1)).toMatchObject({ authScheme: 'Bearer', accessJti: refreshed?.grantedAccessJti })
  })

  it('no API request goes out without one, also when none can be had', async () => {
    const { sandbox, call, refused, log } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 502 })
    expect((await refused(call())).code).toBe('UNAVAILABLE')
    expect(log('api')).toEqual([])
  })

  it('the token requests carry none', async () => {
    const { auth, now, log } = createWorld()
    await now(auth.getAccessToken())
    await now(auth.getAccessToken({ forceRefresh: true }))
    await now(auth.validate())
    expect(log().map(({ endpoint, authScheme }) => `${endpoint} ${authScheme}`)).toEqual([
      'create none',
      'refresh none',
      'validate none',
    ])
  })
})
