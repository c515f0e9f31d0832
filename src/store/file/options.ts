import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { configError, unknownOptionError } from '../../policy/config-error.ts'
import { createSealer, type EncryptionKey, type Sealer } from '../seal.ts'
import { defaultPath } from './place.ts'

/** Options of `fileStore`; all optional. */
export interface FileStoreOptions {
  /**
   * The file; made with its folder where there is none, for this user alone. Default: `compliancely-auth/tokens.db` where
   * the platform keeps the state of programs (`$XDG_STATE_HOME` or `~/.local/state`, `%LOCALAPPDATA%`,
   * `~/Library/Application Support`).
   */
  path?: string | undefined
  /**
   * Encrypts records at rest with AES-256-GCM: 32 bytes, as they are or as base64 or hex, or a function that gives them.
   * Default: none, the file's rights protect it. Records that were plain are read and encrypted by the next write. Another
   * key is `WRONG_KEY` and changes nothing. `store-securely`
   */
  encryptionKey?: EncryptionKey | undefined
}

/** The options of a file store, checked. */
export interface ParsedFileOptions {
  /** Absolute. */
  readonly path: string
  readonly sealer: Sealer
}

const KNOWN = { path: true, encryptionKey: true } as const satisfies Record<keyof FileStoreOptions, true>

/** @throws AuthError `CONFIG_INVALID` */
export function parseFileOptions(options: FileStoreOptions): ParsedFileOptions {
  if (typeof options !== 'object' || options === null)
    throw configError('options', options, 'an object with path or encryptionKey')
  for (const name of Object.keys(options))
    if (!Object.hasOwn(KNOWN, name)) throw unknownOptionError(name, options[name as never], Object.keys(KNOWN))
  const { path = platformPath(), encryptionKey } = options
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw configError('path', path, 'the path of a file')
  return { path: resolve(path), sealer: createSealer(encryptionKey) }
}

const platformPath = () => defaultPath({ platform: process.platform, env: process.env, home: homedir() })
