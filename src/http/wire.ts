import * as z from 'zod/mini'
import { Secret } from '../secret.ts'

/**
 * The bodies of the token endpoints, read tolerantly: unknown fields pass, every spelling of guide and reference is
 * taken, and what cannot be used is `malformed` with a reason that names fields, never values.
 *
 * @see decision `D-wire-names`
 */

/** Printable ASCII without spaces. Anything else could not go into a header, and the failure would quote it. */
const token = z.nullish(z.string().check(z.regex(/^[\x21-\x7e]+$/)))
/** A number, or its decimal text. Its sign and size are judged with the other evidence. `D-lifetimes` */
const seconds = z.nullish(z.union([z.number(), z.string().check(z.regex(/^-?\d+(\.\d+)?$/))]))

const GrantedBody = z.looseObject({
  access: token,
  access_token: token,
  new_access_token: token,
  refresh: token,
  refresh_token: token,
  new_refresh_token: token,
  access_expiry_seconds: seconds,
  refresh_expiry_seconds: seconds,
})

/** A granted reply. */
export interface GrantedReply {
  readonly access: Secret
  /** `undefined` when a refresh was answered without one. `D-partial-refresh` */
  readonly refresh: Secret | undefined
  readonly accessExpirySeconds: number | undefined
  readonly refreshExpirySeconds: number | undefined
}

/** Why a reply cannot be used; names fields only. */
export interface Malformed {
  readonly malformed: string
}

/** The text of a reply as JSON; `undefined` when it is not. */
export function parseJSON(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}

/**
 * Reads the reply to a create or refresh. A create must bring a refresh token, a refresh may leave it out.
 *
 * @see decision `D-wire-names`, `D-partial-refresh`
 */
export function parseGranted(endpoint: 'create' | 'refresh', body: unknown): GrantedReply | Malformed {
  const parsed = z.safeParse(GrantedBody, body)
  if (!parsed.success) return { malformed: unusable(parsed.error) }
  const reply = parsed.data
  // A reply that also repeats the old token calls the new one `new_…`.
  const access = reply.new_access_token ?? reply.access ?? reply.access_token
  const refresh = reply.new_refresh_token ?? reply.refresh ?? reply.refresh_token
  if (access == null) return { malformed: 'no access token' }
  if (refresh == null && endpoint === 'create') return { malformed: 'no refresh token' }
  return {
    access: new Secret(access),
    refresh: refresh == null ? undefined : new Secret(refresh),
    accessExpirySeconds: numberOf(reply.access_expiry_seconds),
    refreshExpirySeconds: numberOf(reply.refresh_expiry_seconds),
  }
}

const numberOf = (value: number | string | null | undefined) => (value == null ? undefined : Number(value))

const unusable = (error: z.core.$ZodError) => {
  const fields = new Set(error.issues.map((issue) => issue.path.join('.')))
  return fields.has('') ? 'not a JSON object' : `unusable ${[...fields].join(', ')}`
}

/** The times a token carries, seconds since the epoch by the server's clock. */
export interface TokenTimes {
  readonly exp?: number | undefined
  readonly iat?: number | undefined
}

/** Reads `exp` and `iat` of a JWT, unverified: the signature is the server's business. Any other token has no times. */
export function tokenTimes(token: Secret): TokenTimes {
  const [, payload, signature, ...more] = token.reveal().split('.')
  if (payload === undefined || signature === undefined || more.length > 0) return {}
  const claims = parseJSON(fromBase64URL(payload))
  return typeof claims === 'object' && claims !== null ? { exp: timeIn(claims, 'exp'), iat: timeIn(claims, 'iat') } : {}
}

/** Not finite (JSON's 1e999) is passed on, for `D-lifetimes` to refuse. */
const timeIn = (claims: object, name: string) => {
  const value: unknown = Reflect.get(claims, name)
  return typeof value === 'number' ? value : undefined
}

const decoder = new TextDecoder()

function fromBase64URL(text: string): string | undefined {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = new Uint8Array(binary.length)
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at)
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

const remaining = z.catch(seconds, undefined)
const ValidBody = z.looseObject({
  access_expiry_seconds: remaining,
  expiry_seconds: remaining,
  expires_in: remaining,
  expires_in_seconds: remaining,
  remaining_seconds: remaining,
  /** Seconds since the epoch, as in the token. */
  exp: remaining,
})

/** What a 200 to a validate tells; how long the token still lives, ms from the reply, when it says so. */
export interface ValidReply {
  readonly expiresInMs: number | undefined
}

/**
 * Reads the 200 to a validate. The guide promises the remaining lifetime and names no field: the smallest that is there
 * counts, and an unusable one for nothing.
 *
 * @param replyDateMs the reply's `Date`, ms; without it an `exp` says nothing
 * @see clause `validate-optionally`
 */
export function parseValid(body: unknown, replyDateMs: number | undefined): ValidReply | Malformed {
  const parsed = z.safeParse(ValidBody, body)
  if (!parsed.success) return { malformed: unusable(parsed.error) }
  const { exp, access_expiry_seconds, expiry_seconds, expires_in, expires_in_seconds, remaining_seconds } = parsed.data
  const said = [access_expiry_seconds, expiry_seconds, expires_in, expires_in_seconds, remaining_seconds]
    .filter((value) => value != null)
    .map((value) => Number(value) * 1000)
  if (exp != null && replyDateMs !== undefined) said.push(Number(exp) * 1000 - replyDateMs)
  const usable = said.filter((ms) => Number.isFinite(ms) && ms > 0)
  return { expiresInMs: usable.length === 0 ? undefined : Math.min(...usable) }
}

const ErrorBody = z.looseObject({ code: z.string().check(z.regex(/^[a-z][a-z_]{0,63}$/)) })

/** The `code` of an error body, such as `token_not_valid`; `undefined` when it has none of that kind. */
export function parseCode(body: unknown): string | undefined {
  const parsed = z.safeParse(ErrorBody, body)
  return parsed.success ? parsed.data.code : undefined
}
