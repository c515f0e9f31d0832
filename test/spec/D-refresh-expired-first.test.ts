import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

describe('D-refresh-expired-first', () => {
  // A server that does not rotate: its refresh token dies at 24 h, the last access token of it at about 24.7 h.
  const nearlyDead = async () => {
    const world = createWorld({ sandbox: { rotate: false }, client: { random: () => 0 } })
    await world.now(world.auth.getAccessToken())
    // Refreshed each 45 minutes: the last time at 23:15; due at 24:00, when the refresh token is dead.
    await world.clock.advance(24 * HOUR - SECOND)
    return world
  }

  it('signs in inside the window, with nobody asking', async () => {
    const { clock, times, log } = await nearlyDead()
    await clock.advance(2 * SECOND)
    expect(times('create')).toEqual([0, 24 * HOUR])
    expect(times('refresh').at(-1)).toBe(23.25 * HOUR)
    expect(log('create', 'refresh').every(({ status }) => status === 200)).toBe(true)
  })

  it('serves the access token meanwhile', async () => {
    const { auth, sandbox, clock, now, call } = await nearlyDead()
    const before = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'create', latencyMs: 10 * SECOND })
    await clock.advance(6 * SECOND)
    expect(sandbox.pending()).toBe(1)
    expect(await now(auth.getAccessToken())).toBe(before)
    expect(await now(call())).toBe(200)
    await clock.advance(10 * SECOND)
    expect(await now(auth.getAccessToken())).not.toBe(before)
  })

  it.each([429, 500, 401, 400])('serves it also when that sign-in is answered %i', async (status) => {
    const { auth, sandbox, clock, now, call, log } = await nearlyDead()
    const before = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'create', status })
    await clock.advance(2 * SECOND)
    expect(log('create').map((entry) => entry.status)).toEqual([200, status])
    expect(await now(auth.getAccessToken())).toBe(before)
    expect(await now(call())).toBe(200)
  })

  it('a sign-in that failed is not repeated by a timer, nor by callers who are served', async () => {
    const { sandbox, clock, now, call, log } = await nearlyDead()
    sandbox.fail({ endpoint: 'create', status: 502 })
    for (let minute = 0; minute < 14; minute++) {
      await clock.advance(MINUTE)
      expect(await now(call())).toBe(200)
    }
    expect(log('create').map((entry) => entry.status)).toEqual([200, 502])
    await clock.advance(MINUTE)
    expect(await now(call())).toBe(200)
    expect(log('create').map((entry) => entry.status)).toEqual([200, 502, 200])
  })

  it('with onDemand a demand inside the window waits for the sign-in', async () => {
    const { auth, clock, now, tokenRequests } = createWorld({
      policy: { proactive: 'onDemand' },
      sandbox: { rotate: false, refreshLifetimeS: 3 * 3600 },
      client: { random: () => 0 },
    })
    await now(auth.getAccessToken())
    await clock.advance(2.9 * HOUR)
    const before = await now(auth.getAccessToken())
    await clock.advance(46 * MINUTE)
    expect(await now(auth.getAccessToken())).not.toBe(before)
    expect(tokenRequests()).toBe('create 200, refresh 200, create 200')
  })

  it.each([false, true])('after a 401 that used up the last attempt of the timer, restarted: %s', async (restarted) => {
    const { auth, client, sandbox, clock, now, tokenRequests } = createWorld({
      policy: { refreshAttemptsPerGeneration: 2 },
      client: { random: () => 0 },
    })
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    sandbox.fail({ endpoint: 'refresh', status: 401 })
    sandbox.fail({ endpoint: 'create', status: 429 })
    await clock.advance(46 * MINUTE)
    if (restarted) {
      await now(auth.close())
      client()
    }
    await clock.advance(12 * MINUTE)
    expect(tokenRequests()).toBe('create 200, refresh 502, refresh 401, create 429, create 200')
  })
})
