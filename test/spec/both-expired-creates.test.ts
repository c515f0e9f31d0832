import { describe, expect, it } from 'vitest'
import { createWorld, HOUR } from '../support/world.ts'

describe('both-expired-creates', () => {
  it('a day and a half of sleep: the first demand signs in again, once', async () => {
    const { auth, clock, now, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    clock.suspend(36 * HOUR)
    const tokens = await now(Promise.all(Array.from({ length: 20 }, () => auth.getAccessToken())))
    expect(new Set(tokens).size).toBe(1)
    expect(tokenRequests()).toBe('create 200, create 200')
  })

  it('waking alone signs nobody in', async () => {
    const { auth, clock, now, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    clock.suspend(36 * HOUR)
    await clock.advance(HOUR)
    expect(tokenRequests()).toBe('create 200')
  })

  it('the new pair is used and refreshed as the first one was', async () => {
    const { clock, call, now, log, tokenRequests } = createWorld({ policy: { proactive: 'onDemand' } })
    await now(call())
    await clock.advance(36 * HOUR)
    expect(await now(call())).toBe(200)
    await clock.advance(2 * HOUR)
    expect(await now(call())).toBe(200)
    expect(tokenRequests()).toBe('create 200, create 200, refresh 200')
    expect(log('refresh')[0]?.refreshJti).toBe(log('create')[1]?.grantedRefreshJti)
  })

  it('neither dead token is sent', async () => {
    const { clock, call, now, log } = createWorld({ policy: { proactive: 'onDemand' } })
    await now(call())
    await clock.advance(25 * HOUR)
    await now(call())
    expect(log('refresh')).toEqual([])
    expect(log('api').map(({ accessJti }) => accessJti)).toEqual(log('create').map((entry) => entry.grantedAccessJti))
  })
})
