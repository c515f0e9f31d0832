import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

const LEEWAY = 30 * SECOND

describe('refresh-lives-24h', () => {
  it.each([
    ['1 ms before 30 s before the end of its day is used', HOUR * 24 - LEEWAY - 1, 'create 200, refresh 200'],
    ['30 s before the end of its day is not', HOUR * 24 - LEEWAY, 'create 200, create 200'],
    ['a day old is not', HOUR * 24, 'create 200, create 200'],
    ['a week old is not', HOUR * 24 * 7, 'create 200, create 200'],
  ])('a refresh token %s', async (_age, ageMs, expected) => {
    const { auth, clock, now, tokenRequests } = createWorld({ policy: { proactive: 'onDemand' } })
    await now(auth.getAccessToken())
    await clock.advance(ageMs)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe(expected)
  })

  it('is not sent at or after its expiry in three days of a server that does not rotate', async () => {
    const { sandbox, clock, call, now, log } = createWorld({ sandbox: { rotate: false } })
    for (let minute = 0; minute < 72 * 60; minute += 10) {
      expect(await now(call())).toBe(200)
      await clock.advance(10 * MINUTE)
    }
    expect(sandbox.modes.rotate).toBe(false)
    for (const { atMs, refreshExpAtMs } of log('refresh')) expect(atMs).toBeLessThan(refreshExpAtMs ?? 0)
    expect(log('refresh').every(({ status }) => status === 200)).toBe(true)
    expect(log('create').length).toBeLessThanOrEqual(4)
  })

  it('counts while the machine sleeps', async () => {
    const { auth, clock, now, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    clock.suspend(25 * HOUR)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200, create 200')
  })

  it('is not used by a restart a day later', async () => {
    const { auth, client, clock, now, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    await now(auth.close())
    await clock.advance(24 * HOUR)
    await now(client().getAccessToken())
    expect(tokenRequests()).toBe('create 200, create 200')
  })
})
