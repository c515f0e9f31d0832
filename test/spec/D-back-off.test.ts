import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, PASSWORD, SECOND, USERNAME } from '../support/world.ts'

describe('D-back-off', () => {
  it.each([
    [0, [30, 60, 120, 240, 480, 600, 600]],
    [0.5, [37.5, 75, 150, 300, 600, 750, 750]],
    [0.999_999, [45, 90, 180, 360, 720, 900, 900]],
  ])('draw %d: doubles from 30 s to 10 min, times 1.0 to 1.5', async (draw, seconds) => {
    const { auth, sandbox, clock, refused, times } = createWorld({ client: { random: () => draw } })
    sandbox.fail({ endpoint: 'create', status: 502, times: Number.POSITIVE_INFINITY })
    for (const _ of [...seconds, 'once more']) {
      const { retryAtMs = 0 } = await refused(auth.getAccessToken())
      await clock.advanceTo(retryAtMs)
    }
    const sentMs = times('create')
    const gaps = sentMs.slice(1).map((atMs, i) => (atMs - (sentMs[i] ?? 0)) / SECOND)
    expect(gaps).toHaveLength(seconds.length)
    for (const [i, gap] of gaps.entries()) expect(gap).toBeCloseTo(seconds[i] ?? 0, 2)
  })

  it.each([0, 0.3, 0.999_999])('draw %d: is never shorter than it says', async (draw) => {
    const { auth, sandbox, clock, peek, refused, times } = createWorld({ client: { random: () => draw } })
    sandbox.fail({ endpoint: 'create', status: 502, times: 2 })
    const { retryAtMs = 0 } = await refused(auth.getAccessToken())
    const lengthMs = retryAtMs - clock.now()
    expect(lengthMs).toBeGreaterThanOrEqual(30 * SECOND)
    for (let waitedMs = 0; waitedMs < lengthMs; waitedMs += SECOND) {
      await peek(auth.getAccessToken())
      await clock.advance(SECOND)
    }
    await peek(auth.getAccessToken())
    expect(times('create')).toHaveLength(2)
    expect(times('create')[1]).toBeGreaterThanOrEqual(lengthMs)
  })

  it('counts from the answer', async () => {
    const { auth, sandbox, clock, refused } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', status: 502, latencyMs: 10 * SECOND, replyLatencyMs: 10 * SECOND })
    const startMs = clock.now()
    expect((await refused(auth.getAccessToken(), 20 * SECOND)).retryAtMs).toBe(startMs + 50 * SECOND)
  })

  it('a grant ends the doubling', async () => {
    const { auth, sandbox, clock, now, refused } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', status: 502, times: 3 })
    for (let i = 0; i < 3; i++) await clock.advanceTo((await refused(auth.getAccessToken())).retryAtMs ?? 0)
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    const error = await refused(auth.getAccessToken({ forceRefresh: true }))
    expect(error.retryAtMs).toBe(clock.now() + 30 * SECOND)
  })

  it('survives restarts, its step too', async () => {
    const { client, sandbox, clock, now, refused, times } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', status: 502, times: 5 })
    for (let start = 0; start < 5; start++) {
      const auth = client()
      const { retryAtMs = 0 } = await refused(auth.getAccessToken())
      await now(auth.close())
      const hasty = client()
      expect(await refused(hasty.getAccessToken())).toMatchObject({ code: 'UNAVAILABLE', retryAtMs })
      await now(hasty.close())
      await clock.advanceTo(retryAtMs)
    }
    expect(times('create')).toEqual([0, 30, 90, 210, 450].map((second) => second * SECOND))
  })

  it('other processes keep it', async () => {
    const { auth, client, sandbox, clock, refused, tokenRequests } = createWorld({ client: { random: () => 0 } })
    const other = client()
    await clock.settle()
    sandbox.fail({ endpoint: 'create', status: 502 })
    const { retryAtMs } = await refused(auth.getAccessToken())
    expect(await refused(other.getAccessToken())).toMatchObject({ code: 'UNAVAILABLE', retryAtMs })
    expect(tokenRequests()).toBe('create 502')
  })

  describe('while it runs no refresh starts', () => {
    const backingOff = async () => {
      const world = createWorld({ client: { random: () => 0 } })
      await world.now(world.auth.getAccessToken())
      await world.clock.advance(2 * MINUTE)
      world.sandbox.fail({ endpoint: 'refresh', status: 502 })
      const { retryAtMs = 0 } = await world.refused(world.auth.getAccessToken({ forceRefresh: true }))
      const unchanged = () => expect(world.tokenRequests()).toBe('create 200, refresh 502')
      return { ...world, retryAtMs, unchanged }
    }

    it('by a caller who forces one', async () => {
      const { auth, refused, retryAtMs, unchanged } = await backingOff()
      const error = await refused(auth.getAccessToken({ forceRefresh: true }))
      expect(error).toMatchObject({ code: 'UNAVAILABLE', clause: 'D-back-off', retryAtMs })
      unchanged()
    })

    it('by a rejection', async () => {
      const { sandbox, clock, call, now, refused, retryAtMs, unchanged, tokenRequests } = await backingOff()
      sandbox.revokeAll('access')
      expect(await refused(call())).toMatchObject({ code: 'UNAVAILABLE', status: 401, retryAtMs })
      unchanged()
      await clock.advance(30 * SECOND)
      expect(await now(call())).toBe(200)
      expect(tokenRequests()).toBe('create 200, refresh 502, refresh 200')
    })

    it('by waking, or by a demand after it', async () => {
      const { auth, clock, refused, unchanged } = await backingOff()
      clock.suspend(2 * HOUR)
      await clock.settle()
      expect((await refused(auth.getAccessToken())).code).toBe('UNAVAILABLE')
      unchanged()
    })

    it('by a restart', async () => {
      const { auth, client, now, unchanged, clock } = await backingOff()
      await now(auth.close())
      const restarted = client()
      await now(restarted.getAccessToken())
      await clock.advance(29 * SECOND)
      unchanged()
    })

    it('by a timer: a refresh that comes due waits for its end', async () => {
      const { auth, sandbox, clock, now, refused, times } = createWorld({ client: { random: () => 0 } })
      await now(auth.getAccessToken())
      await clock.advance(45 * MINUTE - SECOND)
      sandbox.fail({ endpoint: 'refresh', status: 502 })
      await refused(auth.getAccessToken({ forceRefresh: true }))
      await clock.advance(MINUTE)
      expect(times('refresh')).toEqual([45 * MINUTE - SECOND, 45 * MINUTE + 29 * SECOND])
    })

    it('by a sign-in with the same credentials', async () => {
      const { auth, clock, refused, retryAtMs, unchanged } = await backingOff()
      clock.suspend(2 * HOUR)
      expect((await refused(auth.signIn())).code).toBe('UNAVAILABLE')
      expect(retryAtMs).toBeGreaterThan(0)
      unchanged()
    })

    it('but a sign-in with other credentials goes out', async () => {
      const { auth, sandbox, now, tokenRequests } = await backingOff()
      sandbox.setPassword(USERNAME, 'another-password')
      await now(auth.signIn({ username: USERNAME, password: 'another-password' }))
      expect(tokenRequests()).toBe('create 200, refresh 502, create 200')
    })

    it('and validate, which is neither, goes out', async () => {
      const { auth, now, tokenRequests } = await backingOff()
      expect(await now(auth.validate())).toMatchObject({ valid: true })
      expect(tokenRequests()).toBe('create 200, refresh 502, validate 200')
    })
  })

  it('a failed create backs off the next refresh, and a failed refresh the next create', async () => {
    const { auth, sandbox, clock, now, refused, tokenRequests } = createWorld({ client: { random: () => 0 } })
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    clock.suspend(24 * HOUR - MINUTE)
    await refused(auth.getAccessToken())
    await clock.advance(29 * SECOND)
    expect((await refused(auth.getAccessToken())).code).toBe('UNAVAILABLE')
    await clock.advance(SECOND)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200, refresh 502, create 200')
  })

  it('the wall clock may be set: its length is the same', async () => {
    const { auth, sandbox, clock, now, refused, times } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', status: 502 })
    await refused(auth.getAccessToken())
    clock.jumpWall(-2 * HOUR)
    await clock.advance(30 * SECOND)
    await now(auth.getAccessToken())
    expect(times('create')).toEqual([0, 30 * SECOND - 2 * HOUR])
  })

  it('the password is the same one: nothing is sent', async () => {
    const { auth, sandbox, refused, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 502 })
    await refused(auth.getAccessToken())
    expect((await refused(auth.signIn({ username: USERNAME, password: PASSWORD }))).code).toBe('UNAVAILABLE')
    expect(tokenRequests()).toBe('create 502')
  })
})
