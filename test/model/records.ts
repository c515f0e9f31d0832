import { type Facts, NO_FACTS, type Outcome, type PairFacts } from '../../machines/index.ts'
import type { Bounds } from './bounds.ts'
import type { Watcher } from './watcher.ts'

/** What the world around the chart may come up with: pairs, records of a store, outcomes. */

export function pairOf(
  { access, refreshDue, refresh, young }: Bounds['lengths'],
  generation: number,
  atMs: number,
  ageMs = 0,
  refreshMs = refresh,
): PairFacts {
  const grantedAtMs = atMs - ageMs
  return {
    generation,
    usableUntilMs: grantedAtMs + access,
    refreshAtMs: grantedAtMs + Math.min(refreshDue, refreshMs),
    refreshUsableUntilMs: grantedAtMs + refreshMs,
    youngUntilMs: grantedAtMs + young,
    rejected: false,
  }
}

type Named<T> = readonly (readonly [string, T])[]

/** What a store may hold that another process wrote. */
export function recordsOf({ lengths, every }: Bounds, atMs: number, generation: number): Named<Facts> {
  const { access, refresh, pause, backOff, refreshDue, young } = lengths
  const aged = (ageMs: number) => pairOf(lengths, generation, atMs, ageMs)
  const few: Named<Facts> = [
    ['nothing', NO_FACTS],
    ['a fresh pair', { ...NO_FACTS, pair: aged(0) }],
    ['a pair whose access token expired', { ...NO_FACTS, pair: aged(access) }],
    ['invalid credentials', { ...NO_FACTS, latch: 'invalidCredentials' }],
    ['a failed create', { ...NO_FACTS, createFailed: true, backOffUntilMs: atMs + backOff }],
    ['a sign-out', { ...NO_FACTS, signedOut: true }],
  ]
  if (!every) return few
  return [
    ...few,
    ['a pair that is due', { ...NO_FACTS, pair: aged(refreshDue) }],
    ['a pair of which both expired', { ...NO_FACTS, pair: aged(refresh) }],
    ['a pair whose refresh token is gone', { ...NO_FACTS, pair: { ...aged(young), refreshUsableUntilMs: 0 } }],
    ['an unfinished refresh', { ...NO_FACTS, pair: aged(access), unfinished: true }],
    ['a rejected sign-in', { ...NO_FACTS, latch: 'rejected' }],
    ['a refused refresh', { ...NO_FACTS, pair: aged(refreshDue), latch: 'refreshUnauthorized' }],
    ['a pause', { ...NO_FACTS, pausedUntilMs: atMs + pause }],
  ]
}

/** What may become of the request in flight. */
export function outcomesOf({ lengths, every }: Bounds, atMs: number, newest: number, known: Watcher): Named<Outcome> {
  const fullUntilMs = atMs + lengths.full
  const untilMs = atMs + lengths.backOff
  const throttledUntilMs = atMs + lengths.pause
  const pair = (ageMs = 0, refreshMs?: number) => pairOf(lengths, newest + 1, atMs, ageMs, refreshMs)
  const outcomes: [string, Outcome][] = [
    ['granted', { type: 'outcome.granted', atMs, pair: pair() }],
    ['granted, the tenth', { type: 'outcome.granted', atMs, pair: pair(), fullUntilMs }],
    ['granted, short', { type: 'outcome.granted', atMs, pair: pair(0, lengths.young) }],
    ['429', { type: 'outcome.throttled', atMs, untilMs: throttledUntilMs }],
    ['401', { type: 'outcome.unauthorized', atMs }],
    ['401, the tenth', { type: 'outcome.unauthorized', atMs, fullUntilMs }],
    ['400', { type: 'outcome.rejected', atMs }],
    ['400, the tenth', { type: 'outcome.rejected', atMs, fullUntilMs }],
    ['503', { type: 'outcome.unavailable', atMs, untilMs }],
    ['an unusable 200', { type: 'outcome.malformed', atMs, untilMs }],
    ['deferred: pause', { type: 'outcome.deferred', atMs, reason: 'pause', untilMs: throttledUntilMs }],
    ['deferred: budget', { type: 'outcome.deferred', atMs, reason: 'budget', untilMs: fullUntilMs }],
    ['deferred: store', { type: 'outcome.deferred', atMs, reason: 'store', untilMs }],
    ['deferred: latched', { type: 'outcome.deferred', atMs, reason: 'latched', latch: 'invalidCredentials' }],
    ['adopted', { type: 'outcome.adopted', atMs, facts: { ...NO_FACTS, pair: pair(lengths.young) } }],
  ]
  const may = (label: string, outcome: Outcome) => void outcomes.push([label, outcome])
  const refreshes = known.inFlight === 'refresh'
  if (refreshes) may('deferred: expired', { type: 'outcome.deferred', atMs, reason: 'expired' })
  else if (known.unasked)
    may('deferred: a create failed before', {
      type: 'outcome.deferred',
      atMs,
      reason: 'latched',
      latch: 'createFailed',
    })
  if (every) {
    may('429, the tenth', { type: 'outcome.throttled', atMs, untilMs: throttledUntilMs, fullUntilMs })
    may('429, a long Retry-After', { type: 'outcome.throttled', atMs, untilMs: throttledUntilMs + 1 })
    may('503, the tenth', { type: 'outcome.unavailable', atMs, untilMs, fullUntilMs })
    may('deferred: budget, until now', { type: 'outcome.deferred', atMs, reason: 'budget', untilMs: atMs })
    may('deferred: lease', { type: 'outcome.deferred', atMs, reason: 'lease', untilMs: fullUntilMs })
    may('deferred: credentials', { type: 'outcome.deferred', atMs, reason: 'credentials', untilMs })
    may('deferred: back-off', { type: 'outcome.deferred', atMs, reason: 'backOff', untilMs })
    may('deferred: rejected', { type: 'outcome.deferred', atMs, reason: 'latched', latch: 'rejected' })
    may('deferred: refused', { type: 'outcome.deferred', atMs, reason: 'latched', latch: 'refreshUnauthorized' })
    if (refreshes) may('401, spent', { type: 'outcome.unauthorized', atMs, spent: true })
    may('adopted a sign-out', { type: 'outcome.adopted', atMs, facts: { ...NO_FACTS, signedOut: true } })
  }
  // A reply that came late: lifetimes count from the send.
  if (every || known.noted.length > 0)
    may('granted, expired already', { type: 'outcome.granted', atMs, pair: pair(lengths.access) })
  // An actor that says so has looked at the same expiry and at the same mark.
  if (every && refreshes && !known.unfinished && known.refreshable(atMs))
    may('401, not spent', { type: 'outcome.unauthorized', atMs, spent: false })
  return outcomes
}
