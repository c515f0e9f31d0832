import { timeOf } from '../../monitors/observed.ts'
import type { Exchange, Happening } from '../exchange.ts'
import { createHeap, type Heap } from '../heap.ts'

/** How many items an item may come too late by, and how many are held in memory. */
export const WINDOW_ITEMS = 10_000

export type Timed = Exchange | Happening

/** Earliest time of an item, ms since the epoch. */
export const itemTimeMs = (item: Timed) => (item.kind === 'exchange' ? item.sent.earliestMs : timeOf(item.moment))

/** An item that waits for its turn. */
export interface Waiting {
  readonly item: Timed
  readonly atMs: number
  /** Which run it belongs to. */
  readonly run: number
  /** Of arrival. */
  readonly number: number
}

/** Gives out what waits: by run, by time, by arrival. */
export const createWaitingRoom = (): Heap<Waiting> =>
  createHeap((a, b) => (a.run === b.run ? (a.atMs === b.atMs ? a.number < b.number : a.atMs < b.atMs) : a.run < b.run))
