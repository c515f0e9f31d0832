import type { Times } from './har-times.ts'
import { httpDate } from './headers.ts'

/** By how much the clock of the client is ahead of the server's, ms: from `leastMs` to `mostMs`. */
export interface ClockOffset {
  readonly leastMs: number
  readonly mostMs: number
}

/** `Date` is cut to the second. */
const DATE_PRECISION_MS = 1000

/**
 * What the `Date` of an answer tells of the two clocks: the server wrote it after the request was sent, and before the answer
 * was there. `D-skew`
 *
 * @returns `undefined` without a usable `Date`; that of an answer out of a cache (`Age`) is older than the answer
 */
export function clockOffsetOf(
  headers: ReadonlyMap<string, string>,
  { sent, answered }: Times,
): ClockOffset | undefined {
  const dateMs = headers.has('age') ? undefined : httpDate(headers.get('date'))
  return dateMs === undefined
    ? undefined
    : { leastMs: sent.earliestMs - dateMs - DATE_PRECISION_MS, mostMs: answered.latestMs - dateMs }
}
