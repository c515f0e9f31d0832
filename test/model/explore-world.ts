import { type AnyTransitionDefinition, createActor, type InspectionEvent } from 'xstate'
import type {
  CreateInput,
  Facts,
  LifecycleEmitted,
  LifecycleEvent,
  Outcome,
  PairFacts,
  RefreshInput,
} from '../../machines/index.ts'
import type { Bounds } from './bounds.ts'
import { chartKeyOf } from './key.ts'
import { heard, look } from './look.ts'
import { movesOf } from './moves.ts'
import {
  askingOf,
  type Caller,
  forcedFrom,
  LOAD,
  type Move,
  never,
  type Place,
  type Step,
  type Stored,
  satisfiedBy,
  type Timer,
} from './place.ts'
import { monitorsOf, Tracer } from './tracer.ts'
import { type Machine, transitionName } from './transitions.ts'
import { Watcher } from './watcher.ts'

export type { Bounds, Happening, Lengths } from './bounds.ts'
export type { Move, Place } from './place.ts'
export { type Machine, transitionName, transitionsOf } from './transitions.ts'

/** Longer than anything here lasts: a delay that only waits for something to change. */
const NEVER_MS = 2 ** 31 - 1

const TOLD_AS_FAILURE: readonly string[] = ['throttled', 'unauthorized', 'rejected', 'unavailable', 'malformed']

/** What can be done to one machine in one kind of world: each turns a place into the next, and says what was wrong. */
export class World {
  readonly bounds: Bounds
  readonly taken = new Set<string>()
  readonly #machine: Machine
  readonly #actions: { type: string; params: unknown }[] = []
  readonly #scope: Parameters<Machine['transition']>[2]
  readonly #names = new Map<AnyTransitionDefinition, string>()
  readonly #traced: Tracer

  constructor(machine: Machine, bounds: Bounds) {
    this.#machine = machine
    this.bounds = bounds
    this.#traced = new Tracer(monitorsOf({ lengths: bounds.lengths }), bounds.lengths.young)
    const inspect = (event: InspectionEvent) => {
      if (event.type !== '@xstate.microstep') return
      for (const transition of event._transitions) this.#take(transition)
    }
    const self = createActor(machine, { input: this.#input(0), inspect })
    // As xstate's own `transition()`, but the scope, which is most of the cost, is made once.
    this.#scope = {
      self,
      id: '',
      sessionId: '',
      system: self.system,
      logger() {},
      defer() {},
      stopChild() {},
      emit() {},
      actionExecutor: (action) => void this.#actions.push(action as { type: string; params: unknown }),
    }
  }

  #take(transition: AnyTransitionDefinition) {
    let name = this.#names.get(transition)
    if (name === undefined) {
      name = transitionName(transition)
      this.#names.set(transition, name)
    }
    this.taken.add(name)
  }

  #input = (atMs: number) => ({
    atMs,
    proactive: this.bounds.proactive,
    refreshUnauthorized: this.bounds.refreshUnauthorized,
    refreshAttemptsLimit: this.bounds.refreshAttemptsLimit,
  })

  /** What can happen here. */
  moves = (place: Place): Move[] => movesOf(this, place)
  keyOf = chartKeyOf

  /** Where everything begins: the record is being read. */
  start(atMs: number): Step {
    return this.#begin(atMs, { nowMs: atMs, callers: [], newest: 0, stored: null, traced: this.#traced })
  }

  #begin(atMs: number, rest: Omit<Place, 'snapshot' | 'timers' | 'known'>): Step {
    this.#actions.length = 0
    const snapshot = this.#machine.getInitialSnapshot(this.#scope, this.#input(atMs))
    return this.#settle({ ...rest, known: new Watcher(this.bounds), snapshot, timers: [] })
  }

  #step(place: Place, event: unknown): Place {
    this.#actions.length = 0
    const snapshot = this.#machine.transition(place.snapshot, event as LifecycleEvent, this.#scope)
    return { ...place, snapshot }
  }

  pass(place: Place, nowMs: number): Step {
    this.#actions.length = 0
    return this.#settle({ ...place, nowMs })
  }

  fire(place: Place, timer: Timer): Step {
    const timers = place.timers.filter((other) => other !== timer)
    const { place: fired, wrong } = this.#settle(this.#step({ ...place, timers }, timer.event))
    const again = fired.timers.some(({ id, dueAtMs }) => id === timer.id && dueAtMs <= place.nowMs)
    return { place: fired, wrong: again ? [...wrong, `the timer ${timer.id} fires for ever at once`] : wrong }
  }

  /** The oracle and the monitors hear of an event. */
  #hear(place: Place, event: LifecycleEvent): Place {
    const { callers } = place
    const known = place.known.clone()
    const traced = place.traced.clone()
    traced.told(event, place.known)
    known.told(event, callers.length > 0)
    const atMs = place.nowMs
    traced.holds(place.known.pair, known.pair, atMs, event.type === 'record.adopted')
    const endsLoading = place.known.loading && !known.loading
    if (!endsLoading) return { ...place, known, traced }
    return { ...place, known, traced, stored: null, callers: forcedFrom(callers, known.pair?.generation ?? 0) }
  }

  tell(place: Place, event: LifecycleEvent): Step {
    const told = this.#hear(place, event)
    // What another process stored replaces a pair; everything else that takes one away says so.
    const silent = event.type === 'record.adopted' || event.type === 'woke' || place.known.loading
    const step = this.#settle(this.#step(told, event), { gone: silent ? null : place.known.pair })
    const { snapshot } = step.place
    const waitsForSlot = event.type === 'demand' && snapshot.matches({ gate: 'full' }) && step.place.callers.length > 0
    const refused = this.#emitted().some((emitted) => emitted.type === 'refused' && emitted.whom === 'shortOfTime')
    if (!waitsForSlot || refused) return step
    return { ...step, wrong: [...step.wrong, 'those who cannot wait for the slot were not told'] }
  }

  load(place: Place, { chart, oracle }: Stored): Step {
    const { nowMs: atMs } = place
    const read = this.#hear(place, { type: 'record.adopted', atMs, facts: oracle })
    const output = { type: 'record.adopted', atMs, facts: chart }
    return this.#settle(this.#step(read, { type: `xstate.done.actor.${LOAD}`, output, actorId: LOAD }))
  }

  end(place: Place, outcome: Outcome): Step {
    const { callers, nowMs } = place
    const request = place.known.inFlight ?? never()
    const known = place.known.clone()
    const traced = place.traced.clone()
    known.ended(outcome, callers.length > 0)
    traced.ended(request, outcome, place.known.pair, place.known.noted)
    const granted = outcome.type === 'outcome.granted' ? outcome.pair : place.known.pair
    traced.holds(granted, known.pair, nowMs, true)
    const newest =
      'pair' in outcome ? outcome.pair.generation : outcome.type === 'outcome.adopted' ? place.newest + 1 : place.newest
    // A pair that is replaced at once has answered those who wanted a newer one all the same.
    const brought = outcome.type === 'outcome.granted' ? outcome.pair : 'facts' in outcome ? outcome.facts.pair : null
    // What was noted is older than a grant, and than another record.
    const isNewer = outcome.type === 'outcome.granted' || outcome.type === 'outcome.adopted'
    const stored = place.known.noted.flatMap((event) =>
      event.type === 'record.adopted' && !isNewer ? [event.facts.pair] : [],
    )
    const waiting = [brought, ...stored].reduce(satisfiedBy, callers)
    const ended: Place = { ...place, newest, callers: satisfiedBy(waiting, known.pair), known, traced }
    const child = Object.keys(place.snapshot.children).find((id) => id.includes('sending')) ?? 'none'
    const next = this.#step(ended, { type: `xstate.done.actor.${child}`, output: outcome, actorId: child })
    const wrong = this.#failuresOf(request, outcome)
    const adopts = outcome.type === 'outcome.adopted' || place.known.noted.some(({ type }) => type === 'record.adopted')
    const step = this.#settle(next, { wrong, gone: adopts ? null : granted })
    // `refresh-4xx-recreates`, `D-refresh-401`: at once, whether anybody waits or not.
    const signsIn = known.owedCreate && known.gateOpen(nowMs)
    if (!signsIn || step.place.known.inFlight === 'create') return step
    return { ...step, wrong: [...step.wrong, 'no sign-in followed the refused refresh'] }
  }

  #failuresOf(request: 'create' | 'refresh', outcome: Outcome): string[] {
    const failures = this.#emitted().filter((emitted) => emitted.type === 'failure')
    const kind = outcome.type.slice('outcome.'.length)
    const wrong: string[] = []
    const wanted = TOLD_AS_FAILURE.includes(kind) ? 1 : 0
    if (failures.length !== wanted) wrong.push(`${failures.length} failures were told of a ${kind} ${request}`)
    for (const failure of failures)
      if (failure.request !== request || failure.outcome !== outcome.type)
        wrong.push(`a ${kind} ${request} was told as ${failure.outcome} ${failure.request}`)
    return wrong
  }

  /** Killed, and started again: what the store holds is still to be read. */
  crash({ known, nowMs, newest, traced, snapshot: { context } }: Place): Step {
    const unfinished = known.inFlight === 'refresh'
    const { noted: _, armedAtMs: __, atMs: ___, waiting: ____, ...facts } = context
    const chart: Facts = { ...facts, unfinished: context.unfinished || unfinished }
    const oracle: Facts = {
      ...chart,
      pair: known.pair,
      pausedUntilMs: known.pausedUntilMs,
      fullUntilMs: known.fullUntilMs,
      backOffUntilMs: known.backOffUntilMs,
      refreshAttempts: known.attempts,
      latch: known.createLatched ? 'invalidCredentials' : known.refreshLatched ? 'refreshUnauthorized' : null,
      createFailed: known.failedUnasked,
      unfinished: known.unfinished || unfinished,
      signedOut: known.signedOut,
    }
    const ended = traced.clone()
    if (known.inFlight !== null) ended.cutOff(nowMs)
    return this.#begin(nowMs, { nowMs, callers: [], newest, traced: ended, stored: { chart, oracle } })
  }

  #emitted = (): LifecycleEmitted[] =>
    this.#actions
      .filter(({ type }) => type === 'xstate.emit')
      .map(({ params }) => (params as { event: LifecycleEmitted }).event)

  /** Carries out what the chart asked for, in order, and judges it. `gone`: a pair that may not go untold. */
  #settle(place: Place, before: { wrong?: readonly string[]; gone?: PairFacts | null } = {}): Step {
    const { nowMs, snapshot } = place
    const { wrong: wrongBefore = [], gone = null } = before
    const wrong = [...wrongBefore]
    const known = place.known.clone()
    const traced = place.traced.clone()
    let { callers } = place
    let timers = [...place.timers]
    const discarded: number[] = []
    for (const { type, params } of this.#actions) {
      switch (type) {
        case 'xstate.raise': {
          const { event, id, delay } = params as { event: LifecycleEvent; id: string; delay?: number }
          if (delay === undefined) break
          timers = timers.filter((timer) => timer.id !== id)
          if (delay < NEVER_MS || this.bounds.lengths.access > NEVER_MS)
            timers.push({ id, event, dueAtMs: nowMs + delay })
          break
        }
        case 'xstate.cancel': {
          const { sendId } = params as { sendId: string }
          timers = timers.filter(({ id }) => id !== sendId)
          break
        }
        case 'xstate.stopChild':
          // After its outcome, and after a sign-out, the oracle knows of none.
          if ((params as { id: string }).id.includes('sending') && known.inFlight !== null)
            wrong.push(`the ${known.inFlight} in flight was cut off`)
          break
        case 'xstate.spawnChild': {
          const { src, input } = params as { src: string; input: CreateInput | RefreshInput }
          if (src === 'load') break
          wrong.push(...this.#sent(nowMs, known, callers, src as 'create' | 'refresh', input))
          traced.sent(src as 'create' | 'refresh', nowMs, known.pair)
          break
        }
        case 'xstate.emit': {
          const { event } = params as { event: LifecycleEmitted }
          if (event.type === 'discarded') discarded.push(event.generation)
          if (event.type === 'served' && known.pair?.generation === event.generation) traced.served(known.pair, nowMs)
          const settled = heard(event, nowMs, known, callers)
          callers = settled.callers
          wrong.push(...settled.wrong)
        }
      }
    }
    timers.sort((a, b) => a.dueAtMs - b.dueAtMs)
    // What is owed is paid at once, or by the next demand.
    known.owedCreate = false
    const { pair } = known
    callers = satisfiedBy(callers, pair)
    if (gone !== null && pair === null && discarded.length === 0)
      wrong.push(`generation ${gone.generation} went and nobody was told`)
    if (pair !== null && discarded.includes(pair.generation))
      wrong.push(`generation ${pair.generation} was discarded and is held`)
    const next: Place = { ...place, known, traced, callers, timers }
    if (snapshot.status !== 'active') wrong.push(`the chart is ${snapshot.status}: ${snapshot.error}`)
    else wrong.push(...look(next), ...place.traced.findings, ...traced.findings)
    return { place: next, wrong }
  }

  #sent(
    nowMs: number,
    known: Watcher,
    callers: readonly Caller[],
    request: 'create' | 'refresh',
    input: CreateInput | RefreshInput,
  ): string[] {
    const asking = askingOf(callers)
    const wrong = known.mayNotSend(request, nowMs, asking)
    if (input.demanded !== asking.anyone)
      wrong.push(`${request}: told that ${input.demanded ? 'somebody' : 'nobody'} waits`)
    if (input.generation !== (known.pair?.generation ?? 0)) wrong.push(`${request}: of generation ${input.generation}`)
    known.sent(request, asking)
    return wrong
  }
}
