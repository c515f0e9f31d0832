import { createHmac, createSecretKey } from 'node:crypto'

/** Stands for what is secret: equal for equal values, and nothing leads back from it without the key. 16 hex digits. */
export interface Fingerprints {
  /** Of an access or refresh token. */
  token(value: string): string
  /** Of a user name: whose traffic it is. */
  account(username: string): string
  /** Of whom a token is for, as it says itself: numbers of one server say nothing at another. */
  subject(origin: string, value: string): string
  /** Of user name and password together. */
  credentials(username: string, password: string): string
  /** Of anything else, in parts: method, URL and body of a request. `['ab', 'c']` is not `['a', 'bc']`. */
  body(...parts: readonly string[]): string
}

/**
 * HMAC-SHA-256, cut to 64 bits.
 *
 * @param key drawn anew for each run, so that two reports cannot be compared; at least 16 bytes
 */
export function createFingerprints(key: Uint8Array): Fingerprints {
  if (key.length < 16) throw new RangeError(`a key of ${key.length} bytes is too short, 16 are needed`)
  // Made once: to make it anew costs ten times what a fingerprint does.
  const secret = createSecretKey(key)
  const of = (kind: string, parts: readonly string[]) => {
    const told = parts.map((part) => `${part.length}:${part}`)
    return createHmac('sha256', secret)
      .update([kind, ...told].join('\0'))
      .digest('hex')
      .slice(0, 16)
  }
  return {
    token: (value) => of('token', [value]),
    account: (username) => of('account', [username]),
    subject: (origin, value) => of('subject', [origin, value]),
    credentials: (username, password) => of('credentials', [username, password]),
    body: (...parts) => of('body', parts),
  }
}

/** What a JWT says of itself; of any other token nothing. */
export interface TokenClaims {
  /** `exp`, ms since the epoch. */
  readonly expAtMs?: number | undefined
  /** `token_type` of SimpleJWT. */
  readonly type?: 'access' | 'refresh' | undefined
  /** `user_id` of SimpleJWT, or `sub`. Not to be shown. */
  readonly subject?: string | undefined
}

/** Longer ones are none. */
const MAX_TOKEN_LENGTH = 16_384
/** 2100-01-01: a later `exp` is none. */
const MAX_EXP_S = 4_102_444_800

/** Reads `exp` and `token_type`, unverified. Never throws. */
export function tokenClaims(token: string): TokenClaims {
  if (token.length > MAX_TOKEN_LENGTH) return {}
  const [, payload, signature, ...more] = token.split('.')
  if (payload === undefined || signature === undefined || more.length > 0) return {}
  let claims: unknown
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  } catch {
    return {}
  }
  if (typeof claims !== 'object' || claims === null) return {}
  const { exp, token_type: type, user_id, sub } = claims as Readonly<Record<string, unknown>>
  const subject = user_id ?? sub
  return {
    expAtMs: typeof exp === 'number' && exp > 0 && exp < MAX_EXP_S ? exp * 1000 : undefined,
    type: type === 'access' || type === 'refresh' ? type : undefined,
    subject:
      (typeof subject === 'string' && subject !== '') || Number.isSafeInteger(subject) ? `${subject}` : undefined,
  }
}

/** As RFC 6750 has it: `b64token`. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/
const REDACTION =
  /redacted|^\W*(removed|masked|filtered|saniti[sz]ed|hidden|scrubbed|x+)\W*$|\*{3}|^\*+$|^\[.*\]$|^<.*>$/i

/** A placeholder that some tool wrote over a secret. Equal placeholders say nothing of what they cover. */
export const isRedacted = (value: string) => value === '' || (value.length < 48 && REDACTION.test(value))

/** Looks like a token, and not like what a tool wrote over one. */
export const isToken = (value: unknown): value is string =>
  typeof value === 'string' && TOKEN.test(value) && !isRedacted(value)
