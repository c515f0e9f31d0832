import type { Instant } from '../exchange.ts'
import { text } from './json-values.ts'

/** Times outside of these are none, ms since the epoch: 2000 up to 2100. */
export const EARLIEST_MS = Date.UTC(2000, 0)
export const LATEST_MS = Date.UTC(2100, 0)
const ISO = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,12}))?\s?(Z|[+-]\d\d:?\d\d)$/i

/**
 * A point in time of ISO 8601, with any offset, to whatever digit it is given. Without an offset it is none: nobody knows
 * whose clock was meant.
 */
export function isoInstantOf(value: unknown): Instant | undefined {
  const match = ISO.exec(text(value) ?? '')
  if (match === null) return undefined
  const [, day, minute, second = ':00', fraction = '', zone = ''] = match
  const offset = /^z$/i.test(zone) ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`
  const wholeMs = Date.parse(`${day}T${minute}${second}${offset}`)
  // `NaN` is not within either.
  if (!(wholeMs >= EARLIEST_MS && wholeMs < LATEST_MS)) return undefined
  const earliestMs = wholeMs + Number(`0.${fraction || 0}`) * 1000
  const precisionMs = match[3] === undefined ? 60_000 : 1000 / 10 ** Math.min(3, fraction.length)
  return { earliestMs, latestMs: earliestMs + precisionMs }
}
