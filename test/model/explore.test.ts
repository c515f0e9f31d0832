import { describe, expect, it } from 'vitest'
import { tokenLifecycle } from '../../machines/index.ts'
import { LONG_LIVED, REAL } from './bounds.ts'
import { EVERYTHING, type Exploration, explore, SLICES, wander } from './explore.ts'
import { transitionsOf } from './transitions.ts'

const TIME_OUT_MS = 120_000
const EXPLORE_PLACES = Number(process.env.EXPLORE_PLACES ?? 600)
const explored: Exploration[] = []
const told = ({ violations }: Exploration) => violations.map(({ what, story }) => [...story, `→ ${what}`].join('\n'))

describe('the chart, explored', () => {
  it.each(SLICES.filter(({ quick }) => quick))('to the fixed point: $name', { timeout: TIME_OUT_MS }, ({ bounds }) => {
    const exploration = explore({ bounds, liveness: true })
    explored.push(exploration)
    expect(told(exploration)).toEqual([])
    expect(exploration.fixedPoint).toBe(true)
    const { served, stopped } = exploration.lives
    expect(served + stopped).toBe(exploration.states)
  })

  it('everything at once, as far as the limit goes', { timeout: TIME_OUT_MS }, () => {
    const exploration = explore({ bounds: EVERYTHING, limit: EXPLORE_PLACES })
    explored.push(exploration)
    expect(told(exploration)).toEqual([])
  })

  it('goes on where a timer is cut short at 24.8 days, for tokens of 60', { timeout: TIME_OUT_MS }, () => {
    const seed = Number(process.env.SEED)
    expect(wander({ bounds: LONG_LIVED, seed, walks: 60, length: 80 })).toBe(null)
  })

  it.each([
    { proactive: 'timer', refreshUnauthorized: 'fail' },
    { proactive: 'onDemand', refreshUnauthorized: 'recreate' },
  ] as const)(
    'errs nowhere on real lengths, with every record and outcome: $proactive',
    { timeout: TIME_OUT_MS },
    (policy) => {
      const seed = Number(process.env.SEED)
      expect(wander({ bounds: { ...REAL, ...policy }, seed, walks: 60, length: 100 })).toBe(null)
    },
  )

  it('takes every transition', () => {
    const uncovered = transitionsOf(tokenLifecycle).filter((name) =>
      explored.every((exploration) => exploration.uncovered.includes(name)),
    )
    expect(uncovered).toEqual([])
  })
})
