import type { Scenario } from './acts.ts'
import { answer, ask, callback, onceIdle, operator, pass, start, store, together, validate } from './acts.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** What no generated path comes by: moves within one instant, callbacks, a store that is away, timers that meet. */
export const BY_HAND: readonly Scenario[] = [
  {
    name: 'an operator resets while the store is away from the start',
    takes: ['tokens.loading: operator.reset #0'],
    acts: [store('down'), start, operator('reset'), store('up'), pass(MINUTE)],
  },
  {
    name: 'an operator signs in while the store is away from the start',
    takes: ['tokens.loading: operator.signIn #0'],
    acts: [store('down'), start, operator('signIn'), store('up'), pass(MINUTE)],
  },
  {
    name: 'refused credentials are replaced where the callback has them from',
    takes: ['tokens: operator.newCredentials #0'],
    setting: { callback: true },
    acts: [start, callback('wrong'), ask('plain'), answer(401), callback('right'), ask('plain'), answer(200)],
  },
  {
    name: 'a callback finds other credentials while a sign-in with yet others is in flight',
    takes: ['tokens.sending: operator.newCredentials #0', 'tokens.valid: always #0 [somethingNoted]'],
    setting: { callback: true },
    acts: [
      start,
      callback('wrong'),
      ask('plain'),
      answer(401),
      callback('held'),
      ask('plain'),
      operator('signInOther'),
      callback('right'),
      answer(200),
    ],
  },
  {
    name: 'a caller asks within the instant of a reset, and is refused',
    takes: ['tokens.sending: record.adopted #0', 'tokens.failed: always #0 [somethingNoted]'],
    acts: [start, together(operator('reset'), ask('plain')), answer(401)],
  },
  {
    name: 'a caller insists as soon as nothing is in flight, before the operator who waits to sign in otherwise',
    takes: ['tokens.sending: operator.signIn #0'],
    acts: [
      start,
      ask('plain'),
      answer(200),
      ask('forced'),
      operator('signInOther'),
      onceIdle(ask('forced')),
      answer(200),
      answer(200),
    ],
  },
  {
    name: 'a caller insists as soon as nothing is in flight, before the operator who waits to reset',
    takes: ['tokens.sending: operator.reset #0'],
    acts: [start, ask('plain'), operator('reset'), onceIdle(ask('forced')), answer(200), answer(200)],
  },
  {
    name: 'a refresh is lost, the next one refused, and so is the sign-in after it: the token that works is served',
    takes: ['tokens.failed: always #1 [callersMayBeServedStopped]'],
    setting: { policy: { proactive: 'onDemand' } },
    acts: [
      start,
      ask('plain'),
      answer(200),
      pass(48 * MINUTE),
      ask('plain'),
      answer('lost'),
      pass(MINUTE),
      ask('plain'),
      answer(401),
      answer(401),
    ],
  },
  {
    name: 'a validate is throttled while a refresh fails: who waits for the pause does not wait for the back-off',
    takes: ['gate.paused: always #2 [backOffRefuses]'],
    acts: [
      start,
      ask('plain'),
      answer(200),
      pass(57 * MINUTE),
      validate(429),
      pass(3 * MINUTE),
      ask('patient'),
      answer(503),
    ],
  },
  {
    name: 'a slot of the budget frees at the moment at which the refresh is due',
    takes: ['gate.full: always #0 [budgetFree]'],
    setting: { policy: { budgetLimit: 1 }, sandbox: { accessLifetimeS: 96 } },
    // Due 19/24 of the lifetime after the send: 76 s; the slot is free 60 s after the answer.
    acts: [start, ask('plain'), pass(16 * SECOND), answer(200), pass(MINUTE)],
  },
]

const ASKED_BEFORE =
  'the client asks the same rule of the same facts before it tells the chart: the guard is for embedders'

/** Transitions and refusals (`NAME: false`) that no path of the public client brings about, and why. */
export const NO_PUBLIC_PATH: Readonly<Record<string, string>> = {
  'tokens.loading: operator.newCredentials #0':
    'the client asks a callback for others when it knows of a latch, and so not before the record is read: for embedders',
  'tokens: token.rejected #0 [rejectionCounts]: false': ASKED_BEFORE,
  'tokens.sending: token.rejected #0 [rejectionCounts]: false': ASKED_BEFORE,
}
