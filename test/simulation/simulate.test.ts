import { describe, expect, it } from 'vitest'
import { simulate } from './simulate.ts'

const DAYS = 7

// A shared machine at its busiest.
const TIMEOUT_MS = 60_000

describe('simulation', { timeout: TIMEOUT_MS }, () => {
  it.each([11, 12, 13])('keeps the policy through seven bad days of seed %i', async (seed) => {
    const { violations, unhandledRejections, requests } = await simulate({ seed, days: DAYS })
    expect(violations.map(({ check, evidence, replay }) => ({ check, evidence, replay }))).toEqual([])
    expect(unhandledRejections).toBe(0)
    const sent = Object.entries(requests).reduce((sum, [what, count]) => sum + (what.startsWith('api') ? count : 0), 0)
    expect(sent).toBeGreaterThan(200 * DAYS)
  })

  it('gives the same trace for the same seed, and another for another', async () => {
    const hashOf = async (seed: number) => (await simulate({ seed, days: 4 })).traceHash
    const first = await hashOf(1)
    expect(await hashOf(1)).toBe(first)
    expect(await hashOf(2)).not.toBe(first)
  })
})
