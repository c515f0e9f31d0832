import type { LifecycleEvent, NotedEvent } from './events.ts'
import { type Facts, NOBODY, type PairFacts, type Situation, type Waiting } from './facts.ts'
import { LONGEST_WAIT_MS } from './limits.ts'

/**
 * What each event teaches, as pure functions from (what was known, the event) to what changes. The chart's actions are
 * these; which of them runs where is the chart's business.
 */

const later = (a: number, b: number, atMs: number) => Math.max(a, Math.min(b, atMs + LONGEST_WAIT_MS))

/** What defers lies ahead, so that nothing is asked for again within the same moment. */
const ahead = (untilMs: number, atMs: number) => Math.max(untilMs, atMs + 1)

/** The time, who waits, and everything the gate stands on. Safe in every state. */
export function learnGate(known: Situation, event: LifecycleEvent): Partial<Situation> {
  // Neither does a caller who leaves move time, nor do the events that XState makes itself.
  if (!('atMs' in event)) return {}
  const atMs = Math.max(known.atMs, event.atMs)
  const full = (untilMs: number | undefined) =>
    untilMs === undefined ? {} : { fullUntilMs: later(known.fullUntilMs, untilMs, atMs), fullReason: 'budget' as const }
  switch (event.type) {
    case 'demand':
      return { atMs, waiting: { ...known.waiting, [event.patience]: true } }
    case 'outcome.throttled':
      return {
        atMs,
        pausedUntilMs: later(known.pausedUntilMs, ahead(event.untilMs, atMs), atMs),
        ...full(event.fullUntilMs),
      }
    case 'validate.throttled':
      return { atMs, pausedUntilMs: later(known.pausedUntilMs, ahead(event.untilMs, atMs), atMs) }
    case 'outcome.unavailable':
    case 'outcome.malformed':
      return { atMs, ...backOff(known, ahead(event.untilMs, atMs), 'unavailable', atMs), ...full(event.fullUntilMs) }
    case 'store.unavailable':
      return { atMs, ...backOff(known, ahead(event.untilMs, atMs), 'store', atMs) }
    case 'outcome.granted':
      return { atMs, backOffUntilMs: 0, ...full(event.fullUntilMs) }
    case 'outcome.unauthorized':
    case 'outcome.rejected':
      return { atMs, ...full(event.fullUntilMs) }
    case 'outcome.deferred':
      switch (event.reason) {
        case 'pause':
          return { atMs, pausedUntilMs: later(known.pausedUntilMs, ahead(event.untilMs, atMs), atMs) }
        case 'budget':
        case 'lease':
          return {
            atMs,
            fullUntilMs: later(known.fullUntilMs, ahead(event.untilMs, atMs), atMs),
            fullReason: event.reason,
          }
        case 'backOff':
          return { atMs, ...backOff(known, ahead(event.untilMs, atMs), 'unavailable', atMs) }
        case 'store':
        case 'credentials':
          return { atMs, ...backOff(known, ahead(event.untilMs, atMs), event.reason, atMs) }
        case 'latched':
        case 'expired':
          return { atMs }
        default:
          event satisfies never
          return { atMs }
      }
    case 'outcome.adopted':
    case 'record.adopted':
      return {
        atMs,
        // A pause that we know of is never shortened by what another process wrote. `D-pause-length`
        pausedUntilMs: later(known.pausedUntilMs, event.facts.pausedUntilMs, atMs),
        fullUntilMs: later(known.fullUntilMs, event.facts.fullUntilMs, atMs),
        backOffUntilMs: Math.min(event.facts.backOffUntilMs, atMs + LONGEST_WAIT_MS),
        backOffReason: event.facts.backOffReason,
      }
    case 'operator.signIn':
      // Other credentials owe nothing to the back-off of the old ones. `D-sign-in`
      return event.credentials === 'other' ? { atMs, backOffUntilMs: 0 } : { atMs }
    case 'operator.newCredentials':
      return { atMs, backOffUntilMs: 0 }
    case 'operator.reset':
    case 'operator.signOut':
    case 'token.rejected':
    case 'woke':
      return { atMs }
    default:
      event satisfies never
      return { atMs }
  }
}

const backOff = (known: Situation, untilMs: number, reason: Facts['backOffReason'], atMs: number) => ({
  backOffUntilMs: later(known.backOffUntilMs, untilMs, atMs),
  backOffReason: reason,
})

/** Everything an event teaches. */
export const learn = <S extends Situation>(known: S, event: LifecycleEvent): S => {
  const gate = { ...known, ...learnGate(known, event) }
  return { ...gate, ...learnTokens(gate, event) }
}

/** A newer generation answers a forced demand as well as any other. `D-force` */
const waitingAfter = (known: Situation, pair: PairFacts | null): Waiting =>
  known.waiting.forced && pair !== null && pair.generation > (known.pair?.generation ?? 0)
    ? { ...known.waiting, plain: true, forced: false }
    : known.waiting

/** The pair, latch and marks. Only where no request is in flight, or as its outcome. */
export function learnTokens(known: Situation, event: LifecycleEvent): Partial<Situation> {
  switch (event.type) {
    case 'outcome.granted':
      // `replace-both`; a grant ends the latch and the marks.
      return {
        pair: event.pair,
        waiting: waitingAfter(known, event.pair),
        refreshAttempts: 0,
        latch: null,
        createFailed: false,
        unfinished: false,
      }
    case 'outcome.adopted':
    case 'record.adopted': {
      const { pair, refreshAttempts, rejectionsIgnoredUntilMs, latch, createFailed, unfinished, signedOut } =
        event.facts
      const waiting = waitingAfter(known, pair)
      return { pair, waiting, refreshAttempts, rejectionsIgnoredUntilMs, latch, createFailed, unfinished, signedOut }
    }
    case 'outcome.deferred':
      if (event.reason === 'latched')
        return event.latch === 'createFailed' ? { createFailed: true } : { latch: event.latch }
      return event.reason === 'expired' ? { pair: withoutRefresh(known.pair) } : {}
    case 'woke':
      return { pair: event.pair }
    case 'operator.signIn':
      if (event.credentials === 'other') return { ...FORGOTTEN, signedOut: false }
      // The same credentials are a new demand, and the way out of a refresh nobody can explain: that refresh token is
      // given up, and a sign-in is due.
      return {
        signedOut: false,
        createFailed: false,
        ...(known.latch === 'refreshUnauthorized'
          ? { latch: null, pair: due(withoutRefresh(known.pair), known.atMs) }
          : {}),
      }
    case 'operator.newCredentials':
      return known.latch === 'refreshUnauthorized' ? {} : { latch: null }
    case 'operator.signOut':
      // Only the pair goes; sends, pause, latch and back-off stay. `D-sign-out`
      return { pair: null, unfinished: false, refreshAttempts: 0, signedOut: true }
    case 'operator.reset':
      return FORGOTTEN
    default:
      return {}
  }
}

const FORGOTTEN = { pair: null, latch: null, createFailed: false, unfinished: false, refreshAttempts: 0 } as const

/** A refresh ended in the unknown. `D-refresh-401` (unfinished), `D-refresh-unavailable` (attempts of the timer) */
export const refreshUnfinished = (known: Situation): Partial<Situation> => ({
  unfinished: true,
  refreshAttempts: known.refreshAttempts + (known.startedBy === 'timer' ? 1 : 0),
})

/** `D-refresh-401`: the refresh token is given up, a usable access token stays. */
export const refreshTokenDropped = (known: Situation): Partial<Situation> => ({
  pair: withoutRefresh(known.pair),
  unfinished: false,
})

/** `refresh-4xx-recreates` */
export const pairDiscarded = (): Partial<Situation> => ({ pair: null, unfinished: false, refreshAttempts: 0 })

/** The API refused the access token we hold. `refresh-once` */
export const accessRejected = (known: Situation): Partial<Situation> => ({
  pair: known.pair && { ...known.pair, rejected: true },
})

const withoutRefresh = (pair: PairFacts | null) => pair && { ...pair, refreshUsableUntilMs: 0 }
const due = (pair: PairFacts | null, atMs: number) => pair && { ...pair, refreshAtMs: Math.min(pair.refreshAtMs, atMs) }

/**
 * What waited for a request takes effect, now that its outcome is known. A record that was read meanwhile is older than
 * the outcome: what that said of the account, or of the pair that the record holds too, stays; and the gate's part of
 * the record was learned when it came. A sign-in with the same credentials had joined the request: it does not undo that
 * it failed. `D-one-at-a-time`, `reauth-failure-stops`
 */
export const replay = <S extends Situation>(known: S, event: NotedEvent): S => {
  if (event.type === 'record.adopted') return { ...known, ...adoptedBefore(known, event.facts) }
  const after = learn(known, event)
  return event.type === 'operator.signIn' && event.credentials === 'same'
    ? { ...after, createFailed: known.createFailed }
    : after
}

const adoptedBefore = (known: Situation, facts: Facts): Partial<Situation> => {
  const samePair = facts.pair !== null && facts.pair.generation === known.pair?.generation
  const ofOlderPair = known.latch === 'refreshUnauthorized' && !samePair
  const kept = {
    pair: known.pair,
    refreshAttempts: known.refreshAttempts,
    unfinished: known.unfinished || facts.unfinished,
  }
  return {
    ...learnTokens(known, { type: 'record.adopted', atMs: known.atMs, facts }),
    latch: ofOlderPair ? facts.latch : (known.latch ?? facts.latch),
    createFailed: known.createFailed || facts.createFailed,
    ...(samePair ? kept : {}),
  }
}

/** What was noted, without the records that hold a pair which is gone. `refresh-4xx-recreates` */
export const notedBeside = (already: readonly NotedEvent[], gone: PairFacts | null): readonly NotedEvent[] =>
  already.filter(
    (event) => gone === null || event.type !== 'record.adopted' || event.facts.pair?.generation !== gone.generation,
  )

/** Puts an event aside until the request in flight has ended; a later one of its kind replaces it. */
export const noted = (already: readonly NotedEvent[], event: NotedEvent): NotedEvent[] => [
  ...already.filter((earlier) => !replaces(event, earlier)),
  event,
]
// Signing in with the same credentials does not undo that others were given.
const replaces = (event: NotedEvent, earlier: NotedEvent) =>
  event.type === earlier.type &&
  !(
    event.type === 'operator.signIn' &&
    event.credentials === 'same' &&
    'credentials' in earlier &&
    earlier.credentials === 'other'
  )

/** Those who were served or refused no longer wait. */
export const settled = (waiting: Waiting, whom: 'everyone' | 'anyTokenDoes' | 'impatient' | 'forced'): Waiting => {
  switch (whom) {
    case 'everyone':
      return NOBODY
    case 'anyTokenDoes':
      return { ...NOBODY, forced: waiting.forced }
    case 'impatient':
      return { ...NOBODY, patient: waiting.patient }
    case 'forced':
      return { ...waiting, forced: false }
    default:
      return whom satisfies never
  }
}
