import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE } from '../support/world.ts'

describe('expired-access-refreshes', () => {
  it.each([1, 2, 12, 23])('%i hours of sleep: the first demand refreshes, and does not sign in', async (hours) => {
    const { auth, clock, now, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    clock.suspend(hours * HOUR)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('20 callers who find it expired share one refresh', async () => {
    const { auth, clock, now, tokenRequests } = createWorld({ policy: { proactive: 'onDemand' } })
    await now(auth.getAccessToken())
    await clock.advance(3 * HOUR)
    const tokens = await now(Promise.all(Array.from({ length: 20 }, () => auth.getAccessToken())))
    expect(new Set(tokens).size).toBe(1)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('an API request waits for the refresh and never carries the dead token', async () => {
    const { clock, call, now, log } = createWorld({ policy: { proactive: 'onDemand' } })
    await now(call())
    await clock.advance(2 * HOUR)
    expect(await now(call())).toBe(200)
    expect(log().map(({ endpoint, status }) => `${endpoint} ${status}`)).toEqual([
      'create 200',
      'api 200',
      'refresh 200',
      'api 200',
    ])
  })

  it('also when the timer has given up meanwhile', async () => {
    const { auth, sandbox, clock, now, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    const mend = sandbox.fail({ endpoint: 'refresh', status: 502, times: Number.POSITIVE_INFINITY })
    await clock.advance(3 * HOUR)
    mend()
    await now(auth.getAccessToken())
    expect(tokenRequests()).toMatch(/^create 200(, refresh 502)+, refresh 200$/)
  })

  it('nobody asks, nothing is sent after the expiry', async () => {
    const { auth, clock, now, tokenRequests } = createWorld({ policy: { proactive: 'onDemand' } })
    await now(auth.getAccessToken())
    await clock.advance(20 * HOUR + MINUTE)
    expect(tokenRequests()).toBe('create 200')
  })
})
