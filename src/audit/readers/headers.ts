import type { ObservedSend } from '../../monitors/index.ts'
import { LONGEST_RETRY_AFTER_MS } from '../../policy/limits.ts'
import { isRedacted, isToken } from './fingerprints.ts'
import { isoInstantOf } from './iso-times.ts'
import { field, text } from './json-values.ts'

/** By lower-case name; the first of several counts. */
export function headersOf(message: unknown): ReadonlyMap<string, string> {
  const list = field(message, 'headers')
  const headers = new Map<string, string>()
  if (!Array.isArray(list)) return headers
  for (const header of list) {
    const name = text(field(header, 'name'))?.toLowerCase()
    const value = text(field(header, 'value'))
    if (name !== undefined && value !== undefined && !headers.has(name)) headers.set(name, value)
  }
  return headers
}

/** How a request said who it is; the token only where it is one and not what a tool wrote over it. */
export function authorizationOf(value: string | undefined): {
  readonly scheme: ObservedSend['authScheme']
  readonly token?: string | undefined
  /** A tool wrote over all of it: what the scheme was is not known. */
  readonly hidden?: true
} {
  const said = value?.trim() ?? ''
  // No pattern for the whole: one with two runs of spaces takes hours for a header that is full of them.
  const end = said.search(/\s/)
  const [name, rest] = end < 0 ? [said, ''] : [said.slice(0, end), said.slice(end).trimStart()]
  if (rest === '' && name !== '' && isRedacted(name)) return { scheme: 'none', hidden: true }
  switch (name.toLowerCase()) {
    case '':
      return { scheme: 'none' }
    case 'bearer':
      // What JavaScript makes of a token that is not there.
      if (rest === 'undefined' || rest === 'null') return { scheme: 'other' }
      return { scheme: 'Bearer', token: isToken(rest) ? rest : undefined }
    case 'basic':
      return { scheme: 'Basic' }
    case 'token':
      return { scheme: 'Token' }
    default:
      return { scheme: 'other' }
  }
}

/**
 * `Retry-After` in ms from the answer: seconds, or a date, which is compared with the reply's own `Date`.
 *
 * @param answeredAtMs stands in for a missing `Date`
 */
export function retryAfterMs(headers: ReadonlyMap<string, string>, answeredAtMs: number): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? ''
  const untilMs = httpDate(value)
  const ms = /^\d{1,10}$/.test(value)
    ? Number(value) * 1000
    : untilMs === undefined
      ? undefined
      : untilMs - (httpDate(headers.get('date')) ?? answeredAtMs)
  return ms === undefined || ms < 0 || ms > LONGEST_RETRY_AFTER_MS ? undefined : ms
}

/** `Mon, 05 Jan 2026 10:00:00 GMT` */
export function httpDate(value: string | undefined): number | undefined {
  if (!/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(value ?? '')) return undefined
  const ms = Date.parse(value as string)
  return isoInstantOf(Number.isNaN(ms) ? undefined : new Date(ms).toISOString())?.earliestMs
}
