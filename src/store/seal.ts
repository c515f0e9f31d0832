import { configError } from '../policy/config-error.ts'
import { StoreError } from './store-error.ts'

/**
 * 32 random bytes, as they are or as base64 or hex; or a function that gives them, which is asked before the first use and,
 * where it fails, again at the next.
 */
export type EncryptionKey = string | Uint8Array | (() => string | Uint8Array | Promise<string | Uint8Array>)

/**
 * Seals what a store keeps, with AES-256-GCM and a random IV for each write. The account and the version belong to what is
 * sealed, so that nobody can put a record under another account or one version in the place of another. Whoever can write
 * the place can still bring back an old row, version and all. `store-securely`
 */
export interface Sealer {
  /** The text to be kept; `text` itself where there is no key. */
  seal(text: string, account: string, version: number): Promise<string>
  /**
   * What was sealed. Plain text is returned as it is: it will be sealed by the next write.
   *
   * @param where names the file or key in the error
   * @throws {StoreError} `WRONG_KEY`, `UNREADABLE`, `NEWER`
   */
  open(kept: string, account: string, version: number, where: string): Promise<string>
}

const KEY_BYTES = 32
const IV_BYTES = 12
const ALLOWED = `${KEY_BYTES} bytes: a Uint8Array, base64 or hex, or a function that gives them`
/** Grows when what is sealed can no longer be opened by those before. */
const FORMAT = 1
const SEALED = /^sealed:(\d+):(.*)$/s

/** @throws AuthError `CONFIG_INVALID`; it does not show the key */
export function createSealer(encryptionKey: EncryptionKey | undefined): Sealer {
  const keyFor = keySource(encryptionKey)

  return {
    async seal(text, account, version) {
      if (keyFor === undefined) return text
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
      const sealed = await crypto.subtle.encrypt(
        gcm(iv, account, version),
        await keyFor(),
        new TextEncoder().encode(text),
      )
      return `sealed:${FORMAT}:${toBase64(iv, new Uint8Array(sealed))}`
    },
    async open(kept, account, version, where) {
      const [, format, body] = SEALED.exec(kept) ?? []
      if (format === undefined || body === undefined) return kept
      if (Number(format) > FORMAT)
        throw new StoreError(
          'NEWER',
          `${where} was sealed by a later version of compliancely-auth (format ${format}, this one opens ${FORMAT}): update this program`,
        )
      if (keyFor === undefined)
        throw new StoreError('WRONG_KEY', `${where} is encrypted, and no encryptionKey was given: nothing was changed`)
      const bytes = fromBase64(body)
      if (bytes === undefined || bytes.length <= IV_BYTES)
        throw new StoreError('UNREADABLE', `${where} is damaged: nothing was changed; move it away to begin anew`)
      const key = await keyFor()
      const opened = await crypto.subtle
        .decrypt(gcm(bytes.slice(0, IV_BYTES), account, version), key, bytes.slice(IV_BYTES))
        .catch(() => undefined)
      if (opened === undefined)
        throw new StoreError(
          'WRONG_KEY',
          `${where} cannot be opened with the encryptionKey that was given: it was sealed with another one, or altered since; nothing was changed`,
        )
      return new TextDecoder().decode(opened)
    },
  }
}

const gcm = (iv: Uint8Array<ArrayBuffer>, account: string, version: number) => ({
  name: 'AES-GCM',
  iv,
  additionalData: new TextEncoder().encode(JSON.stringify([account, version])),
})

function keySource(given: EncryptionKey | undefined): (() => Promise<CryptoKey>) | undefined {
  if (given === undefined) return undefined
  if (typeof given !== 'function') {
    const bytes = keyBytes(given)
    if (bytes === undefined) throw configError('encryptionKey', given, ALLOWED)
    const key = imported(bytes)
    return () => key
  }
  let key: Promise<CryptoKey> | undefined
  return () => {
    key ??= asked(given)
    key.catch(() => {
      key = undefined
    })
    return key
  }
}

async function asked(given: () => unknown): Promise<CryptoKey> {
  let answer: unknown
  try {
    answer = await given()
  } catch {
    // Its own message may hold the key.
    throw new StoreError('WRONG_KEY', 'the function given as encryptionKey failed: it must give 32 bytes')
  }
  const bytes = keyBytes(answer)
  if (bytes === undefined)
    throw new StoreError('WRONG_KEY', `the function given as encryptionKey must give ${KEY_BYTES} bytes, base64 or hex`)
  return imported(bytes)
}

const imported = (bytes: Uint8Array<ArrayBuffer>) =>
  crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])

function keyBytes(given: unknown): Uint8Array<ArrayBuffer> | undefined {
  const bytes = typeof given === 'string' ? textBytes(given.trim()) : given
  return bytes instanceof Uint8Array && bytes.length === KEY_BYTES ? new Uint8Array(bytes) : undefined
}

const textBytes = (text: string) =>
  /^[0-9a-f]{64}$/i.test(text)
    ? Uint8Array.from({ length: KEY_BYTES }, (_, index) => Number.parseInt(text.slice(2 * index, 2 * index + 2), 16))
    : fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))

const toBase64 = (...parts: Uint8Array[]) =>
  btoa(parts.map((part) => Array.from(part, (byte) => String.fromCharCode(byte)).join('')).join(''))

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
