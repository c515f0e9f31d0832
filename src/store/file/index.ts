/** Entry point `compliancely-auth/store/file`: records in one SQLite file, for the processes of one machine. */
import { systemClock } from '../../clock.ts'
import type { TokenStore } from '../store.ts'
import { systemWatch } from './changes.ts'
import { createFileStore } from './file-store.ts'
import { systemMachine } from './machine-time.ts'
import { type FileStoreOptions, parseFileOptions } from './options.ts'

export type { EncryptionKey } from '../seal.ts'
export type { FileStoreOptions } from './options.ts'
export { defaultPath, type Place } from './place.ts'

/**
 * Keeps records in one SQLite file, which any number of processes of one machine share and which outlives them. Not for a
 * network drive: its locks do not hold there.
 *
 * The file is opened at the first call and, after trouble, again at the next; it and its folder have to be this user's
 * alone. After `close()` every call rejects with `UNREACHABLE`.
 *
 * @throws AuthError `CONFIG_INVALID`; its methods reject with `StoreError`
 * @see clause `store-securely`, decisions `D-skew`, `D-one-at-a-time`, `D-store-down`
 */
export function fileStore(options: FileStoreOptions = {}): TokenStore {
  const clock = systemClock()
  return createFileStore(parseFileOptions(options), {
    machine: systemMachine(),
    wait: (delayMs) => new Promise((resolve) => clock.setTimeout(resolve, delayMs, { keepsAlive: true })),
    watch: systemWatch,
  })
}
