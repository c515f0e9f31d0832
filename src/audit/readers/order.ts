import type { Item } from '../exchange.ts'
import type { Batches } from './batches.ts'
import { mergeInOrder } from './merge.ts'
import { createRuns, type Run, type Runs } from './runs.ts'
import { createWaitingRoom, itemTimeMs, type Waiting, WINDOW_ITEMS } from './waiting.ts'

/** Puts the items of recordings in the order of time, whatever order they were written in. */

export interface OrderOptions {
  /** How many items an item may come too late by, and how many are held in memory. Default 10 000. */
  readonly windowItems?: number | undefined
  /** Name of the recording, for messages. Default `-`. */
  readonly file?: string | undefined
  /** Where temporary files go. Default the system's folder. */
  readonly tempDir?: string | undefined
}

export interface Ordered {
  /** By the earliest time they can have been sent; at one time in the order they came. What was skipped comes as it is read. */
  readonly batches: AsyncGenerator<readonly Item[]>
  /** The window was enough: no item came later than it. Known once `batches` has ended. */
  wasSorted(): boolean
}

/** How many temporary files are read side by side. */
const FAN_IN = 64

/**
 * Any order in. Up to `windowItems` are sorted in memory. With more, the whole is read first, through a window, into sorted
 * runs in temporary files: one run if nothing came later than the window, else several, which are merged. An error of
 * `batches` comes after everything that was read before it.
 */
export function inOrder(batches: Batches<Item>, options: OrderOptions = {}): Ordered {
  const { windowItems = WINDOW_ITEMS, file = '-', tempDir } = options
  let sorted = true

  async function* ordered(): AsyncGenerator<readonly Item[]> {
    const temporary = createRuns(file, tempDir)
    const window = createWaitingRoom()
    const runs: Run[] = []
    let failure: { readonly error: unknown } | undefined
    /** What was written last to the current run. */
    let written: Waiting | undefined
    let number = 0

    const spill = async () => {
      const next = window.pop()
      if (next === undefined) return
      if (runs[next.run] === undefined) {
        await runs[next.run - 1]?.end()
        runs[next.run] = await temporary.create()
      }
      written = next
      await runs[next.run]?.write(next.item)
    }

    try {
      const source = batches[Symbol.asyncIterator]()
      try {
        for (;;) {
          const { value: batch, done } = await source.next().catch((error: unknown) => {
            failure = { error }
            return { value: undefined, done: true } as const
          })
          if (done === true) break
          const skipped = batch.filter((item) => item.kind === 'skipped')
          if (skipped.length > 0) yield skipped
          for (const item of batch) {
            if (item.kind === 'skipped') continue
            const atMs = itemTimeMs(item)
            const late = written !== undefined && atMs < written.atMs
            if (late) sorted = false
            window.push({ item, atMs, run: (written?.run ?? 0) + (late ? 1 : 0), number: number++ })
            if (window.size > windowItems) await spill()
          }
        }
      } finally {
        await source.return?.()
      }
      if (runs.length === 0) {
        const all: Item[] = []
        for (let next = window.pop(); next !== undefined; next = window.pop()) all.push(next.item)
        yield all
      } else {
        while (window.size > 0) await spill()
        await runs.at(-1)?.end()
        yield* mergedRuns(runs, temporary)
      }
      if (failure !== undefined) throw failure.error
    } finally {
      await temporary.remove()
    }
  }

  return { batches: ordered(), wasSorted: () => sorted }
}

/** Merges so many at a time that the number of open files is bounded. */
async function* mergedRuns(runs: readonly Run[], temporary: Runs): AsyncGenerator<readonly Item[]> {
  let left = runs
  while (left.length > FAN_IN) {
    const merged: Run[] = []
    for (let at = 0; at < left.length; at += FAN_IN) {
      const run = await temporary.create()
      for await (const batch of mergeInOrder(left.slice(at, at + FAN_IN).map((each) => each.read())))
        for (const item of batch) await run.write(item)
      await run.end()
      merged.push(run)
    }
    left = merged
  }
  yield* mergeInOrder(left.map((run) => run.read()))
}
