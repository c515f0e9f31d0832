import type { Item } from '../exchange.ts'
import { createWaitingRoom, itemTimeMs, type Waiting, WINDOW_ITEMS } from './waiting.ts'

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
  items: AsyncIterable<Item>,
  { windowItems = WINDOW_ITEMS }: { readonly windowItems?: number | undefined } = {},
): AsyncGenerator<Item> {
  const window = createWaitingRoom()
  let givenMs = Number.NEGATIVE_INFINITY
  let number = 0
  for await (const item of items) {
    if (item.kind === 'skipped') {
      yield item
      continue
    }
    const atMs = itemTimeMs(item)
    if (atMs < givenMs) throw new OutOfOrder()
    window.push({ item, atMs, run: 0, number: number++ })
    if (window.size <= windowItems) continue
    const next = window.pop() as Waiting
    givenMs = next.atMs
    yield next.item
  }
  for (let next = window.pop(); next !== undefined; next = window.pop()) yield next.item
}
