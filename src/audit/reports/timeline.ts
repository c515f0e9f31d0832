import type { Locator } from '../exchange.ts'
import type { AuditFinding, Evidence, TimelineEntry } from '../report.ts'
import { isTime } from './words.ts'

/** What timelines show, whatever draws them. Times are ms since the epoch. */

export const ENDPOINTS = ['create', 'refresh', 'validate', 'api'] as const

/** Part of time. */
export interface Range {
  readonly fromMs: number
  readonly toMs: number
}

/** The time after a 429 in which nothing of its sort may be sent. */
export interface Pause extends Range {
  readonly account: string | undefined
  /** What pauses: create, refresh and validate, or API requests. */
  readonly stops: 'token' | 'api'
}

/** An access token from its grant on. */
export interface Lifetime {
  readonly account: string | undefined
  readonly accessId: string
  readonly fromMs: number
  /** When the next one of the account was granted. */
  readonly replacedAtMs: number | undefined
  readonly expiresAtMs: number | undefined
}

/** Those whose times can be drawn, by time. */
export const drawable = (entries: readonly TimelineEntry[]): readonly TimelineEntry[] =>
  entries.filter(({ atMs, answeredAtMs }) => isTime(atMs) && isTime(answeredAtMs)).toSorted((a, b) => a.atMs - b.atMs)

/** The pauses that 429s began; one that begins within another lengthens it. */
export function pausesOf(entries: readonly TimelineEntry[], pauseMs: number): readonly Pause[] {
  const latest = new Map<string, Pause>()
  const pauses: Pause[] = []
  const throttled = entries.filter(({ status }) => status === 429).toSorted((a, b) => a.answeredAtMs - b.answeredAtMs)
  for (const { account, endpoint, answeredAtMs } of throttled) {
    const stops = endpoint === 'api' ? 'api' : 'token'
    const key = `${stops} ${account}`
    const running = latest.get(key)
    const runsOn = running !== undefined && answeredAtMs <= running.toMs
    const pause = {
      account,
      stops,
      fromMs: runsOn ? running.fromMs : answeredAtMs,
      toMs: answeredAtMs + pauseMs,
    } as const
    if (runsOn) pauses.splice(pauses.indexOf(running), 1)
    pauses.push(pause)
    latest.set(key, pause)
  }
  return pauses
}

/** The access tokens that were granted, by time. */
export function lifetimesOf(entries: readonly TimelineEntry[]): readonly Lifetime[] {
  const grants = entries.filter(({ granted }) => granted !== undefined)
  const byAccount = Map.groupBy(grants, ({ account }) => account)
  return [...byAccount].flatMap(([account, of]) =>
    of
      .toSorted((a, b) => a.answeredAtMs - b.answeredAtMs)
      .map(({ granted, answeredAtMs }, at, sorted) => ({
        account,
        accessId: granted?.accessId ?? '',
        fromMs: answeredAtMs,
        replacedAtMs: sorted[at + 1]?.answeredAtMs,
        expiresAtMs: isTime(granted?.expiresAtMs ?? Number.NaN) ? granted?.expiresAtMs : undefined,
      })),
  )
}

/** Equal for the same place. */
export const placeKey = ({ file, entry, line }: Locator) => JSON.stringify([file, entry, line])

/** Trigger and offence, as far as their times can be drawn. */
export const evidenceOf = ({ trigger, offence }: AuditFinding): readonly Evidence[] =>
  [trigger, offence].filter(
    (evidence) => evidence !== undefined && isTime(evidence.time.earliestMs) && isTime(evidence.time.latestMs),
  ) as Evidence[]

/** Shown around a finding at least, ms: requests of the same second stand apart in it. */
const SHORTEST_WINDOW_MS = 10_000
/** Shown before and after what a finding is about, as a share of it. */
const MARGIN = 0.15

/** The part of time that shows a finding; `undefined` where it has no time. */
export function windowOf(finding: AuditFinding): Range | undefined {
  const times = evidenceOf(finding).flatMap(({ time }) => [time.earliestMs, time.latestMs])
  if (times.length === 0) return undefined
  const [first, last] = [Math.min(...times), Math.max(...times)]
  const marginMs = Math.max((last - first) * MARGIN, (SHORTEST_WINDOW_MS - (last - first)) / 2)
  return { fromMs: first - marginMs, toMs: last + marginMs }
}

/** The entries of a finding's account in a part of time. */
export const entriesWithin = (
  entries: readonly TimelineEntry[],
  { account }: Pick<AuditFinding, 'account'>,
  { fromMs, toMs }: Range,
): readonly TimelineEntry[] =>
  entries.filter(
    (entry) => entry.atMs <= toMs && entry.atMs >= fromMs && (account === undefined || entry.account === account),
  )
