import type { TokenReply } from '../http/token-endpoints.ts'
import { accessDeadlines, drawRefreshAtMs, refreshDeadlines } from '../policy/deadlines.ts'
import type { Policy } from '../policy/schema.ts'
import type { AccountRecord, Latch, Span, StoredPair } from '../store/record.ts'
import type { Change } from './record-keeper.ts'

/** What of the record each step of the protocol writes, as pure changes. All times are the store's. */

export type TokenRequest = 'create' | 'refresh'
type Granted = Extract<TokenReply, { kind: 'granted' }>

/** What the record said just before a send; a definite answer restores it. */
export interface Marked {
  /** The generation that the send reserved. */
  readonly generation: number
  /** Its slot of the budget. */
  readonly slotMs: number
  /** The store's time just before the send: lifetimes count from here, whatever the clocks do while it is in flight. */
  readonly sentMs: number
  readonly unfinishedBefore: boolean
  readonly attemptsBefore: number
  readonly pairGeneration: number | undefined
}

/** Before the send: its generation, and what is true if nobody ever hears of its end. */
export const sending =
  (request: TokenRequest, demanded: boolean): Change =>
  (record) => ({
    ...record,
    lastGeneration: record.lastGeneration + 1,
    ...(request === 'refresh'
      ? { unfinished: true, refreshAttempts: record.refreshAttempts + (demanded ? 0 : 1) }
      : { createFailed: false, createUnfinished: record.lastGeneration + 1 }),
  })

/** Is the record still the one that the send stands on? Else somebody else was at it, and the writer adopts. */
export const standsOn = (record: AccountRecord, marked: Marked) =>
  record.pair?.generation === marked.pairGeneration && record.lastGeneration === marked.generation && !record.signedOut

/**
 * What an answer writes. `anyway`: what it says of the account, whoever has been at the record meanwhile. `ifStands`: what it
 * says of the pair that the send stood on.
 */
export interface Result {
  readonly anyway?: (record: AccountRecord, nowMs: number) => AccountRecord
  readonly ifStands: (record: AccountRecord, nowMs: number) => AccountRecord
}

export function applied(
  { anyway, ifStands }: Result,
  { generation }: Marked,
  stands: boolean,
  record: AccountRecord,
  nowMs: number,
) {
  // The mark of its own send alone: another process may have begun since.
  const ended = record.createUnfinished === generation ? { ...record, createUnfinished: 0 } : record
  const base = anyway?.(ended, nowMs) ?? ended
  if (stands) return ifStands(base, nowMs)
  return base === record ? null : base
}

/** A definite answer says that the server has not rotated: the mark is as it was before the send. `D-refresh-401` */
const restored = (record: AccountRecord, { unfinishedBefore, attemptsBefore }: Marked) => ({
  ...record,
  unfinished: unfinishedBefore,
  refreshAttempts: attemptsBefore,
})

export const granted = (pair: StoredPair): Result => ({
  ifStands: (record) => ({
    ...record,
    pair,
    rejectedGeneration: 0,
    backOff: null,
    refreshAttempts: 0,
    refreshLatch: 0,
    // A latch against credentials stays: it goes on blocking those, and no others. `D-create-4xx`
    unfinished: false,
    createFailed: false,
  }),
})

export const throttled = (marked: Marked, pauseMs: number): Result => ({
  anyway: (record, nowMs) => withPause(record, nowMs, pauseMs),
  ifStands: (record) => restored(record, marked),
})

/** The longer of a running pause and the new one. `D-pause-length` */
export const withPause = (record: AccountRecord, nowMs: number, pauseMs: number): AccountRecord => {
  const runsUntilMs = record.pause === null ? 0 : record.pause.startMs + record.pause.lengthMs
  const untilMs = Math.max(runsUntilMs, nowMs + Math.ceil(pauseMs))
  return { ...record, pause: { startMs: nowMs, lengthMs: untilMs - nowMs } }
}

/** How many refused credentials a record remembers. */
const LATCHES = 16

/** Latches pile up: what other credentials are refused for says nothing of these. `D-create-4xx` */
export const createRefused = (marked: Marked, kind: Latch['kind'], fingerprint: string): Result => ({
  anyway: (record) => {
    const others = record.latches.filter((latch) => latch.fingerprint !== fingerprint)
    const latch = { kind, generation: marked.generation, fingerprint }
    return { ...record, latches: [...others, latch].slice(-LATCHES) }
  },
  ifStands: (record) => restored(record, marked),
})

/** Nothing was sent after all. */
export const notSent = (marked: Marked): Result => ({ ifStands: (record) => restored(record, marked) })

/** `refresh-4xx-recreates` */
export const refreshRejected = (): Result => ({
  ifStands: (record) => ({ ...record, pair: null, unfinished: false, refreshAttempts: 0 }),
})

/** `D-refresh-401`: the token is given up, or the generation is latched. */
export const refreshUnauthorized = (marked: Marked, spent: boolean): Result => ({
  ifStands: (record) =>
    spent
      ? { ...restored(record, marked), pair: record.pair && { ...record.pair, refresh: null }, unfinished: false }
      : {
          ...restored(record, marked),
          refreshLatch: record.pair?.generation ?? 0,
        },
})

/** `D-back-off`, and that a create failed. That a refresh may have been taken has been marked before its send. */
export const unavailable = (request: TokenRequest, backOffMs: (step: number) => number): Result => ({
  anyway: (record, nowMs) => {
    const step = record.backOff?.step ?? 0
    return { ...record, backOff: { startMs: nowMs, lengthMs: backOffMs(step), step: step + 1 } }
  },
  ifStands: (record) => (request === 'create' ? { ...record, createFailed: true } : record),
})

/** The pair as it will be stored. A reply without a refresh token keeps the old one and its expiry. `D-partial-refresh` */
export function storedPair(
  reply: Granted,
  sentMs: number,
  generation: number,
  previous: StoredPair | null,
  policy: Policy,
  drawn: number,
): StoredPair {
  const access = accessDeadlines({ sentAtMs: sentMs, lifetimeMs: reply.accessLifetimeMs, policy })
  // Whole milliseconds, and rather too short: see `Timeline`.
  const span = (untilMs: number): Span => ({ startMs: sentMs, lengthMs: Math.floor(untilMs - sentMs) })
  const rotated = reply.refresh !== undefined
  const refreshLifetimeMs = reply.refreshLifetimeMs ?? policy.refreshLifetimeMs
  const refreshUsable = rotated
    ? span(refreshDeadlines({ sentAtMs: sentMs, lifetimeMs: refreshLifetimeMs, policy }).usableUntilMs)
    : (previous?.refreshUsable ?? { startMs: sentMs, lengthMs: 0 })
  const refresh = reply.refresh ?? previous?.refresh ?? null
  const refreshAtMs = drawRefreshAtMs(
    {
      sentAtMs: sentMs,
      accessLifetimeMs: reply.accessLifetimeMs,
      refreshLifetimeMs: refresh === null ? undefined : rotated ? refreshLifetimeMs : refreshUsable.lengthMs,
      policy,
    },
    drawn,
  )
  return {
    generation,
    access: reply.access,
    refresh,
    accessLives: span(access.expiresAtMs),
    accessUsable: span(access.usableUntilMs),
    refreshDue: span(refreshAtMs),
    refreshUsable,
    young: span(sentMs + access.youngForMs),
  }
}
