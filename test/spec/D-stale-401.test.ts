import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, SECOND, WHO_AM_I } from '../support/world.ts'

describe('D-stale-401', () => {
  it('replays with the current token when the 401 is for one that has since been replaced', async () => {
    const { auth, clock, log, now, sandbox, tokenRequests, within } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status: 401, acts: true, replyLatencyMs: 5 * SECOND })
    const late = auth.fetchLike(WHO_AM_I)
    await now(auth.getAccessToken({ forceRefresh: true }))
    expect((await within(5 * SECOND, late)).status).toBe(200)
    expect(tokenRequests()).toBe('create 200, refresh 200')
    const [refresh] = log('refresh')
    expect(log('api').map(({ status, accessJti }) => [status, accessJti])).toEqual([
      [401, log('create')[0]?.grantedAccessJti],
      [200, refresh?.grantedAccessJti],
    ])
  })

  it('does not hold the old 401 against the new token', async () => {
    const { auth, clock, now, sandbox, within } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status: 401, replyLatencyMs: 90 * SECOND })
    const late = auth.fetchLike(WHO_AM_I)
    const fresh = await now(auth.getAccessToken({ forceRefresh: true }))
    await within(90 * SECOND, late)
    expect(await now(auth.getAccessToken())).toBe(fresh)
  })

  it('waits for the refresh in flight, when the token is just being replaced', async () => {
    const { auth, clock, now, sandbox, tokenRequests, within } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.set({ replyLatencyMs: 3 * SECOND })
    sandbox.fail({ endpoint: 'api', status: 401 })
    const refused = auth.fetchLike(WHO_AM_I)
    await clock.advance(2 * SECOND)
    const forced = auth.getAccessToken({ forceRefresh: true })
    const answer = await within(10 * SECOND, refused)
    await now(forced)
    expect(answer.status).toBe(200)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })
})
