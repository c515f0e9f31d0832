import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE } from '../support/world.ts'

describe('validate-optionally', () => {
  it('a day of use validates nothing by itself', async () => {
    const { clock, call, now, log } = createWorld()
    for (let minute = 0; minute < 24 * 60; minute += 10) {
      await now(call())
      await clock.advance(10 * MINUTE)
    }
    expect(log('validate')).toEqual([])
    expect(log('api')).toHaveLength(144)
  })

  it('validates once when asked, with the token held', async () => {
    const { auth, now, log } = createWorld()
    await now(auth.getAccessToken())
    expect(await now(auth.validate())).toMatchObject({ valid: true })
    const [granted] = log('create')
    expect(log('validate')).toMatchObject([{ status: 200, accessJti: granted?.grantedAccessJti }])
  })

  it('says how long the token lives: what the server reports, or our own count', async () => {
    const { auth, sandbox, clock, now } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(20 * MINUTE)
    const { expiresAtMs = 0 } = await now(auth.validate())
    expect(Math.abs(expiresAtMs - (clock.now() + 40 * MINUTE))).toBeLessThanOrEqual(30_000)
    sandbox.set({ validateReportsLifetime: true })
    expect(await now(auth.validate())).toEqual({ valid: true, expiresAtMs: clock.now() + 40 * MINUTE })
  })

  it('a token that the server does not know is not valid', async () => {
    const { auth, sandbox, clock, now } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.revokeAll()
    expect(await now(auth.validate())).toEqual({ valid: false })
  })

  it('a scheduled job may validate every hour', async () => {
    const { auth, clock, now, log } = createWorld()
    await now(auth.getAccessToken())
    for (let hour = 0; hour < 24; hour++) {
      await clock.advance(HOUR)
      expect(await now(auth.validate())).toMatchObject({ valid: true })
    }
    expect(log('validate')).toHaveLength(24)
    expect(log('create')).toHaveLength(1)
  })
})
