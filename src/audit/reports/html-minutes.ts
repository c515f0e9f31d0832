import type { AuditFinding, TimelineEntry } from '../report.ts'
import { bandOf, markOf, percentOf } from './html-chart.ts'
import { html, type Markup } from './html-markup.ts'
import { ENDPOINTS, entriesWithin, evidenceOf, type Pause, placeKey, windowOf } from './timeline.ts'
import { count, lengthText, utc, utcTime } from './words.ts'

const ROW = 28
/** Requests that one small drawing holds. */
const MOST = 300
/** Statuses are written where this much room is left, in percent of the width. */
const ROOM = 7
/** As much on a narrow page. */
const NARROW_ROOM = 17

/** The minutes of a finding: who was called when and what came back, the pause, and what the finding is about in rings. */
export function minutesOf(
  finding: AuditFinding,
  { entries, pauses }: { readonly entries: readonly TimelineEntry[]; readonly pauses: readonly Pause[] },
): Markup | false {
  const window = windowOf(finding)
  if (window === undefined) return false
  const all = entriesWithin(entries, finding, window)
  const evidence = evidenceOf(finding)
  const keys = new Set(evidence.map(({ at }) => placeKey(at)))
  const within = [...all.filter(({ at }) => keys.has(placeKey(at))), ...all.filter(({ at }) => !keys.has(placeKey(at)))]
    .slice(0, MOST)
    .toSorted((a, b) => a.atMs - b.atMs)
  const rows = ENDPOINTS.filter((endpoint) => within.some((entry) => entry.endpoint === endpoint))
  if (rows.length === 0) return false
  const { trigger } = finding
  // What follows from an answer counts from when it was there.
  const answer = within.find(({ at }) => trigger !== undefined && placeKey(at) === placeKey(trigger.at))
  const first = answer?.answeredAtMs ?? evidence[0]?.time.earliestMs ?? 0
  const last = evidence.at(-1)?.time.earliestMs ?? 0
  const height = rows.length * ROW + (last > first ? 26 : 6)
  const drawn = rows.map((endpoint, row) => {
    const top = row * ROW
    const own = within.filter((entry) => entry.endpoint === endpoint)
    const shaded = pauses
      .filter(({ stops, account }) => (stops === 'api') === (endpoint === 'api') && of(finding, account))
      .map((pause) =>
        bandOf(pause, window, { y: top + 3, height: ROW - 6, name: 'pause' }, `pause until ${utc(pause.toMs)}`),
      )
    return html`<line class="rule" x1="0" x2="100%" y1="${top + ROW}" y2="${top + ROW}"/>${shaded}${own.map(
      (entry, at) => {
        const x = percentOf(entry.atMs, window)
        const next = own[at + 1]
        const isEvidence = keys.has(placeKey(entry.at))
        const room = next === undefined ? 100 : percentOf(next.atMs, window) - x
        const label = (isEvidence || room > ROOM) && statusOf(entry, { x, y: top + ROW / 2 + 4, room, isEvidence })
        return html`${markOf(entry, window, top + ROW / 2, isEvidence)}${label}`
      },
    )}`
  })
  const span =
    last > first && spanOf(percentOf(first, window), percentOf(last, window), rows.length * ROW + 14, last - first)
  const left = all.length - within.length
  const more = left > 0 && html`, ${count(left, 'more request')} not drawn`
  return html`<figure class="minutes"><div class="chart"><ul class="lanes" aria-hidden="true">${rows.map((row) => html`<li>${row}</li>`)}</ul><svg width="100%" height="${height}" role="group" aria-label="The minutes of this finding">${drawn}${span}</svg></div><figcaption>${utcTime(window.fromMs)} to ${utcTime(window.toMs)}, ${lengthText(window.toMs - window.fromMs)}${more}</figcaption></figure>`
}

const of = (finding: AuditFinding, account: string | undefined) =>
  finding.account === undefined || finding.account === account

/** The status beside its mark; to the left of it where the drawing ends. */
function statusOf(
  { status }: TimelineEntry,
  { x, y, room, isEvidence }: { x: number; y: number; room: number; isEvidence: boolean },
): Markup {
  const css = isEvidence || room > NARROW_ROOM ? 'status' : 'status crowded'
  const away = isEvidence ? 13 : 8
  const side = x > 85 ? html`dx="-${away}" text-anchor="end"` : html`dx="${away}"`
  return html`<text class="${css}" x="${x}%" y="${y}" ${side}>${status === 'dropped' ? '' : status}</text>`
}

/** How long from the trigger to the offence. */
const spanOf = (from: number, to: number, y: number, ms: number) =>
  html`<g class="span"><line x1="${from}%" x2="${to}%" y1="${y}" y2="${y}"/><line x1="${from}%" x2="${from}%" y1="${y - 5}" y2="${y + 5}"/><line x1="${to}%" x2="${to}%" y1="${y - 5}" y2="${y + 5}"/><text x="${Number(((from + to) / 2).toFixed(4))}%" y="${y + 4}">${lengthText(ms)}</text></g>`
