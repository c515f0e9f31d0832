/** What is wrong with a store, for programs; the message says it for people. A closed union. */
export type StoreErrorCode =
  /** Nobody answers at its address, or the connection broke. Tried again. */
  | 'UNREACHABLE'
  /** Others could read or replace what is kept; nothing is stored until that is mended. */
  | 'UNSAFE'
  /** What is kept there cannot be read: cut off, damaged, or not a store of ours. It is left as it is. */
  | 'UNREADABLE'
  /** It was written by a later version of this package. It is left as it is. */
  | 'NEWER'
  /** It is encrypted, and not with the key that was given; or encrypted and no key was given. It is left as it is. */
  | 'WRONG_KEY'
  /** It can be read and not written. */
  | 'READ_ONLY'
  /** There is no room to write: disk or memory. */
  | 'FULL'

/**
 * What a store rejects with when it can say what is wrong. The message names the file or address, what is needed, and
 * nothing secret: it reaches those who wait as `STORE_UNAVAILABLE`.
 *
 * @see decision `D-store-down`
 */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
