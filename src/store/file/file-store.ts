import { accountKey } from '../account-key.ts'
import { decodeRecord, encodeRecord } from '../codec.ts'
import type { TokenStore } from '../store.ts'
import { createDatabase } from './database.ts'
import type { Machine } from './machine-time.ts'
import type { ParsedFileOptions } from './options.ts'
import { dropLease, type Row, readRow, replaceRow, stampTime, takeLease, tellTime } from './tables.ts'

/** What a file store takes from the outside. */
export interface FileStoreParts {
  readonly machine: Machine
  /** Resolves after `delayMs`. */
  wait(delayMs: number): Promise<void>
}

export function createFileStore({ path, sealer }: ParsedFileOptions, { machine, wait }: FileStoreParts): TokenStore {
  const database = createDatabase(path, wait)

  const openRow = ({ text, version }: Row, key: string) => sealer.open(text, key, version, path)
  const look = (key: string) =>
    database.transact('read', (tables) => ({ row: readRow(tables, key), nowMs: tellTime(tables, machine) }))

  return {
    async read(account) {
      const key = await accountKey(account)
      const found = await look(key)
      const { row, nowMs } =
        found.nowMs === undefined
          ? await database.transact('write', (tables) => ({
              nowMs: stampTime(tables, machine),
              row: readRow(tables, key),
            }))
          : { ...found, nowMs: found.nowMs }
      return { record: row && decodeRecord(await openRow(row, key), path), nowMs }
    },
    async compareAndSet(account, expectedVersion, record) {
      const key = await accountKey(account)
      const { row } = await look(key)
      // Whoever cannot read what is there does not replace it: another key, a later version.
      if (row !== undefined) decodeRecord(await openRow(row, key), path)
      if ((row?.version ?? 0) !== expectedVersion) return false
      const text = await sealer.seal(encodeRecord(record), key, record.version)
      return database.transact('write', (tables) => {
        const replaced = replaceRow(tables, key, expectedVersion, { version: record.version, text })
        if (replaced) stampTime(tables, machine)
        return replaced
      })
    },
    async lease(account, holder, leaseMs) {
      const key = await accountKey(account)
      return database.transact('write', (tables) => {
        const nowMs = tellTime(tables, machine) ?? stampTime(tables, machine)
        const answer = takeLease(tables, key, { holder, leaseMs, nowMs })
        // Who waits for a lease asks often, and writes nothing.
        if (answer.granted) stampTime(tables, machine)
        return answer
      })
    },
    async release(account, holder) {
      const key = await accountKey(account)
      await database.transact('write', (tables) => dropLease(tables, key, holder))
    },
    async close() {
      database.close()
    },
  }
}
