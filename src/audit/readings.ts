import { type Moment, type ObservedRequest, timeOf } from '../monitors/index.ts'
import type { Exchange, Happening, Locator } from './exchange.ts'
import { createHeap } from './heap.ts'
import { inOrderOfLines } from './instants.ts'

/**
 * One way to read the times of a recording. What is broken in every reading is broken for sure; what is broken in some only
 * cannot be told. `late` has all waits as long as can be: what they end with sent as late, what they begin with sent or
 * answered as early. `early` the other way round. Times that are known exactly have one reading.
 */
export type Reading = 'late' | 'early'

export const READINGS: readonly Reading[] = ['late', 'early']

/**
 * The request as this reading has it. Where little is known of a short request, `late` has it answered before it was sent:
 * each time is the one that favours the client, and the order of the two is kept by whoever puts moments in order. Tokens
 * expire as early as can be where sends are late, and as late where they are early: the most and the least of their life.
 */
export function readAs(exchange: Exchange, reading: Reading): ObservedRequest {
  const { request, sent, answered, expiryDoubtMs = 0 } = exchange
  const { earliestMs, latestMs } = sent
  const isLate = reading === 'late'
  const as = isLate
    ? { ...request, sentAtMs: latestMs, answeredAtMs: answered.earliestMs }
    : { ...request, sentAtMs: earliestMs, answeredAtMs: answered.latestMs }
  if (earliestMs === latestMs && (isLate || expiryDoubtMs === 0)) return as
  return {
    ...as,
    ...(earliestMs === latestMs ? {} : { sentFromMs: isLate ? earliestMs : latestMs }),
    ...(isLate || expiryDoubtMs === 0 ? {} : expiriesOf(request, expiryDoubtMs)),
  }
}

const expiriesOf = (request: Exchange['request'], laterMs: number) => {
  const { accessExpAtMs, refreshExpAtMs, grantedAccessExpAtMs, grantedRefreshExpAtMs } = request
  const later = (atMs: number | undefined) => (atMs === undefined ? undefined : atMs + laterMs)
  return {
    accessExpAtMs: later(accessExpAtMs),
    refreshExpAtMs: later(refreshExpAtMs),
    grantedAccessExpAtMs: later(grantedAccessExpAtMs),
    grantedRefreshExpAtMs: later(grantedRefreshExpAtMs),
  }
}

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
  /** Of arrival. */
  readonly order: number
}

/** An item as all readings have it. */
export interface Sighting {
  readonly item: Exchange | Happening
  /** Nothing that is seen later happened before, ms. */
  readonly soonestMs: number
  /** Its moments, by reading. */
  readonly byReading: readonly (readonly Seen[])[]
}

/** Makes sightings of items, in the order of time. */
export interface Sightings {
  /** @param requestIds by reading, which API request it is a send of, where that was guessed */
  of(item: Exchange | Happening, requestIds?: readonly (string | undefined)[]): Sighting
  /** The grant as a process has it that adopts it with `by`. */
  adopted(grant: Exchange, by: Exchange): Sighting
}

export function createSightings(readings: readonly Reading[]): Sightings {
  let items = 0
  let order = 0
  const seenAs = (moment: Moment, item: number, exchange: Exchange | undefined, place: Locator | undefined): Seen => {
    if (moment.kind !== 'answered')
      return { moment, exchange, place, item, atMs: timeOf(moment), rank: 1, order: order++ }
    const { sentAtMs, answeredAtMs } = moment.request
    const atMs = Math.max(sentAtMs, answeredAtMs)
    return { moment, exchange, place, item, atMs, rank: atMs > sentAtMs ? 0 : 1, order: order++ }
  }
  return {
    of(item, requestIds) {
      const number = items++
      if (item.kind === 'happening') {
        const seen = [seenAs(item.moment, number, undefined, item.at)]
        return { item, soonestMs: Number.NEGATIVE_INFINITY, byReading: readings.map(() => seen) }
      }
      const { answeredAt } = item
      const place = answeredAt && item.at
      const byReading = readings.map((reading, index) => {
        const read = readAs(item, reading)
        const request = requestIds === undefined ? read : { ...read, requestId: requestIds[index] }
        const sent = seenAs({ kind: 'sent', request }, number, item, place)
        return [sent, seenAs({ kind: 'answered', request }, number, item, answeredAt)]
      })
      return { item, soonestMs: item.sent.earliestMs, byReading }
    },
    adopted(grant, by) {
      const number = items++
      // Known from here on, though granted before: what was sent in between was sent without it.
      const request = { ...grant.request, endpoint: 'refresh', requestId: undefined } as const
      const adopted: Exchange = { ...grant, answered: by.sent, request }
      const place = by.answeredAt && by.at
      const byReading = readings.map((reading) => [
        seenAs({ kind: 'answered', request: readAs(adopted, reading) }, number, grant, place),
      ])
      return { item: grant, soonestMs: by.sent.earliestMs, byReading }
    },
  }
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
  const heap = createHeap<Seen>((a, b) => before(a, b) < 0)
  return {
    put: heap.push,
    until(soonestMs) {
      for (let first = heap.peek(); first !== undefined && first.atMs < soonestMs; first = heap.peek()) {
        const { atMs } = first
        heap.pop()
        if (heap.peek()?.atMs !== atMs) {
          observe(first)
          continue
        }
        const instant = [first]
        while (heap.peek()?.atMs === atMs) instant.push(heap.pop() as Seen)
        for (const seen of inOrderOfLines(instant)) observe(seen)
      }
    },
  }
}

/** By time, answers first, then as they came. */
const before = (a: Seen, b: Seen) => a.atMs - b.atMs || a.rank - b.rank || a.order - b.order
