import type { Scenario } from './acts.ts'
import {
  answer,
  ask,
  callback,
  onceIdle,
  operator,
  pass,
  read,
  start,
  startHeld,
  store,
  together,
  validate,
} from './acts.ts'

const MINUTE = 60_000

/** What the explored graph does not lead to from outside: moves within one instant, callbacks, timers that meet. */
export const BY_HAND: readonly Scenario[] = [
  {
    name: 'an operator resets while the store is away from the start',
    acts: [store('down'), start, operator('reset'), store('up'), pass(MINUTE)],
  },
  {
    name: 'an operator signs in while the store is away from the start',
    acts: [store('down'), start, operator('signIn'), store('up'), pass(MINUTE)],
  },
  {
    name: 'callers of every kind ask before the record is read',
    acts: [startHeld, ask('plain'), ask('patient'), ask('forced'), read, answer(200)],
  },
  {
    name: 'refused credentials are replaced where the callback has them from',
    setting: { callback: true },
    acts: [start, callback('wrong'), ask('plain'), answer(401), callback('right'), ask('plain'), answer(200)],
  },
  {
    name: 'the callback has other credentials while a sign-in with yet others is in flight',
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
    acts: [start, together(operator('reset'), ask('plain')), answer(401)],
  },
  {
    name: 'a caller insists as soon as nothing is in flight, before an operator who signs in with another password',
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
    name: 'a caller insists as soon as nothing is in flight, before an operator who resets',
    acts: [start, ask('plain'), operator('reset'), onceIdle(ask('forced')), answer(200), answer(200)],
  },
  {
    name: 'a refresh is lost, the next one refused, and so is the sign-in that answers it: the token that works is served',
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
    name: 'the refresh is lost and later refused with the budget spent: its token is gone, and signing in is due',
    setting: { policy: { budgetLimit: 1 } },
    acts: [
      start,
      ask('plain'),
      answer(200),
      pass(48 * MINUTE),
      answer('lost'),
      pass(MINUTE),
      answer(401),
      pass(MINUTE),
      answer(200),
    ],
  },
  {
    name: 'a validate is throttled while a refresh is in flight that fails: who waits for the pause does not wait for a back-off',
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
    name: 'the slot of the budget frees at the moment at which the refresh is due',
    // A quarter before the end of 80 s: the refresh is due after a minute, to the millisecond.
    setting: {
      policy: { budgetLimit: 1, refreshWindowStartMs: 15 * MINUTE, refreshWindowEndMs: 15 * MINUTE },
      sandbox: { accessLifetimeS: 80 },
    },
    acts: [start, ask('plain'), answer(200), pass(2 * MINUTE)],
  },
]
