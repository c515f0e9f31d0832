import { tokenLifecycle } from '../../machines/index.ts'
import { SLICES } from './bounds.ts'
import { type Exploration, explore } from './explore.ts'
import { transitionsOf } from './transitions.ts'

/** What one world came to. */
export interface SliceReport extends Exploration {
  readonly name: string
}

export interface ExploreAllReport {
  readonly slices: readonly SliceReport[]
  readonly states: number
  readonly transitions: number
  readonly depth: number
  /** Every world was seen to its end. */
  readonly fixedPoint: boolean
  readonly violations: number
  /** Places from which liveness was checked: a demand was served, or the chart rests until an operator acts. */
  readonly lives: { readonly served: number; readonly stopped: number }
  /** Transitions of the chart that no world took. */
  readonly uncovered: readonly string[]
}

export interface ExploreAllOptions {
  /** Places of each world at most. */
  readonly limit?: number
  readonly onProgress?: (progress: {
    readonly slice: string
    readonly done: number
    readonly of: number
    readonly states: number
    readonly transitions: number
    readonly waiting: number
  }) => void
}

/** Every world to its fixed point, the monitors looking on, and liveness from every place. */
export function exploreAll({ limit = Number.POSITIVE_INFINITY, onProgress }: ExploreAllOptions = {}): ExploreAllReport {
  const slices = SLICES.map(({ name, bounds }, done): SliceReport => {
    const exploration = explore({
      bounds,
      limit,
      liveness: true,
      onProgress: ({ states, transitions, waiting }) =>
        onProgress?.({ slice: name, done, of: SLICES.length, states, transitions, waiting }),
    })
    return { name, ...exploration }
  })
  const total = (of: (slice: SliceReport) => number) => slices.reduce((sum, slice) => sum + of(slice), 0)
  return {
    slices,
    states: total(({ states }) => states),
    transitions: total(({ transitions }) => transitions),
    depth: Math.max(...slices.map(({ depth }) => depth)),
    fixedPoint: slices.every(({ fixedPoint }) => fixedPoint),
    violations: total(({ violations }) => violations.length),
    lives: { served: total(({ lives }) => lives.served), stopped: total(({ lives }) => lives.stopped) },
    uncovered: transitionsOf(tokenLifecycle).filter((name) =>
      slices.every(({ uncovered }) => uncovered.includes(name)),
    ),
  }
}

/** A violation as a story: numbered moves, then what was wrong. */
export const tellViolation = (name: string, { what, story }: Exploration['violations'][number]): string =>
  [`${name}:`, ...story.map((move, at) => `${at + 1}. ${move}`), `→ ${what}`].join('\n')
