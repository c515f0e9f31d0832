import { LONGEST_LIFETIME_MS, LONGEST_WAIT_MS } from './limits.ts'
import type { Policy } from './schema.ts'

/**
 * From what a reply says to the times at which something is due. Pure: every time comes in, every draw comes in.
 * Absolute times are on the timeline of the `sentAtMs` or `receivedAtMs` they are given.
 */

/** The leeway takes at most this share of a lifetime. `D-short-lifetimes` */
const LEEWAY_SHARE = 1 / 120

/** What a granted reply tells of the lifetime of one of its tokens. */
export interface LifetimeEvidence {
  /** The reply's `*_expiry_seconds`. */
  readonly expirySeconds?: number | undefined
  /** The token's `exp`, seconds since the epoch by the server's clock. */
  readonly exp?: number | undefined
  /** The token's `iat`, seconds since the epoch by the server's clock. */
  readonly iat?: number | undefined
  /** The reply's `Date`, ms since the epoch by the server's clock. */
  readonly replyDateMs?: number | undefined
  /** The policy's lifetime for this kind of token, ms. */
  readonly documentedMs: number
}

/**
 * How long a token lives, ms, counted from the moment its request was sent: the smallest of what the reply says.
 *
 * `exp − iat` alone is not believed beyond the documented lifetime: a refreshed access token may carry an old `iat`.
 *
 * @see decision `D-lifetimes`
 */
export function tokenLifetimes(evidence: LifetimeEvidence): { lifetimeMs: number } | { malformed: string } {
  const { expirySeconds, exp, iat, replyDateMs, documentedMs } = evidence
  const said: number[] = []
  if (expirySeconds !== undefined) said.push(expirySeconds * 1000)
  if (exp !== undefined && replyDateMs !== undefined) said.push(exp * 1000 - replyDateMs)
  if (exp !== undefined && iat !== undefined) {
    const agedMs = (exp - iat) * 1000
    said.push(replyDateMs === undefined ? Math.min(agedMs, documentedMs) : agedMs)
  }
  if (said.length === 0) said.push(documentedMs)
  if (!said.every((ms) => Number.isFinite(ms) && ms > 0)) return { malformed: 'a lifetime is not a positive number' }
  return { lifetimeMs: Math.min(...said, LONGEST_LIFETIME_MS) }
}

/** The leeway before the expiry of a token that lives `lifetimeMs`, ms. `D-skew`, `D-short-lifetimes` */
const leewayOf = (lifetimeMs: number, policy: Pick<Policy, 'skewLeewayMs'>) =>
  Math.min(policy.skewLeewayMs, lifetimeMs * LEEWAY_SHARE)

/** A granted token's place in time. */
export interface Grant {
  /** When its request was sent, ms. */
  readonly sentAtMs: number
  /** How long it lives from then, ms; see {@link tokenLifetimes}. */
  readonly lifetimeMs: number
}

/** What follows from the lifetime of an access token. */
export interface AccessDeadlines {
  /** The token is not sent at or after this, ms. `access-lives-1h` */
  readonly expiresAtMs: number
  /** Expiry less the leeway, ms: what the library itself keeps to. `D-skew` */
  readonly usableUntilMs: number
  /** Leeway before the expiry, ms. At most 30 s and 1/120 of the lifetime. `D-skew`, `D-short-lifetimes` */
  readonly leewayMs: number
  /** For this long after the grant a rejection says nothing about the token, ms. `D-young-rejection` */
  readonly youngForMs: number
  /** The refresh window opens this long before the expiry, ms. `refresh-before-expiry` */
  readonly windowStartMs: number
  /** The refresh window closes this long before the expiry, ms. `refresh-before-expiry` */
  readonly windowEndMs: number
}

/** The numbers of the policy that {@link accessDeadlines} scales. */
export type AccessPolicy = Pick<
  Policy,
  'accessLifetimeMs' | 'refreshWindowStartMs' | 'refreshWindowEndMs' | 'skewLeewayMs' | 'youngRejectionMs'
>

/**
 * The deadlines of an access token. What the policy states for the documented lifetime shrinks in proportion when the
 * token lives shorter, and never grows when it lives longer.
 *
 * @see decision `D-short-lifetimes`
 */
export function accessDeadlines({ sentAtMs, lifetimeMs, policy }: Grant & { policy: AccessPolicy }): AccessDeadlines {
  const scale = Math.min(1, lifetimeMs / policy.accessLifetimeMs)
  const leewayMs = leewayOf(lifetimeMs, policy)
  const expiresAtMs = sentAtMs + lifetimeMs
  return {
    expiresAtMs,
    usableUntilMs: expiresAtMs - leewayMs,
    leewayMs,
    youngForMs: policy.youngRejectionMs * scale,
    windowStartMs: policy.refreshWindowStartMs * scale,
    windowEndMs: policy.refreshWindowEndMs * scale,
  }
}

/** The deadlines of a refresh token, ms. `refresh-lives-24h`, `D-skew`, `D-short-lifetimes` */
export function refreshDeadlines({
  sentAtMs,
  lifetimeMs,
  policy,
}: Grant & { policy: Pick<Policy, 'skewLeewayMs'> }): Pick<AccessDeadlines, 'expiresAtMs' | 'usableUntilMs'> {
  const expiresAtMs = sentAtMs + lifetimeMs
  return { expiresAtMs, usableUntilMs: expiresAtMs - leewayOf(lifetimeMs, policy) }
}

/** What {@link drawRefreshAtMs} looks at. */
export interface RefreshDue {
  /** When the request of the last grant was sent, ms. */
  readonly sentAtMs: number
  /** Lifetime of the access token it brought, ms. */
  readonly accessLifetimeMs: number
  /** Whole lifetime of the refresh token now held, ms, though an earlier grant brought it; `undefined` when none is held. */
  readonly refreshLifetimeMs?: number | undefined
  readonly policy: AccessPolicy & Pick<Policy, 'rotateWithinMs'>
}

/**
 * When the next proactive refresh is due, ms: a moment of the refresh window, the window being the jitter, or half the
 * refresh lifetime (at most `rotateWithinMs`) after the last grant, whichever is earlier. Never before `sentAtMs`.
 *
 * @param random01 uniform in [0, 1)
 * @see clause `refresh-before-expiry`, `rotate-within-12h`
 * @see decision `D-proactive`, `D-jitter`
 */
export function drawRefreshAtMs(due: RefreshDue, random01: number): number {
  const { sentAtMs, accessLifetimeMs, refreshLifetimeMs, policy } = due
  const { expiresAtMs, windowStartMs, windowEndMs } = accessDeadlines({
    sentAtMs,
    lifetimeMs: accessLifetimeMs,
    policy,
  })
  const drawnAtMs = expiresAtMs - windowStartMs + random01 * (windowStartMs - windowEndMs)
  const rotateAfterMs =
    refreshLifetimeMs === undefined ? Number.POSITIVE_INFINITY : Math.min(refreshLifetimeMs / 2, policy.rotateWithinMs)
  return Math.max(sentAtMs, Math.min(drawnAtMs, sentAtMs + rotateAfterMs))
}

/** A 429 as {@link pauseLengthMs} sees it. */
export interface Throttled {
  /** When it was received, ms since the epoch by the wall clock. */
  readonly receivedAtMs: number
  /** Its `Retry-After`, as sent. */
  readonly retryAfter?: string | undefined
  /** Its `Date`, ms since the epoch by the server's clock. */
  readonly replyDateMs?: number | undefined
  /** The policy's pause, ms. 600 000. */
  readonly pauseMs: number
}

/**
 * How long to pause after a 429, ms from its receipt: the longer of the policy's pause and `Retry-After`, at most
 * 2³¹ − 1. A negative or unreadable `Retry-After` counts for nothing; a date in it is measured from the reply's own.
 *
 * @see clause `pause-after-429`
 * @see decision `D-pause-length`
 */
export function pauseLengthMs({ receivedAtMs, retryAfter, replyDateMs, pauseMs }: Throttled): number {
  const askedMs = retryAfterMs(retryAfter?.trim() ?? '', replyDateMs ?? receivedAtMs)
  return Math.min(Math.max(pauseMs, askedMs), LONGEST_WAIT_MS)
}

function retryAfterMs(text: string, fromMs: number): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const untilMs = httpDateMs(text)
  return untilMs === undefined ? 0 : untilMs - fromMs
}

/** The three forms of RFC 9110 §5.6.7; `Date.parse` alone also takes `-5` for a date. */
const HTTP_DATE =
  /^([A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} [\d:]{8} GMT)$/
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4}$/

/** An HTTP-date (`Date`, `Retry-After`) in ms since the epoch, or `undefined` when it is not one. */
export function httpDateMs(text: string | null | undefined): number | undefined {
  const trimmed = text?.trim() ?? ''
  // The oldest form names no zone and means UTC all the same.
  const zoned = ASCTIME.test(trimmed) ? `${trimmed} GMT` : HTTP_DATE.test(trimmed) ? trimmed : ''
  const ms = Date.parse(zoned)
  return Number.isNaN(ms) ? undefined : ms
}
