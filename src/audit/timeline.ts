import type { Exchange } from './exchange.ts'
import type { TimelineEntry } from './report.ts'
import { originOf } from './survey.ts'

/** How much of the traffic around a finding is shown, ms each way. */
const AROUND_MS = 120_000
const MOST_ENTRIES = 10_000
const MOST_REMEMBERED = 2_000

/** What is drawn: token requests, and what else was sent around findings. Memory is bounded. */
export interface Timeline {
  see(exchange: Exchange): void
  /** Something was found at this time. */
  found(atMs: number): void
  /** Those of the origins that count. */
  entries(isOfApi: (origin: string | undefined) => boolean): readonly TimelineEntry[]
  wasCut(): boolean
}

export function createTimeline(): Timeline {
  const entries: { readonly entry: TimelineEntry; readonly origin: string | undefined }[] = []
  let recent: Exchange[] = []
  let shownUntilMs = Number.NEGATIVE_INFINITY
  let cut = false
  const show = (exchange: Exchange) => {
    if (entries.length < MOST_ENTRIES) entries.push({ entry: entryOf(exchange), origin: originOf(exchange) })
    else cut = true
  }
  return {
    entries: (isOfApi) => entries.filter(({ origin }) => isOfApi(origin)).map(({ entry }) => entry),
    see(exchange) {
      if (exchange.request.endpoint !== 'api' || timeOf(exchange) <= shownUntilMs) return show(exchange)
      recent.push(exchange)
      if (recent.length > 2 * MOST_REMEMBERED) recent = recent.slice(-MOST_REMEMBERED)
    },
    found(atMs) {
      shownUntilMs = Math.max(shownUntilMs, atMs + AROUND_MS)
      for (const exchange of recent) if (timeOf(exchange) >= atMs - AROUND_MS) show(exchange)
      recent = []
    },
    wasCut: () => cut,
  }
}

const timeOf = ({ sent }: Exchange) => (sent.earliestMs + sent.latestMs) / 2

function entryOf(exchange: Exchange): TimelineEntry {
  const { at, account, answered, request } = exchange
  const { endpoint, status, grantedAccessId, grantedAccessExpAtMs } = request
  return {
    atMs: timeOf(exchange),
    answeredAtMs: (answered.earliestMs + answered.latestMs) / 2,
    ...(account === undefined ? {} : { account }),
    endpoint,
    status,
    at,
    ...(grantedAccessId === undefined
      ? {}
      : {
          granted: {
            accessId: grantedAccessId,
            ...(grantedAccessExpAtMs === undefined ? {} : { expiresAtMs: grantedAccessExpAtMs }),
          },
        }),
  }
}
