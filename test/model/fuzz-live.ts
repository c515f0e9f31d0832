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
} from '../../machines/index.ts'
import { type VirtualClock, virtualClock } from '../../src/virtual-clock.ts'
import type { DrawnWorld, OutcomeKind, Step } from './fuzz-draw.ts'
import { askingOf, satisfiedBy, waitingOf } from './place.ts'
import { monitorsOf, Tracer } from './tracer.ts'
import type { Machine } from './transitions.ts'
import { Watcher } from './watcher.ts'

/**
 * The bare chart as a running actor on a virtual clock, with made-up actors, callers and operators, judged by `Watcher`,
 * a second reading of the policy that shares nothing with `rules.ts`, and by the monitors.
 */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const ATTEMPTS = 6
const LENGTHS = { pause: 10 * MINUTE, young: MINUTE, refresh: DAY }
const BUDGET = { limit: 10, windowMs: MINUTE }
const MONITORS = monitorsOf({ lengths: LENGTHS, budget: BUDGET })

interface Caller {
  readonly patience: Patience
  generation: number
  readonly timer: unknown
  readonly timesOutAtMs: number
}

function pairOf(generation: number, atMs: number, accessMs = HOUR, refreshMs = 24 * accessMs): PairFacts {
  return {
    generation,
    usableUntilMs: atMs + accessMs - Math.min(30 * SECOND, accessMs / 120),
    refreshAtMs: atMs + Math.floor(Math.min(accessMs * 0.8, refreshMs / 2)),
    refreshUsableUntilMs: atMs + refreshMs - Math.min(30 * SECOND, accessMs / 120),
    youngUntilMs: atMs + Math.min(accessMs, HOUR) / 60,
    rejected: false,
  }
}

export interface Lived {
  readonly wrong: readonly string[]
  readonly story: readonly string[]
  readonly sends: number
  readonly events: number
}

/** One world, lived through; what broke, with the story that led there. */
export async function live(world: DrawnWorld, machine: Machine = tokenLifecycle): Promise<Lived> {
  const clock: VirtualClock = virtualClock()
  const startMs = clock.now()
  const { proactive, refreshUnauthorized } = world
  const watcher = new Watcher({ proactive, refreshUnauthorized, refreshAttemptsLimit: ATTEMPTS })
  const tracer = new Tracer(MONITORS, LENGTHS.young)
  const sentAtMs: number[] = []
  let sends = 0
  let events = 0
  const replies = [...world.replies]
  const wrong: string[] = []
  const story: string[] = []
  const callers = new Set<Caller>()
  let newest = 0
  const accessMs = world.longLived ? 60 * DAY : HOUR
  const tell = (text: string) => story.push(`${((clock.now() - startMs) / SECOND).toFixed(3)} s  ${text}`)
  const blame = (text: string) => {
    tell(`WRONG ${text}`)
    wrong.push(text)
  }
  const after = (ms: number) => new Promise<void>((resolve) => void clock.setTimeout(resolve, ms))

  const outcomeOf = (kind: OutcomeKind, fills: boolean): Outcome => {
    const atMs = clock.now()
    // As the store counts: a slot frees a minute after the answer. What others of the account sent counts too.
    while (sentAtMs[0] !== undefined && sentAtMs[0] <= atMs - MINUTE) sentAtMs.shift()
    const tenth = sentAtMs.length >= BUDGET.limit ? (sentAtMs[0] ?? 0) + MINUTE : 0
    const fullUntilMs = Math.max(tenth, fills ? atMs + 40 * SECOND : 0)
    const full = fullUntilMs > 0 ? { fullUntilMs } : {}
    switch (kind) {
      case 'granted':
        return { type: 'outcome.granted', atMs, pair: pairOf(++newest, atMs, accessMs), ...full }
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
      const asking = askingOf(waiters())
      for (const text of watcher.mayNotSend(kind, clock.now(), asking)) blame(text)
      if (input.demanded !== asking.anyone) blame(`${kind}: told that demanded is ${input.demanded}`)
      tell(`→ ${kind} ${JSON.stringify(input)}`)
      watcher.sent(kind, asking)
      tracer.sent(kind, clock.now(), watcher.pair)
      const used = watcher.pair
      sends += 1
      const { kind: drawn, afterMs, fills } = replies.shift() ?? { kind: 'granted', afterMs: 100, fills: false }
      const reply = kind === 'create' && drawn === 'expired' ? 'granted' : drawn
      if (!['adopted', 'pause', 'budget', 'backOff', 'lease', 'store', 'credentials', 'expired'].includes(reply))
        sentAtMs.push(clock.now() + afterMs)
      await after(afterMs)
      if (signal.aborted) return new Promise<never>(() => {})
      const outcome = outcomeOf(reply, fills)
      tell(`← ${kind} ${outcome.type}${'reason' in outcome ? ` ${outcome.reason}` : ''}`)
      const { pair, noted } = watcher
      watcher.ended(outcome, callers.size > 0)
      tracer.ended(kind, outcome, used, noted)
      tracer.holds(outcome.type === 'outcome.granted' ? outcome.pair : pair, watcher.pair, clock.now(), true)
      listen()
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
  const input: LifecycleInput = { atMs: clock.now(), proactive, refreshUnauthorized, refreshAttemptsLimit: ATTEMPTS }
  const actor = createActor(
    machine.provide({
      actors: {
        load: fromPromise<LifecycleEvent>(async ({ signal }) => {
          await after(world.loadMs)
          if (signal.aborted) return new Promise<never>(() => {})
          const loaded: LifecycleEvent = { type: 'record.adopted', atMs: clock.now(), facts: found() }
          tell(`loaded: ${world.found}`)
          hear(loaded)
          return loaded
        }),
        create: request<CreateInput>('create'),
        refresh: request<RefreshInput>('refresh'),
      },
    }),
    {
      input,
      // A clock is never early, but it may be late.
      clock: {
        setTimeout: (fire: () => void, ms: number) => {
          const timer = { id: undefined as unknown, cleared: false }
          timer.id = clock.setTimeout(() => {
            // Whoever notices that a timer is late says so first; then it may no longer be wanted.
            if (world.lateMs > 0) send({ type: 'woke', atMs: clock.now(), pair: watcher.pair })
            if (!timer.cleared) fire()
          }, ms + world.lateMs)
          return timer
        },
        clearTimeout: (timer: { id: unknown; cleared: boolean } | undefined) => {
          if (timer === undefined) return
          timer.cleared = true
          clock.clearTimeout(timer.id)
        },
      },
    },
  )
  const listen = () => {
    for (const finding of tracer.findings.splice(0)) blame(finding)
  }
  const hear = (event: LifecycleEvent) => {
    events += 1
    const { pair } = watcher
    const before = watcher.clone()
    tracer.told(event, before)
    watcher.told(event, callers.size > 0)
    tracer.holds(pair, watcher.pair, clock.now(), event.type === 'record.adopted')
    // One that asked before the record was read wants something newer than what that held.
    if (before.loading && !watcher.loading)
      for (const caller of callers) caller.generation = Math.max(caller.generation, watcher.pair?.generation ?? 0)
    listen()
  }
  const send = (event: LifecycleEvent) => {
    hear(event)
    actor.send(event)
  }
  /** As the client counts them: a newer pair answers a forced caller as well as any other. `D-force` */
  const waiters = () => satisfiedBy([...callers], watcher.pair)
  const waitingNow = () => waitingOf(waiters())
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
      else if (watcher.pair) tracer.served(watcher.pair, clock.now())
      listen()
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
    // Whom that was, the chart cannot know: say who is left, once it has told everything.
    if (whom === 'shortOfTime') queueMicrotask(() => send({ type: 'demand.withdrawn', waiting: waitingNow() }))
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
      // The end of a pause and a free slot are worth waiting for, the end of a back-off is not. A late timer may be due.
      const atDueMs = atMs - world.lateMs
      const patient = patience === 'patient'
      const waits =
        (atMs >= watcher.backOffUntilMs || world.lateMs > 0) &&
        (atMs < watcher.pausedUntilMs
          ? patient
          : atDueMs < watcher.fullUntilMs || (patient && atDueMs < watcher.pausedUntilMs))
      if (!waits) blame(`a ${patience} caller is stuck in ${JSON.stringify(snapshot.value)}`)
    }
    if (
      watcher.usable(atMs) &&
      !watcher.latched() &&
      !watcher.failedUnasked &&
      !context.createFailed &&
      watcher.gateOpen(atMs - world.lateMs) &&
      watcher.dueByTimer(atMs - world.lateMs)
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
  return { wrong, story, sends, events }
}
