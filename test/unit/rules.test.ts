import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_FACTS, NOBODY, type PairFacts, type Situation } from '../../src/policy/facts.ts'
import * as rules from '../../src/policy/rules.ts'

// Each rule against its clause, told again in other words: over every mixture of deadlines before, at and after now.
const NOW_MS = 100
const deadline = fc.constantFrom(NOW_MS - 1, NOW_MS, NOW_MS + 1)
const pair: fc.Arbitrary<PairFacts> = fc.record({
  generation: fc.constantFrom(1, 2),
  usableUntilMs: deadline,
  refreshAtMs: deadline,
  refreshUsableUntilMs: deadline,
  youngUntilMs: deadline,
  rejected: fc.boolean(),
})
const waiting = fc.record({ plain: fc.boolean(), patient: fc.boolean(), forced: fc.boolean() })
const anything: fc.Arbitrary<Situation> = fc.record({
  atMs: fc.constant(NOW_MS),
  pair: fc.option(pair, { freq: 4 }),
  pausedUntilMs: deadline,
  fullUntilMs: deadline,
  fullReason: fc.constantFrom('budget', 'lease'),
  backOffUntilMs: deadline,
  backOffReason: fc.constantFrom('unavailable', 'store', 'credentials'),
  refreshAttempts: fc.constantFrom(0, 1, 2, 3),
  refreshAttemptsLimit: fc.constant(2),
  rejectionsIgnoredUntilMs: deadline,
  latch: fc.constantFrom(null, 'invalidCredentials', 'rejected', 'refreshUnauthorized'),
  createFailed: fc.boolean(),
  unfinished: fc.boolean(),
  signedOut: fc.boolean(),
  waiting,
  startedBy: fc.constantFrom('timer', 'demand'),
  proactive: fc.constantFrom('timer', 'onDemand'),
  refreshUnauthorized: fc.constantFrom('fail', 'recreate'),
})
// With nothing closed half of the time, or most rules would mostly say no.
const mostlyOpen = fc
  .tuple(anything, fc.boolean())
  .map(([s, open]) => (open ? { ...s, pausedUntilMs: 0, fullUntilMs: 0, backOffUntilMs: 0 } : s))

const RUNS = 3_000
const holds = (claim: (s: Situation) => unknown) =>
  fc.assert(
    fc.property(mostlyOpen, (s) => {
      claim(s)
    }),
    { numRuns: RUNS },
  )
const ahead = (ms: number) => ms > NOW_MS

/** What the clauses speak of. */
const told = (s: Situation) => {
  const { plain, patient, forced } = s.waiting
  const closed = [s.pausedUntilMs, s.backOffUntilMs, s.fullUntilMs].some(ahead)
  const accessAlive = s.pair !== null && !s.pair.rejected && ahead(s.pair.usableUntilMs)
  const refreshAlive = s.pair !== null && ahead(s.pair.refreshUsableUntilMs)
  const due = s.pair !== null && !ahead(s.pair.refreshAtMs)
  const asked = [plain, patient, forced].includes(true)
  const timerMay = s.refreshAttempts === 0 || s.refreshAttempts === 1
  const wanted = forced || (due && (s.proactive === 'onDemand' ? asked : timerMay))
  return { plain, patient, forced, closed, accessAlive, refreshAlive, due, asked, wanted }
}

const quiet: Situation = {
  ...NO_FACTS,
  atMs: NOW_MS,
  waiting: NOBODY,
  startedBy: 'demand',
  proactive: 'timer',
  refreshUnauthorized: 'fail',
  refreshAttemptsLimit: 6,
}

describe('the gate', () => {
  it.each([
    ['pause-after-429', 'pausedUntilMs', rules.pauseRuns],
    ['D-back-off', 'backOffUntilMs', rules.backOffRuns],
    ['ten-per-minute', 'fullUntilMs', rules.budgetFull],
  ] as const)('%s: closed up to its end, open from there on', (_, field, rule) => {
    expect(rule({ ...quiet, [field]: NOW_MS + 1 })).toBe(true)
    expect(rule({ ...quiet, [field]: NOW_MS })).toBe(false)
    expect(rules.gateOpen({ ...quiet, [field]: NOW_MS + 1 })).toBe(false)
    expect(rules.gateOpen({ ...quiet, [field]: NOW_MS })).toBe(true)
  })
})

describe('what is usable', () => {
  it('access-lives-1h: held, not refused, before its end', () => {
    holds((s) => expect(rules.accessUsable(s)).toBe(told(s).accessAlive))
  })

  it('refresh-lives-24h: held, before its end', () => {
    holds((s) => expect(rules.refreshUsable(s)).toBe(told(s).refreshAlive))
  })
})

describe('what is sent', () => {
  it('someone waits when any kind of caller does', () => {
    holds((s) => expect(rules.someoneWaits(s)).toBe(told(s).asked))
  })

  it('create-rarely: signs in only on demand, with nothing held', () => {
    holds((s) => expect(rules.demandMayCreate(s)).toBe(told(s).asked && !told(s).closed && s.pair === null))
  })

  it('expired-access-refreshes: a demand refreshes while the refresh token lives', () => {
    holds((s) => expect(rules.demandMayRefresh(s)).toBe(told(s).asked && !told(s).closed && told(s).refreshAlive))
  })

  it('both-expired-creates: a demand signs in when the refresh token is dead', () => {
    holds((s) => expect(rules.demandMayReCreate(s)).toBe(told(s).asked && !told(s).closed && !told(s).refreshAlive))
  })

  it('D-create-unavailable: a demand may try again once the gate is open', () => {
    holds((s) => expect(rules.demandMayTryAgain(s)).toBe(told(s).asked && !told(s).closed))
  })

  it('refresh-before-expiry, D-proactive, D-force: refreshes what is due or insisted on', () => {
    holds((s) => expect(rules.refreshDue(s)).toBe(!told(s).closed && told(s).wanted && told(s).refreshAlive))
  })

  it('D-refresh-expired-first: or signs in, where the refresh token is dead', () => {
    holds((s) => expect(rules.refreshDueButExpired(s)).toBe(!told(s).closed && told(s).wanted && !told(s).refreshAlive))
  })
})

describe('who is answered', () => {
  it('cache-tokens, D-proactive: a usable token is served, unless a caller has to wait for its refresh', () => {
    holds((s) => {
      const { plain, patient, accessAlive, due, closed } = told(s)
      const waitsForRefresh = s.proactive === 'onDemand' && due && !closed
      expect(rules.callersMayBeServed(s)).toBe((plain || patient) && accessAlive && !waitsForRefresh)
      expect(rules.callersMayBeServedStopped(s)).toBe((plain || patient) && accessAlive)
    })
  })

  it('D-pause: a pause refuses the forced, and the plain where no token is usable; the patient wait', () => {
    holds((s) => {
      const { plain, forced, accessAlive } = told(s)
      expect(rules.pauseRefuses(s)).toBe(ahead(s.pausedUntilMs) && (forced || (plain && !accessAlive)))
    })
  })

  it('D-back-off: a back-off refuses the forced, and all where no token is usable', () => {
    holds((s) => {
      const { plain, patient, forced, accessAlive } = told(s)
      expect(rules.backOffRefuses(s)).toBe(ahead(s.backOffUntilMs) && (forced || ((plain || patient) && !accessAlive)))
    })
  })

  it('no-retry-on-invalid-credentials: a latch stops whoever asks', () => {
    holds((s) => {
      expect(rules.latched(s)).toBe(s.latch !== null)
      expect(rules.callersMustStop(s)).toBe(told(s).asked && s.latch !== null)
    })
  })

  it('reauth-failure-stops: the mark of a failed create', () => {
    holds((s) => expect(rules.createFailedBefore(s)).toBe(s.createFailed))
  })
})

describe('what a 401 means', () => {
  it('D-refresh-401: spent when unfinished, expired or so configured', () => {
    holds((s) => {
      const explained = [s.unfinished, !told(s).refreshAlive, s.refreshUnauthorized === 'recreate']
      expect(rules.refreshTokenMayBeSpent(s)).toBe(explained.includes(true))
    })
  })

  it('D-stale-401, D-young-rejection: news only of the token held, once, when old enough and not ignored', () => {
    fc.assert(
      fc.property(mostlyOpen, fc.constantFrom(1, 2), deadline, (s, generation, atMs) => {
        const reasonsNot = [
          s.pair?.generation !== generation,
          s.pair?.rejected === true,
          atMs < (s.pair?.youngUntilMs ?? 0),
          atMs < s.rejectionsIgnoredUntilMs,
        ]
        expect(rules.rejectionCounts(s, generation, atMs)).toBe(!reasonsNot.includes(true))
      }),
      { numRuns: RUNS },
    )
  })
})
