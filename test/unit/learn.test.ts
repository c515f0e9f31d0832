import { describe, expect, it } from 'vitest'
import type { LifecycleEvent, NotedEvent, Outcome } from '../../src/policy/events.ts'
import { type Facts, NO_FACTS, NOBODY, type PairFacts, type Situation } from '../../src/policy/facts.ts'
import {
  accessRejected,
  learn,
  learnGate,
  learnTokens,
  noted,
  notedBeside,
  pairDiscarded,
  refreshTokenDropped,
  refreshUnfinished,
  replay,
  settled,
} from '../../src/policy/learn.ts'
import { LONGEST_WAIT_MS } from '../../src/policy/limits.ts'
import { gateOpen } from '../../src/policy/rules.ts'

const AT_MS = 1_000
const known: Situation = {
  ...NO_FACTS,
  atMs: AT_MS,
  waiting: NOBODY,
  startedBy: 'demand',
  proactive: 'timer',
  refreshUnauthorized: 'fail',
  refreshAttemptsLimit: 6,
}
const pair: PairFacts = {
  generation: 3,
  usableUntilMs: 5_000,
  refreshAtMs: 4_000,
  refreshUsableUntilMs: 9_000,
  youngUntilMs: 2_000,
  rejected: false,
}
/** Every fact set, so that one that is not reset, or not kept, shows. */
const busy: Situation = {
  ...known,
  pair,
  pausedUntilMs: 1_500,
  fullUntilMs: 1_600,
  fullReason: 'lease',
  backOffUntilMs: 1_700,
  backOffReason: 'store',
  refreshAttempts: 2,
  rejectionsIgnoredUntilMs: 1_800,
  latch: 'rejected',
  createFailed: true,
  unfinished: true,
  signedOut: true,
}
const UNTIL_MS = 3_000

describe('what defers', () => {
  it.each<Outcome>([
    { type: 'outcome.throttled', atMs: AT_MS, untilMs: AT_MS },
    { type: 'outcome.unavailable', atMs: AT_MS, untilMs: AT_MS - 1 },
    { type: 'outcome.malformed', atMs: AT_MS, untilMs: 0 },
    { type: 'outcome.deferred', atMs: AT_MS, reason: 'pause', untilMs: AT_MS },
    { type: 'outcome.deferred', atMs: AT_MS, reason: 'budget', untilMs: AT_MS },
    { type: 'outcome.deferred', atMs: AT_MS, reason: 'lease', untilMs: AT_MS },
    { type: 'outcome.deferred', atMs: AT_MS, reason: 'backOff', untilMs: AT_MS },
    { type: 'outcome.deferred', atMs: AT_MS, reason: 'store', untilMs: AT_MS },
    { type: 'outcome.deferred', atMs: AT_MS, reason: 'credentials', untilMs: AT_MS },
  ])('closes the gate for this moment, though its time has come: %j', (outcome) => {
    const after = { ...known, ...learnGate(known, outcome) }
    expect(gateOpen(after)).toBe(false)
    expect(gateOpen({ ...after, atMs: AT_MS + 1 })).toBe(true)
  })
})

describe('the gate learns', () => {
  const at = { atMs: AT_MS }
  const until = { ...at, untilMs: UNTIL_MS }
  const facts: Facts = {
    ...NO_FACTS,
    pausedUntilMs: 10,
    fullUntilMs: 1_650,
    backOffUntilMs: 20,
    backOffReason: 'credentials',
  }
  it.each<[string, LifecycleEvent, Partial<Situation>]>([
    ['D-pause: a demand', { type: 'demand', ...at, patience: 'patient' }, { waiting: { ...NOBODY, patient: true } }],
    ['pause-after-429: a 429', { type: 'outcome.throttled', ...until }, { pausedUntilMs: UNTIL_MS }],
    [
      'ten-per-minute: a 429 that was the tenth',
      { type: 'outcome.throttled', ...until, fullUntilMs: 3_100 },
      { pausedUntilMs: UNTIL_MS, fullUntilMs: 3_100, fullReason: 'budget' },
    ],
    [
      'D-validate: a validate that was throttled',
      { type: 'validate.throttled', ...until },
      { pausedUntilMs: UNTIL_MS },
    ],
    [
      'D-back-off: nobody there',
      { type: 'outcome.unavailable', ...until },
      { backOffUntilMs: UNTIL_MS, backOffReason: 'unavailable' },
    ],
    [
      'D-back-off: an unusable 200, the tenth',
      { type: 'outcome.malformed', ...until, fullUntilMs: 3_100 },
      { backOffUntilMs: UNTIL_MS, backOffReason: 'unavailable', fullUntilMs: 3_100, fullReason: 'budget' },
    ],
    ['D-store-down', { type: 'store.unavailable', ...until }, { backOffUntilMs: UNTIL_MS, backOffReason: 'store' }],
    ['D-back-off: a grant ends it', { type: 'outcome.granted', ...at, pair }, { backOffUntilMs: 0 }],
    [
      'ten-per-minute: a grant that was the tenth',
      { type: 'outcome.granted', ...at, pair, fullUntilMs: 3_100 },
      { backOffUntilMs: 0, fullUntilMs: 3_100, fullReason: 'budget' },
    ],
    [
      'ten-per-minute: a 401 that was the tenth',
      { type: 'outcome.unauthorized', ...at, fullUntilMs: 3_100 },
      { fullUntilMs: 3_100, fullReason: 'budget' },
    ],
    [
      'ten-per-minute: a 400 that was the tenth',
      { type: 'outcome.rejected', ...at, fullUntilMs: 3_100 },
      { fullUntilMs: 3_100, fullReason: 'budget' },
    ],
    ['a 400', { type: 'outcome.rejected', ...at }, {}],
    ['D-pause: deferred', { type: 'outcome.deferred', ...until, reason: 'pause' }, { pausedUntilMs: UNTIL_MS }],
    [
      'D-budget: deferred',
      { type: 'outcome.deferred', ...until, reason: 'budget' },
      { fullUntilMs: UNTIL_MS, fullReason: 'budget' },
    ],
    [
      'D-one-at-a-time: deferred',
      { type: 'outcome.deferred', ...until, reason: 'lease' },
      { fullUntilMs: UNTIL_MS, fullReason: 'lease' },
    ],
    [
      'D-back-off: deferred',
      { type: 'outcome.deferred', ...until, reason: 'backOff' },
      { backOffUntilMs: UNTIL_MS, backOffReason: 'unavailable' },
    ],
    [
      'D-store-down: deferred',
      { type: 'outcome.deferred', ...until, reason: 'store' },
      { backOffUntilMs: UNTIL_MS, backOffReason: 'store' },
    ],
    [
      'D-credentials: deferred',
      { type: 'outcome.deferred', ...until, reason: 'credentials' },
      { backOffUntilMs: UNTIL_MS, backOffReason: 'credentials' },
    ],
    ['a latch: deferred', { type: 'outcome.deferred', ...at, reason: 'latched', latch: 'rejected' }, {}],
    ['an expiry: deferred', { type: 'outcome.deferred', ...at, reason: 'expired' }, {}],
    [
      'D-pause-length: another process shortens no pause and no slot, but ends a back-off',
      { type: 'record.adopted', ...at, facts },
      { pausedUntilMs: 1_500, fullUntilMs: 1_650, backOffUntilMs: 20, backOffReason: 'credentials' },
    ],
    [
      'D-one-at-a-time: adopted instead of an outcome, likewise',
      { type: 'outcome.adopted', ...at, facts: { ...facts, pausedUntilMs: 1_900 } },
      { pausedUntilMs: 1_900, fullUntilMs: 1_650, backOffUntilMs: 20, backOffReason: 'credentials' },
    ],
    [
      'D-sign-in: other credentials owe no back-off',
      { type: 'operator.signIn', ...at, credentials: 'other' },
      { backOffUntilMs: 0 },
    ],
    ['D-sign-in: the same do', { type: 'operator.signIn', ...at, credentials: 'same' }, {}],
    [
      'D-create-4xx: a callback with others owes none',
      { type: 'operator.newCredentials', ...at },
      { backOffUntilMs: 0 },
    ],
    ['D-back-off: a reset owes it', { type: 'operator.reset', ...at }, {}],
    ['D-sign-out', { type: 'operator.signOut', ...at }, {}],
    ['refresh-once', { type: 'token.rejected', ...at, generation: 3 }, {}],
    ['D-skew', { type: 'woke', ...at, pair }, {}],
  ])('%s', (_, event, change) => {
    expect(learnGate({ ...busy, atMs: 900 }, event)).toEqual({ atMs: AT_MS, ...change })
  })

  it('that time does not go back', () => {
    expect(learnGate({ ...busy, atMs: 2_000 }, { type: 'operator.signOut', atMs: AT_MS })).toEqual({ atMs: 2_000 })
  })

  it('nothing from one who leaves, whose leaving moves no time', () => {
    expect(learnGate(busy, { type: 'demand.withdrawn', waiting: NOBODY })).toEqual({})
  })

  it('no shorter pause, slot or back-off than it knew', () => {
    const long = { ...busy, pausedUntilMs: 8_000, fullUntilMs: 8_000, backOffUntilMs: 8_000 }
    expect(learnGate(long, { type: 'outcome.throttled', ...until, fullUntilMs: 3_100 })).toMatchObject({
      pausedUntilMs: 8_000,
      fullUntilMs: 8_000,
    })
    expect(learnGate(long, { type: 'outcome.unavailable', ...until })).toMatchObject({ backOffUntilMs: 8_000 })
    const stored = { ...NO_FACTS, pausedUntilMs: 3_000 }
    expect(learnGate(long, { type: 'record.adopted', ...at, facts: stored })).toMatchObject({ pausedUntilMs: 8_000 })
  })

  it('no wait that is longer than a timer takes', () => {
    const never = { ...at, untilMs: Number.MAX_SAFE_INTEGER }
    const longestMs = AT_MS + LONGEST_WAIT_MS
    expect(learnGate(known, { type: 'outcome.throttled', ...never })).toMatchObject({ pausedUntilMs: longestMs })
    expect(learnGate(known, { type: 'store.unavailable', ...never })).toMatchObject({ backOffUntilMs: longestMs })
    const stored = { ...NO_FACTS, backOffUntilMs: never.untilMs }
    expect(learnGate(known, { type: 'record.adopted', ...at, facts: stored })).toMatchObject({
      backOffUntilMs: longestMs,
    })
  })
})

describe('the tokens learn', () => {
  const at = { atMs: AT_MS }
  const next = { ...pair, generation: 4 }
  const forgotten = { pair: null, latch: null, createFailed: false, unfinished: false, refreshAttempts: 0 }
  const deferred = { type: 'outcome.deferred', ...at } as const
  it.each<[string, LifecycleEvent, Partial<Situation>]>([
    [
      'replace-both: a grant ends latch and marks',
      { type: 'outcome.granted', ...at, pair: next },
      { pair: next, waiting: NOBODY, refreshAttempts: 0, latch: null, createFailed: false, unfinished: false },
    ],
    [
      'D-create-4xx: a latch of the record',
      { ...deferred, reason: 'latched', latch: 'invalidCredentials' },
      { latch: 'invalidCredentials' },
    ],
    [
      'D-create-unavailable: a mark of the record',
      { ...deferred, reason: 'latched', latch: 'createFailed' },
      { createFailed: true },
    ],
    [
      'refresh-lives-24h: expired after all',
      { ...deferred, reason: 'expired' },
      { pair: { ...pair, refreshUsableUntilMs: 0 } },
    ],
    ['D-pause: deferred', { ...deferred, reason: 'pause', untilMs: UNTIL_MS }, {}],
    ['D-skew: awake', { type: 'woke', ...at, pair: next }, { pair: next }],
    ['D-sign-in: others', { type: 'operator.signIn', ...at, credentials: 'other' }, { ...forgotten, signedOut: false }],
    [
      'D-sign-in: the same',
      { type: 'operator.signIn', ...at, credentials: 'same' },
      { signedOut: false, createFailed: false },
    ],
    ['D-create-4xx: a callback with others', { type: 'operator.newCredentials', ...at }, { latch: null }],
    [
      'D-sign-out: only the pair goes',
      { type: 'operator.signOut', ...at },
      { pair: null, unfinished: false, refreshAttempts: 0, signedOut: true },
    ],
    ['D-create-4xx: a reset', { type: 'operator.reset', ...at }, forgotten],
    ['a demand', { type: 'demand', ...at, patience: 'plain' }, {}],
    ['a 503', { type: 'outcome.unavailable', ...at, untilMs: UNTIL_MS }, {}],
  ])('%s', (_, event, change) => {
    expect(learnTokens(busy, event)).toEqual(change)
  })

  it.each(['record.adopted', 'outcome.adopted'] as const)('D-one-at-a-time: everything of %s but the gate', (type) => {
    const facts: Facts = { ...busy, pair: next, latch: null, createFailed: false, refreshAttempts: 1 }
    expect(learnTokens(known, { type, atMs: AT_MS, facts })).toEqual({
      pair: next,
      waiting: NOBODY,
      refreshAttempts: 1,
      rejectionsIgnoredUntilMs: 1_800,
      latch: null,
      createFailed: false,
      unfinished: true,
      signedOut: true,
    })
  })

  it('D-refresh-401: signing in again gives a refused refresh token up, and is due at once', () => {
    const refused = { ...busy, latch: 'refreshUnauthorized' as const }
    const again = { type: 'operator.signIn', atMs: AT_MS, credentials: 'same' } as const
    expect(learnTokens(refused, again)).toEqual({
      signedOut: false,
      createFailed: false,
      latch: null,
      pair: { ...pair, refreshUsableUntilMs: 0, refreshAtMs: AT_MS },
    })
    const early = { ...refused, pair: { ...pair, refreshAtMs: 5 } }
    expect(learnTokens(early, again).pair).toMatchObject({ refreshAtMs: 5 })
    expect(learnTokens({ ...refused, pair: null }, again).pair).toBeNull()
    expect(learnTokens(refused, { type: 'operator.newCredentials', atMs: AT_MS })).toEqual({})
  })

  it('D-force: a newer generation answers the forced as any other, the same one does not', () => {
    const forced = { plain: false, patient: true, forced: true }
    const waiting = (before: Situation, generation: number) =>
      learnTokens(
        { ...before, waiting: forced },
        { type: 'outcome.granted', atMs: AT_MS, pair: { ...pair, generation } },
      ).waiting
    const answered = { plain: true, patient: true, forced: false }
    expect(waiting(busy, 4)).toEqual(answered)
    expect(waiting(busy, 3)).toEqual(forced)
    expect(waiting({ ...busy, pair: null }, 1)).toEqual(answered)
    const nothing = { type: 'record.adopted', atMs: AT_MS, facts: NO_FACTS } as const
    expect(learnTokens({ ...busy, waiting: forced }, nothing).waiting).toEqual(forced)
    const unforced = { ...busy, waiting: NOBODY }
    expect(learnTokens(unforced, { type: 'outcome.granted', atMs: AT_MS, pair: next }).waiting).toEqual(NOBODY)
  })

  it('everything at once, the gate first', () => {
    const after = learn(busy, { type: 'outcome.granted', atMs: 1_100, pair: next })
    expect(after).toMatchObject({ atMs: 1_100, backOffUntilMs: 0, pair: next, latch: null, pausedUntilMs: 1_500 })
    const refused = { ...busy, latch: 'refreshUnauthorized' as const }
    expect(learn(refused, { type: 'operator.signIn', atMs: 1_100, credentials: 'same' }).pair).toMatchObject({
      refreshAtMs: 1_100,
    })
  })
})

describe('the chart learns by itself', () => {
  it('D-refresh-401, D-refresh-unavailable: an end in the unknown, counted where the timer began', () => {
    expect(refreshUnfinished({ ...busy, startedBy: 'timer' })).toEqual({ unfinished: true, refreshAttempts: 3 })
    expect(refreshUnfinished({ ...busy, startedBy: 'demand' })).toEqual({ unfinished: true, refreshAttempts: 2 })
  })

  it('D-refresh-401: the refresh token is given up, the access token stays', () => {
    expect(refreshTokenDropped(busy)).toEqual({ pair: { ...pair, refreshUsableUntilMs: 0 }, unfinished: false })
    expect(refreshTokenDropped(known)).toEqual({ pair: null, unfinished: false })
  })

  it('refresh-4xx-recreates: the pair is gone, and what was said of it', () => {
    expect(pairDiscarded()).toEqual({ pair: null, unfinished: false, refreshAttempts: 0 })
  })

  it('refresh-once: the access token held was refused', () => {
    expect(accessRejected(busy)).toEqual({ pair: { ...pair, rejected: true } })
    expect(accessRejected(known)).toEqual({ pair: null })
  })
})

describe('what waits for the request in flight', () => {
  const at = { atMs: AT_MS }
  const reset: NotedEvent = { type: 'operator.reset', ...at }
  const same: NotedEvent = { type: 'operator.signIn', ...at, credentials: 'same' }
  const other: NotedEvent = { type: 'operator.signIn', ...at, credentials: 'other' }

  it('keeps its order, the last of each kind', () => {
    const later: NotedEvent = { ...reset, atMs: AT_MS + 1 }
    expect(noted([reset, same], later)).toEqual([same, later])
    expect(noted([], reset)).toEqual([reset])
  })

  it('D-sign-in: the same credentials do not undo that others were given', () => {
    expect(noted([other], same)).toEqual([other, same])
    expect(noted([same], same)).toEqual([same])
    expect(noted([same], other)).toEqual([other])
    expect(noted([other], { ...other, atMs: AT_MS + 1 })).toEqual([{ ...other, atMs: AT_MS + 1 }])
  })
})

describe('who was answered waits no more', () => {
  const all = { plain: true, patient: true, forced: true }
  it.each([
    ['everyone', NOBODY],
    ['anyTokenDoes', { ...NOBODY, forced: true }],
    ['impatient', { ...NOBODY, patient: true }],
    ['forced', { ...all, forced: false }],
  ] as const)('%s', (whom, left) => {
    expect(settled(all, whom)).toEqual(left)
    expect(settled(NOBODY, whom)).toEqual(NOBODY)
  })
})

describe('what waited for a request', () => {
  const record = (facts: Partial<typeof NO_FACTS>): NotedEvent => ({
    type: 'record.adopted',
    atMs: AT_MS,
    facts: { ...NO_FACTS, ...facts },
  })

  it('does not shorten a back-off that its outcome began', () => {
    const failed = { ...known, createFailed: true, backOffUntilMs: 31_000 }
    expect(replay(failed, record({ pair })).backOffUntilMs).toBe(31_000)
  })

  it.each(['invalidCredentials', 'rejected'] as const)('does not lift the latch of its outcome: %s', (latch) => {
    expect(replay({ ...known, latch }, record({ pair })).latch).toBe(latch)
  })

  it('lifts the latch of a refresh by a newer pair alone', () => {
    const refused: Situation = { ...known, pair, latch: 'refreshUnauthorized' }
    expect(replay(refused, record({ pair })).latch).toBe('refreshUnauthorized')
    expect(replay(refused, record({ pair: { ...pair, generation: 4 } })).latch).toBe(null)
  })

  it('keeps what the outcome said of the pair that the record holds too', () => {
    const spent: Situation = { ...known, pair: { ...pair, refreshUsableUntilMs: 0 }, unfinished: true }
    const after = replay(spent, record({ pair }))
    expect(after.pair?.refreshUsableUntilMs).toBe(0)
    expect(after.unfinished).toBe(true)
  })

  it('does not undo by a sign-in with the same credentials that the create it joined failed', () => {
    const signIn = (credentials: 'same' | 'other'): NotedEvent => ({
      type: 'operator.signIn',
      atMs: AT_MS,
      credentials,
    })
    expect(replay({ ...known, createFailed: true }, signIn('same')).createFailed).toBe(true)
    expect(replay({ ...known, createFailed: true }, signIn('other')).createFailed).toBe(false)
  })

  it('keeps that the use of the token did not end, whoever says so', () => {
    const held: Situation = { ...known, pair }
    expect(replay(held, record({ pair })).unfinished).toBe(false)
    expect(replay(held, record({ pair, unfinished: true })).unfinished).toBe(true)
  })

  it('teaches what the outcome did not say: another pair, none, a sign-out', () => {
    const held: Situation = { ...known, pair }
    const newer = { ...pair, generation: 8 }
    expect(replay(held, record({ pair: newer })).pair).toEqual(newer)
    expect(replay(held, record({ signedOut: true }))).toMatchObject({ pair: null, signedOut: true })
    expect(replay(known, record({})).pair).toBeNull()
  })

  it.each([
    [false, false, false],
    [true, false, true],
    [false, true, true],
  ])('keeps the mark of a failed create, whoever set it: %s, %s', (before, stored, after) => {
    expect(replay({ ...known, createFailed: before }, record({ createFailed: stored })).createFailed).toBe(after)
  })

  it('keeps what was noted beside a pair that was discarded', () => {
    const reset: NotedEvent = { type: 'operator.reset', atMs: AT_MS }
    const nothing = record({})
    expect(notedBeside([reset, nothing], pair)).toEqual([reset, nothing])
    expect(notedBeside([reset, nothing, record({ pair })], null)).toHaveLength(3)
  })

  it('does not bring back a pair that was discarded', () => {
    const newer = record({ pair: { ...pair, generation: 4 } })
    expect(notedBeside([record({ pair }), newer], pair)).toEqual([newer])
  })
})
