import { describe, expect, it } from 'vitest'
import { BASE_URL, createWorld, HOUR } from '../support/world.ts'

describe('no-api-v1', () => {
  it.each([
    '/api/v1/taxexempt/',
    'api/v1/taxexempt/',
    `${BASE_URL}/api/v1/taxexempt/`,
    '/api/v2/../v1/taxexempt/',
    '/api/v1',
    '/api/%761/taxexempt/',
  ])('%s is refused, and nothing is sent', async (path) => {
    const { auth, refused, log } = createWorld()
    expect(await refused(auth.fetchLike(path))).toMatchObject({ code: 'REQUEST_REFUSED', clause: 'no-api-v1' })
    expect(await refused(auth.fetch(path))).toMatchObject({ code: 'REQUEST_REFUSED', clause: 'no-api-v1' })
    expect(log()).toEqual([])
  })

  it.each(['/api/v2/status/200/', '/api/v2/status/200/?next=/api/v1/'])('%s is not', async (path) => {
    const { auth, now } = createWorld()
    expect((await now(auth.fetchLike(path))).status).toBe(200)
  })

  it('a redirect to it is not followed', async () => {
    const { auth, refused, log } = createWorld()
    const error = await refused(auth.fetchLike('/api/v2/redirect/?to=/api/v1/taxexempt/'))
    expect(error).toMatchObject({ code: 'REQUEST_REFUSED', clause: 'no-api-v1' })
    expect(log('api').map(({ path }) => path)).toEqual(['/api/v2/redirect/'])
  })

  it('is never called in a day of use', async () => {
    const { clock, call, now, log } = createWorld()
    for (let hour = 0; hour < 24; hour++) {
      await now(call())
      await clock.advance(HOUR)
    }
    expect(log().every(({ path }) => path.startsWith('/api/v2/'))).toBe(true)
  })
})
