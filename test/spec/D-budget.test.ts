import { describe, expect, it } from 'vitest'
import { sleep } from '../../src/clock.ts'
import { type AuthClientOptions, createAuthClient } from '../../src/index.ts'
import { createSandbox, synchronousSigner } from '../../src/sandbox/index.ts'
import { virtualClock } from '../../src/testing.ts'
import {
  BASE_URL,
  createWorld,
  MINUTE,
  PASSWORD,
  SECOND,
  USERNAME,
  WHO_AM_I,
  type World,
  type WorldOptions,
} from '../support/world.ts'

const EXHAUSTED = { code: 'BUDGET_EXHAUSTED' }
const force = { forceRefresh: true } as const
const OTHER = { username: 'other', password: 'other-password' }
const users = [{ username: USERNAME, password: PASSWORD }, OTHER]

/** A world in which a create, four refreshes and five validates were just sent. */
async function fullWorld(options: WorldOptions = {}): Promise<World> {
  const world = createWorld({ ...options, sandbox: { throttle: false, users, ...options.sandbox } })
  const { auth, now } = world
  await now(auth.getAccessToken())
  for (let sends = 0; sends < 4; sends++) await now(auth.getAccessToken(force))
  for (let sends = 0; sends < 5; sends++) await now(auth.validate())
  expect(world.log()).toHaveLength(10)
  return world
}

describe('D-budget', () => {
  it('counts create, refresh and validate', async () => {
    const { auth, clock, refused } = await fullWorld()
    expect(auth.status().budgetLeft).toBe(0)
    const retryAtMs = clock.now() + MINUTE
    expect(await refused(auth.getAccessToken({ ...force, timeoutMs: 30 * SECOND }))).toMatchObject({
      ...EXHAUSTED,
      retryAtMs,
    })
    expect(await refused(auth.validate({ timeoutMs: 30 * SECOND }))).toMatchObject({ ...EXHAUSTED, retryAtMs })
  })

  it('waits for the slot when it fits the time-out', async () => {
    const { auth, clock, log, now, peek, times } = await fullWorld()
    const forced = auth.getAccessToken(force)
    const validated = auth.validate()
    await clock.advance(MINUTE - 1)
    expect([await peek(forced), await peek(validated)]).toEqual([undefined, undefined])
    expect(log()).toHaveLength(10)
    await clock.advance(1)
    await now(Promise.all([forced, validated]))
    expect(times('create', 'refresh', 'validate').slice(10)).toEqual([MINUTE, MINUTE])
  })

  it('frees each slot 60 s after it was taken', async () => {
    const { auth, clock, now, refused } = createWorld({ sandbox: { throttle: false } })
    await now(auth.getAccessToken())
    for (let sends = 1; sends < 10; sends++) {
      await clock.advance(5 * SECOND)
      await now(auth.validate())
    }
    await clock.advance(5 * SECOND)
    const { retryAtMs = 0 } = await refused(auth.validate({ timeoutMs: SECOND }))
    expect(retryAtMs - clock.now()).toBe(10 * SECOND)
    await clock.advance(10 * SECOND)
    await now(auth.validate())
    expect((await refused(auth.validate({ timeoutMs: SECOND }))).retryAtMs).toBe(clock.now() + 5 * SECOND)
  })

  it('is shared by all clients of the account, through the store', async () => {
    const { client, refused } = await fullWorld()
    const second = client()
    expect(await refused(second.getAccessToken({ ...force, timeoutMs: SECOND }))).toMatchObject(EXHAUSTED)
  })

  it('is kept through a restart', async () => {
    const { auth, client, clock, now, refused } = await fullWorld()
    await now(auth.close())
    await clock.advance(10 * SECOND)
    const error = await refused(client().validate({ timeoutMs: SECOND }))
    expect(error).toMatchObject({ ...EXHAUSTED, retryAtMs: clock.now() + 50 * SECOND })
  })

  it('is of its own for another account', async () => {
    const { client, now } = await fullWorld()
    await now(client({ credentials: OTHER }).getAccessToken())
  })

  it('does not count API requests', async () => {
    const { auth, clock, now, log } = createWorld()
    for (let calls = 0; calls < 30; calls++) await now(auth.fetchLike(WHO_AM_I))
    await clock.advance(SECOND)
    await now(auth.getAccessToken(force))
    expect(log('api')).toHaveLength(30)
  })

  it("counts API requests too with budgetCounts 'all'", async () => {
    const { auth, clock, now, peek, log } = createWorld({ policy: { budgetCounts: 'all' } })
    for (let calls = 0; calls < 9; calls++) await now(auth.fetchLike(WHO_AM_I))
    expect(auth.status().budgetLeft).toBe(0)
    const eleventh = auth.fetchLike(WHO_AM_I)
    await peek(eleventh)
    expect(log()).toHaveLength(10)
    await clock.advance(MINUTE)
    expect((await now(eleventh)).status).toBe(200)
  })

  it("keeps a token request back for API requests with budgetCounts 'all'", async () => {
    const { auth, clock, now, refused } = createWorld({ policy: { budgetCounts: 'all' } })
    for (let calls = 0; calls < 9; calls++) await now(auth.fetchLike(WHO_AM_I))
    const retryAtMs = clock.now() + MINUTE
    expect(await refused(auth.getAccessToken({ ...force, timeoutMs: SECOND }))).toMatchObject({
      ...EXHAUSTED,
      retryAtMs,
    })
  })

  it("counts the replay of an API request with budgetCounts 'all'", async () => {
    const { auth, clock, now, sandbox } = createWorld({ policy: { budgetCounts: 'all' } })
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.revokeAll('access')
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    expect(auth.status().budgetLeft).toBe(7)
  })

  it("shares API requests among clients through the store with budgetCounts 'all'", async () => {
    const { auth, client, clock, now, peek, log } = createWorld({ policy: { budgetCounts: 'all' } })
    for (let calls = 0; calls < 9; calls++) await now(auth.fetchLike(WHO_AM_I))
    const waiting = client().fetchLike(WHO_AM_I)
    await peek(waiting)
    expect(log()).toHaveLength(10)
    await clock.advance(MINUTE)
    expect((await now(waiting)).status).toBe(200)
  })

  it("is one for all accounts at an origin with budgetScope 'origin'", async () => {
    const { client, refused, log } = await fullWorld({ policy: { budgetScope: 'origin' } })
    const other = client({ credentials: OTHER })
    expect(await refused(other.getAccessToken({ timeoutMs: SECOND }))).toMatchObject(EXHAUSTED)
    expect(log()).toHaveLength(10)
  })

  it('does not spin at the moment a slot frees, whatever fraction of a millisecond it falls on', async () => {
    const clock = virtualClock()
    const sandbox = createSandbox({ clock, signer: synchronousSigner, accessLifetimeS: 2 })
    let looks = 0
    let lookedAtMs = -1
    let spins = false
    const monotonic = () => {
      const atMs = clock.monotonic()
      looks = atMs === lookedAtMs ? looks + 1 : 0
      lookedAtMs = atMs
      spins ||= looks > 20_000
      // A client that spins would take the test run with it.
      if (spins) throw new Error('it spins')
      return atMs
    }
    const options: AuthClientOptions = {
      baseURL: BASE_URL,
      credentials: { username: USERNAME, password: PASSWORD },
      fetch: sandbox.fetch,
      clock: { ...clock, monotonic },
      random: () => 0.5,
    }
    const auth = createAuthClient(options)
    for (let second = 0; second < 300 && !spins; second++) {
      auth.getAccessToken({ timeoutMs: 500 }).catch(() => {})
      await clock.advance(SECOND)
    }
    expect(spins).toBe(false)
  })

  it('keeps the slot of a killed process for as long as the server may take to count its request', async () => {
    const { auth, mortal, clock, now, refused, sandbox, log } = createWorld({ sandbox: { throttle: false } })
    await now(auth.getAccessToken())
    const doomed = mortal()
    sandbox.fail({ endpoint: 'refresh', latencyMs: 25 * SECOND })
    doomed.auth.getAccessToken(force).catch(() => {})
    await clock.advance(SECOND)
    doomed.kill()
    // The server counts the killed refresh at 25 s. By 61 s nine more fit into its window of 60 s, but no tenth.
    await clock.advance(60 * SECOND)
    for (let sends = 0; sends < 9; sends++) await now(auth.validate())
    expect(await refused(auth.validate({ timeoutMs: SECOND }))).toMatchObject(EXHAUSTED)
    const countedMs = log().map(({ endpoint, atMs }) => (endpoint === 'refresh' ? atMs + 25 * SECOND : atMs))
    const lastMs = Math.max(...countedMs)
    expect(countedMs.filter((atMs) => atMs > lastMs - MINUTE)).toHaveLength(10)
  })

  it('frees no slot early because a read took its time on the way back', async () => {
    let backMs = 500
    const world = createWorld({
      sandbox: { throttle: false },
      store: (memory) => ({
        ...memory,
        async read(account) {
          const answer = await memory.read(account)
          if (backMs > 0) await sleep(world.clock, backMs)
          return answer
        },
      }),
    })
    const { auth, clock, log, within } = world
    await within(10 * SECOND, auth.getAccessToken())
    for (let sends = 1; sends < 10; sends++) await within(2 * SECOND, auth.validate())
    backMs = 0
    const [first] = log()
    await clock.advanceTo((first?.atMs ?? 0) + MINUTE - SECOND)
    const eleventh = auth.validate()
    await within(10 * SECOND, eleventh)
    expect((log()[10]?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(MINUTE)
  })
})
