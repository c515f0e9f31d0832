import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, SECOND, WHO_AM_I, type World } from '../support/world.ts'

const FORBIDDEN = '/api/v2/status/204/'
const poll = async ({ auth, now }: World) => (await now(auth.fetchLike(FORBIDDEN))).status

/** A world that refuses every token at one path, 60 s after its first grant. */
async function worldWithForbidden() {
  const world = createWorld()
  world.sandbox.fail({ endpoint: 'api', path: FORBIDDEN, status: 401, times: Number.POSITIVE_INFINITY })
  await world.now(world.auth.getAccessToken())
  await world.clock.advance(MINUTE)
  return world
}

describe('D-young-rejection', () => {
  it('hands the 401 for a token younger than 60 s to the caller, and keeps the token', async () => {
    const { auth, clock, log, now, sandbox } = createWorld()
    const token = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'api', status: 401 })
    await clock.advance(MINUTE - 1)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(401)
    expect(await now(auth.getAccessToken())).toBe(token)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    expect(log('create', 'refresh')).toHaveLength(1)
    expect(log('api')).toHaveLength(2)
  })

  it('refreshes for a token of 60 s', async () => {
    const { auth, clock, now, sandbox, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    sandbox.revokeAll('access')
    await clock.advance(MINUTE)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('hands over the 401 of a replay, and sends no more', async () => {
    const world = await worldWithForbidden()
    expect(await poll(world)).toBe(401)
    expect(world.tokenRequests()).toBe('create 200, refresh 200')
    expect(world.log('api')).toHaveLength(2)
  })

  it('backs off when the replay is refused too: the next rejections go to their callers', async () => {
    const world = await worldWithForbidden()
    const { auth, clock, log, now } = world
    for (let minute = 0; minute < 60; minute++) {
      expect(await poll(world)).toBe(401)
      await clock.advance(MINUTE)
    }
    // 30 s doubling to 10 min, times 1.25: nine in an hour.
    expect(log('refresh').length).toBeLessThanOrEqual(10)
    expect(log('refresh').length).toBeGreaterThanOrEqual(2)
    // The token is not marked: it still serves elsewhere.
    const sends = log('create', 'refresh').length
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    expect(log('create', 'refresh')).toHaveLength(sends)
  })

  it('waits longer each time, never shorter than 30 s', async () => {
    const world = createWorld({ draws: Array(40).fill(0), policy: { youngRejectionMs: 0 } })
    world.sandbox.fail({ endpoint: 'api', path: FORBIDDEN, status: 401, times: Number.POSITIVE_INFINITY })
    await world.now(world.auth.getAccessToken())
    for (let second = 0; second < 400; second++) {
      await poll(world)
      await world.clock.advance(SECOND)
    }
    expect(world.times('refresh').map((ms) => ms / SECOND)).toEqual([0, 30, 90, 210])
  })

  it('counts rejections again once an API request is accepted', async () => {
    const world = await worldWithForbidden()
    const { auth, clock, log, now } = world
    for (let minute = 1; minute < 4; minute++) {
      await poll(world)
      await clock.advance(MINUTE)
    }
    await poll(world)
    const refreshes = log('refresh').length
    await clock.advance(MINUTE)
    await poll(world)
    expect(log('refresh')).toHaveLength(refreshes)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    await poll(world)
    expect(log('refresh')).toHaveLength(refreshes + 1)
  })
})
