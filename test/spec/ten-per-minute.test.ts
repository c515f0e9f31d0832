import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, SECOND } from '../support/world.ts'

/** The most requests that fall into any 60 s; one exactly 60 s after another is outside. */
const mostInAMinute = (timesMs: readonly number[]) =>
  Math.max(0, ...timesMs.map((fromMs) => timesMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + MINUTE).length))

describe('ten-per-minute', () => {
  it('the eleventh token request of a minute waits until the first is 60 s old', async () => {
    const { auth, now, peek, within, times, log } = createWorld()
    await now(auth.getAccessToken())
    for (let i = 0; i < 9; i++) await now(auth.getAccessToken({ forceRefresh: true }))
    const eleventh = auth.getAccessToken({ forceRefresh: true })
    expect(await peek(eleventh)).toBeUndefined()
    await within(MINUTE, eleventh)
    expect(times('create', 'refresh')).toEqual([...Array(10).fill(0), MINUTE])
    expect(log().every(({ status }) => status === 200)).toBe(true)
  })

  it('slides: no minute sees more than ten, whatever is asked for', async () => {
    const { auth, clock, peek, times, log } = createWorld()
    await peek(auth.getAccessToken())
    for (let second = 0; second < 600; second += 2) {
      await peek(auth.getAccessToken({ forceRefresh: true, timeoutMs: 5 * SECOND }))
      await clock.advance(2 * SECOND)
    }
    const sentMs = times('create', 'refresh')
    expect(mostInAMinute(sentMs)).toBe(10)
    expect(sentMs.length).toBeGreaterThan(80)
    expect(log().every(({ status }) => status === 200)).toBe(true)
  })

  it('counts create, refresh and validate alike', async () => {
    const { auth, now, refused, tokenRequests, clock } = createWorld()
    await now(auth.getAccessToken())
    for (let i = 0; i < 4; i++) await now(auth.getAccessToken({ forceRefresh: true }))
    for (let i = 0; i < 5; i++) await now(auth.validate())
    const error = await refused(auth.validate({ timeoutMs: 10 * SECOND }))
    expect(error).toMatchObject({
      code: 'BUDGET_EXHAUSTED',
      clause: 'ten-per-minute',
      retryAtMs: clock.now() + MINUTE,
    })
    expect(tokenRequests().split(', ')).toHaveLength(10)
    expect(auth.status().budgetLeft).toBe(0)
  })

  it('counts requests that failed', async () => {
    const { auth, sandbox, peek } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 502 })
    await peek(auth.getAccessToken())
    expect(auth.status().budgetLeft).toBe(9)
  })

  it('does not count API requests', async () => {
    const { auth, call, now } = createWorld()
    for (let i = 0; i < 50; i++) expect(await now(call())).toBe(200)
    expect(auth.status().budgetLeft).toBe(9)
  })

  it('holds across restarts and clients of one store', async () => {
    const { client, clock, peek, times, log } = createWorld()
    for (let second = 0; second < 180; second += 3) {
      const restarted = client()
      await peek(restarted.getAccessToken())
      await peek(restarted.getAccessToken({ forceRefresh: true, timeoutMs: 2 * SECOND }))
      await clock.advance(3 * SECOND)
    }
    expect(mostInAMinute(times('create', 'refresh'))).toBe(10)
    expect(log().every(({ status }) => status === 200)).toBe(true)
  })

  it('a slow request counts from its answer, for nobody knows when the server counted it', async () => {
    const { auth, sandbox, clock, now, peek, within, times } = createWorld()
    sandbox.fail({ endpoint: 'create', latencyMs: 20 * SECOND })
    await within(20 * SECOND, auth.getAccessToken())
    for (let i = 0; i < 9; i++) await now(auth.getAccessToken({ forceRefresh: true }))
    const eleventh = auth.getAccessToken({ forceRefresh: true })
    await clock.advance(MINUTE - 1)
    expect(await peek(eleventh)).toBeUndefined()
    await within(1, eleventh)
    expect(times('refresh').at(-1)).toBe(80 * SECOND)
  })
})
