import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

const throttledWorld = async () => {
  const world = createWorld({ client: { random: () => 0 } })
  await world.now(world.auth.getAccessToken())
  world.sandbox.fail({ endpoint: 'refresh', status: 429, acts: false })
  await world.clock.advance(45 * MINUTE)
  expect(world.tokenRequests()).toBe('create 200, refresh 429')
  return world
}

describe('D-refresh-429', () => {
  it('pauses, and does not sign in', async () => {
    const { auth, clock, refused, tokenRequests } = await throttledWorld()
    const retryAtMs = clock.now() + 10 * MINUTE
    expect(auth.status()).toMatchObject({ gate: 'paused', pausedUntilMs: retryAtMs, usable: true })
    expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject({ code: 'THROTTLED', retryAtMs })
    await clock.advance(10 * MINUTE - 1)
    expect(tokenRequests()).toBe('create 200, refresh 429')
  })

  it('keeps both tokens: the access token serves, the refresh token is used after the pause', async () => {
    const { auth, clock, now, call, log, times } = await throttledWorld()
    await now(call())
    expect(log('api')[0]?.accessJti).toBe(log('create')[0]?.grantedAccessJti)
    await clock.advance(10 * MINUTE)
    expect(times('refresh')).toEqual([45 * MINUTE, 55 * MINUTE])
    expect(log('refresh')[1]).toMatchObject({ status: 200, refreshJti: log('create')[0]?.grantedRefreshJti })
    expect(log('create')).toHaveLength(1)
    expect(auth.status().state).toBe('valid')
  })

  it('keeps the refresh token also when the access token expires during the pause', async () => {
    const { auth, sandbox, clock, now, refused, log, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    clock.suspend(2 * HOUR)
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    const until = { code: 'THROTTLED', clause: 'pause-after-429', retryAtMs: clock.now() + 10 * MINUTE }
    expect(await refused(auth.getAccessToken())).toMatchObject(until)
    await clock.advance(5 * MINUTE)
    expect(await refused(auth.getAccessToken())).toMatchObject(until)
    await clock.advance(5 * MINUTE)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200, refresh 429, refresh 200')
    expect(log('refresh')[1]?.refreshJti).toBe(log('create')[0]?.grantedRefreshJti)
  })

  it('a restart in the pause keeps both too', async () => {
    const { auth, client, clock, now, call, tokenRequests } = await throttledWorld()
    await now(auth.close())
    const restarted = client()
    expect(await now(call(restarted))).toBe(200)
    await clock.advance(10 * MINUTE - SECOND)
    expect(tokenRequests()).toBe('create 200, refresh 429')
    await clock.advance(SECOND)
    expect(tokenRequests()).toBe('create 200, refresh 429, refresh 200')
  })
})
