import type { Clock } from '../clock.ts'
import type { StoreRead } from '../store/store.ts'
import type { Timeline } from './timeline.ts'

const READ_ATTEMPTS = 3
/** By how much the wall clock gets ahead of the monotonic one in a machine that slept, ms; less is a clock being set right. */
const SLEPT_MS = 100

/**
 * The store's time, as far as this client can know it: the store tells it at some moment of a read, and it is old by
 * however long the machine sleeps afterwards. `D-skew`
 */
export interface StoreClock {
  /** The earliest that it can be at a moment on the timeline. */
  earliestMs(atMs: number): number
  /** The latest. */
  latestMs(atMs: number): number
  /** The machine has slept since the store told it. */
  isOld(): boolean
  /** Reads, again where the machine slept meanwhile, and takes the time from the answer. */
  asked(read: () => Promise<StoreRead>): Promise<StoreRead>
}

export function createStoreClock(clock: Clock, timeline: Timeline): StoreClock {
  const wallAhead = () => clock.now() - timeline.nowMs()
  let wallAheadMs = wallAhead()
  let offsetMs = wallAheadMs
  let uncertainMs = 0

  const isOld = () => wallAhead() - wallAheadMs > SLEPT_MS
  const earliestMs = (atMs: number) => atMs + Math.floor(offsetMs)

  return {
    earliestMs,
    latestMs: (atMs) => earliestMs(atMs) + uncertainMs,
    isOld,
    async asked(read) {
      let answer: StoreRead
      let askedAtMs: number
      let tries = 0
      do {
        askedAtMs = timeline.nowMs()
        wallAheadMs = wallAhead()
        answer = await read()
      } while (isOld() && ++tries < READ_ATTEMPTS)
      offsetMs = answer.nowMs - timeline.nowMs()
      uncertainMs = timeline.nowMs() - askedAtMs
      return answer
    },
  }
}
