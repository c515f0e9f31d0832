import { decodeRecord, encodeRecord } from '../codec.ts'
import type { AccountRecord } from '../record.ts'
import { StoreError } from '../store-error.ts'

/**
 * Names one write: version, the store's time, and something no other write has. It is part of the name of a lock, so it is
 * short (WebKit refuses names beyond some hundred letters) and holds no secret.
 */
export interface Stamp {
  readonly name: string
  readonly version: number
  readonly atMs: number
}

/** A record as a tab has it. */
export interface Copy {
  readonly stamp: Stamp
  readonly text: string
  readonly record: AccountRecord
}

export const newCopy = (record: AccountRecord, atMs: number): Copy => {
  const { version } = record
  const stamp = { name: `${version} ${atMs} ${crypto.randomUUID()}`, version, atMs }
  return { stamp, text: encodeRecord(record), record }
}

/** @throws {StoreError} `NEWER`, `UNREADABLE` */
export const readCopy = (stamp: Stamp, text: string): Copy => ({
  stamp,
  text,
  record: decodeRecord(text, 'what a tab of this page keeps'),
})

/** The stamp of a name; `undefined` for a name that is none. */
export function stampOf(name: string): Stamp | undefined {
  const [, version, atMs] = /^(\d{1,15}) (\d{1,15}) [\w-]{1,64}$/.exec(name) ?? []
  return version === undefined ? undefined : { name, version: Number(version), atMs: Number(atMs) }
}

/** Where a tab keeps its copy beside its memory. */
export interface Keeping {
  /** @throws {StoreError} `NEWER`: a later version of this package wrote it, and it is left as it is */
  load(key: string): Copy | undefined
  /** @throws {StoreError} `FULL` */
  save(key: string, copy: Copy): void
  drop(key: string): void
}

/** A tab's memory is all there is. */
export const inMemory: Keeping = { load: () => undefined, save: () => {}, drop: () => {} }

/** Keeps copies in `sessionStorage`, which outlives a reload of the tab. */
export const inSession = (storage: Storage): Keeping => ({
  load(key) {
    const kept = storage.getItem(key) ?? ''
    const cut = kept.indexOf('\n')
    const stamp = stampOf(kept.slice(0, cut))
    try {
      if (stamp !== undefined) return readCopy(stamp, kept.slice(cut + 1))
    } catch (error) {
      if (error instanceof StoreError && error.code === 'NEWER') throw error
    }
    // Damaged. It was one tab's second copy: others have theirs, and where there is none a sign-in gives a new one.
    storage.removeItem(key)
    return undefined
  },
  save(key, { stamp, text }) {
    try {
      storage.setItem(key, `${stamp.name}\n${text}`)
    } catch {
      throw new StoreError(
        'FULL',
        "there is no room in this tab's sessionStorage: remove what the page no longer needs",
      )
    }
  },
  drop: (key) => storage.removeItem(key),
})
