import type { Clock } from '../clock.ts'

/**
 * The chart's one timeline: looks like wall-clock time where the client started and moves with the monotonic clock, so
 * that setting the wall clock moves no pause, no budget and no age. `D-skew`
 */
export interface Timeline {
  /** The time now, whole ms, rounded down. */
  nowMs(): number
  /** What rounding up would add, 0 or 1 ms: what must not end too early starts at `nowMs() + partMs()`. */
  partMs(): number
  /** The wall-clock time of a moment on the timeline, by the clocks as they are now. */
  toWallMs(atMs: number): number
}

export function createTimeline(clock: Clock): Timeline {
  const originMs = clock.now() - clock.monotonic()
  // Whole milliseconds: sums and differences of times are exact, and no deadline lies between two of them.
  const nowMs = () => Math.floor(originMs + clock.monotonic())
  return {
    nowMs,
    partMs: () => Math.ceil(originMs + clock.monotonic()) - nowMs(),
    toWallMs: (atMs) => atMs - nowMs() + clock.now(),
  }
}
