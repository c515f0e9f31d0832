import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE } from '../support/world.ts'

describe('D-jitter', () => {
  it.each([
    [0, 45],
    [0.2, 46],
    [0.5, 47.5],
    [0.8, 49],
  ])('the draw %d refreshes at minute %d: the window is the jitter', async (draw, minute) => {
    const { auth, clock, now, times } = createWorld({ draws: [draw] })
    await now(auth.getAccessToken())
    await clock.advance(HOUR)
    expect(times('refresh')).toEqual([minute * MINUTE])
  })

  it('a hundred clients spread evenly over the window', async () => {
    const { sandbox, client, clock, peek, times } = createWorld({ sandbox: { throttle: false } })
    for (let i = 0; i < 100; i++) {
      const username = `user-${i}`
      sandbox.addUser({ username, password: 'secret' })
      await peek(
        client({ credentials: { username, password: 'secret' }, random: () => (i * 0.618) % 1 }).getAccessToken(),
      )
    }
    await clock.advance(HOUR)
    const minutes = times('refresh').map((atMs) => Math.floor(atMs / MINUTE))
    expect(minutes).toHaveLength(100)
    for (const minute of [45, 46, 47, 48, 49]) {
      const share = minutes.filter((each) => each === minute).length
      expect(share).toBeGreaterThanOrEqual(17)
      expect(share).toBeLessThanOrEqual(23)
    }
  })

  it('a fleet on one store refreshes once, at the one moment that was drawn', async () => {
    const { auth, client, clock, now, times } = createWorld({ draws: [0.2] })
    await now(auth.getAccessToken())
    for (let i = 0; i < 5; i++) await now(client().getAccessToken())
    await clock.advance(50 * MINUTE)
    expect(times('refresh')).toEqual([46 * MINUTE])
  })
})
