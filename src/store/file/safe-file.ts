import {
  accessSync,
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { StoreError } from '../store-error.ts'
import { codeOf, fileTrouble, readOnly, shellWord, unreadable } from './trouble.ts'

// What others may do to the journal they may do to the tokens: SQLite takes it for its own, and gives it the file's mode.
// So the folder has to be one where nobody else can put anything; a sticky one such as /tmp is not.

const OTHERS = 0o077n
const OTHERS_WRITE = 0o022n

/**
 * Looks at the file without opening it: to close a second descriptor of it would take away the locks that SQLite holds.
 * That nobody replaces it between this look and the opening is the folder's promise.
 *
 * @returns `undefined` where there is none yet
 * @throws {StoreError} `UNSAFE`: others can read or replace it
 */
export function inspect(path: string): BigIntStats | undefined {
  const folder = dirname(path)
  const around = looked(folder, statSync)
  if (around !== undefined) checkFolder(folder, around)
  const file = looked(path, lstatSync)
  if (file !== undefined) checkFile(path, file)
  return file
}

/** Makes the file, empty, and its folder; for this user alone, whatever the umask. Another process may be faster. */
export function create(path: string): void {
  const folder = dirname(path)
  try {
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(folder, 0o700)
    const descriptor = openSync(path, 'wx', 0o600)
    fchmodSync(descriptor, 0o600)
    closeSync(descriptor)
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && looked(path, lstatSync) !== undefined) return
    if (codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM') throw readOnly(path)
    throw fileTrouble(error, path, 'creating it')
  }
}

/** @throws {StoreError} `READ_ONLY`, `UNREACHABLE` */
export function checkRights(path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (error) {
    throw fileTrouble(error, path, 'reading it')
  }
  try {
    accessSync(path, constants.W_OK)
    // The journal comes and goes beside it.
    accessSync(dirname(path), constants.W_OK | constants.X_OK)
  } catch {
    throw readOnly(path)
  }
}

function looked(path: string, look: typeof lstatSync): BigIntStats | undefined {
  try {
    return look(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    throw fileTrouble(error, path, 'looking at it')
  }
}

function checkFolder(folder: string, { uid, mode }: BigIntStats): void {
  const me = userId()
  // Windows keeps rights elsewhere: a folder of the user's profile is the user's.
  if (me === undefined) return
  if (uid !== me && uid !== 0n)
    throw unsafe(`the folder ${folder} belongs to another user (${uid})`, `choose another path`)
  if ((mode & OTHERS_WRITE) !== 0n)
    throw unsafe(
      `others may write to the folder ${folder}, so that they could replace the file`,
      `run: chmod go-w ${shellWord(folder)} (or choose a folder of its own, where others need this one)`,
    )
}

function checkFile(path: string, file: BigIntStats): void {
  if (file.isSymbolicLink())
    throw unsafe(`${path} is a symbolic link`, `give the path it leads to, or run: rm ${shellWord(path)}`)
  if (!file.isFile()) throw unreadable(path, 'it is no file')
  const me = userId()
  if (me === undefined) return
  if (file.uid !== me)
    throw unsafe(`${path} belongs to another user (${file.uid})`, `run: sudo chown ${me} ${shellWord(path)}`)
  if ((file.mode & OTHERS) !== 0n) throw unsafe(`others may read or write ${path}`, `run: chmod 600 ${shellWord(path)}`)
}

const unsafe = (what: string, mend: string) => new StoreError('UNSAFE', `${what}: ${mend}`)

const userId = (): bigint | undefined => {
  const id = process.geteuid?.()
  return id === undefined ? undefined : BigInt(id)
}
