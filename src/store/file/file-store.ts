import { accountKey } from '../account-key.ts'
import { decodeRecord, encodeRecord } from '../codec.ts'
import type { TokenStore } from '../store.ts'
import { createChanges, type Watch } from './changes.ts'
import { createDatabase, type Database } from './database.ts'
import type { Machine } from './machine-time.ts'
import type { ParsedFileOptions } from './options.ts'
import { dropLease, type Row, readRow, replaceRow, stampTime, takeLease, tellTime } from './tables.ts'

/** What a file store takes from the outside. */
export interface FileStoreParts {
  readonly machine: Machine
  /** Resolves after `delayMs`. */
  wait(delayMs: number): Promise<void>
  readonly watch: Watch
}

export function createFileStore(
  { path, sealer }: ParsedFileOptions,
  { machine, wait, watch }: FileStoreParts,
): TokenStore {
  const database = createDatabase(path, wait)
  const keys = new Map<string, Promise<string>>()

  const keyOf = (account: string): Promise<string> => {
    const key = keys.get(account) ?? accountKey(account)
    keys.set(account, key)
    return key
  }
  const transact: Database['transact'] = async (kind, work) => {
    const answer = await database.transact(kind, work)
    changes.reached()
    return answer
  }
  const changes = createChanges(
    path,
    async (account) => {
      const key = await keyOf(account)
      return transact('read', (tables) => readRow(tables, key)?.version ?? 0)
    },
    watch,
  )
  const openRow = ({ text, version }: Row, key: string) => sealer.open(text, key, version, path)
  const look = (key: string) =>
    transact('read', (tables) => ({ row: readRow(tables, key), nowMs: tellTime(tables, machine) }))

  return {
    async read(account) {
      const key = await keyOf(account)
      const found = await look(key)
      const { row, nowMs } =
        found.nowMs === undefined
          ? await transact('write', (tables) => ({
              nowMs: stampTime(tables, machine),
              row: readRow(tables, key),
            }))
          : { ...found, nowMs: found.nowMs }
      return { record: row && decodeRecord(await openRow(row, key), path), nowMs }
    },
    async compareAndSet(account, expectedVersion, record) {
      const key = await keyOf(account)
      const { row } = await look(key)
      // Whoever cannot read what is there does not replace it: another key, a later version.
      if (row !== undefined) decodeRecord(await openRow(row, key), path)
      if ((row?.version ?? 0) !== expectedVersion) return false
      const text = await sealer.seal(encodeRecord(record), key, record.version)
      return transact('write', (tables) => {
        const replaced = replaceRow(tables, key, expectedVersion, { version: record.version, text })
        if (replaced) stampTime(tables, machine)
        return replaced
      })
    },
    async lease(account, holder, leaseMs) {
      const key = await keyOf(account)
      return transact('write', (tables) => {
        const nowMs = tellTime(tables, machine) ?? stampTime(tables, machine)
        const answer = takeLease(tables, key, { holder, leaseMs, nowMs })
        // Who waits for a lease asks often, and writes nothing.
        if (answer.granted) stampTime(tables, machine)
        return answer
      })
    },
    async release(account, holder) {
      const key = await keyOf(account)
      await transact('write', (tables) => dropLease(tables, key, holder))
    },
    subscribe: changes.subscribe,
    async close() {
      changes.close()
      database.close()
    },
  }
}
