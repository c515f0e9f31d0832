import { tokenLifecycle } from '../../machines/index.ts'
import { type Bounds, REAL } from './bounds.ts'
import { attempt, type Violation } from './explore.ts'
import { World } from './explore-world.ts'
import { movesOf } from './moves.ts'
import type { Machine } from './transitions.ts'

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
      const sorts = Object.values(Object.groupBy(movesOf(world, place), ({ label }) => label.split(' ', 2).join(' ')))
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
