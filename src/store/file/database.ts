import { type BigIntStats, lstatSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../store-error.ts'
import { checkRights, create, inspect } from './safe-file.ts'
import { prepare } from './schema.ts'
import { inTransaction, sqlite } from './sqlite.ts'
import { databaseTrouble, isBusy } from './trouble.ts'

/** How long a call waits before it tries a busy file again, ms; 2 s in all. No event loop stands still for it. */
const WAITS_MS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512]
/** How long SQLite itself waits for a lock, with the event loop, ms: longer than a look takes, shorter than a write. */
const LOCK_MS = 5

/** One SQLite file, opened at the first call and, after trouble, anew at the next. */
export interface Database {
  /**
   * Runs `work` in a transaction: all or nothing, on the disk when this resolves. Again, if the file was busy.
   *
   * @throws {StoreError}
   */
  transact<T>(kind: 'read' | 'write', work: (database: DatabaseSync) => T): Promise<T>
  /** Nothing can be asked afterwards. */
  close(): void
}

interface Opened {
  readonly database: DatabaseSync
  readonly file: BigIntStats
}

export function createDatabase(path: string, wait: (delayMs: number) => Promise<void>): Database {
  let opened: Opened | undefined
  let closed = false

  const drop = () => {
    try {
      opened?.database.close()
    } catch {
      // It is gone either way.
    }
    opened = undefined
  }

  /** Somebody may have put another file in its place: what is written to the old one nobody would read. */
  const current = (): DatabaseSync => {
    const file = inspect(path)
    if (opened !== undefined && !isSame(opened.file, file)) drop()
    opened ??= open(path, file)
    return opened.database
  }

  return {
    async transact(kind, work) {
      for (let tries = 0; ; tries++) {
        if (closed) throw new StoreError('UNREACHABLE', `the store of ${path} was closed`)
        try {
          const database = current()
          return inTransaction(database, kind === 'read' ? 'BEGIN' : 'BEGIN IMMEDIATE', () => work(database))
        } catch (error) {
          const delayMs = WAITS_MS[tries]
          if (!isBusy(error) || delayMs === undefined) {
            drop()
            throw databaseTrouble(error, path)
          }
          await wait(delayMs)
        }
      }
    },
    close() {
      closed = true
      drop()
    },
  }
}

function open(path: string, found: BigIntStats | undefined): Opened {
  if (found === undefined) create(path)
  const file = inspect(path)
  if (file === undefined) throw new StoreError('UNREACHABLE', `${path} was removed as soon as it was made`)
  checkRights(path)
  const database = new (sqlite().DatabaseSync)(path)
  try {
    database.exec(`PRAGMA busy_timeout = ${LOCK_MS}`)
    prepare(database, path, () => lstatSync(path).size)
  } catch (error) {
    database.close()
    throw error
  }
  return { database, file }
}

const isSame = (one: BigIntStats, other: BigIntStats | undefined) => one.dev === other?.dev && one.ino === other.ino
