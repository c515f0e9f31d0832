import type { Exchange, Happening, Item } from '../../src/audit/exchange.ts'
import type { ObservedRequest } from '../../src/monitors/index.ts'
import { type Items, trace } from '../unit/monitors/traces.ts'

/** Keeps the order of moments that a trace of the monitors' tests has at one time, ms. */
const STEP_MS = 0.001

/**
 * A trace of the monitors' tests as the auditor would read it: requests by their times alone, and what else happened.
 *
 * @param lean which way the steps go: `back` for what happens just in time, `on` for what happens just too late
 */
export function itemsOf(items: Items, lean: 'on' | 'back' = 'on', file = 'trace.jsonl'): Item[] {
  const moments = trace(items)
  const open: { request: ObservedRequest | undefined; sentAtMs: number; index: number }[] = []
  const read: { atMs: number; item: Item }[] = []
  const put = (atMs: number, item: Item) => void read.push({ atMs, item })
  for (const [index, moment] of moments.entries()) {
    const shiftMs = (lean === 'on' ? index : index - moments.length) * STEP_MS
    if (moment.kind === 'sent') open.push({ request: undefined, sentAtMs: moment.request.sentAtMs + shiftMs, index })
    else if (moment.kind === 'answered') {
      const at = open.findIndex(({ sentAtMs }) => Math.abs(sentAtMs - moment.request.sentAtMs) < 0.5)
      const [begun] = open.splice(Math.max(0, at), 1)
      const sentAtMs = begun?.sentAtMs ?? moment.request.sentAtMs
      put(sentAtMs, exchangeOf(moment.request, sentAtMs, moment.request.answeredAtMs + shiftMs, file, index))
    } else put(atOf(moment) + shiftMs, happeningOf(moment, shiftMs, file, index))
  }
  return read.toSorted((a, b) => a.atMs - b.atMs).map(({ item }) => item)
}

type Other = Happening['moment']
const atOf = (moment: Other) => moment.atMs

const happeningOf = (moment: Other, shiftMs: number, file: string, index: number): Happening => ({
  kind: 'happening',
  at: { file, line: index + 1 },
  moment: { ...moment, atMs: moment.atMs + shiftMs },
})

function exchangeOf(
  { sentAtMs: _, answeredAtMs: __, ...request }: ObservedRequest,
  sentAtMs: number,
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
