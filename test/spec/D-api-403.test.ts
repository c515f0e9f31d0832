import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, WHO_AM_I } from '../support/world.ts'

describe('D-api-403', () => {
  it('takes a 403 with token_not_valid for a 401: one refresh, one replay', async () => {
    const { auth, clock, log, now, sandbox, tokenRequests } = createWorld({ sandbox: { forbidden403: true } })
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.revokeAll('access')
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    expect(log('api').map(({ status, code }) => [status, code])).toEqual([
      [403, 'token_not_valid'],
      [200, undefined],
    ])
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it.each<[string, unknown]>([
    ['without a code', { detail: 'You do not have permission to perform this action.' }],
    ['with another code', { code: 'permission_denied', detail: 'no' }],
    ['with a translated word for it', { detail: 'token_not_valid' }],
    ['that is a page', '<h1>Forbidden</h1>'],
    ['that is empty', ''],
  ])('passes a 403 %s through, whole', async (_, body) => {
    const { auth, clock, now, sandbox, tokenRequests } = createWorld()
    const token = await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status: 403, body })
    const answer = await now(auth.fetchLike(WHO_AM_I))
    expect(answer.status).toBe(403)
    expect(await answer.text()).toBe(typeof body === 'string' ? body : JSON.stringify(body))
    expect(await now(auth.getAccessToken())).toBe(token)
    expect(tokenRequests()).toBe('create 200')
  })

  it('keeps the 403 of a young token readable', async () => {
    const { auth, now, sandbox } = createWorld({ sandbox: { forbidden403: true } })
    await now(auth.getAccessToken())
    sandbox.revokeAll('access')
    const answer = await now(auth.fetchLike(WHO_AM_I))
    expect(answer.status).toBe(403)
    expect(await answer.json()).toMatchObject({ code: 'token_not_valid' })
  })
})
