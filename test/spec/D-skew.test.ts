import { describe, expect, it } from 'vitest'
import type { TokenStore } from '../../src/index.ts'
import { createWorld, HOUR, MINUTE, SECOND, type World } from '../support/world.ts'

const onDemand = { proactive: 'onDemand' } as const

const expiredSends = ({ log }: World) => log('api').filter(({ atMs, accessExpAtMs = 0 }) => atMs >= accessExpAtMs)

/** A world whose store is a server: it keeps its time while this machine sleeps. */
function serverTimeWorld() {
  let nowMs = () => 0
  const store = (memory: TokenStore): TokenStore => ({
    ...memory,
    read: async (account) => ({ record: (await memory.read(account)).record, nowMs: nowMs() }),
  })
  const world = createWorld({ store, policy: onDemand, client: { random: () => 0 } })
  nowMs = () => world.clock.now()
  return world
}

describe('D-skew', () => {
  it('does not send an access token in the 30 s before its expiry', async () => {
    const { auth, clock, now, sandbox, tokenRequests } = createWorld()
    const token = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502, times: 99 })
    await clock.advance(HOUR - 30 * SECOND - 1)
    expect(await now(auth.getAccessToken())).toBe(token)
    sandbox.clearFaults()
    await clock.advance(1)
    await clock.advance(10 * MINUTE)
    expect(await now(auth.getAccessToken())).not.toBe(token)
    expect(tokenRequests()).toMatch(/^create 200, refresh 502.*refresh 200$/)
  })

  it('does not send a refresh token in the 30 s before its expiry', async () => {
    const early = createWorld({ policy: onDemand })
    await early.now(early.auth.getAccessToken())
    await early.clock.advance(24 * HOUR - 30 * SECOND - 1)
    await early.now(early.auth.getAccessToken())
    expect(early.tokenRequests()).toBe('create 200, refresh 200')

    const late = createWorld({ policy: onDemand })
    await late.now(late.auth.getAccessToken())
    await late.clock.advance(24 * HOUR - 30 * SECOND)
    await late.now(late.auth.getAccessToken())
    expect(late.tokenRequests()).toBe('create 200, create 200')
  })

  it.each([90 * SECOND, -90 * SECOND, 0])('reports a server that is %d ms ahead', async (skewMs) => {
    const { auth, now } = createWorld({ sandbox: { skewMs } })
    await now(auth.getAccessToken())
    expect(auth.status().skewMs).toBe(skewMs)
  })

  it.each([5 * MINUTE, -5 * MINUTE])('lives with a server whose clock is %d ms ahead', async (skewMs) => {
    const world = createWorld({ sandbox: { skewMs } })
    const { auth, clock, log, now } = world
    const sentMs = clock.now()
    await now(auth.getAccessToken())
    expect(auth.status().usableUntilMs).toBe(sentMs + HOUR - 30 * SECOND)
    for (let minute = 0; minute < 180; minute++) {
      expect(await now(world.call())).toBe(200)
      await clock.advance(MINUTE)
    }
    expect(log('create')).toHaveLength(1)
    expect(log('refresh')).toHaveLength(3)
  })

  it.each([
    ['the clock jumps two hours ahead', 2 * HOUR, 'create 200, refresh 200'],
    ['the machine sleeps eight hours', 8 * HOUR, 'create 200, refresh 200'],
    ['the machine sleeps two days', 48 * HOUR, 'create 200, create 200'],
  ])('does not send the dead token when %s', async (_, ms, expected) => {
    const world = createWorld()
    const { auth, clock, now, tokenRequests } = world
    await now(auth.getAccessToken())
    await clock.advance(10 * MINUTE)
    clock.suspend(ms)
    expect(await now(world.call())).toBe(200)
    expect(tokenRequests()).toBe(expected)
    expect(expiredSends(world)).toEqual([])
  })

  it('does not send the dead token when nobody tells that the clock jumped', async () => {
    const world = createWorld()
    const { auth, clock, now, tokenRequests } = world
    const silent = world.client({ clock: { ...clock, onWake: () => () => {} }, account: 'another' })
    await now(silent.getAccessToken())
    clock.suspend(2 * HOUR)
    expect(await now(world.call(silent))).toBe(200)
    expect(tokenRequests()).toBe('create 200, refresh 200')
    expect(expiredSends(world)).toEqual([])
    await now(auth.close())
  })

  it('keeps the proactive refresh when the clock is set back two hours', async () => {
    const { auth, clock, log, now } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(10 * MINUTE)
    clock.jumpWall(-2 * HOUR)
    await clock.advance(40 * MINUTE)
    expect(log('refresh')).toHaveLength(1)
  })

  it('takes a token for expired by the monotonic clock though the wall clock was set back', async () => {
    const { auth, clock, now, tokenRequests } = createWorld({ policy: onDemand })
    const token = await now(auth.getAccessToken())
    clock.jumpWall(-2 * HOUR)
    await clock.advance(HOUR)
    expect(await now(auth.getAccessToken())).not.toBe(token)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it.each([2 * HOUR, -2 * HOUR])('keeps the pause when the clock jumps by %d ms', async (jumpMs) => {
    const { auth, clock, log, now, refused, sandbox } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 429 })
    await refused(auth.getAccessToken())
    await clock.advance(4 * MINUTE)
    clock.jumpWall(jumpMs)
    const { code, retryAtMs } = await refused(auth.getAccessToken())
    expect({ code, leftMs: (retryAtMs ?? 0) - clock.now() }).toEqual({ code: 'THROTTLED', leftMs: 6 * MINUTE })
    await clock.advance(6 * MINUTE - 1)
    await refused(auth.getAccessToken())
    expect(log('create')).toHaveLength(1)
    await clock.advance(1)
    sandbox.resetThrottle()
    await now(auth.getAccessToken())
    expect(log('create')).toHaveLength(2)
  })

  it.each([2 * HOUR, -2 * HOUR])('keeps the back-off when the clock jumps by %d ms', async (jumpMs) => {
    const { auth, clock, log, now, refused, sandbox } = createWorld({ draws: [0] })
    sandbox.fail({ endpoint: 'create', status: 502 })
    await refused(auth.getAccessToken())
    const { retryAtMs = 0 } = await refused(auth.getAccessToken())
    const untilMs = clock.monotonic() + retryAtMs - clock.now()
    clock.jumpWall(jumpMs)
    await clock.advance(untilMs - clock.monotonic() - 1)
    expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'UNAVAILABLE', retryAtMs: clock.now() + 1 })
    expect(log('create')).toHaveLength(1)
    await clock.advance(1)
    await now(auth.getAccessToken())
    expect(log('create')).toHaveLength(2)
  })

  it.each([2 * HOUR, -2 * HOUR])('keeps the budget when the clock jumps by %d ms', async (jumpMs) => {
    const { auth, clock, now, refused } = createWorld({ sandbox: { throttle: false } })
    await now(auth.getAccessToken())
    for (let sends = 1; sends < 10; sends++) await now(auth.validate())
    await clock.advance(20 * SECOND)
    clock.jumpWall(jumpMs)
    // The pair may be dead by the wall clock: whatever has to be sent must wait.
    const { code, retryAtMs = 0 } = await refused(auth.getAccessToken({ forceRefresh: true, timeoutMs: 30 * SECOND }))
    expect({ code, leftMs: retryAtMs - clock.now() }).toEqual({ code: 'BUDGET_EXHAUSTED', leftMs: 40 * SECOND })
    expect(auth.status().budgetLeft).toBe(0)
  })

  it('reads a start in the future as now', async () => {
    let behindMs = 0
    const store = (memory: TokenStore): TokenStore => ({
      ...memory,
      read: async (account) => {
        const { record, nowMs } = await memory.read(account)
        return { record, nowMs: nowMs - behindMs }
      },
    })
    const { auth, client, clock, now, refused, sandbox } = createWorld({ store })
    sandbox.fail({ endpoint: 'create', status: 429 })
    await refused(auth.getAccessToken())
    await now(auth.close())
    behindMs = 3 * HOUR
    const restarted = client()
    const { code, retryAtMs } = await refused(restarted.getAccessToken())
    expect({ code, retryAtMs }).toEqual({ code: 'THROTTLED', retryAtMs: clock.now() + 10 * MINUTE })
  })

  it('a grant that was on its way while the machine slept is as old as it is, to the next process too', async () => {
    const world = serverTimeWorld()
    const { auth, call, client, clock, now, sandbox, within } = world
    sandbox.fail({ endpoint: 'create', replyLatencyMs: 5 * SECOND })
    // Whoever asked is gone by then: nobody looks at this token before it is stored.
    auth.getAccessToken({ timeoutMs: 500 }).catch(() => {})
    await clock.advance(SECOND)
    clock.suspend(2 * HOUR)
    // Another process writes: this one has to read again, and learns what time it is.
    await now(client().reset())
    await clock.advance(10 * SECOND)
    await now(auth.close())
    expect(await within(MINUTE, call(client()))).toBe(200)
    expect(expiredSends(world)).toEqual([])
  })

  it('such a grant is not older than it is either: a sleep counts once', async () => {
    const { auth, clock, sandbox } = serverTimeWorld()
    const sentMs = clock.now()
    sandbox.fail({ endpoint: 'create', replyLatencyMs: 5 * SECOND })
    const waiting = auth.getAccessToken()
    await clock.advance(SECOND)
    clock.suspend(20 * MINUTE)
    await clock.advance(5 * SECOND)
    await waiting
    expect(auth.status()).toMatchObject({
      usableUntilMs: sentMs + HOUR - 30 * SECOND,
      refreshUsableUntilMs: sentMs + 24 * HOUR - 30 * SECOND,
    })
  })

  it('a read that was on its way while the machine slept is made again: its time is past', async () => {
    const world = serverTimeWorld()
    const { auth, call, client, clock, now, store } = world
    await now(auth.getAccessToken())
    await now(auth.close())
    const gate = Promise.withResolvers<void>()
    const held = {
      ...store,
      async read(account: string) {
        const answer = await store.read(account)
        await gate.promise
        return answer
      },
    }
    const other = client({ store: held })
    await clock.settle()
    clock.suspend(50 * MINUTE)
    gate.resolve()
    expect(await now(call(other))).toBe(200)
    await clock.advance(20 * MINUTE)
    expect(await now(call(other))).toBe(200)
    expect(expiredSends(world)).toEqual([])
  })

  it('a 429 that comes after a sleep pauses the whole fleet from then on', async () => {
    const { auth, client, clock, refused, sandbox } = serverTimeWorld()
    sandbox.fail({ endpoint: 'create', status: 429, replyLatencyMs: 5 * SECOND })
    const waiting = auth.getAccessToken()
    waiting.catch(() => {})
    await clock.advance(SECOND)
    clock.suspend(8 * MINUTE)
    await clock.advance(4 * SECOND)
    const untilMs = clock.now() + 10 * MINUTE
    expect(await refused(waiting)).toMatchObject({ code: 'THROTTLED', retryAtMs: untilMs })
    await clock.advance(5 * MINUTE)
    expect(await refused(client().getAccessToken())).toMatchObject({ code: 'THROTTLED', retryAtMs: untilMs })
  })

  it('goes by the time of the store when that is not the time of this machine', async () => {
    const store = (memory: TokenStore): TokenStore => ({
      ...memory,
      read: async (account) => {
        const { record, nowMs } = await memory.read(account)
        return { record, nowMs: nowMs + 5 * HOUR }
      },
    })
    const { auth, client, clock, now, refused, sandbox } = createWorld({ store })
    sandbox.fail({ endpoint: 'create', status: 429 })
    await refused(auth.getAccessToken())
    await clock.advance(4 * MINUTE)
    const { retryAtMs } = await refused(client().getAccessToken())
    expect(retryAtMs).toBe(clock.now() + 6 * MINUTE)
    await now(auth.close())
  })
})
