import type { Item } from '../exchange.ts'
import type { Batches } from './batches.ts'
import { itemTimeMs, type Timed } from './waiting.ts'

/** Less than of the sort's window: what waits for long is what memory is spent on, and what comes too late is read again. */
export const STREAMED_ITEMS = 2_000

/** An item came later than the window allows: read the recordings again, with {@link inOrder}. */
export class OutOfOrder extends Error {
  override readonly name = 'OutOfOrder'

  constructor() {
    super('the recording is out of order beyond the window')
  }
}

/**
 * For recordings that can be read again: gives items out as soon as the window is full, without a file.
 *
 * @throws {OutOfOrder} at the first item that comes too late
 */
export async function* withinWindow(
  batches: Batches<Item>,
  { windowItems = STREAMED_ITEMS }: { readonly windowItems?: number | undefined } = {},
): AsyncGenerator<readonly Item[]> {
  // Recordings are nearly in order: what comes belongs close to the end, and is pushed there.
  let waiting: Timed[] = []
  let givenMs = Number.NEGATIVE_INFINITY
  for await (const batch of batches) {
    const given: Item[] = []
    for (const item of batch) {
      if (item.kind === 'skipped') {
        given.push(item)
        continue
      }
      const atMs = itemTimeMs(item)
      if (atMs < givenMs) throw new OutOfOrder()
      let place = waiting.length
      while (place > 0 && itemTimeMs(waiting[place - 1] as Timed) > atMs) place--
      if (place === waiting.length) waiting.push(item)
      else waiting.splice(place, 0, item)
      // Half of them at once: each one alone would move all others.
      if (waiting.length <= 2 * windowItems) continue
      const ready = waiting.slice(0, -windowItems)
      waiting = waiting.slice(-windowItems)
      givenMs = itemTimeMs(ready.at(-1) as Timed)
      for (const each of ready) given.push(each)
    }
    if (given.length > 0) yield given
  }
  if (waiting.length > 0) yield waiting
}
