import { duration } from '../../policy/words.ts'
import type { AuditFinding, TimelineEntry } from '../report.ts'
import { ENDPOINTS, entriesWithin, evidenceOf, type Pause, placeKey, windowOf } from './timeline.ts'
import { utcTime } from './words.ts'

/** One row of the drawing is made of cells; a cell is a character and how it is painted. */
interface Cell {
  text: string
  paint: Paint
}
export type Paint = 'plain' | 'dim' | 'good' | 'bad' | 'warn'

/** What is drawn at one place of a row: requests too close to stand apart. */
interface Cluster {
  column: number
  readonly statuses: string[]
  isOffence: boolean
}

const SHADE = '░'
const LABEL = 9
const NO_ANSWER = '✗'

/**
 * The minutes of a finding in characters, a row an endpoint: statuses where requests were sent, pauses shaded, and an
 * arrow under the offence. Empty where the finding has no time.
 *
 * @param width of the whole, in characters; at least 30
 */
export function drawTimeline(
  finding: AuditFinding,
  { entries, pauses }: { readonly entries: readonly TimelineEntry[]; readonly pauses: readonly Pause[] },
  width: number,
  paint: (paint: Paint, text: string) => string,
): readonly string[] {
  const window = windowOf(finding)
  if (window === undefined) return []
  const columns = Math.max(width, 30) - LABEL
  const { fromMs, toMs } = window
  const columnOf = (ms: number) => Math.floor(((ms - fromMs) / (toMs - fromMs)) * (columns - 1))
  const within = entriesWithin(entries, finding, window)
  const offenceKey = finding.offence === undefined ? '' : placeKey(finding.offence.at)
  const rows = ENDPOINTS.filter((endpoint) => within.some((entry) => entry.endpoint === endpoint)).map((endpoint) => {
    const cells = Array.from({ length: columns }, (): Cell => ({ text: ' ', paint: 'plain' }))
    for (const pause of pauses) {
      if ((pause.stops === 'api') !== (endpoint === 'api')) continue
      if (finding.account !== undefined && pause.account !== finding.account) continue
      const first = Math.max(0, columnOf(pause.fromMs))
      const last = Math.min(columns, columnOf(pause.toMs))
      for (let at = first; at < last; at++) cells[at] = { text: SHADE, paint: 'warn' }
    }
    const requests = within.filter((entry) => entry.endpoint === endpoint)
    for (const cluster of clustersOf(requests, columnOf, offenceKey)) put(cells, cluster)
    const drawn = cells.map((cell) => paint(cell.paint, cell.text)).join('')
    return `${endpoint.padEnd(LABEL)}${drawn}`.trimEnd()
  })
  if (rows.length === 0) return []
  const mark = evidenceOf(finding).at(-1)
  const arrow = mark === undefined ? [] : [`${' '.repeat(LABEL + columnOf(mark.time.earliestMs))}${paint('bad', '▲')}`]
  return [paint('dim', scale(fromMs, toMs, columns)), ...rows, ...arrow]
}

/** `10:03:58.500Z ├──── 1 min ────┤ 10:05:02.500Z`. */
function scale(fromMs: number, toMs: number, columns: number): string {
  const [first, last, middle] = [utcTime(fromMs), utcTime(toMs), ` ${duration(toMs - fromMs)} `]
  const room = columns - first.length - last.length - middle.length - 4
  if (room < 2) return `${' '.repeat(LABEL)}${first}, ${duration(toMs - fromMs)}`
  const left = Math.floor(room / 2)
  return `${' '.repeat(LABEL)}${first} ├${'─'.repeat(left)}${middle}${'─'.repeat(room - left)}┤ ${last}`
}

function clustersOf(requests: readonly TimelineEntry[], columnOf: (ms: number) => number, offenceKey: string) {
  const clusters: Cluster[] = []
  for (const { atMs, status, at } of requests) {
    const column = columnOf(atMs)
    const last = clusters.at(-1)
    const isOffence = placeKey(at) === offenceKey
    const text = status === 'dropped' ? NO_ANSWER : String(status)
    // One column stays free between two, or 200 and 200 would read 200200.
    if (last !== undefined && column <= last.column + textOf(last).length) {
      last.statuses.push(text)
      last.isOffence ||= isOffence
    } else clusters.push({ column, statuses: [text], isOffence })
  }
  return clusters
}

/** `200`, `200×3`, and the worst one of several sorts: `429+2`. */
function textOf({ statuses }: Cluster): string {
  const worst = statuses.reduce((a, b) => (badness(b) > badness(a) ? b : a))
  if (statuses.length === 1) return worst
  return statuses.every((status) => status === worst)
    ? `${worst}×${statuses.length}`
    : `${worst}+${statuses.length - 1}`
}

const badness = (status: string) => (status === '429' ? 1000 : status === NO_ANSWER ? 999 : Number(status))

function put(cells: Cell[], cluster: Cluster): void {
  const text = textOf(cluster)
  const style = cluster.isOffence ? 'bad' : text.startsWith('2') ? 'good' : 'warn'
  const start = Math.max(0, Math.min(cluster.column, cells.length - text.length))
  for (const [at, character] of [...text].entries())
    if (start + at < cells.length) cells[start + at] = { text: character, paint: style }
}
