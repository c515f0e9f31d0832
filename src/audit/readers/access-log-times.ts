import type { Instant } from '../exchange.ts'
import { EARLIEST_MS, isoInstantOf, LATEST_MS } from './iso-times.ts'
import { field, number, text } from './json-values.ts'
import { ON_THE_WAY_MS } from './otlp-span.ts'

/** Longer ones are no durations, ms: a week. */
const MAX_DURATION_MS = 604_800_000
/** A duration whose length is not in the log may be that long, ms: what servers wait by default. */
const UNKNOWN_DURATION_MS = 60_000

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** `05/Jan/2026:08:00:00 +0000` */
const LOCAL = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)$/

/** A point in time, as precise as it is written; a number is seconds since the epoch, or ms where it has to be. */
function pointOf(value: unknown): Instant | undefined {
  const local = LOCAL.exec(text(value) ?? '')
  if (local !== null) {
    const [, day, name = '', year, time, hours, minutes] = local
    const month = String(MONTHS.indexOf(name) + 1).padStart(2, '0')
    return isoInstantOf(`${year}-${month}-${day}T${time}${hours}:${minutes}`)
  }
  const seconds = number(value)
  if (seconds === undefined) return isoInstantOf(value)
  const ms = seconds * 1000 < LATEST_MS ? seconds * 1000 : seconds
  if (!(ms >= EARLIEST_MS && ms < LATEST_MS)) return undefined
  // Whole seconds may be cut; nginx writes three digits.
  const precisionMs = Number.isInteger(seconds) && ms !== seconds ? 1000 : 1
  return { earliestMs: Math.floor(ms), latestMs: Math.floor(ms) + precisionMs }
}

function durationMs(entry: unknown, names: readonly string[], unitMs: number): number | undefined {
  for (const name of names) {
    const value = number(field(entry, name))
    if (value !== undefined && value >= 0 && value * unitMs <= MAX_DURATION_MS) return value * unitMs
  }
  return undefined
}

/**
 * When the client sent a request and had the answer, as far as its server can tell: it sees the request arrive and the answer
 * leave. Envoy writes the first (`start_time`) and a length in ms; nginx the second (`msec`, `time_iso8601`, `time_local`)
 * and a length in seconds.
 */
export function timesOf(entry: unknown): { readonly sent: Instant; readonly answered: Instant } | undefined {
  const start = pointOf(field(entry, 'start_time'))
  const isEnvoy = start !== undefined
  const end = ['msec', 'time_iso8601', 'time_local', '@timestamp', 'timestamp', 'time']
    .map((name) => pointOf(field(entry, name)))
    .filter((point) => point !== undefined)
    .toSorted((a, b) => a.latestMs - a.earliestMs - (b.latestMs - b.earliestMs))[0]
  const lasted = isEnvoy
    ? durationMs(entry, ['duration', 'duration_ms'], 1)
    : (durationMs(entry, ['request_time', 'duration', 'upstream_response_time'], 1000) ??
      durationMs(entry, ['duration_ms'], 1))
  const shortestMs = lasted === undefined ? 0 : Math.max(0, lasted - 1)
  const longestMs = lasted === undefined ? UNKNOWN_DURATION_MS : lasted + 1
  const arrived = start ?? (end && { earliestMs: end.earliestMs - longestMs, latestMs: end.latestMs - shortestMs })
  const left =
    start === undefined ? end : { earliestMs: start.earliestMs + shortestMs, latestMs: start.latestMs + longestMs }
  if (arrived === undefined || left === undefined) return undefined
  return {
    sent: { earliestMs: arrived.earliestMs - ON_THE_WAY_MS, latestMs: arrived.latestMs },
    answered: { earliestMs: left.earliestMs, latestMs: left.latestMs + ON_THE_WAY_MS },
  }
}
