import type { Facts, LatchKind } from '../policy/facts.ts'
import type { Secret } from '../secret.ts'

/** A start and a length, ms, in the store's time: two clocks that differ still agree on what is left. `D-skew` */
export interface Span {
  readonly startMs: number
  readonly lengthMs: number
}

/** A pair as stored. */
export interface StoredPair {
  readonly generation: number
  readonly access: Secret
  /** `null`: dropped, or never given. */
  readonly refresh: Secret | null
  /** Until the access token's expiry. */
  readonly accessLives: Span
  /** The same less the leeway. */
  readonly accessUsable: Span
  /** Until a refresh is due, as drawn when it was granted. */
  readonly refreshDue: Span
  /** Until the refresh token's expiry less the leeway. */
  readonly refreshUsable: Span
  /** While a rejection says nothing about it. */
  readonly young: Span
}

/** Credentials that the server refused. `D-create-4xx` */
export interface Latch {
  readonly kind: Exclude<LatchKind, 'refreshUnauthorized'>
  /** `lastGeneration` when it was set; a newer pair makes it one against these credentials only. */
  readonly generation: number
  /** PBKDF2 of the refused credentials under `salt`, never those themselves. `store-securely` */
  readonly fingerprint: string
}

/** What a store keeps for an account. Facts only, never a snapshot of the machine. */
export interface AccountRecord {
  /** Grows by one with each write. */
  readonly version: number
  readonly pair: StoredPair | null
  /** The largest generation granted or reserved by a send. */
  readonly lastGeneration: number
  /** The generation whose access token the API refused; 0 when none. */
  readonly rejectedGeneration: number
  /** When the latest token requests were answered at the latest, and once answered, when they were. `ten-per-minute` */
  readonly sends: readonly number[]
  readonly pause: Span | null
  /** `step` counts failures in a row. `D-back-off` */
  readonly backOff: (Span & { readonly step: number }) | null
  /** Refreshes of this generation that a timer started and that have no definite answer. `D-refresh-unavailable` */
  readonly refreshAttempts: number
  readonly rejectionBackOff: (Span & { readonly step: number }) | null
  /** One for each of the credentials that were refused, the latest last: two clients may have two wrong passwords. */
  readonly latches: readonly Latch[]
  /** The generation whose refresh token was refused without an explanation; 0 when none. `D-refresh-401` */
  readonly refreshLatch: number
  /** Some use of the refresh token since its grant ended in the unknown. `D-refresh-401` */
  readonly unfinished: boolean
  readonly createFailed: boolean
  /**
   * The generation that a create reserved whose end nobody has stored, 0 when none: to whoever has the lease, its process is
   * gone. `D-create-unavailable`
   */
  readonly createUnfinished: number
  readonly signedOut: boolean
  /**
   * The last change of each writer that had to land and the version it made, the latest last: a write whose answer was lost
   * is not repeated, and a record that lacks it is an older copy.
   */
  readonly landed: readonly { readonly writer: string; readonly change: number; readonly version: number }[]
  /**
   * How often a client found an older copy here and put together what it knew with that (see `mergeRecords`), and the latest
   * version that went into it the last time.
   */
  readonly restored: { readonly times: number; readonly version: number }
  /** Salt of fingerprints, base64; drawn once per record. */
  readonly salt: string
}

/** The record of an account that nothing was ever stored for. */
export const emptyRecord = (salt: string): AccountRecord => ({
  version: 0,
  pair: null,
  lastGeneration: 0,
  rejectedGeneration: 0,
  sends: [],
  pause: null,
  backOff: null,
  refreshAttempts: 0,
  rejectionBackOff: null,
  latches: [],
  refreshLatch: 0,
  unfinished: false,
  createFailed: false,
  createUnfinished: 0,
  signedOut: false,
  landed: [],
  restored: { times: 0, version: 0 },
  salt,
})

/** What is left of a span, ms, never negative; a start in the future is read as now. `D-skew` */
export const leftMs = (span: Span | null, nowMs: number): number =>
  span === null ? 0 : Math.max(0, span.lengthMs - Math.max(0, nowMs - span.startMs))

/** When the budget has a free slot again, in the times of `sends`; 0 when it has one now. `ten-per-minute` */
export function slotFreeAtMs(sends: readonly number[], nowMs: number, limit: number, windowMs: number): number {
  const oldest = sends.filter((sentMs) => Math.min(sentMs, nowMs) + windowMs > nowMs).at(-limit)
  return oldest === undefined ? 0 : Math.min(oldest, nowMs) + windowMs
}

/** A latch against credentials is set aside while a newer pair, granted to others, is held. `D-create-4xx` */
const latchInForce = ({ refreshLatch, pair }: AccountRecord, latch: Latch | undefined): LatchKind | null => {
  if (pair !== null && refreshLatch === pair.generation) return 'refreshUnauthorized'
  if (latch === undefined) return null
  const newer = pair !== null && pair.generation > latch.generation
  return newer ? null : latch.kind
}

/**
 * Translates a record to the chart's facts: `nowMs` is the store's time, `atMs` the chart's, of the same moment; `latch` the
 * one that is against the credentials of whoever asks.
 */
export function factsOf(record: AccountRecord, latch: Latch | undefined, nowMs: number, atMs: number): Facts {
  const deadline = (span: Span | null) => {
    const left = leftMs(span, nowMs)
    return left > 0 ? atMs + left : 0
  }
  const { pair } = record
  return {
    pair: pair && {
      generation: pair.generation,
      usableUntilMs: deadline(pair.accessUsable),
      refreshAtMs: deadline(pair.refreshDue),
      refreshUsableUntilMs: pair.refresh === null ? 0 : deadline(pair.refreshUsable),
      youngUntilMs: deadline(pair.young),
      rejected: record.rejectedGeneration === pair.generation,
    },
    pausedUntilMs: deadline(record.pause),
    // The budget may be counted in another record; whoever knows fills this in.
    fullUntilMs: 0,
    fullReason: 'budget',
    backOffUntilMs: deadline(record.backOff),
    backOffReason: 'unavailable',
    refreshAttempts: record.refreshAttempts,
    rejectionsIgnoredUntilMs: deadline(record.rejectionBackOff),
    latch: latchInForce(record, latch),
    createFailed: record.createFailed,
    unfinished: record.unfinished,
    signedOut: record.signedOut,
  }
}
