import { tokenLifecycle } from '../../machines/index.ts'
import { type Bounds, type Lengths, type Machine, type Place, transitionsOf, World } from './explore-world.ts'

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

/** Ticks: each of the three lengths of a closed gate has another, and a pair lives through more than one pause. */
const TICKS: Lengths = { access: 4, refreshDue: 2, refresh: 6, young: 1, pause: 3, full: 1, backOff: 2 }
const FEW_TICKS: Lengths = { access: 2, refreshDue: 1, refresh: 3, young: 1, pause: 2, full: 1, backOff: 1 }

export const FULL: Bounds = {
  lengths: TICKS,
  callers: 2,
  noted: 2,
  refreshAttemptsLimit: 2,
  proactive: 'timer',
  refreshUnauthorized: 'fail',
  every: true,
  jumps: [1],
  without: [],
}
export const SMALL: Bounds = {
  ...FULL,
  lengths: FEW_TICKS,
  callers: 1,
  noted: 1,
  refreshAttemptsLimit: 1,
  every: false,
}

/** Every wait lasts one tick. */
const ONE_TICK: Lengths = { access: 2, refreshDue: 1, refresh: 3, young: 1, pause: 1, full: 1, backOff: 1 }

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** The policy's own lengths, to wander through. */
export const REAL: Bounds = {
  ...FULL,
  lengths: {
    access: 59.5 * MINUTE,
    refreshDue: 48 * MINUTE,
    refresh: 24 * 60 * MINUTE,
    young: MINUTE,
    pause: 10 * MINUTE,
    full: 40 * SECOND,
    backOff: 45 * SECOND,
  },
  jumps: [1, SECOND, 31 * SECOND, 10 * MINUTE, 13 * 60 * MINUTE],
}

interface Slice {
  readonly name: string
  readonly bounds: Bounds
  /** Small enough for every test run. */
  readonly quick: boolean
}
const slice = (name: string, quick: boolean, without: Bounds['without'], rest: Partial<Bounds> = {}): Slice => ({
  name,
  quick,
  bounds: { ...SMALL, lengths: ONE_TICK, without, ...rest },
})
const ON_DEMAND = { proactive: 'onDemand', refreshUnauthorized: 'recreate' } as const

/** Worlds that are each without something, so that the fixed point is near. Together they take every transition. */
export const SLICES: readonly Slice[] = [
  slice('callers, outcomes, rejections', true, ['gate', 'waking', 'adoption', 'operator', 'restart']),
  slice('on demand, waking', true, ['gate', 'rejection', 'adoption', 'operator', 'restart'], ON_DEMAND),
  slice('the gate', false, ['waking', 'adoption', 'operator', 'restart']),
  slice('operators', false, ['gate', 'rejection', 'waking', 'adoption', 'restart']),
  slice('operators, on demand', false, ['gate', 'rejection', 'waking', 'adoption', 'restart'], ON_DEMAND),
  slice('other processes, restarts', false, ['gate', 'rejection', 'waking', 'operator']),
  slice('two callers', false, ['gate', 'rejection', 'waking', 'adoption', 'operator', 'restart'], { callers: 2 }),
]

/** Everything at once, to be looked at as far as a limit goes. */
export const EVERYTHING: Bounds = { ...SMALL, lengths: ONE_TICK }

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
  readonly onProgress?: (progress: { states: number; transitions: number; depth: number; waiting: number }) => void
}

export function explore({
  machine = tokenLifecycle,
  bounds = FULL,
  limit = Number.POSITIVE_INFINITY,
  violations: enough = 5,
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
  const start = world.start(0)
  blame(start.wrong, 0, 'the process starts')
  seen.set(world.keyOf(start.place), 0)
  cameFrom.push(0)
  by.push('')
  let layer: [number, Place][] = [[0, start.place]]
  walk: while (layer.length > 0) {
    const next: [number, Place][] = []
    for (const [id, place] of layer) {
      for (const { label, make } of world.moves(place)) {
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
        const key = world.keyOf(reached)
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
  return { states: seen.size, transitions, depth, fixedPoint, violations, uncovered }
}

/** A chart that throws, or runs in a circle, is wrong too. */
function attempt(make: () => { place: Place; wrong: readonly string[] }, place: Place) {
  try {
    return make()
  } catch (error) {
    return { place, wrong: [`the chart threw: ${error}`] }
  }
}

export interface WanderOptions {
  readonly machine?: Machine
  readonly bounds?: Bounds
  readonly seed: number
  readonly walks: number
  /** Moves of each walk. */
  readonly length: number
}

/** Random walks from the start, on real lengths: for errors of arithmetic, which ticks may hide. The first violation. */
export function wander({
  machine = tokenLifecycle,
  bounds = REAL,
  seed,
  walks,
  length,
}: WanderOptions): Violation | null {
  const world = new World(machine, bounds)
  const random = mulberry32(seed)
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)]
  for (let walk = 0; walk < walks; walk++) {
    const story: string[] = []
    let { place } = world.start(Date.UTC(2026, 0, 5, 8))
    for (let step = 0; step < length; step++) {
      // Each sort of move alike: there are many records and few callers.
      const sorts = Object.values(Object.groupBy(world.moves(place), ({ label }) => label.split(' ', 2).join(' ')))
      const move = pick(pick(sorts) ?? [])
      if (!move) break
      story.push(move.label)
      const { place: reached, wrong } = attempt(move.make, place)
      if (wrong[0] !== undefined) return { what: wrong[0], story }
      place = reached
    }
  }
  return null
}

function mulberry32(seed: number) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
