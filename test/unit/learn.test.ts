import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/policy/events.ts'
import { NO_FACTS, NOBODY, type Situation } from '../../src/policy/facts.ts'
import { learnGate } from '../../src/policy/learn.ts'
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
