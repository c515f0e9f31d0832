import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, WHO_AM_I } from '../support/world.ts'

describe('D-partial-refresh', () => {
  it('keeps the old refresh token and its own expiry', async () => {
    const { auth, clock, now, log } = createWorld({ sandbox: { rotate: false } })
    const first = await now(auth.getAccessToken())
    const { refreshUsableUntilMs } = auth.status()
    await clock.advance(HOUR)
    expect(await now(auth.getAccessToken())).not.toBe(first)
    expect(auth.status().refreshUsableUntilMs).toBe(refreshUsableUntilMs)
    await clock.advance(HOUR)
    const [create] = log('create')
    expect(log('refresh').map(({ refreshJti }) => refreshJti)).toEqual([
      create?.grantedRefreshJti,
      create?.grantedRefreshJti,
    ])
  })

  it('refreshes once an hour for 25 h without rotation, and signs in twice at most', async () => {
    const { auth, clock, now, log } = createWorld({ sandbox: { rotate: false } })
    for (let minute = 0; minute < 25 * 60; minute++) {
      await now(auth.fetchLike(WHO_AM_I))
      await clock.advance(MINUTE)
    }
    expect(log('refresh').length).toBeGreaterThanOrEqual(30)
    expect(log('refresh').length).toBeLessThanOrEqual(33)
    expect(log('create').length).toBeLessThanOrEqual(2)
    expect(log().filter(({ status }) => status !== 200)).toEqual([])
    // The refresh token is not sent at or after its expiry.
    expect(log('refresh').filter(({ atMs, refreshExpAtMs = 0 }) => atMs >= refreshExpAtMs)).toEqual([])
  })
})
