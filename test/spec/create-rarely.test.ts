import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { createWorld, HOUR } from '../support/world.ts'

describe('create-rarely', () => {
  it('signs in once for 100 callers at a cold start', async () => {
    const { auth, now, tokenRequests } = createWorld()
    const tokens = await now(Promise.all(Array.from({ length: 100 }, () => auth.getAccessToken())))
    expect(new Set(tokens).size).toBe(1)
    expect(tokenRequests()).toBe('create 200')
  })

  it('signs in once in a day of use', async () => {
    const { auth, clock, now, log } = createWorld()
    for (let hour = 0; hour < 24; hour++) {
      await now(auth.getAccessToken())
      await clock.advance(HOUR)
    }
    expect(log('create')).toHaveLength(1)
  })

  it('does not sign in before somebody needs a token', async () => {
    const { clock, log } = createWorld()
    await clock.advance(48 * HOUR)
    expect(log()).toEqual([])
  })

  it('never per request: 500 API requests over two days sign in once', async () => {
    const { clock, call, now, log } = createWorld()
    for (let i = 0; i < 500; i++) {
      expect(await now(call())).toBe(200)
      await clock.advance(HOUR / 10)
    }
    expect(log('create')).toHaveLength(1)
  })

  it('at most once per start: a job of one request, started each hour, signs in once a day', async () => {
    const { client, clock, call, now, log } = createWorld({ policy: { proactive: 'onDemand' } })
    for (let start = 0; start < 72; start++) {
      const job = client()
      expect(await now(call(job))).toBe(200)
      await now(job.close())
      await clock.advance(HOUR)
    }
    expect(log('create').length).toBeLessThanOrEqual(3)
  })

  it('without a shared store, once per start', async () => {
    const { client, clock, call, now, log } = createWorld()
    for (let start = 0; start < 3; start++) {
      const job = client({ store: memoryStore({ clock }) })
      for (let i = 0; i < 10; i++) expect(await now(call(job))).toBe(200)
      await now(job.close())
    }
    expect(log('create')).toHaveLength(3)
  })
})
