import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Exchange, Happening, Item, Skipped } from '../../src/audit/exchange.ts'
import { mergeInOrder } from '../../src/audit/readers/merge.ts'
import { inOrder } from '../../src/audit/readers/order.ts'
import { OutOfOrder, withinWindow } from '../../src/audit/readers/window.ts'

let tempDir = ''
beforeEach(() => {
  tempDir = mkdtempSync(join(tmpdir(), 'order-'))
})
afterEach(() => rmSync(tempDir, { recursive: true }))

const exchange = (atMs: number, entry: number): Exchange => ({
  kind: 'exchange',
  at: { file: 'é\n"x', entry },
  sent: { earliestMs: atMs, latestMs: atMs + 1 },
  answered: { earliestMs: atMs + 100, latestMs: atMs + 101 },
  request: { endpoint: 'api', method: 'GET', path: '/api/', authScheme: 'Bearer', status: 200 },
})
const skipped = (entry: number): Skipped => ({ kind: 'skipped', at: { file: 'x', entry }, why: 'another host' })

/** In batches of so many. */
async function* given<T>(items: readonly T[], size = 3): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}
const exchanges = (times: readonly number[]) => times.map((atMs, n) => exchange(atMs, n + 1))
const timesOf = (items: readonly Item[]) =>
  items.map((item) => (item.kind === 'exchange' ? item.sent.earliestMs : item.kind))
const byTime = (items: readonly Exchange[]) => items.toSorted((a, b) => a.sent.earliestMs - b.sent.earliestMs)

/** Sorts with a window of so many, and looks into the folder of temporary files meanwhile. */
async function sorted(items: readonly Item[], windowItems: number) {
  const order = inOrder(given(items), { windowItems, tempDir })
  const found: Item[] = []
  let files: string[] = []
  for await (const batch of order.batches) {
    if (found.length === 0) files = readdirSync(tempDir, { recursive: true }).map(String)
    found.push(...batch)
  }
  return { found, wasSorted: order.wasSorted(), files: files.filter((file) => file.endsWith('.jsonl')) }
}

describe('the order of time', () => {
  it('is made in memory while everything fits', async () => {
    expect(await sorted(exchanges([5, 3, 4, 1]), 4)).toMatchObject({ wasSorted: true, files: [] })
    expect(timesOf((await sorted(exchanges([5, 3, 4, 1]), 4)).found)).toEqual([1, 3, 4, 5])
  })

  it('takes one run where nothing comes later than the window', async () => {
    const { found, wasSorted, files } = await sorted(exchanges([2, 1, 4, 3, 6, 5, 8, 7]), 2)
    expect(timesOf(found)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect({ wasSorted, runs: files.length }).toEqual({ wasSorted: true, runs: 1 })
  })

  it('says so where something comes later than the window, and is right all the same', async () => {
    const { found, wasSorted, files } = await sorted(exchanges([2, 3, 4, 5, 1]), 2)
    expect(timesOf(found)).toEqual([1, 2, 3, 4, 5])
    expect({ wasSorted, runs: files.length }).toEqual({ wasSorted: false, runs: 2 })
  })

  it('merges more runs than files may be open', async () => {
    const backwards = exchanges(Array.from({ length: 1000 }, (_, n) => 1000 - n))
    const { found, wasSorted, files } = await sorted(backwards, 4)
    expect(files.length).toBeGreaterThan(1)
    expect(files.length).toBeLessThanOrEqual(64)
    expect(found).toEqual(backwards.toReversed())
    expect(wasSorted).toBe(false)
  })

  it('any order in, a stable order of time out, the items as they were', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 120 }),
        fc.integer({ min: 1, max: 20 }),
        async (times, windowItems) => {
          const items = exchanges(times)
          expect((await sorted(items, windowItems)).found).toEqual(byTime(items))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('happenings have their place too, and what was skipped comes as it is read', async () => {
    const demanded: Happening = { kind: 'happening', at: { file: 'x', line: 1 }, moment: { kind: 'demanded', atMs: 2 } }
    const elapsed: Happening = { kind: 'happening', at: { file: 'x', line: 2 }, moment: { kind: 'elapsed', atMs: 9 } }
    const items = [exchange(3, 1), elapsed, skipped(2), demanded, exchange(1, 3)]
    for (const windowItems of [1, 10]) {
      const { found } = await sorted(items, windowItems)
      expect(found).toEqual([skipped(2), exchange(1, 3), demanded, exchange(3, 1), elapsed])
    }
  })

  it('an error of the source comes after what was read before it', async () => {
    for (const windowItems of [1, 10]) {
      async function* failing() {
        yield exchanges([3, 1, 2])
        throw new Error('cut off')
      }
      const found: Item[] = []
      const reading = async () => {
        for await (const batch of inOrder(failing(), { windowItems, tempDir }).batches) found.push(...batch)
      }
      await expect(reading()).rejects.toThrow('cut off')
      expect(timesOf(found)).toEqual([1, 2, 3])
      expect(readdirSync(tempDir)).toEqual([])
    }
  })
})

describe('temporary files', () => {
  const many = exchanges([9, 1, 8, 2, 7, 3])

  it('are for nobody else, and gone at the end', async () => {
    const modes: string[] = []
    for await (const _ of inOrder(given(many), { windowItems: 1, tempDir }).batches)
      for (const path of readdirSync(tempDir, { recursive: true }).map(String))
        modes.push(
          `${path.endsWith('.jsonl') ? 'file' : 'folder'} ${(statSync(join(tempDir, path)).mode & 0o777).toString(8)}`,
        )
    expect([...new Set(modes)].sort()).toEqual(['file 600', 'folder 700'])
    expect(readdirSync(tempDir)).toEqual([])
  })

  it('are gone when nobody reads on', async () => {
    for await (const _ of inOrder(given(many), { windowItems: 1, tempDir }).batches) {
      expect(readdirSync(tempDir)).toHaveLength(1)
      break
    }
    expect(readdirSync(tempDir)).toEqual([])
  })

  it('the source is closed when nobody reads on', async () => {
    let closed = false
    async function* source() {
      try {
        yield [skipped(1)]
        yield [exchange(1, 2)]
      } finally {
        closed = true
      }
    }
    for await (const _ of inOrder(source(), { tempDir }).batches) break
    expect(closed).toBe(true)
  })
})

describe('several recordings', () => {
  it('are one in the order of time, at one time the earlier recording first', async () => {
    const streams = [[exchange(1, 1), skipped(2), exchange(5, 3)], [], [exchange(1, 4), exchange(2, 5)], [skipped(6)]]
    const found: Item[] = []
    for await (const batch of mergeInOrder(streams.map((items) => given(items)))) found.push(...batch)
    const order = found.filter(({ kind }) => kind === 'exchange').map(({ at }) => at.entry)
    expect(order).toEqual([1, 4, 5, 3])
    expect(found).toHaveLength(6)
  })

  it('are closed when nobody reads on', async () => {
    const closed: number[] = []
    async function* source(n: number) {
      try {
        for (let atMs = 0; ; atMs++) yield [exchange(atMs, n)]
      } finally {
        closed.push(n)
      }
    }
    for await (const _ of mergeInOrder([source(1), source(2)])) break
    expect(closed).toEqual([1, 2])
  })
})

describe('the window alone', () => {
  const through = async (times: readonly number[], windowItems: number) => {
    const found: Item[] = []
    for await (const batch of withinWindow(given(exchanges(times)), { windowItems })) found.push(...batch)
    return timesOf(found)
  }

  it('gives out as it goes', async () => {
    async function* endless() {
      for (let atMs = 0; ; atMs += 2) yield exchanges([atMs + 1, atMs])
    }
    const found: Item[] = []
    for await (const batch of withinWindow(endless(), { windowItems: 3 })) if (found.push(...batch) >= 4) break
    expect(timesOf(found).slice(0, 4)).toEqual([0, 1, 2, 3])
  })

  it('refuses what comes later than twice of it, and never what comes within it', async () => {
    expect(await through([2, 3, 1], 2)).toEqual([1, 2, 3])
    await expect(through([2, 3, 4, 5, 6, 1], 2)).rejects.toThrow(OutOfOrder)
  })

  it('gives out in order whatever comes within it', async () => {
    const times = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 1, max: 20 }), async (given, windowItems) => {
        const early = given.toSorted((a, b) => a - b)
        // Each within the window of its place.
        const near = given.map((_, at) => early[at - (at % windowItems) + ((at + 1) % windowItems)] ?? early[at] ?? 0)
        expect(await through(near, windowItems)).toEqual(near.toSorted((a, b) => a - b))
      }),
      { numRuns: 100 },
    )
  })
})
