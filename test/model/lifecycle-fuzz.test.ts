import fc from 'fast-check'
import { describe, it } from 'vitest'
import { createActor, fromPromise } from 'xstate'
import {
  type CreateInput,
  type Facts,
  type LifecycleEmitted,
  type LifecycleEvent,
  type LifecycleInput,
  NO_FACTS,
  type Outcome,
  type PairFacts,
  type Patience,
  type RefreshInput,
  tokenLifecycle,
  type Waiting,
} from '../../machines/index.ts'
import { type VirtualClock, virtualClock } from '../../src/virtual-clock.ts'
import { Watcher } from './watcher.ts'

/**
 * The bare chart on a virtual clock, with made-up actors, callers and operators, judged by `Watcher`: a second reading
 * of the policy that shares nothing with `rules.ts` and looks at what the chart was told and what it then did.
 */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

type OutcomeKind =
  | 'granted'
  | 'grantedShort'
  | 'throttled'
  | 'unauthorized'
  | 'rejected'
  | 'unavailable'
  | 'malformed'
  | 'adopted'
  | 'pause'
  | 'budget'
  | 'backOff'
  | 'lease'
  | 'store'
  | 'credentials'
  | 'expired'

interface Reply {
  readonly kind: OutcomeKind
  readonly afterMs: number
  /** This send was the tenth of the minute. */
  readonly fills: boolean
}

type Step =
  | { readonly do: 'demand'; readonly patience: Patience; readonly timeoutMs: number | null }
  | { readonly do: 'leave'; readonly which: number }
  | { readonly do: 'reject'; readonly age: number }
  | { readonly do: 'validateThrottled' }
  | { readonly do: 'storeUnavailable' }
  | { readonly do: 'adopt'; readonly ageMs: number }
  | { readonly do: 'signIn'; readonly credentials: 'same' | 'other'; readonly andWait: boolean }
  | { readonly do: 'newCredentials' }
  | { readonly do: 'signOut' }
  | { readonly do: 'reset' }
  | { readonly do: 'wake'; readonly shiftMs: number }
  | { readonly do: 'advance'; readonly ms: number }
  /** To just before, at, or just after one of the deadlines that run. */
  | { readonly do: 'approach'; readonly which: number; readonly offsetMs: number }

interface World {
  readonly proactive: 'timer' | 'onDemand'
  readonly refreshUnauthorized: 'fail' | 'recreate'
  readonly found: 'nothing' | 'pair' | 'stalePair' | 'createFailed'
  readonly loadMs: number
  readonly replies: readonly Reply[]
  readonly steps: readonly Step[]
}

interface Caller {
  readonly patience: Patience
  readonly generation: number
  readonly timer: unknown
  readonly timesOutAtMs: number
}

function pairOf(generation: number, atMs: number, accessMs = HOUR, refreshMs = 24 * HOUR): PairFacts {
  return {
    generation,
    usableUntilMs: atMs + accessMs - accessMs / 120,
    refreshAtMs: atMs + Math.min(accessMs * 0.8, refreshMs / 2),
    refreshUsableUntilMs: atMs + refreshMs - accessMs / 120,
    youngUntilMs: atMs + accessMs / 60,
    rejected: false,
  }
}

/** One world, lived through; what broke, with the story that led there. */
async function live(world: World): Promise<{ wrong: string[]; story: string[] }> {
  const clock: VirtualClock = virtualClock()
  const startMs = clock.now()
  const watcher = new Watcher(world.refreshUnauthorized)
  const replies = [...world.replies]
  const wrong: string[] = []
  const story: string[] = []
  const callers = new Set<Caller>()
  let newest = 0
  const tell = (text: string) => story.push(`${((clock.now() - startMs) / SECOND).toFixed(3)} s  ${text}`)
  const blame = (text: string) => {
    tell(`WRONG ${text}`)
    wrong.push(text)
  }
  const after = (ms: number) => new Promise<void>((resolve) => void clock.setTimeout(resolve, ms))

  const outcomeOf = (kind: OutcomeKind, fills: boolean): Outcome => {
    const atMs = clock.now()
    const full = fills ? { fullUntilMs: atMs + 40 * SECOND } : {}
    switch (kind) {
      case 'granted':
        return { type: 'outcome.granted', atMs, pair: pairOf(++newest, atMs), ...full }
      case 'grantedShort':
        return { type: 'outcome.granted', atMs, pair: pairOf(++newest, atMs, 20 * MINUTE, 30 * MINUTE), ...full }
      case 'adopted':
        return { type: 'outcome.adopted', atMs, facts: { ...NO_FACTS, pair: pairOf(++newest, atMs - 10 * MINUTE) } }
      case 'throttled':
        return { type: 'outcome.throttled', atMs, untilMs: atMs + 10 * MINUTE, ...full }
      case 'unauthorized':
      case 'rejected':
        return { type: `outcome.${kind}`, atMs, ...full }
      case 'unavailable':
      case 'malformed':
        return { type: `outcome.${kind}`, atMs, untilMs: atMs + 45 * SECOND, ...full }
      case 'pause':
        return { type: 'outcome.deferred', atMs, reason: 'pause', untilMs: atMs + 5 * MINUTE }
      case 'expired':
        return { type: 'outcome.deferred', atMs, reason: 'expired' }
      default:
        return { type: 'outcome.deferred', atMs, reason: kind, untilMs: atMs + 20 * SECOND }
    }
  }
  const request = <Input extends CreateInput | RefreshInput>(kind: 'create' | 'refresh') =>
    fromPromise<Outcome, Input>(async ({ input, signal }) => {
      for (const text of watcher.mayNotSend(kind, clock.now())) blame(text)
      tell(`→ ${kind} ${JSON.stringify(input)}`)
      watcher.sent(kind)
      const { kind: drawn, afterMs, fills } = replies.shift() ?? { kind: 'granted', afterMs: 100, fills: false }
      const reply = kind === 'create' && drawn === 'expired' ? 'granted' : drawn
      await after(afterMs)
      if (signal.aborted) return new Promise<never>(() => {})
      const outcome = outcomeOf(reply, fills)
      tell(`← ${kind} ${outcome.type}${'reason' in outcome ? ` ${outcome.reason}` : ''}`)
      watcher.ended(outcome)
      return outcome
    })
  const found = (): Facts => {
    const atMs = clock.now()
    switch (world.found) {
      case 'nothing':
        return NO_FACTS
      case 'pair':
        return { ...NO_FACTS, pair: pairOf(++newest, atMs - 30 * MINUTE) }
      case 'stalePair':
        return { ...NO_FACTS, pair: pairOf(++newest, atMs - 3 * HOUR) }
      case 'createFailed':
        return { ...NO_FACTS, createFailed: true, backOffUntilMs: atMs + 20 * SECOND }
      default:
        return world.found satisfies never
    }
  }
  const { proactive, refreshUnauthorized } = world
  const input: LifecycleInput = { atMs: clock.now(), proactive, refreshUnauthorized }
  const actor = createActor(
    tokenLifecycle.provide({
      actors: {
        load: fromPromise<LifecycleEvent>(async ({ signal }) => {
          await after(world.loadMs)
          if (signal.aborted) return new Promise<never>(() => {})
          const loaded: LifecycleEvent = { type: 'record.adopted', atMs: clock.now(), facts: found() }
          tell(`loaded: ${world.found}`)
          watcher.told(loaded)
          return loaded
        }),
        create: request<CreateInput>('create'),
        refresh: request<RefreshInput>('refresh'),
      },
    }),
    { input, clock },
  )
  const send = (event: LifecycleEvent) => {
    watcher.told(event)
    actor.send(event)
  }
  const waitingNow = (): Waiting => {
    const patiences = [...callers].map((caller) => caller.patience)
    const [plain, patient, forced] = [
      patiences.includes('plain'),
      patiences.includes('patient'),
      patiences.includes('forced'),
    ]
    return { plain, patient, forced }
  }
  const leave = (caller: Caller) => {
    callers.delete(caller)
    clock.clearTimeout(caller.timer)
    tell(`a ${caller.patience} caller leaves`)
    send({ type: 'demand.withdrawn', waiting: waitingNow() })
  }
  const settle = (whom: (caller: Caller) => boolean) => {
    for (const caller of [...callers].filter(whom)) {
      callers.delete(caller)
      clock.clearTimeout(caller.timer)
    }
  }
  const onEmitted = (emitted: LifecycleEmitted) => {
    tell(`${JSON.stringify(emitted)}`)
    if (emitted.type === 'served') {
      if (watcher.pair?.generation !== emitted.generation || !watcher.usable(clock.now()))
        blame(`served generation ${emitted.generation}, which is not usable`)
      settle((caller) => caller.patience !== 'forced' || caller.generation < emitted.generation)
    }
    if (emitted.type !== 'refused') return
    if (emitted.retryAtMs !== null && emitted.retryAtMs <= clock.now()) blame(`refused until the past: ${emitted.code}`)
    const { whom, retryAtMs } = emitted
    settle((caller) => {
      if (whom === 'everyone') return true
      if (whom === 'impatient') return caller.patience !== 'patient'
      if (whom === 'forced') return caller.patience === 'forced'
      return caller.timesOutAtMs < (retryAtMs ?? 0)
    })
  }
  actor.on('*', onEmitted)
  actor.subscribe({ error: (error) => blame(`the actor died: ${error}`) })
  actor.start()
  const keys = Object.keys(actor.getSnapshot().context)

  /** When everything that could happen at this instant has happened: does each caller wait for something? */
  const look = () => {
    const snapshot = actor.getSnapshot()
    const { context } = snapshot
    const atMs = clock.now()
    if (snapshot.status !== 'active') return
    const strays = Object.keys(context).filter((key) => !keys.includes(key))
    if (strays.length > 0) blame(`the context has taken on ${strays.join(', ')}`)
    if (snapshot.hasTag('busy') !== (watcher.inFlight !== null)) blame(`busy, but in flight: ${watcher.inFlight}`)
    if (snapshot.matches({ tokens: 'loading' }) || snapshot.hasTag('busy')) return
    if (context.pair?.generation !== watcher.pair?.generation)
      blame(`the chart holds generation ${context.pair?.generation}, not ${watcher.pair?.generation}`)
    if (context.atMs > atMs) blame(`the chart's time is ${context.atMs - atMs} ms ahead`)
    for (const caller of callers) {
      const { patience } = caller
      // The end of a pause and a free slot are worth waiting for, the end of a back-off is not.
      const waits =
        atMs >= watcher.backOffUntilMs &&
        (atMs < watcher.pausedUntilMs ? patience === 'patient' : atMs < watcher.fullUntilMs)
      if (!waits) blame(`a ${patience} caller is stuck in ${JSON.stringify(snapshot.value)}`)
    }
    if (
      proactive === 'timer' &&
      watcher.usable(atMs) &&
      !watcher.createLatched &&
      !watcher.refreshLatched &&
      !watcher.failedUnasked &&
      context.refreshAttempts < context.refreshAttemptsLimit &&
      watcher.gateOpen(atMs) &&
      atMs >= (watcher.pair?.refreshAtMs ?? 0)
    )
      blame(`a due refresh was not started in ${JSON.stringify(snapshot.value)}`)
  }

  const demand = (patience: Patience, timeoutMs: number | null) => {
    const timer = timeoutMs === null ? undefined : clock.setTimeout(() => leave(caller), timeoutMs)
    const caller: Caller = {
      patience,
      generation: watcher.pair?.generation ?? 0,
      timer,
      timesOutAtMs: timeoutMs === null ? Number.POSITIVE_INFINITY : clock.now() + timeoutMs,
    }
    callers.add(caller)
    send({ type: 'demand', atMs: clock.now(), patience })
  }
  const take = async (step: Step) => {
    const atMs = clock.now()
    if (step.do !== 'advance' && step.do !== 'approach') tell(JSON.stringify(step))
    switch (step.do) {
      case 'demand':
        // As the client: who can be served from the vault does not ask.
        if (step.patience === 'forced' || !watcher.usable(atMs) || proactive === 'onDemand')
          demand(step.patience, step.timeoutMs)
        break
      case 'leave': {
        const caller = [...callers][step.which % Math.max(1, callers.size)]
        if (caller) leave(caller)
        break
      }
      case 'reject':
        send({ type: 'token.rejected', atMs, generation: Math.max(0, newest - step.age) })
        break
      case 'validateThrottled':
        send({ type: 'validate.throttled', atMs, untilMs: atMs + 10 * MINUTE })
        break
      case 'storeUnavailable':
        send({ type: 'store.unavailable', atMs, untilMs: atMs + 15 * SECOND })
        break
      case 'adopt':
        send({ type: 'record.adopted', atMs, facts: { ...NO_FACTS, pair: pairOf(++newest, atMs - step.ageMs) } })
        break
      case 'signIn':
        send({ type: 'operator.signIn', atMs, credentials: step.credentials })
        if (step.andWait && !watcher.usable(atMs)) demand('plain', 90 * SECOND)
        break
      case 'newCredentials':
        send({ type: 'operator.newCredentials', atMs })
        break
      case 'signOut':
        send({ type: 'operator.signOut', atMs })
        break
      case 'reset':
        send({ type: 'operator.reset', atMs })
        break
      case 'wake': {
        const { pair } = watcher
        const move = (ms: number) => (ms === 0 ? 0 : ms + step.shiftMs)
        const moved = pair && {
          ...pair,
          usableUntilMs: move(pair.usableUntilMs),
          refreshAtMs: move(pair.refreshAtMs),
          refreshUsableUntilMs: move(pair.refreshUsableUntilMs),
        }
        send({ type: 'woke', atMs, pair: moved })
        break
      }
      case 'advance':
        await clock.advance(step.ms)
        break
      case 'approach': {
        const deadlines = watcher.deadlines(atMs)
        const deadlineMs = deadlines[step.which % Math.max(1, deadlines.length)] ?? atMs
        await clock.advanceTo(deadlineMs + step.offsetMs)
        break
      }
      default:
        step satisfies never
    }
    await clock.settle()
    look()
  }
  for (const step of world.steps) {
    await take(step)
    if (wrong.length > 0) break
  }
  // The faults are over: whoever still waits gets an answer.
  replies.length = 0
  if (wrong.length === 0) {
    await clock.advance(30 * MINUTE)
    look()
    if (callers.size > 0) blame(`${callers.size} callers were never answered`)
    const { waiting } = actor.getSnapshot().context
    if (Object.values(waiting).includes(true)) blame(`still waiting: ${JSON.stringify(waiting)}`)
  }
  actor.stop()
  return { wrong, story }
}

const reply: fc.Arbitrary<Reply> = fc.record({
  kind: fc.constantFrom<OutcomeKind[]>(
    'granted',
    'granted',
    'grantedShort',
    'throttled',
    'unauthorized',
    'rejected',
    'unavailable',
    'malformed',
    'adopted',
    'pause',
    'budget',
    'backOff',
    'lease',
    'store',
    'credentials',
    'expired',
  ),
  afterMs: fc.constantFrom(0, 200, 20 * SECOND, 70 * SECOND),
  fills: fc.boolean(),
})

const patience = fc.constantFrom<Patience[]>('plain', 'patient', 'forced')
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('demand' as const),
      patience,
      timeoutMs: fc.constantFrom(null, 90 * SECOND, 5 * SECOND),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(100, SECOND, 31 * SECOND, MINUTE, 10 * MINUTE, 47 * MINUTE, HOUR, 13 * HOUR, 25 * HOUR),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('approach' as const),
      which: fc.nat(5),
      offsetMs: fc.constantFrom(-1, 0, 1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reject' as const), age: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('validateThrottled' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('storeUnavailable' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('adopt' as const), ageMs: fc.constantFrom(0, 50 * MINUTE, 2 * HOUR) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('signIn' as const),
      credentials: fc.constantFrom('same' as const, 'other' as const),
      andWait: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('newCredentials' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('signOut' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('wake' as const),
      shiftMs: fc.constantFrom(-2 * HOUR, -10 * MINUTE, 10 * MINUTE, 2 * HOUR),
    }),
  },
)

const world: fc.Arbitrary<World> = fc.record({
  proactive: fc.constantFrom('timer', 'onDemand'),
  refreshUnauthorized: fc.constantFrom('fail', 'recreate'),
  found: fc.constantFrom('nothing', 'pair', 'stalePair', 'createFailed'),
  loadMs: fc.constantFrom(0, 50),
  replies: fc.array(reply, { maxLength: 12 }),
  steps: fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }),
})

const RUNS = Number(process.env.FUZZ_RUNS ?? 250)

describe('the chart under a fuzz in continuous time', () => {
  it('sends only what the policy allows, and leaves nobody waiting for nothing', {
    timeout: 600 * SECOND,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(world, async (drawn) => {
        const { wrong, story } = await live(drawn)
        if (wrong.length > 0) throw new Error(`${wrong.join('\n')}\n${story.join('\n')}`)
      }),
      { numRuns: RUNS },
    )
  })
})
