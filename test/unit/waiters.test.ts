import { describe, expect, it } from 'vitest'
import { createWaiters, type WaitOptions } from '../../src/client/waiters.ts'
import { AuthError } from '../../src/errors.ts'
import type { HeldToken } from '../../src/http/token-source.ts'
import type { LifecycleEmitted } from '../../src/policy/events.ts'
import { NOBODY } from '../../src/policy/facts.ts'
import { Secret } from '../../src/secret.ts'
import { virtualClock } from '../../src/testing.ts'
import { MINUTE, SECOND } from '../support/world.ts'

const LATE = new AuthError('TIMEOUT', 'late')
const ABORTED = new AuthError('ABORTED', 'aborted')
const REFUSED = new AuthError('THROTTLED', 'refused')

const token = (generation: number): HeldToken => ({ access: new Secret('token'), generation })

type Whom = Extract<LifecycleEmitted, { type: 'refused' }>['whom']

/** Callers who wait, and what became of each. */
function waiting() {
  const clock = virtualClock()
  const keptAlive: unknown[] = []
  const watched: typeof clock = {
    ...clock,
    setTimeout(callback, ms, options) {
      keptAlive.push(options)
      return clock.setTimeout(callback, ms, options)
    },
  }
  /** Who waits, each time that somebody left by itself. */
  const left: unknown[] = []
  const ends: Record<string, unknown> = {}
  const waiters = createWaiters(watched, clock.now, () => left.push(waiters.kinds(0)))
  const wait = (name: string, options: Partial<WaitOptions> = {}) => {
    waiters
      .wait({
        patience: 'plain',
        minGeneration: 0,
        timeoutMs: MINUTE,
        onTimeout: () => LATE,
        onAbort: () => ABORTED,
        ...options,
      })
      .then(
        ({ generation }) => {
          ends[name] = generation
        },
        (error) => {
          ends[name] = error
        },
      )
  }
  const refuse = (whom: Whom, retryAtMs: number | null = null) =>
    waiters.refuse({ type: 'refused', whom, code: 'THROTTLED', clause: 'pause-after-429', retryAtMs }, REFUSED)
  return { clock, ends, keptAlive, left, refuse, wait, waiters }
}

describe('those who wait for a token', () => {
  it('get the one that is served, and leave no timer behind', async () => {
    const { clock, ends, wait, waiters } = waiting()
    wait('one')
    wait('other')
    waiters.serve(token(1))
    await clock.settle()
    expect(ends).toEqual({ one: 1, other: 1 })
    expect(clock.pendingTimers()).toBe(0)
  })

  it('are no longer told of once they were served, though they abort', async () => {
    const { clock, ends, left, wait, waiters } = waiting()
    const caller = new AbortController()
    wait('one', { signal: caller.signal })
    waiters.serve(token(1))
    caller.abort()
    await clock.settle()
    expect(ends).toEqual({ one: 1 })
    expect(left).toEqual([])
  })

  it('leave when they abort, and nobody else does (invariant 13)', async () => {
    const { clock, ends, left, wait } = waiting()
    const caller = new AbortController()
    wait('one', { signal: caller.signal })
    wait('other', { patience: 'patient' })
    caller.abort()
    await clock.settle()
    expect(ends).toEqual({ one: ABORTED })
    expect(left).toEqual([{ ...NOBODY, patient: true }])
  })

  it('leave when their time is up (D-time-outs)', async () => {
    const { clock, ends, left, wait } = waiting()
    wait('one', { timeoutMs: SECOND })
    wait('other', { timeoutMs: SECOND, onTimeout: () => token(3) })
    await clock.advance(SECOND - 1)
    expect(ends).toEqual({})
    await clock.advance(1)
    expect(ends).toEqual({ one: LATE, other: 3 })
    expect(left.at(-1)).toEqual(NOBODY)
  })

  it('keep the process alive', () => {
    const { keptAlive, wait } = waiting()
    wait('one')
    expect(keptAlive).toEqual([{ keepsAlive: true }])
  })

  it('all get the error of a client that ends', async () => {
    const { clock, ends, wait, waiters } = waiting()
    wait('one')
    wait('other', { patience: 'forced', minGeneration: 2 })
    waiters.refuseAll(REFUSED)
    await clock.settle()
    expect(ends).toEqual({ one: REFUSED, other: REFUSED })
  })
})

describe('a refusal means', () => {
  const outcomeOf = async (whom: Whom) => {
    const { clock, ends, left, refuse, wait } = waiting()
    for (const patience of ['plain', 'patient', 'forced'] as const) wait(patience, { patience })
    refuse(whom)
    await clock.settle()
    // The chart knows whom it has refused.
    expect(left).toEqual([])
    return Object.keys(ends)
  }

  it('everyone, where a latch holds', async () => {
    expect(await outcomeOf('everyone')).toEqual(['plain', 'patient', 'forced'])
  })

  it('all but those who wait for the end of a pause (D-pause)', async () => {
    expect(await outcomeOf('impatient')).toEqual(['plain', 'forced'])
  })

  it('those alone who insist on another token, where one is held that works (D-force)', async () => {
    expect(await outcomeOf('forced')).toEqual(['forced'])
  })

  it('those whose time ends before a slot frees; one whose time ends with it waits (D-budget)', async () => {
    const { clock, ends, refuse, wait } = waiting()
    wait('too short', { timeoutMs: SECOND - 1 })
    wait('just enough', { timeoutMs: SECOND })
    refuse('shortOfTime', clock.now() + SECOND)
    await clock.settle()
    expect(ends).toEqual({ 'too short': REFUSED })
  })
})

describe('D-force', () => {
  it('one who insists is not served the token it had', async () => {
    const { clock, ends, wait, waiters } = waiting()
    wait('forced', { patience: 'forced', minGeneration: 2 })
    waiters.serve(token(1))
    await clock.settle()
    expect(ends).toEqual({})
    waiters.serve(token(2))
    await clock.settle()
    expect(ends).toEqual({ forced: 2 })
  })

  it('one who insists waits like any other once the pair held is new enough', () => {
    const { wait, waiters } = waiting()
    wait('forced', { patience: 'forced', minGeneration: 2 })
    expect(waiters.kinds(1)).toEqual({ ...NOBODY, forced: true })
    expect(waiters.kinds(2)).toEqual({ ...NOBODY, plain: true })
  })
})

it('D-budget: one who is short of time leaves after the step of the chart, which may serve others in it', async () => {
  const { clock, ends, left, refuse, wait, waiters } = waiting()
  wait('short', { timeoutMs: SECOND })
  wait('patient', { patience: 'patient', timeoutMs: 2 * MINUTE })
  refuse('shortOfTime', clock.now() + MINUTE)
  waiters.serve(token(1))
  await clock.settle()
  expect(ends).toEqual({ short: REFUSED, patient: 1 })
  expect(left).toEqual([NOBODY])
})
