import { describe, expect, it } from 'vitest'
import { simulate } from './simulate.ts'

const DAYS = 7
const SEEDS = [11, 12, 13]
/** On average: a day of one seed may be quieter. */
const API_REQUESTS_A_DAY = 200

// A shared machine at its busiest.
const TIMEOUT_MS = 90_000

describe('simulation', { timeout: TIMEOUT_MS }, () => {
  it('keeps the policy through seven bad days of three seeds', async () => {
    let requests = 0
    for (const seed of SEEDS) {
      const report = await simulate({ seed, days: DAYS })
      expect(report.violations.map(({ check, evidence, replay }) => ({ check, evidence, replay }))).toEqual([])
      expect(report.unhandledRejections).toBe(0)
      for (const [what, count] of Object.entries(report.requests)) if (what.startsWith('api')) requests += count
    }
    expect(requests / SEEDS.length / DAYS).toBeGreaterThanOrEqual(API_REQUESTS_A_DAY)
  })

  it('gives the same trace for the same seed, and another for another', async () => {
    const hashOf = async (seed: number) => (await simulate({ seed, days: 4 })).traceHash
    const first = await hashOf(1)
    expect(await hashOf(1)).toBe(first)
    expect(await hashOf(2)).not.toBe(first)
  })
})
