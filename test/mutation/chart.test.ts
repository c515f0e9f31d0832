import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judgeMutant } from './chart-judge.ts'
import { mutants, UNBROKEN } from './chart-mutants.ts'
import { CHART_SURVIVORS } from './chart-survivors.ts'
import { readRecord } from './record.ts'

// `npm run mutate` runs them all; here a few, others at every seed.
const SAMPLE = Number(process.env.MUTANTS ?? 8)
const TIME_OUT_MS = 300_000

const all = mutants()
const mortal = all.filter(({ name }) => !(name in CHART_SURVIVORS))
const [sample = []] = fc.sample(fc.shuffledSubarray(mortal, { minLength: SAMPLE, maxLength: SAMPLE }), 1)
const { chart } = readRecord()

it('the chart as it is is not condemned', { timeout: TIME_OUT_MS }, () => {
  expect(judgeMutant(UNBROKEN).violation).toBeNull()
})

describe('a chart with one thing broken', () => {
  it.each(sample)('is noticed: $name', { timeout: TIME_OUT_MS }, (mutant) => {
    expect(judgeMutant(mutant).violation).not.toBeNull()
  })

  it('has a name of its own, and names a clause or decision', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
    expect(all.filter(({ ids }) => ids.length === 0).map(({ name }) => name)).toEqual([])
  })

  it('survives only where a reason is given for a mutant that there is', () => {
    expect(Object.keys(CHART_SURVIVORS).filter((name) => !all.some((mutant) => mutant.name === name))).toEqual([])
  })
})

describe('docs/mutation.json', () => {
  it('lists the mutants of the chart as it is: else `npm run mutate -- --chart`', () => {
    const listed = chart.map(({ name, ids }) => ({ name, ids }))
    expect(listed).toEqual(all.map(({ name, ids }) => ({ name, ids })))
  })

  it('says of each that it was killed, or why it survives', () => {
    const reasons = chart.flatMap(({ name, survives }) => (survives === undefined ? [] : [[name, survives]]))
    expect(Object.fromEntries(reasons)).toEqual(CHART_SURVIVORS)
  })

  it('has every guard proved by what `npm test` explores, negated and dropped', () => {
    const guards = new Set(all.flatMap(({ guard, name }) => (guard === null || name in CHART_SURVIVORS ? [] : [name])))
    expect(guards.size).toBeGreaterThan(0)
    const elsewhere = chart.filter(({ name, killedBy }) => guards.has(name) && killedBy !== 'npm test')
    expect(elsewhere.map(({ name }) => name)).toEqual([])
  })
})
