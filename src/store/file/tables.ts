import type { DatabaseSync } from 'node:sqlite'
import type { LeaseAnswer } from '../store.ts'
import { broughtUp, type Machine, type StoreTime, storeMs } from './machine-time.ts'

/** What is kept of an account: the record's text, sealed or not, and its version. */
export interface Row {
  readonly version: number
  readonly text: string
}

/** The file's tables, within a transaction. The file is this package's own, so its rows are as they were written. */
export const readRow = (database: DatabaseSync, account: string): Row | undefined =>
  database.prepare('SELECT version, text FROM record WHERE account = ?').get(account) as unknown as Row | undefined

export function replaceRow(database: DatabaseSync, account: string, expectedVersion: number, row: Row): boolean {
  if ((readRow(database, account)?.version ?? 0) !== expectedVersion) return false
  database.prepare('INSERT OR REPLACE INTO record VALUES (?, ?, ?)').run(account, row.version, row.text)
  return true
}

export function takeLease(
  database: DatabaseSync,
  account: string,
  { holder, leaseMs, nowMs }: { holder: string; leaseMs: number; nowMs: number },
): LeaseAnswer {
  const held = database.prepare('SELECT holder, ends_ms AS endsMs FROM lease WHERE account = ?').get(account) as
    | { holder: string; endsMs: number }
    | undefined
  if (held !== undefined && held.holder !== holder && held.endsMs > nowMs)
    return { granted: false, freeInMs: held.endsMs - nowMs }
  database.prepare('INSERT OR REPLACE INTO lease VALUES (?, ?, ?)').run(account, holder, Math.ceil(nowMs + leaseMs))
  return { granted: true }
}

export const dropLease = (database: DatabaseSync, account: string, holder: string): void =>
  void database.prepare('DELETE FROM lease WHERE account = ? AND holder = ?').run(account, holder)

const SELECT_TIME = 'SELECT boot, ahead_ms AS aheadMs, slept_ms AS sleptMs, latest_ms AS latestMs FROM time'

const keptTime = (database: DatabaseSync) => database.prepare(SELECT_TIME).get() as unknown as StoreTime | undefined

/** The store's time; `undefined` where it has to be brought up to date first, by a write. */
export function tellTime(database: DatabaseSync, machine: Machine): number | undefined {
  const kept = keptTime(database)
  return kept !== undefined && broughtUp(kept, machine) === kept ? storeMs(kept, machine) : undefined
}

/** The store's time, brought up to date and remembered: after the next boot it goes on from there. */
export function stampTime(database: DatabaseSync, machine: Machine): number {
  const time = broughtUp(keptTime(database), machine)
  const nowMs = storeMs(time, machine)
  database
    .prepare('INSERT OR REPLACE INTO time VALUES (1, ?, ?, ?, ?)')
    .run(time.boot, time.aheadMs, time.sleptMs, nowMs)
  return nowMs
}
