import { type Moment, type ObservedRequest, timeOf } from '../monitors/index.ts'
import type { Exchange, Locator } from './exchange.ts'
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
  readonly place?: Locator | undefined
}

interface Waiting extends Seen {
  readonly atMs: number
  /** At one time answers come first; but of a request that took no time, after its send. */
  readonly rank: 0 | 1
  readonly order: number
}

/**
 * Puts the moments of a stream in order that comes by send time: answers come later than what is sent before them, and in a
 * reading a send may come later than the next one's. At one time an answer comes before a send, unless the lines of a file tell.
 */
export interface Sequencer {
  put(seen: Seen): void
  /** In order, everything that happens before this time; nothing that is put later may. */
  until(soonestMs: number): Iterable<Seen>
}

export function createSequencer(): Sequencer {
  // A binary heap by time, answers first, then as they came.
  const heap: Waiting[] = []
  let count = 0
  const before = (a: Waiting, b: Waiting) => a.atMs - b.atMs || a.rank - b.rank || a.order - b.order
  const isBefore = (a: Waiting, b: Waiting) => before(a, b) < 0
  const swap = (a: number, b: number) => {
    const kept = heap[a] as Waiting
    heap[a] = heap[b] as Waiting
    heap[b] = kept
  }
  const pop = (): Waiting => {
    const top = heap[0] as Waiting
    const last = heap.pop() as Waiting
    if (heap.length === 0) return top
    heap[0] = last
    for (let at = 0; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && isBefore(heap[child] as Waiting, heap[least] as Waiting)) least = child
      if (least === at) return top
      swap(at, least)
      at = least
    }
  }
  return {
    put({ moment, exchange, place }) {
      const isAnswer = moment.kind === 'answered'
      const atMs = isAnswer ? Math.max(moment.request.sentAtMs, moment.request.answeredAtMs) : timeOf(moment)
      const rank = isAnswer && atMs > moment.request.sentAtMs ? 0 : 1
      heap.push({ moment, exchange, place, atMs, rank, order: count++ })
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1
        if (!isBefore(heap[at] as Waiting, heap[parent] as Waiting)) return
        swap(at, parent)
        at = parent
      }
    },
    *until(soonestMs) {
      while (heap[0] !== undefined && heap[0].atMs < soonestMs) {
        const { atMs } = heap[0]
        const instant: Waiting[] = []
        while (heap[0]?.atMs === atMs) instant.push(pop())
        yield* inOrderOfLines(instant)
      }
    },
  }
}
