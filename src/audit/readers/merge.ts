import type { Item } from '../exchange.ts'
import type { Batches } from './batches.ts'
import { createWaitingRoom, itemTimeMs } from './waiting.ts'

/** Several streams, each in order, as one in order; at one time the items of an earlier stream come first. */
export async function* mergeInOrder(streams: readonly Batches<Item>[]): AsyncGenerator<readonly Item[]> {
  const [first] = streams
  if (first !== undefined && streams.length === 1) return yield* first
  const sources = streams.map((stream) => ({
    batches: stream[Symbol.asyncIterator](),
    batch: [] as readonly Item[],
    at: 0,
  }))
  const heads = createWaitingRoom()
  let merged: Item[] = []
  /** Puts the next one of a stream among the heads, if it is there; skipped items have no time and go on at once. */
  const refill = (number: number): boolean => {
    const source = sources[number] as (typeof sources)[number]
    while (source.at < source.batch.length) {
      const item = source.batch[source.at++] as Item
      if (item.kind !== 'skipped') {
        heads.push({ item, atMs: itemTimeMs(item), run: 0, number })
        return true
      }
      merged.push(item)
    }
    return false
  }
  const readOn = async (number: number): Promise<void> => {
    const source = sources[number] as (typeof sources)[number]
    while (!refill(number)) {
      const { value, done } = await source.batches.next()
      if (done === true) return
      source.batch = value
      source.at = 0
    }
  }
  try {
    for (const number of sources.keys()) await readOn(number)
    for (let next = heads.pop(); next !== undefined; next = heads.pop()) {
      merged.push(next.item)
      if (refill(next.number)) continue
      yield merged
      merged = []
      await readOn(next.number)
    }
    yield merged
  } finally {
    for (const { batches } of sources) await batches.return?.()
  }
}
