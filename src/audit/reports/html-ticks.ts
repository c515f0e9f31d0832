import { percentOf } from './html-chart.ts'
import { html, type Markup } from './html-markup.ts'
import type { Range } from './timeline.ts'
import { utc } from './words.ts'

/** How often the width of the page a timeline may be wide. The style of the page knows each. */
const ZOOMS = [1, 4, 16, 64, 256]
/** At the widest, the page shows no less than this, ms: the small drawings of the findings show what is shorter. */
const SHORTEST_VIEW_MS = 30_000
/** Ticks on one width of the page, at most. */
const TICKS = 7

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const STEPS = [
  ...[0.1, 0.5, 1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY),
]

/** The scale of a timeline at each zoom that makes sense for it; the style shows the one that is chosen. */
export function ticksOf(
  range: Range,
  height: number,
): { readonly ticks: readonly Markup[]; readonly zooms: readonly number[] } {
  const lengthMs = range.toMs - range.fromMs
  const zooms = ZOOMS.filter((zoom) => zoom === 1 || lengthMs / zoom >= SHORTEST_VIEW_MS)
  const ticks = zooms.map((zoom) => {
    const roomMs = lengthMs / (TICKS * zoom)
    const stepMs = STEPS.find((step) => step >= roomMs) ?? Math.ceil(roomMs / (365 * DAY)) * 365 * DAY
    const first = Math.ceil(range.fromMs / stepMs) * stepMs
    const times = Array.from({ length: Math.floor((range.toMs - first) / stepMs) + 1 }, (_, at) => first + at * stepMs)
    return html`<g class="ticks ticks-${zoom}" aria-hidden="true">${times.map((ms) => {
      const x = percentOf(ms, range)
      const anchor = x < 2 ? 'start' : x > 98 ? 'end' : 'middle'
      return html`<line x1="${x}%" x2="${x}%" y1="18" y2="${height}"/><text x="${x}%" y="12" text-anchor="${anchor}">${tickText(ms, stepMs, lengthMs)}</text>`
    })}</g>`
  })
  return { ticks, zooms }
}

/** As much of a time as tells one tick from the next. */
function tickText(ms: number, stepMs: number, lengthMs: number): string {
  const [date = '', time = ''] = utc(ms).split('T')
  if (stepMs >= DAY) return date
  const shown = stepMs >= MINUTE ? time.slice(0, 5) : stepMs >= SECOND ? time.slice(0, 8) : time.slice(0, 10)
  // Midnight tells the date where there is more than one.
  return lengthMs > DAY && ms % DAY === 0 ? date.slice(5) : shown
}
