import { pauseLengthMs, tokenLifetimes } from '../policy/deadlines.ts'
import { tokenReplyKind } from '../policy/outcomes.ts'
import type { Policy } from '../policy/schema.ts'
import type { Secret } from '../secret.ts'
import { parseCode, parseGranted, parseValid, tokenTimes } from './wire.ts'

/** What the answers of the token endpoints mean: from status, headers and body to a closed union. */

/** Nothing usable came back; the server may have acted all the same. */
export interface Unavailable {
  readonly kind: 'unavailable'
  /** The answer's status, when there was one. */
  readonly status?: number | undefined
  /** `http`: a status that is no answer; `timeout`: ours, body included; `aborted`: by the signal. */
  readonly reason: 'http' | 'network' | 'timeout' | 'aborted'
}

/** 429. `pause-after-429` */
export interface Throttled {
  readonly kind: 'throttled'
  readonly status: number
  /** How long to pause, ms from the receipt. `D-pause-length` */
  readonly pauseMs: number
}

/** 4xx other than 401 and 429. */
export interface Rejected {
  readonly kind: 'rejected'
  readonly status: number
  readonly code?: string | undefined
}

/** A success that cannot be used; `reason` names fields, never values. */
export interface MalformedReply {
  readonly kind: 'malformed'
  readonly status: number
  readonly reason: string
}

/** New tokens. Lifetimes count from the moment the request was sent. `D-lifetimes` */
export interface Granted {
  readonly kind: 'granted'
  readonly status: number
  readonly access: Secret
  /** `undefined` when the server did not rotate: none came, or the one that was sent. `D-partial-refresh` */
  readonly refresh: Secret | undefined
  readonly accessLifetimeMs: number
  readonly refreshLifetimeMs: number | undefined
  readonly sentAtWallMs: number
  /** The reply's `Date` less the local wall clock halfway between send and receipt, ms. `D-skew` */
  readonly skewMs: number | undefined
}

/** What became of a create or refresh that was sent. */
export type TokenReply =
  | Granted
  | Throttled
  | { readonly kind: 'unauthorized'; readonly status: number; readonly code?: string | undefined }
  | Rejected
  | Unavailable
  | MalformedReply

/** What became of a validate that was sent. */
export type ValidateReply =
  | { readonly kind: 'valid'; readonly expiresInMs?: number | undefined }
  | { readonly kind: 'invalid'; readonly status: number }
  | Throttled
  | Rejected
  | Unavailable
  | MalformedReply

/** The head of an answer, and when it arrived. */
export interface Head {
  readonly status: number
  readonly headers: Headers
  readonly receivedAtWallMs: number
}

/** An answer; its body is `undefined` when it was empty, cut off or not JSON. */
export interface Answer extends Head {
  readonly body: unknown
  readonly replyDateMs: number | undefined
  readonly sentAtWallMs: number
}

/** The numbers of the policy that a reply is read by. */
export type ReplyPolicy = Pick<Policy, 'pauseMs' | 'accessLifetimeMs' | 'refreshLifetimeMs'>

/**
 * Reads the answer to a create or refresh.
 *
 * @param sent the refresh token that was sent
 * @see clause `status-codes`
 */
export function readTokenReply(
  endpoint: 'create' | 'refresh',
  answer: Answer,
  policy: ReplyPolicy,
  sent: Secret | undefined,
): TokenReply {
  const { status, body } = answer
  const kind = tokenReplyKind(endpoint, status)
  switch (kind) {
    case 'granted':
      return granted(endpoint, answer, policy, sent)
    case 'throttled':
      return throttled(answer, policy.pauseMs)
    case 'unavailable':
      return { kind, reason: 'http', status }
    case 'unauthorized':
    case 'rejected':
      return { kind, status, code: parseCode(body) }
    default:
      return kind satisfies never
  }
}

/** Reads the answer to a validate. @see decision `D-validate` */
export function readValidateReply(answer: Answer, policy: ReplyPolicy): ValidateReply {
  const { status, body } = answer
  const kind = tokenReplyKind('validate', status)
  switch (kind) {
    case 'valid': {
      const reply = parseValid(body, answer.replyDateMs)
      return 'malformed' in reply ? { kind: 'malformed', status, reason: reply.malformed } : { kind, ...reply }
    }
    case 'invalid':
      return { kind, status }
    case 'throttled':
      return throttled(answer, policy.pauseMs)
    case 'unavailable':
      return { kind, reason: 'http', status }
    case 'rejected':
      return { kind, status, code: parseCode(body) }
    default:
      return kind satisfies never
  }
}

function granted(
  endpoint: 'create' | 'refresh',
  answer: Answer,
  policy: ReplyPolicy,
  sent: Secret | undefined,
): Granted | MalformedReply {
  const { status, replyDateMs, sentAtWallMs, receivedAtWallMs } = answer
  const malformed = (reason: string) => ({ kind: 'malformed', status, reason }) as const
  const reply = parseGranted(endpoint, answer.body)
  if ('malformed' in reply) return malformed(reply.malformed)
  const { access } = reply
  const refresh = reply.refresh?.reveal() === sent?.reveal() ? undefined : reply.refresh
  const lives = (token: Secret, expirySeconds: number | undefined, documentedMs: number) =>
    tokenLifetimes({ ...tokenTimes(token), expirySeconds, replyDateMs, documentedMs })
  const accessLives = lives(access, reply.accessExpirySeconds, policy.accessLifetimeMs)
  if ('malformed' in accessLives) return malformed(`access token: ${accessLives.malformed}`)
  const refreshLives = refresh && lives(refresh, reply.refreshExpirySeconds, policy.refreshLifetimeMs)
  if (refreshLives && 'malformed' in refreshLives) return malformed(`refresh token: ${refreshLives.malformed}`)
  return {
    kind: 'granted',
    status,
    access,
    refresh,
    accessLifetimeMs: accessLives.lifetimeMs,
    refreshLifetimeMs: refreshLives?.lifetimeMs,
    sentAtWallMs,
    skewMs: replyDateMs === undefined ? undefined : replyDateMs - (sentAtWallMs + receivedAtWallMs) / 2,
  }
}

function throttled(answer: Answer, pauseMs: number): Throttled {
  const { status, headers, replyDateMs, receivedAtWallMs } = answer
  const retryAfter = headers.get('retry-after') ?? undefined
  return {
    kind: 'throttled',
    status,
    pauseMs: pauseLengthMs({ receivedAtMs: receivedAtWallMs, retryAfter, replyDateMs, pauseMs }),
  }
}
