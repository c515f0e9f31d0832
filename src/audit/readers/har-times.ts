import type { Instant } from '../exchange.ts'
import { isoInstantOf } from './iso-times.ts'
import { field, number } from './json-values.ts'

/** Send and receive time of an entry. */
export interface Times {
  readonly sent: Instant
  readonly answered: Instant
}

/** Longest that a request without a duration may have taken, ms: browsers give up after five minutes. */
export const UNKNOWN_DURATION_MS = 300_000
/** Longer ones are no durations, ms: a week. */
const MAX_DURATION_MS = 604_800_000
/** Producers round times to whole ms, up or down. */
const ROUNDING_MS = 1

const PHASES = ['blocked', 'dns', 'connect', 'send', 'wait', 'receive'] as const
/** Phases before the request goes out. Encryption (`ssl`) is within `connect`. */
const BEFORE_SEND = PHASES.slice(0, 3)

/**
 * When the request was sent: `startedDateTime` is when the client issued it, and it went out after it had queued, looked the
 * name up and connected. Answered: after `time`, or the sum of the phases where they say more, or nobody knows.
 */
export function timesOf(entry: unknown): Times | { readonly why: string } {
  const started = isoInstantOf(field(entry, 'startedDateTime'))
  if (started === undefined) return { why: 'no usable startedDateTime' }
  const timings = field(entry, 'timings')
  const lasted = (phases: readonly string[]) =>
    phases.reduce((sumMs, phase) => sumMs + Math.max(0, number(field(timings, phase)) ?? 0), 0)
  const saidMs = number(field(entry, 'time')) ?? -1
  const sumMs = lasted(PHASES)
  const known = saidMs >= 0 || sumMs > 0
  const shortestMs = known ? (saidMs >= 0 ? saidMs : sumMs) : 0
  const longestMs = known ? Math.max(shortestMs, sumMs) : UNKNOWN_DURATION_MS
  if (longestMs > MAX_DURATION_MS) return { why: 'no usable duration' }
  const { earliestMs, latestMs } = started
  return {
    sent: { earliestMs, latestMs: latestMs + Math.min(lasted(BEFORE_SEND), longestMs) },
    answered: {
      earliestMs: Math.max(earliestMs, earliestMs + shortestMs - ROUNDING_MS),
      latestMs: latestMs + longestMs,
    },
  }
}
