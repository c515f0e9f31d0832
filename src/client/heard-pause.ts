import type { Timeline } from './timeline.ts'

/**
 * The pause as this client has heard of it: obeyed from the moment of the 429, while the record that everybody obeys is
 * still being written. `pause-after-429`
 */
export interface HeardPause {
  /** A 429 asks for a pause of `lengthMs` from now. */
  heard(lengthMs: number): void
  /** What is left of it, ms. */
  leftMs(): number
}

export function createHeardPause(timeline: Timeline): HeardPause {
  let untilMs = Number.NEGATIVE_INFINITY
  return {
    heard(lengthMs) {
      untilMs = Math.max(untilMs, timeline.nowMs() + timeline.partMs() + lengthMs)
    },
    leftMs: () => Math.max(0, Math.ceil(untilMs - timeline.nowMs())),
  }
}
