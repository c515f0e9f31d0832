import type { AuditFinding, AuditReport, TimelineEntry } from '../report.ts'
import { bandOf, LEGEND, markOf, percentOf } from './html-chart.ts'
import { html, type Markup } from './html-markup.ts'
import { ticksOf } from './html-ticks.ts'
import { drawable, ENDPOINTS, evidenceOf, lifetimesOf, pausesOf, placeKey, type Range } from './timeline.ts'
import { count, exchangeText, placeText, utc } from './words.ts'

/** What one page draws, so that a browser stays quick. */
const MOST_REQUESTS = 3_000
const MOST_ACCOUNTS = 12
const MOST_ROWS = 1_000

const AXIS = 22
const NAME = 26
const PIN = 26
const LIFE = 26
const LANE = 24

/** A finding of the page, with the number that its pin shows. */
export interface Numbered {
  readonly number: number
  readonly finding: AuditFinding
}

/** The traffic of every account: tokens, requests, pauses, and the findings as pins that lead to their texts. */
export function timelineSection(report: AuditReport, findings: readonly Numbered[], pauseMs: number): Markup {
  const possible = drawable(report.timeline)
  const evidence = findings.flatMap(({ finding }) => evidenceOf(finding))
  const keys = new Set(evidence.map(({ at }) => placeKey(at)))
  const accounts = accountsOf(possible, findings)
  const shown = accounts.slice(0, MOST_ACCOUNTS)
  const entries = chosen(
    possible.filter(({ account }) => shown.includes(account)),
    keys,
  )
  const times = [
    ...entries.flatMap(({ atMs, answeredAtMs }) => [atMs, answeredAtMs]),
    ...evidence.map(({ time }) => time.earliestMs),
  ]
  if (times.length === 0)
    return html`<section id="timeline"><h2>Timeline</h2><p>There is no request to draw.</p></section>`
  const range = around(times)
  const pauses = pausesOf(possible, pauseMs)
  const lives = lifetimesOf(possible)
  const isOf = (account: string | undefined) => (thing: { readonly account?: string | undefined }) =>
    thing.account === account
  const labels: Markup[] = [html`<li class="axis">UTC</li>`]
  const drawn: Markup[] = []
  let y = AXIS
  for (const account of shown) {
    const own = entries.filter(isOf(account))
    const pins = findings.filter(({ finding }) => (finding.account ?? shown[0]) === account)
    const levels = pinsOf(pins, range)
    const pinHeight = (Math.max(-1, ...levels.map(({ level }) => level)) + 1) * PIN
    const lifeY = y + NAME + pinHeight
    const ownLives = lives.filter(isOf(account))
    const lanes = ENDPOINTS.filter((endpoint) => own.some((entry) => entry.endpoint === endpoint))
    const lanesY = lifeY + (ownLives.length > 0 ? LIFE : 0)
    const laneY = (lane: number) => lanesY + lane * LANE
    labels.push(html`<li class="account" title="${account}">${account ?? 'the only account'}</li>`)
    if (pinHeight > 0) labels.push(html`<li class="pins-${pinHeight / PIN}">findings</li>`)
    if (ownLives.length > 0) labels.push(html`<li class="life-lane">tokens</li>`)
    labels.push(...lanes.map((lane) => html`<li>${lane}</li>`))
    drawn.push(
      html`<line class="rule strong" x1="0" x2="100%" y1="${y}" y2="${y}"/>${lanes.map((_, lane) => html`<line class="rule" x1="0" x2="100%" y1="${laneY(lane)}" y2="${laneY(lane)}"/>`)}`,
      html`${ownLives.map((life, at) => lifeOf(life, range, lifeY + 3 + (at % 2) * 10))}`,
      html`${lanes.map((lane, at) =>
        pauses
          .filter((pause) => pause.account === account && (pause.stops === 'api') === (lane === 'api'))
          .map((pause) =>
            bandOf(
              pause,
              range,
              { y: laneY(at) + 3, height: LANE - 6, name: 'pause' },
              `pause from ${utc(pause.fromMs)} to ${utc(pause.toMs)}`,
            ),
          ),
      )}`,
      html`<g class="marks">${own.map((entry) => markOf(entry, range, laneY(lanes.indexOf(entry.endpoint)) + LANE / 2, keys.has(placeKey(entry.at))))}</g>`,
      html`${levels.map(({ x, level, number, finding }) => pinOf(number, finding, { x, y: y + NAME + level * PIN + 23, bottom: laneY(lanes.length) }))}`,
    )
    y = laneY(lanes.length) + 8
    labels.push(html`<li class="gap"></li>`)
  }
  const left = [
    ...(report.timelineCut ? ['The audit kept only part of the requests for this timeline.'] : []),
    ...(report.timeline.length > possible.length
      ? [
          `${count(report.timeline.length - possible.length, 'request')} with a time that is out of range cannot be drawn.`,
        ]
      : []),
    ...(accounts.length > shown.length
      ? [`Of ${accounts.length} accounts ${shown.length} are drawn, those with findings first.`]
      : []),
    ...(entries.length === MOST_REQUESTS
      ? [`At most ${count(MOST_REQUESTS, 'request')} are drawn: those of the findings first, then token requests.`]
      : []),
  ]
  const { ticks, zooms } = ticksOf(range, y)
  const choices = zooms.map(
    (zoom) =>
      html`<label><input type="radio" name="zoom" id="zoom-${zoom}" value="${zoom}"${zoom === 1 && html` checked`}>${zoom}×</label>`,
  )
  return html`<section id="timeline" class="timeline"><h2>Timeline</h2>
<div class="tools"><fieldset class="zoom"><legend>Zoom</legend>${choices}</fieldset>${LEGEND}</div>
<div class="chart overview"><ul class="lanes" aria-hidden="true">${labels}</ul><div class="plot" tabindex="0" role="group" aria-label="Timeline, ${utc(range.fromMs)} to ${utc(range.toMs)}; scrolls sideways"><svg width="100%" height="${y}" role="group" aria-label="Requests and findings">${ticks}${drawn}</svg></div></div>
<output class="readout" id="readout"></output>
${left.map((line) => html`<p class="cut">${line}</p>`)}
${tableOf(entries)}</section>`
}

/** Accounts with findings first, then by name. */
function accountsOf(entries: readonly TimelineEntry[], findings: readonly Numbered[]): readonly (string | undefined)[] {
  const found = findings.map(({ finding }) => finding.account)
  const all = [...new Set(entries.map(({ account }) => account))].sort()
  const known = new Set(all)
  return [...new Set([...found.filter((account) => known.has(account)), ...all])]
}

/** Those of findings, then token requests, then the rest, by time. */
function chosen(entries: readonly TimelineEntry[], keys: ReadonlySet<string>): readonly TimelineEntry[] {
  if (entries.length <= MOST_REQUESTS) return entries
  const rank = ({ at, endpoint }: TimelineEntry) => (keys.has(placeKey(at)) ? 0 : endpoint === 'api' ? 2 : 1)
  const ranked = entries.toSorted((a, b) => rank(a) - rank(b)).slice(0, MOST_REQUESTS)
  return ranked.toSorted((a, b) => a.atMs - b.atMs)
}

function around(times: readonly number[]): Range {
  const [first, last] = times.reduce(
    ([low, high], ms) => [Math.min(low, ms), Math.max(high, ms)],
    [Infinity, -Infinity],
  )
  const marginMs = Math.max((last - first) * 0.015, 500)
  return { fromMs: first - marginMs, toMs: last + marginMs }
}

function lifeOf(life: ReturnType<typeof lifetimesOf>[number], range: Range, y: number): Markup {
  const endMs = life.expiresAtMs ?? life.replacedAtMs ?? range.toMs
  const inUseMs = Math.min(life.replacedAtMs ?? endMs, endMs)
  const title = `access token ${life.accessId}, granted ${utc(life.fromMs)}${life.replacedAtMs === undefined ? '' : `, replaced ${utc(life.replacedAtMs)}`}, ${life.expiresAtMs === undefined ? 'expiry not known' : `expires ${utc(life.expiresAtMs)}`}`
  const bar = { y, height: 8 }
  return html`${bandOf({ fromMs: inUseMs, toMs: endMs }, range, { ...bar, name: 'life replaced' }, title)}${bandOf({ fromMs: life.fromMs, toMs: inUseMs }, range, { ...bar, name: 'life' }, title)}`
}

/** Pins that would hide each other stand on levels, at most three. */
function pinsOf(findings: readonly Numbered[], range: Range) {
  const ends = [-100, -100, -100]
  return findings
    .flatMap(({ number, finding }) => {
      const last = evidenceOf(finding).at(-1)
      return last === undefined ? [] : [{ number, finding, x: percentOf(last.time.earliestMs, range) }]
    })
    .toSorted((a, b) => a.x - b.x)
    .map((pin) => {
      const free = ends.findIndex((end) => pin.x - end > 3)
      const level = free === -1 ? ends.length - 1 : free
      ends[level] = pin.x
      return { ...pin, level }
    })
}

const pinOf = (
  number: number,
  { observed, rule, verdict, waived }: AuditFinding,
  { x, y, bottom }: { x: number; y: number; bottom: number },
) =>
  html`<a href="#finding-${number}" id="pin-${number}" class="pin ${waived === undefined ? verdict : 'waived'}" aria-label="Finding ${number}: ${rule}, ${observed}"><title>${number}: ${rule}, ${observed}</title><line x1="${x}%" x2="${x}%" y1="${y}" y2="${bottom}"/><use href="#m-pin" x="${x}%" y="${y}"/><text x="${x}%" y="${y - 10}">${number}</text></a>`

function tableOf(entries: readonly TimelineEntry[]): Markup {
  const rows = entries.slice(0, MOST_ROWS)
  const more =
    entries.length > rows.length &&
    html`<p class="cut">The first ${count(rows.length, 'request')} of ${entries.length.toLocaleString('en-US')}.</p>`
  return html`<details class="requests"><summary>These requests as a table</summary>${more}<div class="scroll" tabindex="0" role="group" aria-label="Requests, scrolls"><table><thead><tr><th scope="col">sent</th><th scope="col">account</th><th scope="col">request</th><th scope="col">recording</th></tr></thead><tbody>${rows.map(
    (entry) =>
      html`<tr><td>${utc(entry.atMs)}</td><td>${entry.account ?? ''}</td><td>${exchangeText(entry)}</td><td>${placeText(entry.at)}</td></tr>`,
  )}</tbody></table></div></details>`
}
