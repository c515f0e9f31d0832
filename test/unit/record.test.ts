import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_FACTS } from '../../src/policy/facts.ts'
import { Secret } from '../../src/secret.ts'
import {
  type AccountRecord,
  emptyRecord,
  factsOf,
  type Latch,
  leftMs,
  type StoredPair,
  slotFreeAtMs,
} from '../../src/store/record.ts'

// The store's clock and the chart's differ; only what is left counts.
const NOW_MS = 1_000_000
const AT_MS = 5_000
const span = (agoMs: number, lengthMs: number) => ({ startMs: NOW_MS - agoMs, lengthMs })

const pair: StoredPair = {
  generation: 3,
  access: new Secret('access'),
  refresh: new Secret('refresh'),
  accessLives: span(100, 1_030),
  accessUsable: span(100, 1_000),
  refreshDue: span(100, 800),
  refreshUsable: span(100, 9_000),
  young: span(100, 150),
}
const empty = emptyRecord('salt')
const facts = (change: Partial<AccountRecord>, latch?: Latch) => factsOf({ ...empty, ...change }, latch, NOW_MS, AT_MS)

describe('D-skew: what is left of a span', () => {
  it.each([
    ['nothing of none', null, 0],
    ['its length at the start', span(0, 500), 500],
    ['less as time goes', span(200, 500), 300],
    ['nothing at its end', span(500, 500), 0],
    ['nothing after it', span(501, 500), 0],
    ['its length, where its start lies ahead', span(-400, 500), 500],
  ])('%s', (_, some, left) => {
    expect(leftMs(some, NOW_MS)).toBe(left)
  })
})

describe('ten-per-minute: the slot that frees next', () => {
  const WINDOW_MS = 60_000
  const LIMIT = 10

  it('is free now while fewer than ten are inside the window', () => {
    const nine = Array.from({ length: 9 }, (_, nth) => NOW_MS - nth).reverse()
    expect(slotFreeAtMs([], NOW_MS, LIMIT, WINDOW_MS)).toBe(0)
    expect(slotFreeAtMs(nine, NOW_MS, LIMIT, WINDOW_MS)).toBe(0)
    expect(slotFreeAtMs([NOW_MS - WINDOW_MS, ...nine], NOW_MS, LIMIT, WINDOW_MS)).toBe(0)
    const tenth = NOW_MS - WINDOW_MS + 1
    expect(slotFreeAtMs([tenth, ...nine], NOW_MS, LIMIT, WINDOW_MS)).toBe(tenth + WINDOW_MS)
  })

  it('reads a send in the future as now', () => {
    expect(slotFreeAtMs([NOW_MS + 5_000], NOW_MS, 1, WINDOW_MS)).toBe(NOW_MS + WINDOW_MS)
  })

  it('never lets more than the limit into any window', () => {
    const sends = fc.array(fc.integer({ min: 0, max: 3 * WINDOW_MS }), { maxLength: 25 })
    fc.assert(
      fc.property(sends, fc.integer({ min: 1, max: 12 }), (drawn, limit) => {
        const ascending = drawn.toSorted((a, b) => a - b)
        const nowMs = 3 * WINDOW_MS
        const freeAtMs = Math.max(nowMs, slotFreeAtMs(ascending, nowMs, limit, WINDOW_MS))
        const within = ascending.filter((sentMs) => sentMs + WINDOW_MS > freeAtMs)
        expect(within.length).toBeLessThan(limit)
        // Nor does it wait for longer than that takes.
        if (freeAtMs > nowMs)
          expect(ascending.filter((sentMs) => sentMs + WINDOW_MS > freeAtMs - 1).length).toBeGreaterThanOrEqual(limit)
      }),
    )
  })
})

describe('the facts of a record', () => {
  it('are none for an account that nothing was stored for', () => {
    expect(factsOf(empty, undefined, NOW_MS, AT_MS)).toEqual(NO_FACTS)
    expect(empty).toMatchObject({ version: 0, lastGeneration: 0, rejectedGeneration: 0, sends: [], salt: 'salt' })
    expect(empty).toMatchObject({ rejectionBackOff: null, latches: [], refreshLatch: 0, landed: [] })
  })

  it('cache-tokens: have the deadlines of the pair on the timeline of the chart', () => {
    expect(facts({ pair }).pair).toEqual({
      generation: 3,
      usableUntilMs: AT_MS + 900,
      refreshAtMs: AT_MS + 700,
      refreshUsableUntilMs: AT_MS + 8_900,
      youngUntilMs: AT_MS + 50,
      rejected: false,
    })
  })

  it('have 0 for what is over, and for a refresh token that is not there', () => {
    const old = { ...pair, accessUsable: span(100, 100), young: span(100, 99), refresh: null }
    expect(facts({ pair: old }).pair).toMatchObject({ usableUntilMs: 0, youngUntilMs: 0, refreshUsableUntilMs: 0 })
  })

  it('refresh-once: know whether the token held was refused, or an older one', () => {
    expect(facts({ pair, rejectedGeneration: 3 }).pair?.rejected).toBe(true)
    expect(facts({ pair, rejectedGeneration: 2 }).pair?.rejected).toBe(false)
  })

  it('have pause, back-off and what was counted', () => {
    expect(
      facts({
        pause: span(100, 600),
        backOff: { ...span(100, 300), step: 2 },
        rejectionBackOff: { ...span(50, 100), step: 1 },
        refreshAttempts: 2,
        createFailed: true,
        unfinished: true,
        signedOut: true,
      }),
    ).toEqual({
      ...NO_FACTS,
      pausedUntilMs: AT_MS + 500,
      backOffUntilMs: AT_MS + 200,
      rejectionsIgnoredUntilMs: AT_MS + 50,
      refreshAttempts: 2,
      createFailed: true,
      unfinished: true,
      signedOut: true,
    })
  })
})

describe('D-create-4xx, D-refresh-401: the latch in force', () => {
  const latch = { kind: 'invalidCredentials', generation: 3, fingerprint: 'f' } as const
  it.each<[string, Partial<AccountRecord>, Latch | undefined, string | null]>([
    ['none', {}, undefined, null],
    ['none, with a pair', { pair }, undefined, null],
    ['credentials that were refused', {}, latch, 'invalidCredentials'],
    ['a sign-in that was rejected', {}, { ...latch, kind: 'rejected' }, 'rejected'],
    ['held with the pair of its time', { pair }, latch, 'invalidCredentials'],
    ['set aside for a newer pair', { pair: { ...pair, generation: 4 } }, latch, null],
    ['a refresh token that was refused', { pair, refreshLatch: 3 }, undefined, 'refreshUnauthorized'],
    ['not of an older refresh token', { pair, refreshLatch: 2 }, undefined, null],
    ['not without its pair', { refreshLatch: 3 }, undefined, null],
    ['of the refresh token before that of the credentials', { pair, refreshLatch: 3 }, latch, 'refreshUnauthorized'],
  ])('%s', (_, change, latch, kind) => {
    expect(facts(change, latch).latch).toBe(kind)
  })
})
