import { StoreError } from '../store-error.ts'

/** A path as a word of a POSIX shell. */
export const shellWord = (path: string): string =>
  /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`

/** What can be said of an error of the file system. */
export function fileTrouble(error: unknown, path: string, what: string): StoreError {
  const code = codeOf(error)
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return new StoreError('UNREACHABLE', `${path}: ${what} is not allowed to this user (${code}): allow it`)
    case 'EROFS':
      return new StoreError('READ_ONLY', `${path}: ${what} failed, its disk can only be read: choose another path`)
    case 'ENOSPC':
    case 'EDQUOT':
      return full(path)
    default:
      return new StoreError('UNREACHABLE', `${path}: ${what} failed (${code ?? 'for no known reason'})`)
  }
}

const BUSY = 5
const LOCKED = 6
const READ_ONLY = 8
const CORRUPT = 11
const FULL = 13
const CANNOT_OPEN = 14
const NOT_A_DATABASE = 26
/** What more SQLite knows stands in the higher bits. */
const PRIMARY = 0xff

/** Somebody else is writing: to be tried again. */
export const isBusy = (error: unknown): boolean => [BUSY, LOCKED].includes(resultOf(error) ?? 0)

/** What can be said of anything that a call to the database threw. Its own message goes no further. */
export function databaseTrouble(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error
  const result = resultOf(error)
  switch (result) {
    case BUSY:
    case LOCKED:
      return new StoreError(
        'UNREACHABLE',
        `${path} is in use by another process all the time: end the one that holds it`,
      )
    case READ_ONLY:
      return readOnly(path)
    case CORRUPT:
    case NOT_A_DATABASE:
      return unreadable(path, 'it is cut off or damaged, or no store of compliancely-auth')
    case FULL:
      return full(path)
    case CANNOT_OPEN:
      return new StoreError('UNREACHABLE', `${path} or its journal cannot be opened: look at the rights of its folder`)
    case undefined:
      return unreadable(path, `a value in it makes no sense (${codeOf(error) ?? 'unknown'})`)
    default:
      return new StoreError('UNREACHABLE', `${path} cannot be used (SQLite result ${result}): look at its disk`)
  }
}

export const unreadable = (path: string, why: string): StoreError =>
  new StoreError('UNREADABLE', `${path} cannot be read: ${why}. Nothing was changed; move it away to begin anew`)

export const readOnly = (path: string): StoreError =>
  new StoreError('READ_ONLY', `${path} cannot be written: let this user write to the file and its folder`)

const full = (path: string) => new StoreError('FULL', `there is no room to write ${path}: make room on its disk`)

export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function resultOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & PRIMARY : undefined
}
