import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  accessDeadlines,
  drawRefreshAtMs,
  httpDateMs,
  pauseLengthMs,
  refreshDeadlines,
  tokenLifetimes,
} from '../../src/policy/deadlines.ts'
import { DEFAULT_POLICY as policy } from '../../src/policy/defaults.ts'

const HOUR_MS = 3_600_000
const SENT_AT_MS = Date.UTC(2026, 0, 5, 8)
const SENT_AT_S = SENT_AT_MS / 1000

describe('D-lifetimes: a token lives for the smallest of what the reply says', () => {
  const documentedMs = HOUR_MS
  test.each([
    ['expiry seconds alone', { expirySeconds: 1800 }, 1_800_000],
    ['expiry seconds longer than documented', { expirySeconds: 7200 }, 7_200_000],
    ['exp less the Date', { exp: SENT_AT_S + 900, replyDateMs: SENT_AT_MS }, 900_000],
    ['exp less the Date, longer than documented', { exp: SENT_AT_S + 7200, replyDateMs: SENT_AT_MS }, 7_200_000],
    ['exp less iat, capped without a Date', { exp: SENT_AT_S + 3600, iat: SENT_AT_S - 2880 }, HOUR_MS],
    ['exp less iat, shorter than documented', { exp: SENT_AT_S + 60, iat: SENT_AT_S }, 60_000],
    [
      'exp less iat beside a Date, longer than documented',
      { exp: SENT_AT_S + 7200, iat: SENT_AT_S, replyDateMs: SENT_AT_MS },
      7_200_000,
    ],
    ['an old iat beside a Date', { exp: SENT_AT_S + 3600, iat: SENT_AT_S - 2880, replyDateMs: SENT_AT_MS }, HOUR_MS],
    [
      'exp less iat with a server clock that jumped',
      { exp: SENT_AT_S + 3600, iat: SENT_AT_S + 3000, replyDateMs: SENT_AT_MS },
      600_000,
    ],
    [
      'the smallest of three',
      { expirySeconds: 3000, exp: SENT_AT_S + 3600, iat: SENT_AT_S, replyDateMs: SENT_AT_MS + 1_000_000 },
      2_600_000,
    ],
    ['nothing: the policy', {}, HOUR_MS],
    ['exp alone: the policy', { exp: SENT_AT_S + 60 }, HOUR_MS],
    ['iat and Date alone: the policy', { iat: SENT_AT_S, replyDateMs: SENT_AT_MS }, HOUR_MS],
  ])('%s', (_, evidence, lifetimeMs) => {
    expect(tokenLifetimes({ ...evidence, documentedMs })).toEqual({ lifetimeMs })
  })

  test.each([
    ['zero seconds', { expirySeconds: 0 }],
    ['negative seconds beside a good exp', { expirySeconds: -1, exp: SENT_AT_S + 60, replyDateMs: SENT_AT_MS }],
    ['infinite seconds', { expirySeconds: Number.POSITIVE_INFINITY }],
    ['no number', { expirySeconds: Number.NaN }],
    ['exp at the Date', { exp: SENT_AT_S, replyDateMs: SENT_AT_MS }],
    ['exp before iat', { exp: SENT_AT_S, iat: SENT_AT_S + 1 }],
    ['an infinite exp', { exp: Number.POSITIVE_INFINITY, iat: SENT_AT_S, replyDateMs: SENT_AT_MS }],
  ])('malformed: %s', (_, evidence) => {
    expect(tokenLifetimes({ ...evidence, documentedMs })).toHaveProperty('malformed')
  })

  test('never longer than any bound that is given, nor than a date can hold', () => {
    const seconds = fc.option(fc.integer({ min: 1, max: 2 ** 50 }), { nil: undefined })
    fc.assert(
      fc.property(seconds, seconds, seconds, fc.boolean(), (expirySeconds, expIn, age, dated) => {
        const exp = expIn === undefined ? undefined : SENT_AT_S + expIn
        const iat = age === undefined ? undefined : SENT_AT_S - age
        const replyDateMs = dated ? SENT_AT_MS : undefined
        const result = tokenLifetimes({ expirySeconds, exp, iat, replyDateMs, documentedMs })
        if ('malformed' in result) throw new Error(result.malformed)
        const { lifetimeMs } = result
        expect(lifetimeMs).toBeGreaterThan(0)
        expect(() => new Date(SENT_AT_MS + lifetimeMs).toISOString()).not.toThrow()
        if (expirySeconds !== undefined) expect(lifetimeMs).toBeLessThanOrEqual(expirySeconds * 1000)
        if (expIn !== undefined && dated) expect(lifetimeMs).toBeLessThanOrEqual(expIn * 1000)
        if (expIn !== undefined && age !== undefined) {
          expect(lifetimeMs).toBeLessThanOrEqual((expIn + age) * 1000)
          if (!dated) expect(lifetimeMs).toBeLessThanOrEqual(documentedMs)
        }
      }),
    )
  })
})

describe('D-short-lifetimes: windows and leeway scale down, never up', () => {
  const deadlines = (lifetimeMs: number) => accessDeadlines({ sentAtMs: SENT_AT_MS, lifetimeMs, policy })

  test('the documented lifetime has the documented deadlines', () => {
    expect(deadlines(HOUR_MS)).toEqual({
      expiresAtMs: SENT_AT_MS + HOUR_MS,
      usableUntilMs: SENT_AT_MS + HOUR_MS - 30_000,
      leewayMs: 30_000,
      youngForMs: 60_000,
      windowStartMs: 900_000,
      windowEndMs: 600_000,
    })
  })

  test('a tenth of the lifetime has a tenth of each', () => {
    expect(deadlines(HOUR_MS / 10)).toMatchObject({
      leewayMs: 3_000,
      youngForMs: 6_000,
      windowStartMs: 90_000,
      windowEndMs: 60_000,
    })
  })

  test('a refresh token keeps the leeway too, at most 1/120 of its lifetime', () => {
    const day = refreshDeadlines({ sentAtMs: 0, lifetimeMs: 86_400_000, policy })
    expect(day).toEqual({ expiresAtMs: 86_400_000, usableUntilMs: 86_370_000 })
    expect(refreshDeadlines({ sentAtMs: 0, lifetimeMs: 120_000, policy }).usableUntilMs).toBe(119_000)
  })

  test('for every lifetime', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e12, noNaN: true }), (lifetimeMs) => {
        const { leewayMs, youngForMs, windowStartMs, windowEndMs, usableUntilMs, expiresAtMs } = deadlines(lifetimeMs)
        expect(leewayMs).toBeLessThanOrEqual(Math.min(30_000, lifetimeMs / 120))
        expect(youngForMs).toBeLessThanOrEqual(60_000)
        expect(windowStartMs).toBeLessThanOrEqual(900_000)
        expect(windowEndMs).toBeLessThanOrEqual(600_000)
        expect(windowStartMs / lifetimeMs).toBeLessThanOrEqual(0.25 + 1e-9)
        expect(usableUntilMs).toBeLessThanOrEqual(expiresAtMs)
      }),
    )
  })
})

describe('refresh-before-expiry, D-jitter: the refresh is drawn from the window', () => {
  const draw = (random01: number, due: { accessLifetimeMs?: number; refreshLifetimeMs?: number } = {}) =>
    drawRefreshAtMs(
      { sentAtMs: SENT_AT_MS, accessLifetimeMs: HOUR_MS, refreshLifetimeMs: 24 * HOUR_MS, policy, ...due },
      random01,
    ) - SENT_AT_MS

  test('from 15 to 10 minutes before expiry', () => {
    expect(draw(0)).toBe(45 * 60_000)
    expect(draw(0.5)).toBe(47.5 * 60_000)
    expect(draw(1 - Number.EPSILON)).toBeCloseTo(50 * 60_000, -1)
  })

  test('rotate-within-12h: half the refresh lifetime comes first when it is earlier', () => {
    expect(draw(0.5, { accessLifetimeMs: 48 * HOUR_MS })).toBe(12 * HOUR_MS)
    expect(draw(0.5, { accessLifetimeMs: 48 * HOUR_MS, refreshLifetimeMs: 96 * HOUR_MS })).toBe(12 * HOUR_MS)
    expect(draw(0.5, { refreshLifetimeMs: HOUR_MS })).toBe(HOUR_MS / 2)
  })

  test('without a refresh token the access token alone counts', () => {
    const due = { sentAtMs: SENT_AT_MS, accessLifetimeMs: 48 * HOUR_MS, policy }
    expect(drawRefreshAtMs(due, 0) - SENT_AT_MS).toBe(48 * HOUR_MS - 900_000)
  })

  test('a window that opens before the grant does not start in the past', () => {
    const due = { sentAtMs: SENT_AT_MS, accessLifetimeMs: 60_000, policy: { ...policy, accessLifetimeMs: 60_000 } }
    expect(drawRefreshAtMs(due, 0)).toBe(SENT_AT_MS)
  })

  test('for every lifetime and draw: within the window or at half the refresh lifetime, and before expiry', () => {
    const lifetime = fc.double({ min: 1, max: 1e11, noNaN: true })
    const random01 = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(lifetime, fc.option(lifetime, { nil: undefined }), random01, (accessMs, refreshMs, random01) => {
        const due = { sentAtMs: 0, accessLifetimeMs: accessMs, refreshLifetimeMs: refreshMs, policy }
        const atMs = drawRefreshAtMs(due, random01)
        const { expiresAtMs, windowStartMs, windowEndMs } = accessDeadlines({ ...due, lifetimeMs: accessMs })
        const rotateMs = refreshMs === undefined ? Number.POSITIVE_INFINITY : Math.min(refreshMs / 2, 43_200_000)
        expect(atMs).toBeGreaterThanOrEqual(0)
        expect(atMs).toBeLessThan(expiresAtMs)
        expect(atMs).toBeLessThanOrEqual(rotateMs)
        if (atMs < rotateMs) {
          const beforeExpiryMs = expiresAtMs - atMs
          expect(beforeExpiryMs).toBeLessThanOrEqual(windowStartMs + 0.01)
          expect(beforeExpiryMs).toBeGreaterThanOrEqual(windowEndMs - 0.01)
        }
      }),
    )
  })
})

describe('pause-after-429, D-pause-length: the longer of 10 minutes and Retry-After', () => {
  const pause = (retryAfter?: string, replyDateMs?: number) =>
    pauseLengthMs({ receivedAtMs: SENT_AT_MS, retryAfter, replyDateMs, pauseMs: 600_000 })
  const inMs = (ms: number) => new Date(SENT_AT_MS + ms).toUTCString()

  test.each([
    ['none', undefined, 600_000],
    ['shorter seconds', '60', 600_000],
    ['a fraction of more than one digit', '1200.25', 1_200_250],
    ['longer seconds', ' 1200 ', 1_200_000],
    ['negative seconds', '-1200', 600_000],
    ['garbage', 'soon', 600_000],
    ['two of them', '1200, 1300', 600_000],
    ['empty', '', 600_000],
    ['more than a timer takes', '99999999', 2 ** 31 - 1],
    ['more than a number takes', '9'.repeat(400), 2 ** 31 - 1],
    ['a later date', inMs(900_000), 900_000],
    ['an earlier date', inMs(-900_000), 600_000],
    ['a date far away', inMs(1e12), 2 ** 31 - 1],
  ])('Retry-After: %s', (_, retryAfter, pauseMs) => {
    expect(pause(retryAfter)).toBe(pauseMs)
  })

  test('a date is measured from the Date of the reply, whatever the local clock says', () => {
    expect(pause(inMs(900_000), SENT_AT_MS - 3_600_000)).toBe(4_500_000)
  })

  test('never shorter than the policy, never longer than a timer takes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.date().map(String)), (retryAfter) => {
        const pauseMs = pause(retryAfter)
        expect(pauseMs).toBeGreaterThanOrEqual(600_000)
        expect(pauseMs).toBeLessThanOrEqual(2 ** 31 - 1)
      }),
    )
  })
})

describe('httpDateMs', () => {
  test.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'reads %s',
    (text) => {
      expect(httpDateMs(text)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37))
    },
  )

  test('reads one with spaces around it', () => {
    expect(httpDateMs('  Sun, 06 Nov 1994 08:49:37 GMT ')).toBe(Date.UTC(1994, 10, 6, 8, 49, 37))
  })

  test.each(['-5', '2026-01-05', '', 'Sun, 06 Nov 1994 99:99:99 GMT', null, undefined])('does not read %s', (text) => {
    expect(httpDateMs(text)).toBeUndefined()
  })
})
