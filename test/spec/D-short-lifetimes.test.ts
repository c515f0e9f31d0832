import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND, WHO_AM_I, type World } from '../support/world.ts'

const DAY = 24 * HOUR

/** The most token requests that the server saw in any 60 s. */
const busiestMinute = ({ times }: World) => {
  const sends = times('create', 'refresh', 'validate')
  return Math.max(...sends.map((from) => sends.filter((at) => at >= from && at < from + MINUTE).length))
}

const expiredSends = ({ log }: World) => log('api').filter(({ atMs, accessExpAtMs = 0 }) => atMs >= accessExpAtMs)

describe('D-short-lifetimes', () => {
  it('lives with tokens of 8 s: one refresh per lifetime, no caller fails', async () => {
    const world = createWorld({ sandbox: { accessLifetimeS: 8 } })
    const { clock, log, now } = world
    for (let second = 0; second < 600; second++) {
      expect(await now(world.call())).toBe(200)
      await clock.advance(SECOND)
    }
    expect(log('create')).toHaveLength(1)
    expect(log('refresh').length).toBeGreaterThanOrEqual(600 / 8)
    // The window is 2 s to 1.33 s before the expiry: 6 s at least between two refreshes.
    expect(log('refresh').length).toBeLessThanOrEqual(600 / 6)
    expect(busiestMinute(world)).toBeLessThanOrEqual(10)
    expect(expiredSends(world)).toEqual([])
  })

  it('lives with pairs of 5 min and 30 min: signs in once, refreshes in the scaled window', async () => {
    const world = createWorld({ sandbox: { accessLifetimeS: 300, refreshLifetimeS: 1800 } })
    const { clock, log, now, times } = world
    for (let elapsedMs = 0; elapsedMs < 3 * HOUR; elapsedMs += 30 * SECOND) {
      expect(await now(world.call())).toBe(200)
      await clock.advance(30 * SECOND)
    }
    expect(log('create')).toHaveLength(1)
    const sends = times('create', 'refresh')
    const gaps = sends.slice(1).map((at, index) => at - (sends[index] ?? 0))
    // 75 s to 50 s before the 5 minutes are over.
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(225 * SECOND)
    for (const gap of gaps) expect(gap).toBeLessThanOrEqual(250 * SECOND)
    expect(expiredSends(world)).toEqual([])
  })

  it('lives with tokens of 30 days: nothing spurious is sent', async () => {
    const { auth, clock, log, now } = createWorld({
      sandbox: { accessLifetimeS: (30 * DAY) / SECOND, refreshLifetimeS: (90 * DAY) / SECOND },
      policy: { refreshLifetimeMs: 90 * DAY, rotateWithinMs: 45 * DAY },
    })
    await now(auth.getAccessToken())
    await clock.advance(30 * DAY - 15 * MINUTE - 1)
    await now(auth.getAccessToken())
    expect(log()).toHaveLength(1)
    await clock.advance(5 * MINUTE + 1)
    expect(log('refresh')).toHaveLength(1)
  })

  it('refreshes a pair of 30 days every 12 h, as the guide asks, and no more', async () => {
    const { auth, clock, now, times } = createWorld({
      sandbox: { accessLifetimeS: (30 * DAY) / SECOND, refreshLifetimeS: (60 * DAY) / SECOND },
    })
    await now(auth.getAccessToken())
    await clock.advance(3 * DAY + MINUTE)
    expect(times('refresh')).toEqual([1, 2, 3, 4, 5, 6].map((half) => half * 12 * HOUR))
  })

  it.each([
    ['8 s', 8, 8000 / 120],
    ['30 min', 1800, 15 * SECOND],
    ['1 h', 3600, 30 * SECOND],
    ['30 days', (30 * DAY) / SECOND, 30 * SECOND],
  ])('keeps a leeway of at most 1/120 of %s, never more than 30 s', async (_, accessLifetimeS, leewayMs) => {
    const { auth, clock, now } = createWorld({ sandbox: { accessLifetimeS } })
    const sentMs = clock.now()
    await now(auth.getAccessToken())
    const { usableUntilMs = 0 } = auth.status()
    expect(Math.abs(sentMs + accessLifetimeS * SECOND - leewayMs - usableUntilMs)).toBeLessThan(1)
  })

  it('scales the 60 s in which a rejection says nothing', async () => {
    const { auth, clock, log, now, sandbox } = createWorld({ sandbox: { accessLifetimeS: 300 } })
    await now(auth.getAccessToken())
    sandbox.revokeAll('access')
    await clock.advance(5 * SECOND - 1)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(401)
    expect(log('refresh')).toEqual([])
    await clock.advance(1)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    expect(log('refresh')).toHaveLength(1)
  })

  it('scales neither the pause', async () => {
    const { auth, clock, log, now, refused, sandbox } = createWorld({ sandbox: { accessLifetimeS: 8 } })
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    await clock.advance(8 * SECOND)
    expect(log('refresh')).toMatchObject([{ status: 429 }])
    const pausedAtMs = log('refresh')[0]?.atMs ?? 0
    expect((await refused(auth.getAccessToken())).retryAtMs).toBeCloseTo(pausedAtMs + 10 * MINUTE, -1)
    await clock.advanceTo(pausedAtMs + 10 * MINUTE - 1)
    expect(log('create', 'refresh')).toHaveLength(2)
  })

  it('nor the back-off', async () => {
    const { auth, clock, log, now, refused, sandbox } = createWorld({ sandbox: { accessLifetimeS: 8 } })
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    await clock.advance(8 * SECOND)
    const failedAtMs = log('refresh')[0]?.atMs ?? 0
    const { retryAtMs = 0 } = await refused(auth.getAccessToken())
    expect(retryAtMs - failedAtMs).toBeGreaterThanOrEqual(30 * SECOND)
    await clock.advanceTo(failedAtMs + 30 * SECOND - 1)
    expect(log('create', 'refresh')).toHaveLength(2)
  })

  it('nor the budget', async () => {
    const world = createWorld({ sandbox: { accessLifetimeS: 4 } })
    const { auth, clock, sandbox } = world
    for (let second = 0; second < 170; second++) {
      auth.getAccessToken({ timeoutMs: 500 }).catch(() => {})
      await clock.advance(SECOND)
    }
    expect(busiestMinute(world)).toBe(10)
    expect(sandbox.log.filter(({ status }) => status === 429)).toEqual([])
  })
})
