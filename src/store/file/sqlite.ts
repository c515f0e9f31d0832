import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../store-error.ts'

type Sqlite = typeof import('node:sqlite')

let loaded: Sqlite | undefined

/**
 * `node:sqlite`, loaded when it is first needed. Node 22 says on stderr that it is experimental; that one warning is left
 * out, so that a command's stderr stays clean. Loading is one step, so nobody else's warning is missed.
 */
export function sqlite(): Sqlite {
  if (loaded !== undefined) return loaded
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).startsWith('SQLite is an experimental feature'))
      Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    const found: Sqlite | undefined = process.getBuiltinModule('node:sqlite')
    if (found === undefined)
      throw new StoreError(
        'UNREACHABLE',
        `the file store needs node:sqlite, which Node ${process.version} lacks: use 22.13 or later`,
      )
    loaded = found
    return found
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Runs `work` in a transaction: all or nothing. */
export function inTransaction<T>(database: DatabaseSync, begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
  database.exec(begin)
  try {
    const answer = work()
    database.exec('COMMIT')
    return answer
  } catch (error) {
    try {
      database.exec('ROLLBACK')
    } catch {
      // SQLite has done so itself.
    }
    throw error
  }
}
