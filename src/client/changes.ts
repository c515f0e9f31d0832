import type { TokenReply } from '../http/token-endpoints.ts'
import { accessDeadlines, drawRefreshAtMs, refreshDeadlines } from '../policy/deadlines.ts'
import type { Policy } from '../policy/schema.ts'
import type { AccountRecord, Span, StoredPair } from '../store/record.ts'
import type { Change } from './record-keeper.ts'

/** What of the record each step of the protocol writes, as pure changes. All times are the store's. */

export type TokenRequest = 'create' | 'refresh'
type Granted = Extract<TokenReply, { kind: 'granted' }>

/** What the record said just before a send; a definite answer restores it. */
export interface Marked {
  /** The generation that the send reserved. */
  readonly generation: number
  /** When its slot of the budget was taken, the store's time. */
  readonly sentMs: number
  readonly unfinishedBefore: boolean
  readonly pairGeneration: number | undefined
}

/** Before the send: its generation, and for a refresh that the token may be spent from here on. */
export const sending =
  (request: TokenRequest): Change =>
  (record) => ({
    ...record,
    lastGeneration: record.lastGeneration + 1,
    ...(request === 'refresh' ? { unfinished: true } : { createFailed: false }),
  })

/** Is the record still the one that the send stands on? Else somebody else was at it, and the writer adopts. */
export const standsOn = (record: AccountRecord, marked: Marked) =>
  record.pair?.generation === marked.pairGeneration && record.lastGeneration === marked.generation && !record.signedOut

const onlyIfStands =
  (marked: Marked, change: Change): Change =>
  (record, nowMs) =>
    standsOn(record, marked) ? change(record, nowMs) : null

/** A definite answer says that the server has not rotated: the mark is as it was before the send. `D-refresh-401` */
const restored = (record: AccountRecord, marked: Marked) => ({ ...record, unfinished: marked.unfinishedBefore })

export const granted = (marked: Marked, pair: StoredPair): Change =>
  onlyIfStands(marked, (record) => ({
    ...record,
    pair,
    rejectedGeneration: 0,
    backOff: null,
    refreshAttempts: 0,
    // A latch against credentials stays: it goes on blocking those, and no others. `D-create-4xx`
    latch: record.latch?.kind === 'refreshUnauthorized' ? null : record.latch,
    unfinished: false,
    createFailed: false,
  }))

export const throttled = (marked: Marked, pauseMs: number): Change =>
  onlyIfStands(marked, (record, nowMs) => withPause(restored(record, marked), nowMs, pauseMs))

/** The longer of a running pause and the new one. `D-pause-length` */
export const withPause = (record: AccountRecord, nowMs: number, pauseMs: number): AccountRecord => {
  const runsUntilMs = record.pause === null ? 0 : record.pause.startMs + record.pause.lengthMs
  const untilMs = Math.max(runsUntilMs, nowMs + Math.ceil(pauseMs))
  return { ...record, pause: { startMs: nowMs, lengthMs: untilMs - nowMs } }
}

/** `D-create-4xx` */
export const createRefused = (marked: Marked, kind: 'invalidCredentials' | 'rejected', fingerprint: string): Change =>
  onlyIfStands(marked, (record) => ({
    ...restored(record, marked),
    latch: { kind, generation: record.lastGeneration, fingerprint },
  }))

/** `refresh-4xx-recreates` */
export const refreshRejected = (marked: Marked): Change =>
  onlyIfStands(marked, (record) => ({ ...record, pair: null, unfinished: false, refreshAttempts: 0 }))

/** `D-refresh-401`: the token is given up, or the generation is latched. */
export const refreshUnauthorized = (marked: Marked, spent: boolean): Change =>
  onlyIfStands(marked, (record) =>
    spent
      ? { ...record, pair: record.pair && { ...record.pair, refresh: null }, unfinished: false }
      : {
          ...restored(record, marked),
          latch: { kind: 'refreshUnauthorized', generation: record.pair?.generation ?? 0, fingerprint: null },
        },
  )

/** `D-back-off`, and the mark that a create failed or a refresh may have been taken. */
export const unavailable = (
  marked: Marked,
  request: TokenRequest,
  demanded: boolean,
  backOffMs: (step: number) => number,
): Change =>
  onlyIfStands(marked, (record, nowMs) => {
    const step = record.backOff?.step ?? 0
    return {
      ...record,
      backOff: { startMs: nowMs, lengthMs: backOffMs(step), step: step + 1 },
      ...(request === 'create'
        ? { createFailed: true }
        : { refreshAttempts: record.refreshAttempts + (demanded ? 0 : 1) }),
    }
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
