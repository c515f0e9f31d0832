import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE } from '../support/world.ts'

describe('cache-tokens', () => {
  it('1000 API requests use one token', async () => {
    const { call, now, log, tokenRequests } = createWorld()
    for (let i = 0; i < 1000; i++) await now(call())
    expect(tokenRequests()).toBe('create 200')
    expect(new Set(log('api').map(({ accessJti }) => accessJti)).size).toBe(1)
  })

  it('a restart uses the pair that is stored', async () => {
    const { auth, client, clock, now, tokenRequests } = createWorld()
    const token = await now(auth.getAccessToken())
    await now(auth.close())
    await clock.advance(10 * MINUTE)
    expect(await now(client().getAccessToken())).toBe(token)
    expect(tokenRequests()).toBe('create 200')
  })

  it('a restart after the access token has expired refreshes', async () => {
    const { auth, client, clock, now, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    await now(auth.close())
    await clock.advance(5 * HOUR)
    await now(client().getAccessToken())
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('50 restarts within the hour sign in once', async () => {
    const { auth, client, clock, call, now, tokenRequests } = createWorld()
    await now(call(auth))
    for (let restart = 0; restart < 50; restart++) {
      await clock.advance(50_000)
      const restarted = client()
      expect(await now(call(restarted))).toBe(200)
      await now(restarted.close())
    }
    expect(tokenRequests()).toBe('create 200')
  })

  it('ten clients on one store share one pair', async () => {
    const { client, clock, now, within, tokenRequests } = createWorld()
    const fleet = Array.from({ length: 10 }, () => client())
    const tokens = await within(MINUTE, Promise.all(fleet.map((each) => each.getAccessToken())))
    expect(new Set(tokens).size).toBe(1)
    await clock.advance(5 * MINUTE)
    expect(await now(Promise.all(fleet.map((each) => each.getAccessToken())))).toEqual(tokens)
    expect(tokenRequests()).toBe('create 200')
  })

  it('explicit sign-ins while a usable token is held send nothing', async () => {
    const { auth, now, tokenRequests } = createWorld()
    for (let i = 0; i < 5; i++) await now(auth.signIn())
    expect(tokenRequests()).toBe('create 200')
  })
})
