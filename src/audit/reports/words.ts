import { duration } from '../../policy/words.ts'
import type { Instant, Locator } from '../exchange.ts'
import type { Evidence, TimelineEntry } from '../report.ts'

/** Texts that all reports share. What comes from a recording may hold anything, and is made harmless here. */

/** Longer texts of a recording are cut, and longer lines made of several, in characters. */
const LONGEST_TEXT = 500
const LONGEST_LINE = 4_000

/**
 * Control characters, lone surrogates, what reorders a line (bidi) or cannot be seen, and what XML forbids. Each is shown
 * by its number, so that a path can neither steer a terminal nor look like another one.
 */
const UNSEEN = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/gu

/** The text on one line, every character of it to be seen; cut after 500: `/api/\u{1b}[2J`. */
export const visible = (text: string) => seen(text, LONGEST_TEXT)

/** As {@link visible}, for a line that holds several of them; cut after 4000. */
export const visibleLine = (text: string) => seen(text, LONGEST_LINE)

function seen(text: string, longest: number): string {
  const cut = text.length > longest ? `${text.slice(0, longest).replace(/[\ud800-\udbff]$/, '')}…` : text
  return cut.replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/** The largest time that a `Date` can say, ms. */
const LAST_MS = 8.64e15

/** Whether a time can be said and drawn; a recording may claim any number. */
export const isTime = (ms: number) => Number.isFinite(ms) && Math.abs(ms) <= LAST_MS

/** `2026-01-05T10:14:05.000Z`. */
export const utc = (ms: number) => (isTime(ms) ? new Date(ms).toISOString() : 'a time out of range')

/** `10:14:05.000Z`. */
export const utcTime = (ms: number) => (isTime(ms) ? utc(ms).slice(utc(ms).indexOf('T') + 1) : utc(ms))

/** `2026-01-05T10:14:05.000Z`, or with what it is known to: `… to 10:14:06.000Z`. */
export const instantText = ({ earliestMs, latestMs }: Instant) =>
  earliestMs === latestMs ? utc(earliestMs) : `${utc(earliestMs)} to ${utcTime(latestMs)}`

/** How long, in words; the parts of a time that is out of range count for nothing. */
export const lengthText = (ms: number) => (isTime(ms) ? duration(ms) : 'out of range')

/** `web.har (entry 12)`, `worker.jsonl (line 7)`. */
export function placeText({ file, entry, line }: Locator): string {
  const place = [
    ...(entry === undefined ? [] : [`entry ${entry}`]),
    ...(line === undefined ? [] : [`line ${line}`]),
  ].join(', ')
  return place === '' ? visible(file) : `${visible(file)} (${place})`
}

/** `web.har (entry 12): POST /api/v2/token/refresh/ → 429, 2026-01-05T10:04:05.000Z`. */
export const evidenceText = ({ at, request, time }: Evidence) =>
  `${placeText(at)}: ${visible(request)}, ${instantText(time)}`

/** `refresh → 429`, `api, no answer`. */
export const exchangeText = ({ endpoint, status }: Pick<TimelineEntry, 'endpoint' | 'status'>) =>
  status === 'dropped' ? `${endpoint}, no answer` : `${endpoint} → ${status}`

/** `1 finding`, `3 findings`, `1,204 requests`. */
export const count = (n: number, one: string, many = `${one}s`) =>
  `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`
