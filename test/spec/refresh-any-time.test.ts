import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, SECOND } from '../support/world.ts'

describe('refresh-any-time', () => {
  it.each([0, 30 * SECOND, 5 * MINUTE, 30 * MINUTE, 44 * MINUTE])('a refresh %i ms after the grant', async (ageMs) => {
    const { auth, clock, now, tokenRequests } = createWorld()
    const first = await now(auth.getAccessToken())
    await clock.advance(ageMs)
    expect(await now(auth.getAccessToken({ forceRefresh: true }))).not.toBe(first)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('moves the next proactive refresh: 45 to 50 minutes after it', async () => {
    const { auth, clock, now, times } = createWorld({ client: { random: () => 0 } })
    await now(auth.getAccessToken())
    await clock.advance(30 * MINUTE)
    await now(auth.getAccessToken({ forceRefresh: true }))
    await clock.advance(45 * MINUTE)
    expect(times('refresh')).toEqual([30 * MINUTE, 75 * MINUTE])
  })
})
