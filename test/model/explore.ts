import { tokenLifecycle } from '../../machines/index.ts'
import { type Bounds, FULL } from './bounds.ts'
import { World } from './explore-world.ts'
import { keyOf } from './key.ts'
import { livesOn } from './liveness.ts'
import { movesOf } from './moves.ts'
import type { Place } from './place.ts'
import { type Machine, transitionsOf } from './transitions.ts'

export { EVERYTHING, FULL, REAL, SLICES, type Slice, SMALL } from './bounds.ts'
export { type WanderOptions, wander } from './wander.ts'

/**
 * Every place that the chart can get to, to a fixed point. Time runs in whole ticks, and of two places that differ only in
 * when everything happens, or in what is over, one is looked at: finitely many regions.
 *
 * Not through `getAdjacencyMap` of `xstate/graph`: it walks over snapshots alone and throws away the actions of a step,
 * and with them what a snapshot does not hold: the armed timers of `after`, the requests that were started, what was
 * emitted. A walk over snapshots would let a timer fire that the chart had cancelled, and could not tell a request from
 * none. So this walks over the product of chart, timers, callers, store and oracle, by the machine's own `transition`,
 * which is what `getAdjacencyMap` calls.
 */

/** Not 0, which stands for "not running". */
const START_TICK = 1_000

export interface Violation {
  readonly what: string
  /** The shortest way there. */
  readonly story: readonly string[]
}

export interface Exploration {
  readonly states: number
  readonly transitions: number
  readonly depth: number
  /** Everything was seen: no limit was reached. */
  readonly fixedPoint: boolean
  readonly violations: readonly Violation[]
  /** Places from which a demand was served once faults stopped, and those that rest until an operator acts. */
  readonly lives: { readonly served: number; readonly stopped: number }
  /** Transitions of the chart that were never taken. */
  readonly uncovered: readonly string[]
}

export interface ExploreOptions {
  readonly machine?: Machine
  readonly bounds?: Bounds
  /** Places at most. */
  readonly limit?: number
  /** Stop after so many violations. Default 5. */
  readonly violations?: number
  /** Whether a demand is served from each place, once faults stop. */
  readonly liveness?: boolean
  readonly onProgress?: (progress: { states: number; transitions: number; depth: number; waiting: number }) => void
}

export function explore({
  machine = tokenLifecycle,
  bounds = FULL,
  limit = Number.POSITIVE_INFINITY,
  violations: enough = 5,
  liveness = false,
  onProgress,
}: ExploreOptions = {}): Exploration {
  const world = new World(machine, bounds)
  const seen = new Map<string, number>()
  const cameFrom: number[] = []
  const by: string[] = []
  const violations: Violation[] = []
  let transitions = 0
  let depth = 0
  let fixedPoint = true
  const storyOf = (from: number, last: string) => {
    const story = [last]
    for (let at = from; at > 0; at = cameFrom[at] ?? 0) story.unshift(by[at] ?? '')
    return story
  }
  const blamed = new Set<string>()
  const blame = (wrong: readonly string[], from: number, last: string) => {
    for (const what of wrong) {
      if (blamed.has(what)) continue
      blamed.add(what)
      violations.push({ what, story: storyOf(from, last) })
    }
  }
  const start = world.start(START_TICK)
  blame(start.wrong, 0, 'the process starts')
  seen.set(keyOf(start.place), 0)
  cameFrom.push(0)
  by.push('')
  // Walks for liveness take transitions that no story of faults has to.
  const calm = liveness ? new World(machine, bounds) : undefined
  const lives = { served: 0, stopped: 0 }
  const live = (place: Place, id: number) => {
    if (calm === undefined) return
    const life = livesOn(calm, place)
    if (typeof life === 'string') lives[life] += 1
    else blame(life, id, 'no more faults')
  }
  let layer: [number, Place][] = [[0, start.place]]
  walk: while (layer.length > 0) {
    const next: [number, Place][] = []
    for (const [id, place] of layer) {
      live(place, id)
      for (const { label, make } of movesOf(world, place)) {
        transitions += 1
        const { place: reached, wrong } = attempt(make, place)
        if (wrong.length > 0) {
          blame(wrong, id, label)
          if (violations.length >= enough) {
            fixedPoint = false
            break walk
          }
          continue
        }
        const key = keyOf(reached)
        if (seen.has(key)) continue
        if (seen.size >= limit) {
          fixedPoint = false
          continue
        }
        const nextId = cameFrom.length
        seen.set(key, nextId)
        cameFrom.push(id)
        by.push(label)
        next.push([nextId, reached])
      }
      if (id % 1000 === 0) onProgress?.({ states: seen.size, transitions, depth, waiting: layer.length + next.length })
    }
    if (next.length > 0) depth += 1
    layer = next
  }
  const uncovered = transitionsOf(machine).filter((name) => !world.taken.has(name))
  return { states: seen.size, transitions, depth, fixedPoint, violations, lives, uncovered }
}

/** A chart that throws, or runs in a circle, is wrong too. */
export function attempt(make: () => { place: Place; wrong: readonly string[] }, place: Place) {
  try {
    return make()
  } catch (error) {
    return { place, wrong: [`the chart threw: ${error}`] }
  }
}
