import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

/** The refresh is due after one hour, long before the access token expires. */
const LONG_ACCESS = { accessLifetimeS: 48 * 3600, refreshLifetimeS: 2 * 3600 }

describe('D-refresh-unavailable', () => {
  it('three proactive 502s and recovery: nobody notices', async () => {
    const { auth, sandbox, clock, now, call, times, tokenRequests, log } = createWorld({ client: { random: () => 0 } })
    await now(call())
    sandbox.fail({ endpoint: 'refresh', status: 502, times: 3 })
    for (let second = 0; second < HOUR / SECOND; second += 15) {
      await clock.advance(15 * SECOND)
      expect(await now(call())).toBe(200)
      expect(auth.status().state).toBe('valid')
    }
    expect(tokenRequests()).toBe('create 200, refresh 502, refresh 502, refresh 502, refresh 200')
    expect(times('refresh')).toEqual([45, 45.5, 46.5, 48.5].map((minute) => minute * MINUTE))
    expect(log('refresh')).toMatchObject([{}, {}, {}, { refreshJti: log('create')[0]?.grantedRefreshJti }])
  })

  it.each([
    ['500', { status: 500 }],
    ['504', { status: 504 }],
    ['no connection', { drop: 'before' }],
    ['no JSON', { status: 200, body: 'hello' }],
    ['no access token', { status: 200, body: { refresh: 'something' } }],
    ['a lifetime of zero', { status: 200, body: { access: 'a', refresh: 'b', access_expiry_seconds: 0 } }],
  ] as const)('%s: both tokens are kept, the timer tries again after the back-off', async (_what, fault) => {
    const { auth, sandbox, clock, now, call, log, times } = createWorld({ client: { random: () => 0 } })
    await now(call())
    sandbox.fail({ endpoint: 'refresh', ...fault })
    await clock.advance(45 * MINUTE)
    expect(await now(call())).toBe(200)
    expect(auth.status()).toMatchObject({ state: 'valid', gate: 'backingOff', lastError: { code: 'UNAVAILABLE' } })
    await clock.advance(MINUTE)
    expect(times('refresh')).toEqual([45 * MINUTE, 45.5 * MINUTE])
    expect(log('refresh')[1]).toMatchObject({ status: 200, refreshJti: log('create')[0]?.grantedRefreshJti })
    expect(log('create')).toHaveLength(1)
  })

  it('a time-out: likewise, counted from its end', async () => {
    const { sandbox, clock, now, call, times } = createWorld({ client: { random: () => 0 } })
    await now(call())
    sandbox.fail({ endpoint: 'refresh', hang: 'before' })
    await clock.advance(47 * MINUTE)
    expect(times('refresh')).toEqual([45 * MINUTE, 46 * MINUTE])
  })

  it('the timer tries six times a generation', async () => {
    const { auth, sandbox, clock, now, times, log } = createWorld({ sandbox: LONG_ACCESS, client: { random: () => 0 } })
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502, times: Number.POSITIVE_INFINITY })
    await clock.advance(24 * HOUR)
    expect(times('refresh')).toEqual([0, 0.5, 1.5, 3.5, 7.5, 15.5].map((minute) => HOUR + minute * MINUTE))
    expect(log('create')).toHaveLength(1)
    expect(auth.status().state).toBe('valid')
  })

  it('the next generation has its own six', async () => {
    const { auth, sandbox, clock, now, log } = createWorld({ sandbox: LONG_ACCESS, client: { random: () => 0 } })
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502, times: 5 })
    await clock.advance(1.5 * HOUR)
    sandbox.fail({ endpoint: 'refresh', status: 502, times: Number.POSITIVE_INFINITY })
    await clock.advance(24 * HOUR)
    expect(log('refresh').map(({ status }) => status)).toEqual([...Array(5).fill(502), 200, ...Array(6).fill(502)])
  })

  it('restarts do not start the count anew', async () => {
    const { auth, client, sandbox, clock, now, times } = createWorld({
      sandbox: LONG_ACCESS,
      client: { random: () => 0 },
    })
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502, times: Number.POSITIVE_INFINITY })
    await clock.advance(HOUR + 2 * MINUTE)
    await now(auth.close())
    for (let restart = 0; restart < 10; restart++) {
      const restarted = client()
      await now(restarted.getAccessToken())
      await clock.advance(HOUR)
      await now(restarted.close())
    }
    expect(times('refresh')).toHaveLength(6)
  })

  it('callers who force a refresh may go on after the six', async () => {
    const { auth, sandbox, clock, now, log } = createWorld({ sandbox: LONG_ACCESS, client: { random: () => 0 } })
    const first = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502, times: 6 })
    await clock.advance(1.75 * HOUR)
    expect(log('refresh')).toHaveLength(6)
    expect(await now(auth.getAccessToken({ forceRefresh: true }))).not.toBe(first)
  })

  it('callers who force refreshes do not use up the attempts of the timer', async () => {
    const { auth, sandbox, clock, now, refused, times } = createWorld({ client: { random: () => 0 } })
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502, times: 6 })
    for (let i = 0; i < 6; i++)
      await clock.advanceTo((await refused(auth.getAccessToken({ forceRefresh: true }))).retryAtMs ?? 0)
    await clock.advance(HOUR)
    expect(times('refresh')).toHaveLength(7)
    expect(times('refresh')[6]).toBe(45 * MINUTE)
  })

  describe('the access token is not usable', () => {
    const expiredWorld = async () => {
      const world = createWorld({ client: { random: () => 0 } })
      await world.now(world.auth.getAccessToken())
      world.clock.suspend(2 * HOUR)
      world.sandbox.fail({ endpoint: 'refresh', status: 502 })
      return world
    }

    it('those who wait get the error, with the time', async () => {
      const { auth, clock, peek, tokenRequests } = await expiredWorld()
      const ends = await Promise.all(Array.from({ length: 5 }, () => peek(auth.getAccessToken())))
      for (const end of ends)
        expect(end?.error).toMatchObject({ code: 'UNAVAILABLE', retryAtMs: clock.now() + 30 * SECOND })
      expect(auth.status().state).toBe('stale')
      expect(tokenRequests()).toBe('create 200, refresh 502')
    })

    it('those who would wait for a pause get it too: a back-off is not waited for', async () => {
      const { auth, refused } = await expiredWorld()
      expect((await refused(auth.getAccessToken({ waitForPause: true }))).code).toBe('UNAVAILABLE')
    })

    it('nothing follows without a new demand', async () => {
      const { auth, clock, refused, tokenRequests } = await expiredWorld()
      await refused(auth.getAccessToken())
      await clock.advance(12 * HOUR)
      expect(tokenRequests()).toBe('create 200, refresh 502')
    })

    it('a new demand during the back-off gets the error, one after it refreshes', async () => {
      const { auth, clock, now, refused, log, tokenRequests } = await expiredWorld()
      const { retryAtMs } = await refused(auth.getAccessToken())
      await clock.advance(30 * SECOND - 1)
      expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'UNAVAILABLE', retryAtMs })
      expect(tokenRequests()).toBe('create 200, refresh 502')
      await clock.advance(1)
      await now(auth.getAccessToken())
      expect(tokenRequests()).toBe('create 200, refresh 502, refresh 200')
      expect(log('refresh')[1]?.refreshJti).toBe(log('create')[0]?.grantedRefreshJti)
    })

    it('new demands may go on trying after six attempts', async () => {
      const { auth, sandbox, clock, now, refused, log } = await expiredWorld()
      sandbox.fail({ endpoint: 'refresh', status: 502, times: 7 })
      for (let i = 0; i < 8; i++) {
        const { retryAtMs = 0 } = await refused(auth.getAccessToken())
        await clock.advanceTo(retryAtMs)
      }
      await now(auth.getAccessToken())
      expect(log('refresh')).toHaveLength(9)
      expect(log('create')).toHaveLength(1)
    })
  })

  it('an access token that expires between two attempts: no timer goes on, a new demand does', async () => {
    const { auth, sandbox, clock, now, times } = createWorld({ client: { random: () => 0 } })
    await now(auth.getAccessToken())
    const mend = sandbox.fail({ endpoint: 'refresh', status: 502, times: Number.POSITIVE_INFINITY })
    await clock.advance(5 * HOUR)
    expect(times('refresh')).toEqual([45, 45.5, 46.5, 48.5, 52.5].map((minute) => minute * MINUTE))
    expect(auth.status().state).toBe('stale')
    mend()
    await now(auth.getAccessToken())
    expect(times('refresh').at(-1)).toBe(5 * HOUR)
  })

  it('an attempt of a timer whose process was killed counts too', async () => {
    const world = createWorld({ client: { random: () => 0 } })
    const { auth, mortal, client, sandbox, clock, now, log } = world
    await now(auth.getAccessToken())
    await now(auth.close())
    sandbox.fail({ endpoint: 'refresh', latencyMs: 20 * SECOND, status: 502, times: Number.POSITIVE_INFINITY })
    // The first ones at 45 minutes, each killed in the middle.
    await clock.advance(44 * MINUTE)
    for (let attempt = 0; attempt < 6; attempt++) {
      const doomed = mortal()
      await clock.advance(70 * SECOND)
      doomed.kill()
    }
    const attempts = log('refresh').length
    expect(attempts).toBe(6)
    client()
    await clock.advance(HOUR)
    expect(log('refresh')).toHaveLength(6)
  })
})
