import type { TimelineEntry } from '../report.ts'
import { html, type Markup } from './html-markup.ts'
import type { Range } from './timeline.ts'
import { exchangeText, placeText, utc } from './words.ts'

/** What the timeline and the small ones of the findings draw alike. Across, everything is in percent, so that it zooms. */

/** A shape a sort of answer, so that colour is not needed to tell them apart; around 0, 0. */
const SHAPES = html`<symbol id="m-ok" overflow="visible"><circle r="4"/></symbol>
<symbol id="m-refused" overflow="visible"><path d="M0-5.4 5.2 4-5.2 4Z"/></symbol>
<symbol id="m-throttled" overflow="visible"><path d="M-4.4-4.4H4.4V4.4H-4.4Z"/></symbol>
<symbol id="m-broken" overflow="visible"><path d="M0-5.8 5.8 0 0 5.8-5.8 0Z"/></symbol>
<symbol id="m-dropped" overflow="visible"><path d="M-4-4 4 4M4-4-4 4" fill="none" stroke-width="2.2"/></symbol>
<symbol id="m-ring" overflow="visible"><circle r="9" fill="none" stroke-width="2"/></symbol>
<symbol id="m-pin" overflow="visible"><path d="M0 0-7-8V-22H7V-8Z"/></symbol>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="6" height="6"/><path class="hatch-line" d="M0 0V6"/></pattern>`

/** Shapes that every drawing of the page refers to. */
export const DEFINITIONS = html`<svg class="definitions" width="0" height="0" aria-hidden="true" focusable="false"><defs>${SHAPES}</defs></svg>`

const SORTS = { ok: 'answered', refused: '4xx', throttled: '429', broken: '5xx', dropped: 'no answer' } as const
type Sort = keyof typeof SORTS

function sortOf(status: TimelineEntry['status']): Sort {
  if (status === 'dropped') return 'dropped'
  if (status === 429) return 'throttled'
  return status >= 500 ? 'broken' : status >= 400 ? 'refused' : 'ok'
}

/** What the shapes mean. */
export const LEGEND = html`<ul class="legend">${Object.entries(SORTS).map(
  ([sort, words]) =>
    html`<li><svg class="key" width="16" height="16" aria-hidden="true"><use href="#m-${sort}" x="8" y="8" class="mark ${sort}"/></svg>${words}</li>`,
)}<li><svg class="key wide" width="28" height="16" aria-hidden="true"><rect class="pause" width="28" height="16"/></svg>pause after a 429</li><li><svg class="key wide" width="28" height="16" aria-hidden="true"><rect class="life" y="4" width="16" height="8"/><rect class="life replaced" x="16" y="4" width="12" height="8"/></svg>access token, and after it was replaced</li></ul>`

/** Where a time stands in a range, in percent; outside of it on its edge. */
export const percentOf = (ms: number, { fromMs, toMs }: Range) =>
  Number((Math.min(1, Math.max(0, (ms - fromMs) / (toMs - fromMs))) * 100).toFixed(4))

/** `refresh → 429 at 2026-01-05T11:33:10.000Z, web.har (entry 21)`. */
export const entryText = (entry: TimelineEntry) =>
  `${exchangeText(entry)} at ${utc(entry.atMs)}, ${placeText(entry.at)}`

/** A request, `y` pixels from the top. */
export const markOf = (entry: TimelineEntry, range: Range, y: number, isEvidence: boolean): Markup => {
  const sort = sortOf(entry.status)
  const x = percentOf(entry.atMs, range)
  const ring = isEvidence && html`<use href="#m-ring" x="${x}%" y="${y}" class="ring"/>`
  return html`<g class="mark ${sort}" role="img"><title>${entryText(entry)}</title><use href="#m-${sort}" x="${x}%" y="${y}"/>${ring}</g>`
}

/** A part of time across some rows. */
export const bandOf = (
  part: Range,
  range: Range,
  { y, height, name }: { y: number; height: number; name: string },
  title: string,
): Markup | false => {
  // A recording may claim that a token expired before it was granted.
  if (part.toMs <= part.fromMs || part.toMs <= range.fromMs || part.fromMs >= range.toMs) return false
  const x = percentOf(part.fromMs, range)
  return html`<rect class="${name}" x="${x}%" y="${y}" width="${Number((percentOf(part.toMs, range) - x).toFixed(4))}%" height="${height}"><title>${title}</title></rect>`
}
