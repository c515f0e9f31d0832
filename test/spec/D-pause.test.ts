import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, SECOND } from '../support/world.ts'

const THROTTLED = { code: 'THROTTLED', clause: 'pause-after-429' }
const patient = { waitForPause: true, timeoutMs: 11 * MINUTE } as const

/** A world whose first sign-in was throttled just now. */
async function throttledWorld() {
  const world = createWorld()
  world.sandbox.fail({ endpoint: 'create', status: 429 })
  await world.refused(world.auth.getAccessToken())
  return world
}

describe('D-pause', () => {
  it('fails a demand at once, with the time', async () => {
    const { auth, clock, log, refused } = await throttledWorld()
    const retryAtMs = clock.now() + 10 * MINUTE
    await clock.advance(3 * MINUTE)
    expect(await refused(auth.getAccessToken())).toMatchObject({ ...THROTTLED, retryAtMs })
    expect(await refused(auth.fetchLike('/api/v2/whoami/'))).toMatchObject({ ...THROTTLED, retryAtMs })
    expect(log()).toHaveLength(1)
  })

  it('lets a demand with waitForPause wait, and signs in for it at the end', async () => {
    const { auth, clock, now, peek, times } = await throttledWorld()
    const token = auth.getAccessToken(patient)
    await clock.advance(10 * MINUTE - 1)
    expect(await peek(token)).toBeUndefined()
    await clock.advance(1)
    await now(token)
    expect(times('create')).toEqual([0, 10 * MINUTE])
  })

  it('repeats a throttled create for the one who still waits, who came before the 429', async () => {
    const { auth, clock, now, sandbox, times } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 429 })
    const waiting = auth.getAccessToken(patient)
    const atOnce = auth.getAccessToken()
    await expect(now(atOnce)).rejects.toMatchObject(THROTTLED)
    await clock.advance(10 * MINUTE)
    await now(waiting)
    expect(times('create')).toEqual([0, 10 * MINUTE])
  })

  it('sends nothing at the deadline when the last one who waits has left', async () => {
    const { auth, clock, log, peek } = await throttledWorld()
    const [first, second] = [new AbortController(), new AbortController()]
    const tokens = [first, second].map(({ signal }) => auth.getAccessToken({ ...patient, signal }))
    for (const token of tokens) token.catch(() => {})
    await clock.advance(MINUTE)
    first.abort()
    second.abort()
    await clock.advance(20 * MINUTE)
    expect(log()).toHaveLength(1)
    expect(await peek(Promise.any(tokens))).toMatchObject({ error: expect.anything() })
  })

  it('signs in at the deadline for the one who stays', async () => {
    const { auth, clock, log, now } = await throttledWorld()
    const leaving = new AbortController()
    const left = auth.getAccessToken({ ...patient, signal: leaving.signal })
    const stays = auth.getAccessToken(patient)
    leaving.abort()
    await expect(now(left)).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(10 * MINUTE)
    await now(stays)
    expect(log('create')).toHaveLength(2)
  })

  it('settles one who waits within its time-out, with the time of the pause', async () => {
    const { auth, clock, log, refused } = await throttledWorld()
    const retryAtMs = clock.now() + 10 * MINUTE
    const error = await refused(auth.getAccessToken({ waitForPause: true, timeoutMs: MINUTE }), MINUTE)
    expect(error).toMatchObject({ ...THROTTLED, retryAtMs })
    await clock.advance(20 * MINUTE)
    expect(log()).toHaveLength(1)
  })

  it('does not sign in after the pause when nobody asked to wait', async () => {
    const { clock, log } = await throttledWorld()
    await clock.advance(HALF_DAY)
    expect(log()).toHaveLength(1)
  })

  it('serves a usable token during the pause', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld()
    const token = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    await refused(auth.getAccessToken({ forceRefresh: true }))
    await clock.advance(5 * SECOND)
    expect(await now(auth.getAccessToken())).toBe(token)
  })

  it('takes the refresh up again by itself after the pause', async () => {
    const { auth, clock, now, sandbox, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    await clock.advance(50 * MINUTE)
    expect(tokenRequests()).toBe('create 200, refresh 429')
    await clock.advance(10 * MINUTE)
    expect(tokenRequests()).toBe('create 200, refresh 429, refresh 200')
  })
})

const HALF_DAY = 12 * 60 * MINUTE
