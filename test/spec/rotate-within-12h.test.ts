import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE } from '../support/world.ts'

describe('rotate-within-12h', () => {
  it('an idle client uses its refresh token at least every 12 hours', async () => {
    const { auth, clock, now, log } = createWorld({ sandbox: { accessLifetimeS: 48 * 3600 } })
    await now(auth.getAccessToken())
    await clock.advance(72 * HOUR)
    const timesMs = log('create', 'refresh').map(({ atMs }) => atMs)
    const gapsMs = timesMs.slice(1).map((atMs, i) => atMs - (timesMs[i] ?? 0))
    expect(gapsMs.length).toBeGreaterThanOrEqual(5)
    expect(Math.max(...gapsMs)).toBeLessThanOrEqual(12 * HOUR)
    expect(log('create')).toHaveLength(1)
  })

  it('half the lifetime of a refresh token that lives shorter', async () => {
    const { auth, clock, now, times } = createWorld({
      sandbox: { accessLifetimeS: 48 * 3600, refreshLifetimeS: 4 * 3600 },
    })
    await now(auth.getAccessToken())
    await clock.advance(4 * HOUR)
    expect(times('refresh')).toEqual([2 * HOUR, 4 * HOUR])
  })

  it('12 hours for one that lives longer', async () => {
    const { auth, clock, now, times } = createWorld({
      sandbox: { accessLifetimeS: 96 * 3600, refreshLifetimeS: 96 * 3600 },
    })
    await now(auth.getAccessToken())
    await clock.advance(13 * HOUR)
    expect(times('refresh')).toHaveLength(1)
    expect(times('refresh')[0]).toBeLessThanOrEqual(12 * HOUR)
  })

  it('with documented lifetimes the hourly refresh is enough', async () => {
    const { auth, clock, now, log } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(24 * HOUR)
    expect(log('refresh').length).toBeLessThanOrEqual(32)
    expect(log('refresh').length).toBeGreaterThanOrEqual(28)
  })

  it('a server that does not rotate causes no storm once its refresh token is 12 hours old', async () => {
    const { auth, clock, now, log } = createWorld({ sandbox: { rotate: false } })
    await now(auth.getAccessToken())
    for (let minute = 0; minute < 25 * 60; minute += 5) {
      await now(auth.getAccessToken())
      await clock.advance(5 * MINUTE)
    }
    expect(log('refresh').length).toBeGreaterThanOrEqual(30)
    expect(log('refresh').length).toBeLessThanOrEqual(33)
    expect(log('create').length).toBeLessThanOrEqual(2)
  })
})
