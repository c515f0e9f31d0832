import type { Exchange, Item } from '../../src/audit/exchange.ts'
import type { ObservedRequest } from '../../src/monitors/index.ts'
import { type Items, trace } from '../unit/monitors/traces.ts'

/** Keeps apart what happens between the send and the answer of a request that takes no time, ms. */
const STEP_MS = 0.001

/**
 * A trace of the monitors' tests as the auditor would read it: requests by their times alone, and what else happened.
 */
export function itemsOf(items: Items, file = 'trace.jsonl'): Item[] {
  const moments = trace(items)
  const open: { sentAtMs: number; index: number }[] = []
  const read: { index: number; item: Item }[] = []
  for (const [index, moment] of moments.entries()) {
    if (moment.kind === 'sent') open.push({ sentAtMs: moment.request.sentAtMs, index })
    else if (moment.kind === 'answered') {
      const at = open.findIndex(({ sentAtMs }) => sentAtMs === moment.request.sentAtMs)
      const [sent = { index }] = open.splice(Math.max(0, at), 1)
      const between = index - sent.index - 1
      const answeredAtMs = moment.request.answeredAtMs + between * STEP_MS
      read.push({ index: sent.index, item: exchangeOf(moment.request, answeredAtMs, file, index) })
    } else read.push({ index, item: { kind: 'happening', at: { file, line: index + 1 }, moment } })
  }
  return read.toSorted((a, b) => a.index - b.index).map(({ item }) => item)
}

function exchangeOf(
  { sentAtMs, answeredAtMs: _, ...request }: ObservedRequest,
  answeredAtMs: number,
  file: string,
  index: number,
): Exchange {
  const exactly = (atMs: number) => ({ earliestMs: atMs, latestMs: atMs })
  return {
    kind: 'exchange',
    at: { file, line: index + 1 },
    sent: exactly(sentAtMs),
    answered: exactly(answeredAtMs),
    request,
  }
}

export const isExchange = (item: Item): item is Exchange => item.kind === 'exchange'

/** Their times known to within so many ms, each way. */
export const widened = (items: readonly Item[], ms: number): Item[] =>
  items.map((item) =>
    isExchange(item)
      ? {
          ...item,
          sent: { earliestMs: item.sent.earliestMs - ms, latestMs: item.sent.latestMs + ms },
          answered: { earliestMs: item.answered.earliestMs - ms, latestMs: item.answered.latestMs + ms },
        }
      : item,
  )
