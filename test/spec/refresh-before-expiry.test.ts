import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

describe('refresh-before-expiry', () => {
  it.each([0, 0.25, 0.5, 0.75, 0.999_999])(
    'draw %d: refreshes 10 to 15 minutes before the hour, by itself',
    async (draw) => {
      const { auth, clock, now, times } = createWorld({ draws: [draw] })
      await now(auth.getAccessToken())
      await clock.advance(HOUR)
      const [refreshedMs = 0] = times('refresh')
      expect(refreshedMs).toBeGreaterThanOrEqual(45 * MINUTE)
      expect(refreshedMs).toBeLessThanOrEqual(50 * MINUTE)
      expect(times('refresh')).toHaveLength(1)
    },
  )

  it('each pair in turn, for a day', async () => {
    let draw = 0
    const { auth, clock, now, log } = createWorld({ client: { random: () => (draw = (draw + 0.37) % 1) } })
    await now(auth.getAccessToken())
    await clock.advance(24 * HOUR)
    const grantsMs = log('create', 'refresh').map(({ atMs }) => atMs)
    const gapsMs = grantsMs.slice(1).map((atMs, i) => atMs - (grantsMs[i] ?? 0))
    expect(Math.min(...gapsMs)).toBeGreaterThanOrEqual(45 * MINUTE)
    expect(Math.max(...gapsMs)).toBeLessThanOrEqual(50 * MINUTE)
    expect(log('create')).toHaveLength(1)
  })

  it('without downtime: nobody waits in a day of requests each minute', async () => {
    const { auth, clock, now, log } = createWorld({ sandbox: { replyLatencyMs: 2 * SECOND } })
    const first = auth.getAccessToken()
    await clock.advance(2 * SECOND)
    await now(first)
    for (let minute = 0; minute < 24 * 60; minute++) {
      await now(auth.getAccessToken())
      await clock.advance(MINUTE)
    }
    expect(log('create')).toHaveLength(1)
  })

  it('without downtime: the old token is served while the refresh is under way', async () => {
    const { auth, sandbox, clock, now } = createWorld({ client: { random: () => 0 } })
    const first = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', latencyMs: 10 * SECOND })
    await clock.advance(45 * MINUTE + 5 * SECOND)
    expect(sandbox.pending()).toBe(1)
    expect(await now(auth.getAccessToken())).toBe(first)
    await clock.advance(5 * SECOND)
    expect(await now(auth.getAccessToken())).not.toBe(first)
  })

  it('a restart refreshes at the moment that was drawn before', async () => {
    const { auth, client, clock, now, times } = createWorld({ draws: [0.9] })
    await now(auth.getAccessToken())
    await now(auth.close())
    await clock.advance(10 * MINUTE)
    await now(client().getAccessToken())
    await clock.advance(50 * MINUTE)
    expect(times('refresh')).toEqual([49.5 * MINUTE])
  })

  it('a restart inside the window refreshes without being asked', async () => {
    const { auth, client, clock, now, times } = createWorld({ client: { random: () => 0 } })
    await now(auth.getAccessToken())
    await now(auth.close())
    await clock.advance(52 * MINUTE)
    client()
    await clock.advance(0)
    expect(times('refresh')).toEqual([52 * MINUTE])
  })
})
