import { describe, expect, it, onTestFinished } from 'vitest'
import { createActor, fromPromise } from 'xstate'
import {
  type CreateInput,
  type LifecycleEvent,
  type LifecycleInput,
  NO_FACTS,
  type Outcome,
  type RefreshInput,
  tokenLifecycle,
} from '../../machines/index.ts'
import type { Facts, PairFacts } from '../../src/policy/facts.ts'
import { virtualClock } from '../../src/testing.ts'
import { HOUR, MINUTE, SECOND } from '../support/world.ts'

const REFRESH_AFTER = 45 * MINUTE
const BACK_OFF = 30 * SECOND
const PAUSE = 10 * MINUTE
const LEASE = 5 * SECOND

type Request = 'create' | 'refresh'
type Answer = 'granted' | 'rejected' | 'unauthorized' | 'spent' | 'throttled' | 'unavailable' | 'leased elsewhere'
type Told = { readonly type: string; readonly [detail: string]: unknown }

const pairOf = (generation: number, atMs: number): PairFacts => ({
  generation,
  refreshAtMs: atMs + REFRESH_AFTER,
  usableUntilMs: atMs + HOUR,
  refreshUsableUntilMs: atMs + 24 * HOUR,
  youngUntilMs: atMs + MINUTE,
  rejected: false,
})

/** The chart with a transport that answers as it is told, and no client around it. */
function embedded(record: Partial<Facts> = {}, input: Partial<LifecycleInput> = {}) {
  const clock = virtualClock()
  const atMs = () => clock.monotonic()
  const facts: Facts = { ...NO_FACTS, ...record }
  const answers: Record<Request, Answer> = { create: 'granted', refresh: 'granted' }
  const line = { open: Promise.resolve() }
  const requests: Request[] = []
  const refreshedAtMs: number[] = []
  const told: Told[] = []
  let generation = record.pair?.generation ?? 0
  const outcome = async (request: Request): Promise<Outcome> => {
    requests.push(request)
    if (request === 'refresh') refreshedAtMs.push(atMs())
    await line.open
    switch (answers[request]) {
      case 'granted':
        generation += 1
        return { type: 'outcome.granted', atMs: atMs(), pair: pairOf(generation, atMs()) }
      case 'rejected':
        return { type: 'outcome.rejected', atMs: atMs() }
      case 'unauthorized':
        return { type: 'outcome.unauthorized', atMs: atMs() }
      case 'spent':
        return { type: 'outcome.unauthorized', atMs: atMs(), spent: true }
      case 'throttled':
        return { type: 'outcome.throttled', atMs: atMs(), untilMs: atMs() + PAUSE }
      case 'unavailable':
        return { type: 'outcome.unavailable', atMs: atMs(), untilMs: atMs() + BACK_OFF }
      case 'leased elsewhere':
        return { type: 'outcome.deferred', reason: 'lease', atMs: atMs(), untilMs: atMs() + LEASE }
    }
  }
  const actor = createActor(
    tokenLifecycle.provide({
      actors: {
        load: fromPromise<LifecycleEvent>(async () => ({ type: 'record.adopted', atMs: atMs(), facts })),
        create: fromPromise<Outcome, CreateInput>(() => outcome('create')),
        refresh: fromPromise<Outcome, RefreshInput>(() => outcome('refresh')),
      },
    }),
    { clock, input: { atMs: atMs(), ...input } },
  )
  actor.on('*', (emitted) => told.push({ ...emitted }))
  actor.start()
  onTestFinished(() => void actor.stop())
  const send = async (event: LifecycleEvent) => {
    actor.send(event)
    await clock.settle()
  }
  return {
    answers,
    atMs,
    clock,
    facts,
    refreshedAtMs,
    requests,
    send,
    demand: () => send({ type: 'demand', atMs: atMs(), patience: 'plain' }),
    /** Holds up the answers from now on, until the line is let go. */
    holdLine() {
      const { promise, resolve } = Promise.withResolvers<void>()
      line.open = promise
      return resolve
    },
    state: () => actor.getSnapshot().value.tokens,
    told: (type: string) => told.filter((emitted) => emitted.type === type),
  }
}

/** As above, signed in. */
async function signedIn(input: Partial<LifecycleInput> = {}) {
  const chart = embedded({}, input)
  await chart.clock.settle()
  await chart.demand()
  return chart
}

describe('the chart, embedded with nothing but a time', () => {
  it('refreshes by itself when it is due (D-proactive)', async () => {
    const { clock, refreshedAtMs } = await signedIn()
    await clock.advance(REFRESH_AFTER)
    expect(refreshedAtMs).toEqual([REFRESH_AFTER])
  })

  it('starts at most six refreshes of a generation by itself (D-refresh-unavailable)', async () => {
    const { answers, clock, refreshedAtMs } = await signedIn()
    answers.refresh = 'unavailable'
    await clock.advance(REFRESH_AFTER + 10 * MINUTE)
    expect(refreshedAtMs).toHaveLength(6)
  })

  it('asks again for those who wait as soon as a lease held elsewhere ends (D-one-at-a-time)', async () => {
    const { answers, clock, demand, requests, told } = embedded()
    await clock.settle()
    answers.create = 'leased elsewhere'
    await demand()
    answers.create = 'granted'
    await clock.advance(LEASE - 1)
    expect(requests).toEqual(['create'])
    await clock.advance(1)
    expect(requests).toEqual(['create', 'create'])
    expect(told('served')).toHaveLength(1)
  })

  it('names the actor that it was not given', async () => {
    const clock = virtualClock()
    const actor = createActor(tokenLifecycle, { clock, input: { atMs: 0 } })
    const faults: unknown[] = []
    actor.subscribe({ error: (error) => faults.push(error) })
    actor.start()
    await clock.settle()
    expect(faults).toMatchObject([{ message: expect.stringContaining(`'load'`) }])
  })
})

describe('what the chart tells its embedder', () => {
  it('says which generation it serves', async () => {
    const { clock, demand, told } = await signedIn()
    await clock.advance(REFRESH_AFTER)
    await demand()
    expect(told('served')).toMatchObject([{ generation: 1 }, { generation: 2 }])
  })

  it('says when a refresh that failed may be tried again', async () => {
    const { answers, clock, told } = await signedIn()
    answers.refresh = 'unavailable'
    await clock.advance(REFRESH_AFTER)
    expect(told('failure')).toMatchObject([
      { request: 'refresh', clause: 'D-refresh-unavailable', retryAtMs: REFRESH_AFTER + BACK_OFF },
    ])
  })

  it.each([
    ['a sign-out', 'D-sign-out', { type: 'operator.signOut' }],
    ['a reset', 'D-create-4xx', { type: 'operator.reset' }],
    ['a sign-in with other credentials', 'D-sign-in', { type: 'operator.signIn', credentials: 'other' }],
  ] as const)('says that %s discards the pair, and why: %s', async (_what, clause, event) => {
    const { atMs, send, told } = await signedIn()
    await send({ ...event, atMs: atMs() })
    expect(told('discarded')).toEqual([{ type: 'discarded', generation: 1, clause }])
  })

  it('tells whoever asks during a pause when it ends (pause-after-429)', async () => {
    const { answers, clock, demand, told } = embedded()
    await clock.settle()
    answers.create = 'throttled'
    await demand()
    expect(told('refused')).toMatchObject([{ code: 'THROTTLED', clause: 'pause-after-429', retryAtMs: PAUSE }])
  })

  it('tells whoever asks after a sign-out that it is signed out (D-sign-out)', async () => {
    const { atMs, demand, send, told } = await signedIn()
    await send({ type: 'operator.signOut', atMs: atMs() })
    await demand()
    expect(told('refused')).toMatchObject([{ whom: 'everyone', code: 'SIGNED_OUT', clause: 'D-sign-out' }])
  })

  it('says nothing of a discard when the same credentials sign in', async () => {
    const { atMs, send, told } = await signedIn()
    await send({ type: 'operator.signIn', credentials: 'same', atMs: atMs() })
    expect(told('discarded')).toEqual([])
  })

  it('says that other credentials discard the pair once the refresh in flight has ended (D-sign-in)', async () => {
    const { answers, atMs, clock, holdLine, send, told } = await signedIn()
    answers.refresh = 'unavailable'
    const letGo = holdLine()
    await clock.advance(REFRESH_AFTER)
    await send({ type: 'operator.signIn', credentials: 'other', atMs: atMs() })
    expect(told('discarded')).toEqual([])
    letGo()
    await clock.settle()
    expect(told('discarded')).toEqual([{ type: 'discarded', generation: 1, clause: 'D-sign-in' }])
  })

  it('says that a rejected refresh discards the pair, and signs in again (refresh-4xx-recreates)', async () => {
    const { answers, clock, requests, told } = await signedIn()
    answers.refresh = 'rejected'
    await clock.advance(REFRESH_AFTER)
    expect(told('discarded')).toEqual([{ type: 'discarded', generation: 1, clause: 'refresh-4xx-recreates' }])
    expect(requests).toEqual(['create', 'refresh', 'create'])
  })
})

describe('what waits for the record or for the request in flight', () => {
  it('D-refresh-401: a latch that was read during a refresh answered 401 is obeyed before the sign-in', async () => {
    const { answers, atMs, clock, demand, facts, holdLine, requests, send } = embedded({
      pair: { ...pairOf(1, 0), usableUntilMs: 0 },
      unfinished: true,
    })
    await clock.settle()
    answers.refresh = 'unauthorized'
    const letGo = holdLine()
    await demand()
    await send({ type: 'record.adopted', atMs: atMs(), facts: { ...facts, latch: 'invalidCredentials' } })
    letGo()
    await clock.settle()
    expect(requests).toEqual(['refresh'])
  })

  it('D-refresh-401: a transport that knows the refresh token to be spent is believed, and one sign-in follows', async () => {
    const { answers, clock, requests, state } = await signedIn()
    answers.refresh = 'spent'
    await clock.advance(REFRESH_AFTER)
    expect(requests).toEqual(['create', 'refresh', 'create'])
    expect(state()).toBe('valid')
  })

  it('D-refresh-401: where it is so configured, a refresh answered 401 is followed by a sign-in', async () => {
    const { answers, clock, requests } = await signedIn({ refreshUnauthorized: 'recreate' })
    answers.refresh = 'unauthorized'
    await clock.advance(REFRESH_AFTER)
    expect(requests).toEqual(['create', 'refresh', 'create'])
  })

  it('D-refresh-401: a refresh answered 401 that nothing explains stops', async () => {
    const { answers, clock, requests, state } = await signedIn()
    answers.refresh = 'unauthorized'
    await clock.advance(REFRESH_AFTER)
    expect(requests).toEqual(['create', 'refresh'])
    expect(state()).toEqual({ failed: 'refreshUnauthorized' })
  })

  const FAILED = { pair: pairOf(1, 0), createFailed: true }

  it('D-create-unavailable: a failed sign-in of the record is not forgotten by a restart', async () => {
    const { clock, state } = embedded(FAILED)
    await clock.settle()
    expect(state()).toEqual({ failed: 'unavailable' })
  })

  it('D-create-unavailable: a sign-in that waited for the record clears the mark of the one that failed', async () => {
    const { atMs, clock, refreshedAtMs, send, state } = embedded(FAILED)
    await send({ type: 'operator.signIn', credentials: 'same', atMs: atMs() })
    expect(state()).toBe('valid')
    await clock.advance(REFRESH_AFTER)
    expect(refreshedAtMs).toEqual([REFRESH_AFTER])
  })

  it('D-create-unavailable: other credentials for a latch do not clear it', async () => {
    const { atMs, send, state } = embedded(FAILED)
    await send({ type: 'operator.newCredentials', atMs: atMs() })
    expect(state()).toEqual({ failed: 'unavailable' })
  })
})
