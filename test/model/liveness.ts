import { NO_FACTS } from '../../machines/index.ts'
import type { Bounds } from './bounds.ts'
import type { World } from './explore-world.ts'
import type { Place, Step } from './place.ts'
import { pairOf } from './records.ts'

/**
 * Once faults stop, a demand is served within one pause plus one back-off. From a place on: the record is read if it is
 * still to be, who waits is answered, a new caller asks, and whatever is sent from now on is granted. A caller that is
 * refused with a time asks again at that time, as people do.
 */

/** More than any story takes: each move lets time pass, or ends something. */
const MOVES = 60

export type Life = 'served' | 'stopped' | readonly string[]

export function livesOn(world: World, from: Place): Life {
  const { bounds } = world
  const within = bounds.lengths.pause + bounds.lengths.backOff
  const wrong: string[] = []
  const take = (step: Step) => {
    wrong.push(...step.wrong)
    return step.place
  }
  let place = from
  let askedAtMs: number | undefined
  for (let move = 0; move < MOVES && wrong.length === 0; move++) {
    const { nowMs, known, callers, timers, newest } = place
    const late = timers.find(({ dueAtMs }) => dueAtMs <= nowMs)
    if (known.loading) {
      place = take(world.load(place, place.stored ?? { chart: NO_FACTS, oracle: NO_FACTS }))
    } else if (known.inFlight !== null)
      place = take(world.end(place, { type: 'outcome.granted', atMs: nowMs, pair: fresh(bounds, nowMs, newest + 1) }))
    else if (late) place = take(world.fire(place, late))
    else if (known.latched() || known.signedOut) {
      if (callers.length > 0) wrong.push('stopped, and somebody still waits')
      return wrong.length > 0 ? wrong : 'stopped'
    } else if (known.usable(nowMs) && callers.length === 0) return 'served'
    else {
      askedAtMs ??= nowMs
      if (nowMs - askedAtMs > within) return [`nobody was served within ${within}`]
      if (callers.length === 0 && known.gateOpen(nowMs)) {
        const caller = { patience: 'plain', generation: known.pair?.generation ?? 0 } as const
        place = take(world.tell({ ...place, callers: [caller] }, { type: 'demand', atMs: nowMs, patience: 'plain' }))
      } else {
        const soonest = Math.min(...timers.map(({ dueAtMs }) => dueAtMs), ...known.deadlines(nowMs))
        if (!Number.isFinite(soonest)) return ['nothing will ever happen, and somebody waits']
        place = take(world.pass(place, soonest))
      }
    }
  }
  return wrong.length > 0 ? wrong : ['it goes on for ever']
}

const fresh = ({ lengths }: Bounds, atMs: number, generation: number) => pairOf(lengths, generation, atMs)
