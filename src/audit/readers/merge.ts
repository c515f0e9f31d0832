import type { Item, Skipped } from '../exchange.ts'
import { createWaitingRoom, itemTimeMs } from './waiting.ts'

/** Several streams, each in order, as one in order; at one time the items of an earlier stream come first. */
export async function* mergeInOrder(streams: readonly AsyncIterable<Item>[]): AsyncGenerator<Item> {
  const sources = streams.map((stream) => stream[Symbol.asyncIterator]())
  const heads = createWaitingRoom()
  /** Skipped items have no time and go on at once. */
  async function* refill(number: number): AsyncGenerator<Skipped> {
    for (;;) {
      const { value: item, done } = (await sources[number]?.next()) ?? { done: true, value: undefined }
      if (done === true || item === undefined) return
      if (item.kind !== 'skipped') return heads.push({ item, atMs: itemTimeMs(item), run: 0, number })
      yield item
    }
  }
  try {
    for (const number of sources.keys()) yield* refill(number)
    for (let next = heads.pop(); next !== undefined; next = heads.pop()) {
      yield next.item
      yield* refill(next.number)
    }
  } finally {
    for (const source of sources) await source.return?.()
  }
}
