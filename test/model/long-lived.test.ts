import { describe, expect, it } from 'vitest'
import { tokenLifecycle } from '../../machines/index.ts'
import { LONG_LIVED } from './bounds.ts'
import { World } from './explore-world.ts'
import { movesOf } from './moves.ts'
import type { Place } from './place.ts'

const START_AT_MS = 1_000
const { lengths } = LONG_LIVED

/** Signs in, and then lets time pass from timer to timer: where it ends, and what was wrong on the way. */
function leftAlone(proactive: 'timer' | 'onDemand') {
  const world = new World(tokenLifecycle, { ...LONG_LIVED, proactive })
  const wrong: string[] = []
  let { place }: { place: Place } = world.start(START_AT_MS)
  const go = (wanted: (label: string) => boolean) => {
    const move = movesOf(world, place).findLast(({ label }) => wanted(label))
    if (move === undefined) throw new Error('there is no such move')
    const step = move.make()
    place = step.place
    wrong.push(...step.wrong)
  }
  for (const label of ['a plain caller asks', 'the record is read: nothing', 'create answered: granted'])
    go((each) => each === label)
  const ends = () => place.known.inFlight !== null || place.nowMs >= START_AT_MS + lengths.access
  while (!ends() || place.timers.some(({ dueAtMs }) => dueAtMs <= place.nowMs)) {
    const soonestMs = Math.min(...place.timers.map(({ dueAtMs }) => dueAtMs))
    const toTimer = `time passes: ${soonestMs - place.nowMs}`
    if (soonestMs <= place.nowMs) go((label) => label.startsWith('the timer'))
    else if (Number.isFinite(soonestMs)) go((label) => label === toTimer)
    else go((label) => label.startsWith('time passes'))
  }
  return { place, wrong, livedMs: place.nowMs - START_AT_MS }
}

describe('tokens that outlive the longest delay of a timer, 24.8 days', () => {
  it('are refreshed when it is due, to the millisecond', () => {
    const { place, wrong, livedMs } = leftAlone('timer')
    expect(wrong).toEqual([])
    expect(place.known.inFlight).toBe('refresh')
    expect(livedMs).toBe(lengths.refreshDue)
  })

  it('expire when they do, to the millisecond', () => {
    const { place, wrong, livedMs } = leftAlone('onDemand')
    expect(wrong).toEqual([])
    expect(livedMs).toBe(lengths.access)
    expect(place.snapshot.matches({ tokens: 'stale' })).toBe(true)
  })
})
