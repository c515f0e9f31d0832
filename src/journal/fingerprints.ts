import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** Stands for what is secret: equal for equal values. */
export interface SaltedFingerprints {
  readonly salt: string
  /** Of an access or refresh token, 16 hex digits. */
  token(value: string): string
  /** Of what a client calls its account, 16 hex digits. */
  account(account: string): string
  /**
   * Of user name and password together, 4 hex digits: enough to tell whether they have changed, and too few for whoever has
   * both journal and salt to find out by trying what the password is. `store-securely`
   */
  credentials(username: string, password: string): string
}

const ID_DIGITS = 16
const CREDENTIALS_DIGITS = 4

/**
 * HMAC-SHA-256, cut. In step, unlike that of WebCrypto: a process that is killed has written what it had sent.
 *
 * @param salt of the account's record: known to its processes, and in no journal
 */
export function saltedFingerprints(salt: string): SaltedFingerprints {
  const key = utf8ToBytes(salt)
  const of = (kind: string, value: string, digits: number) =>
    bytesToHex(hmac(sha256, key, utf8ToBytes(`${kind}\0${value}`))).slice(0, digits)
  return {
    salt,
    token: (value) => of('token', value, ID_DIGITS),
    account: (account) => of('account', account, ID_DIGITS),
    credentials: (username, password) => of('credentials', JSON.stringify([username, password]), CREDENTIALS_DIGITS),
  }
}
