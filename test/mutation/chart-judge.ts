import { LONG_LIVED } from '../model/bounds.ts'
import { EVERYTHING, explore, SLICES, type Violation, type WanderOptions, wander } from '../model/explore.ts'
import type { Mutant } from './chart-mutants.ts'

/** Whether the model tests notice a mutant of the chart, cheapest first. */

export interface Verdict {
  /** What saw it: a suite of `npm test` at its own bounds, a wider exploration, or the random walks. */
  readonly killedBy: 'npm test' | 'exploration' | 'fuzz' | null
  readonly violation: Violation | null
}

interface Stage {
  readonly killedBy: Exclude<Verdict['killedBy'], null>
  readonly look: (mutant: Mutant) => Violation | null
}

/** Fixed, so that a mutant is judged the same way each time. */
const FUZZ = { seed: 20_260_531, walks: 60, length: 60 }
const PLACES = 900
/** A broken chart may have places without end. */
const FIXED_POINT_PLACES = 20_000
/** As `test/model/explore.test.ts` by default. */
const EVERYTHING_IN_TESTS = 600

const exploring =
  (bounds: typeof EVERYTHING, limit: number): Stage['look'] =>
  ({ make }) =>
    explore({ machine: make(), bounds, limit, violations: 1 }).violations[0] ?? null
const wandering =
  (options: WanderOptions): Stage['look'] =>
  ({ make }) =>
    wander({ machine: make(), ...options })

const quick = SLICES.filter((slice) => slice.quick)
const ON_DEMAND = { ...EVERYTHING, proactive: 'onDemand', refreshUnauthorized: 'recreate' } as const

/** What `npm test` explores of the chart itself. */
const IN_TESTS: readonly Stage[] = [
  { killedBy: 'npm test', look: exploring(EVERYTHING, EVERYTHING_IN_TESTS) },
  ...quick.map(({ bounds }): Stage => ({ killedBy: 'npm test', look: exploring(bounds, FIXED_POINT_PLACES) })),
]
const FIRST: readonly Stage[] = [
  { killedBy: 'fuzz', look: wandering({ ...FUZZ, walks: 10 }) },
  { killedBy: 'exploration', look: exploring(EVERYTHING, PLACES / 3) },
  ...quick.map(({ bounds }): Stage => ({ killedBy: 'exploration', look: exploring(bounds, PLACES * 3) })),
]
const THEN: readonly Stage[] = [
  { killedBy: 'exploration', look: exploring(EVERYTHING, PLACES) },
  { killedBy: 'fuzz', look: wandering({ ...FUZZ, seed: FUZZ.seed + 1 }) },
  ...SLICES.filter(({ name }) => name === 'operators').map(
    ({ bounds }): Stage => ({ killedBy: 'exploration', look: exploring(bounds, PLACES * 3) }),
  ),
  { killedBy: 'exploration', look: exploring(ON_DEMAND, PLACES) },
  { killedBy: 'fuzz', look: wandering({ bounds: LONG_LIVED, seed: 1, walks: 60, length: 80 }) },
]

/** Runs the model tests against a mutant; against one of a guard, first what `npm test` runs. */
export const judgeMutant = (mutant: Mutant): Verdict =>
  judge(mutant, [...(mutant.guard === null ? FIRST : IN_TESTS), ...THEN])

/** Runs everything that any mutant may be judged by. */
export const judgeByAll = (mutant: Mutant): Verdict => judge(mutant, [...IN_TESTS, ...FIRST, ...THEN])

function judge(mutant: Mutant, stages: readonly Stage[]): Verdict {
  for (const { killedBy, look } of stages) {
    const violation = look(mutant)
    if (violation) return { killedBy, violation }
  }
  return { killedBy: null, violation: null }
}
