import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../store-error.ts'
import { inTransaction } from './sqlite.ts'
import { unreadable } from './trouble.ts'

/** Tells a file of ours from any other database: "CAut". */
const APPLICATION_ID = 0x43417574
/** Grows when those before can no longer use the file. */
const FORMAT = 1

const TABLES = `
  CREATE TABLE record (account TEXT PRIMARY KEY, version INTEGER NOT NULL, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE lease (account TEXT PRIMARY KEY, holder TEXT NOT NULL, ends_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE time (
    id INTEGER PRIMARY KEY CHECK (id = 1), boot TEXT NOT NULL, ahead_ms INTEGER NOT NULL,
    slept_ms INTEGER NOT NULL, latest_ms INTEGER NOT NULL
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT};
`

/**
 * Recognises the file, or makes an empty one ours; and only then sets how it is written.
 *
 * A rollback journal and not a write-ahead log: at rest there is one file, which holds everything and can be copied, and no
 * tokens of yesterday in a log beside it. `TRUNCATE` with `FULL`: a commit has reached the disk, its journal's end included,
 * so a pair that the server has rotated outlives a power cut. `secure_delete`: a pair that was replaced is overwritten.
 */
export function prepare(database: DatabaseSync, path: string, sizeOf: () => number): void {
  if (sizeOf() === 0 || isRolledBack(database, sizeOf)) makeOurs(database, sizeOf)
  inTransaction(database, 'BEGIN', () => recognise(database, path, sizeOf))
  database.exec(`
    PRAGMA journal_mode = TRUNCATE;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF;
  `)
}

/** A process was killed while it made the file: the first look at it rolls its journal back, and nothing is left. */
const isRolledBack = (database: DatabaseSync, sizeOf: () => number) =>
  inTransaction(database, 'BEGIN', () => {
    database.prepare('PRAGMA page_count').get()
    return sizeOf() === 0
  })

function makeOurs(database: DatabaseSync, sizeOf: () => number): void {
  database.exec('PRAGMA synchronous = FULL')
  inTransaction(database, 'BEGIN IMMEDIATE', () => {
    // Under the lock: another process may have been faster.
    if (sizeOf() === 0) database.exec(TABLES)
  })
}

function recognise(database: DatabaseSync, path: string, sizeOf: () => number): void {
  const number = (pragma: string) => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
  const applicationId = number('application_id')
  const format = number('user_version')
  if (applicationId !== APPLICATION_ID) throw unreadable(path, 'it is a database of another program')
  if (format > FORMAT)
    throw new StoreError(
      'NEWER',
      `${path} was written by a later version of compliancely-auth (format ${format}, this one reads ${FORMAT}): update this program`,
    )
  // What is cut off within its last page SQLite would read as zeros: as an account that nothing is known of.
  if (sizeOf() !== number('page_count') * number('page_size')) throw unreadable(path, 'it is cut off')
  const [problem] = database.prepare('PRAGMA integrity_check(1)').all()
  if (problem?.integrity_check !== 'ok') throw unreadable(path, 'it is damaged')
}
