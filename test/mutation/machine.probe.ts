import { expect, it } from 'vitest'
import { EVERYTHING, explore, wander } from '../model/explore.ts'
import { UNBROKEN } from './chart-mutants.ts'

/** For StrykerJS alone: the functions of the chart (guards, actions, delays), through what sees most in least time. */

/** One that runs in a circle throws, where the chart as it is would take the time limit. */
const machine = UNBROKEN.make()
const WALKS = { seed: 20_260_531, length: 60 }

it('walks', () => {
  expect(wander({ machine, ...WALKS, walks: 10 })).toBeNull()
})

it.each([
  [EVERYTHING, 300],
  [{ ...EVERYTHING, proactive: 'onDemand', refreshUnauthorized: 'recreate' } as const, 300],
])('explores %j', (bounds, limit) => {
  expect(explore({ machine, bounds, limit, violations: 1 }).violations).toEqual([])
})

it('walks for longer', () => {
  expect(wander({ machine, ...WALKS, seed: WALKS.seed + 1, walks: 40 })).toBeNull()
})
