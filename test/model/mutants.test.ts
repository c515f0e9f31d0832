import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judgeMutant, mutants, SURVIVORS } from './mutants.ts'

// `npm run mutate` runs them all; here a few, others at every seed.
const SAMPLE = Number(process.env.MUTANTS ?? 8)
const TIME_OUT_MS = 300_000

const all = mutants()
const mortal = all.filter(({ name }) => !(name in SURVIVORS))
const [sample = []] = fc.sample(fc.shuffledSubarray(mortal, { minLength: SAMPLE, maxLength: SAMPLE }), 1)

describe('a chart with one thing broken', () => {
  it.each(sample)('is noticed: $name', { timeout: TIME_OUT_MS }, (mutant) => {
    expect(judgeMutant(mutant).violation).not.toBeNull()
  })

  it('has a name of its own', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  })

  it('survives only where a reason is given for a mutant that there is', () => {
    expect(Object.keys(SURVIVORS).filter((name) => !all.some((mutant) => mutant.name === name))).toEqual([])
  })
})
