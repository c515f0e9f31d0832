import { type Moment, type ObservedRequest, timeOf } from '../monitors/index.ts'
import type { Exchange, Locator } from './exchange.ts'
import { createHeap } from './heap.ts'
import { inOrderOfLines } from './instants.ts'

/**
 * One way to read the times of a recording. What is broken in every reading is broken for sure; what is broken in some only
 * cannot be told. `late` has everything sent as late and answered as early as can be: the longest waits. `early` the other
 * way round. Times that are known exactly have one reading.
 */
export type Reading = 'late' | 'early'

export const READINGS: readonly Reading[] = ['late', 'early']

/**
 * The request as this reading has it. Where little is known of a short request, `late` has it answered before it was sent:
 * each time is the one that favours the client, and the order of the two is kept by whoever puts moments in order.
 */
export const readAs = ({ request, sent, answered }: Exchange, reading: Reading): ObservedRequest =>
  reading === 'late'
    ? { ...request, sentAtMs: sent.latestMs, answeredAtMs: answered.earliestMs }
    : { ...request, sentAtMs: sent.earliestMs, answeredAtMs: answered.latestMs }

/** A moment and the request of the recording that it belongs to. */
export interface Seen {
  readonly moment: Moment
  readonly exchange: Exchange | undefined
  /** Where it stands, in a recording that tells what came before what at one instant. */
  readonly place: Locator | undefined
  /** Number of the item, in each reading the same. */
  readonly item: number
  readonly atMs: number
  /** At one time answers come first; but of a request that took no time, after its send. */
  readonly rank: 0 | 1
}

/** A moment in its place. */
export function seenAs(
  moment: Moment,
  { exchange, place, item }: { exchange: Exchange | undefined; place: Locator | undefined; item: number },
): Seen {
  if (moment.kind !== 'answered') return { moment, exchange, place, item, atMs: timeOf(moment), rank: 1 }
  const { sentAtMs, answeredAtMs } = moment.request
  const atMs = Math.max(sentAtMs, answeredAtMs)
  return { moment, exchange, place, item, atMs, rank: atMs > sentAtMs ? 0 : 1 }
}

/**
 * Puts the moments of a stream in order that comes by send time: answers come later than what is sent before them, and in a
 * reading a send may come later than the next one's. At one time an answer comes before a send, unless the lines of a file tell.
 */
export interface Sequencer {
  put(seen: Seen): void
  /** Gives out in order everything that happens before this time; nothing that is put later may. */
  until(soonestMs: number): void
}

export function createSequencer(observe: (seen: Seen) => void): Sequencer {
  const heap = createHeap<Waiting>((a, b) => before(a, b) < 0)
  let order = 0
  return {
    put(seen) {
      heap.push({ seen, order: order++ })
    },
    until(soonestMs) {
      for (let first = heap.peek(); first !== undefined && first.seen.atMs < soonestMs; first = heap.peek()) {
        const { atMs } = first.seen
        heap.pop()
        if (heap.peek()?.seen.atMs !== atMs) {
          observe(first.seen)
          continue
        }
        const instant = [first.seen]
        while (heap.peek()?.seen.atMs === atMs) instant.push((heap.pop() as Waiting).seen)
        for (const seen of inOrderOfLines(instant)) observe(seen)
      }
    },
  }
}

interface Waiting {
  readonly seen: Seen
  readonly order: number
}

/** By time, answers first, then as they came. */
const before = (a: Waiting, b: Waiting) => a.seen.atMs - b.seen.atMs || a.seen.rank - b.seen.rank || a.order - b.order
