import { type AnyTransitionDefinition, createActor, type InspectionEvent, type SnapshotFrom } from 'xstate'
import {
  type CreateInput,
  type Facts,
  type LifecycleEmitted,
  type LifecycleEvent,
  NO_FACTS,
  type Outcome,
  type PairFacts,
  type Patience,
  type RefreshInput,
  type tokenLifecycle,
  type Waiting,
} from '../../machines/index.ts'
import { Watcher } from './watcher.ts'

/**
 * The chart and the world around it as one value that a move turns into the next: snapshot, armed timers, the request in
 * flight, callers, the stored record, and what the oracle knows. `explore.ts` walks over these.
 */

export type Machine = typeof tokenLifecycle
type ChartSnapshot = SnapshotFrom<Machine>

/** Lengths, in whatever unit: whole ticks to explore, milliseconds to wander. */
export interface Lengths {
  readonly access: number
  readonly refreshDue: number
  readonly refresh: number
  readonly young: number
  readonly pause: number
  readonly full: number
  readonly backOff: number
}

/** How large a world is. */
export interface Bounds {
  readonly lengths: Lengths
  /** Callers that wait at one time. */
  readonly callers: number
  /** Events that wait for the request in flight, or for the record, at one time. */
  readonly noted: number
  readonly refreshAttemptsLimit: number
  readonly proactive: 'timer' | 'onDemand'
  readonly refreshUnauthorized: 'fail' | 'recreate'
  /** Also what differs from another move in nothing the chart looks at: the second reading of a reason, other shifts. */
  readonly every: boolean
  /** How far time may move at once. */
  readonly jumps: readonly number[]
  /** What does not happen. */
  readonly without: readonly Happening[]
}

/** The sorts of moves, beside callers, outcomes and time, that a world may be without. */
export type Happening = 'rejection' | 'gate' | 'waking' | 'adoption' | 'operator' | 'restart'

interface Timer {
  readonly id: string
  readonly event: LifecycleEvent
  readonly dueAtMs: number
}

interface Caller {
  readonly patience: Patience
  /** What was held when it asked; a forced one wants a newer one. */
  readonly generation: number
}

/** What the oracle knows: the public part of a {@link Watcher}, and what it keeps to itself. */
interface Known
  extends Pick<
    Watcher,
    | 'pair'
    | 'pausedUntilMs'
    | 'fullUntilMs'
    | 'backOffUntilMs'
    | 'createLatched'
    | 'refreshLatched'
    | 'failedUnasked'
    | 'unfinished'
    | 'signedOut'
    | 'inFlight'
  > {
  readonly loading: boolean
  readonly noted: readonly LifecycleEvent[]
  /** Refreshes of this generation that nobody had asked for and that ended in the unknown. */
  readonly attempts: number
  /** Nobody waited when the request in flight was sent. */
  readonly unasked: boolean
}

export interface Place {
  readonly nowMs: number
  readonly snapshot: ChartSnapshot
  readonly timers: readonly Timer[]
  readonly callers: readonly Caller[]
  readonly known: Known
  /** The newest generation that anybody was given. */
  readonly newest: number
  /** What the store holds while it is read: what the chart had learned, and what the oracle had. */
  readonly stored: { readonly chart: Facts; readonly oracle: Facts } | null
}

export interface Move {
  readonly label: string
  readonly make: () => Step
}

interface Step {
  readonly place: Place
  readonly wrong: readonly string[]
}

/** Longer than anything here lasts: a delay that only waits for something to change. */
const NEVER_MS = 2 ** 30

/** The id that XState gives to the invocation of `load`. */
const LOAD = '0.tokenLifecycle.tokens.loading'

const WANTED_FAILURES: readonly string[] = ['throttled', 'unauthorized', 'rejected', 'unavailable', 'malformed']

export const transitionName = (transition: AnyTransitionDefinition): string => {
  const { source, eventType, guard } = transition
  const siblings = eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? [])
  const place = (siblings as readonly AnyTransitionDefinition[]).indexOf(transition)
  const name = typeof guard === 'string' ? ` [${guard}]` : ''
  const trigger = eventType === '' ? 'always' : eventType.replace('tokenLifecycle.', '')
  return `${source.path.join('.') || 'the machine'}: ${trigger} #${place}${name}`
}

/** Every transition of the chart, as {@link World} names those that it takes. */
export function transitionsOf(machine: Machine): string[] {
  const names: string[] = []
  const visit = (node: Machine['root']) => {
    for (const transition of node.always ?? []) names.push(transitionName(transition as AnyTransitionDefinition))
    for (const candidates of node.transitions.values())
      for (const transition of candidates) names.push(transitionName(transition as AnyTransitionDefinition))
    for (const child of Object.values(node.states)) visit(child as Machine['root'])
  }
  visit(machine.root)
  return names
}

const FIELDS = [
  'pair',
  'pausedUntilMs',
  'fullUntilMs',
  'backOffUntilMs',
  'createLatched',
  'refreshLatched',
  'failedUnasked',
  'unfinished',
  'signedOut',
  'inFlight',
] as const

const isNoted = ({ type }: LifecycleEvent) =>
  type === 'record.adopted' ||
  type === 'operator.signIn' ||
  type === 'operator.newCredentials' ||
  type === 'operator.reset'

const isWrong = (text: string | false): text is string => text !== false

/** The moves of one machine in one kind of world. */
export class World {
  readonly bounds: Bounds
  readonly taken = new Set<string>()
  readonly #machine: Machine
  readonly #actions: { type: string; params: unknown }[] = []
  readonly #scope: Parameters<Machine['transition']>[2]
  readonly #names = new Map<AnyTransitionDefinition, string>()

  constructor(machine: Machine, bounds: Bounds) {
    this.#machine = machine
    this.bounds = bounds
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

  pairOf(generation: number, atMs: number, ageMs = 0, refreshMs = this.bounds.lengths.refresh): PairFacts {
    const { access, refreshDue, young } = this.bounds.lengths
    const grantedAtMs = atMs - ageMs
    return {
      generation,
      usableUntilMs: grantedAtMs + access,
      refreshAtMs: grantedAtMs + Math.min(refreshDue, refreshMs),
      refreshUsableUntilMs: grantedAtMs + refreshMs,
      youngUntilMs: grantedAtMs + young,
      rejected: false,
    }
  }

  /** What a store may hold. */
  records(atMs: number, generation: number): readonly (readonly [string, Facts])[] {
    const { access, refresh, pause, backOff, refreshDue, young } = this.bounds.lengths
    const dead = { ...this.pairOf(generation, atMs, young), refreshUsableUntilMs: 0 }
    const few: readonly (readonly [string, Facts])[] = [
      ['nothing', NO_FACTS],
      ['a fresh pair', { ...NO_FACTS, pair: this.pairOf(generation, atMs) }],
      ['a pair whose access token expired', { ...NO_FACTS, pair: this.pairOf(generation, atMs, access) }],
      ['invalid credentials', { ...NO_FACTS, latch: 'invalidCredentials' }],
      ['a failed create', { ...NO_FACTS, createFailed: true, backOffUntilMs: atMs + backOff }],
      ['a sign-out', { ...NO_FACTS, signedOut: true }],
    ]
    if (!this.bounds.every) return few
    return [
      ...few,
      ['a pair that is due', { ...NO_FACTS, pair: this.pairOf(generation, atMs, refreshDue) }],
      ['a pair of which both expired', { ...NO_FACTS, pair: this.pairOf(generation, atMs, refresh) }],
      ['a pair whose refresh token is gone', { ...NO_FACTS, pair: dead }],
      ['an unfinished refresh', { ...NO_FACTS, pair: this.pairOf(generation, atMs, access), unfinished: true }],
      ['a rejected sign-in', { ...NO_FACTS, latch: 'rejected' }],
      [
        'a refused refresh',
        { ...NO_FACTS, pair: this.pairOf(generation, atMs, refreshDue), latch: 'refreshUnauthorized' },
      ],
      ['a pause', { ...NO_FACTS, pausedUntilMs: atMs + pause }],
    ]
  }

  /** Where everything begins: the record is being read. */
  start(atMs: number): Step {
    const known: Known = {
      ...blank(),
      loading: true,
      noted: [],
      attempts: 0,
      unasked: false,
    }
    return this.#begin(atMs, { nowMs: atMs, callers: [], known, newest: 0, stored: null })
  }

  #begin(atMs: number, rest: Omit<Place, 'snapshot' | 'timers'>): Step {
    this.#actions.length = 0
    const snapshot = this.#machine.getInitialSnapshot(this.#scope, this.#input(atMs))
    return this.#settle({ ...rest, snapshot, timers: [] })
  }

  /** What can happen here. */
  moves(place: Place): Move[] {
    const { bounds } = this
    const { lengths } = bounds
    const { nowMs: atMs, known, callers, newest } = place
    const moves: Move[] = []
    const may = (label: string, make: () => Step) => void moves.push({ label, make })
    const tell = (label: string, event: LifecycleEvent, change: Partial<Place> = {}) =>
      may(label, () => this.#tell({ ...place, ...change }, event))

    const late = place.timers.find(({ dueAtMs }) => dueAtMs <= atMs)
    if (late)
      may(`the timer ${late.event.type.replace(/^xstate\.after\.(\w+)\..*/, '$1')} fires`, () =>
        this.#fire(place, late),
      )
    else {
      // Never past a timer: the clock fires each at its own time.
      const soonest = Math.min(...place.timers.map(({ dueAtMs }) => dueAtMs))
      const before = Number.isFinite(soonest) && (bounds.jumps.length > 1 || soonest - atMs < 1)
      const near = before ? [soonest - atMs, soonest - atMs - 1] : []
      for (const ms of new Set([...bounds.jumps, ...near]))
        if (ms > 0 && atMs + ms <= soonest) may(`time passes: ${ms}`, () => this.#pass({ ...place, nowMs: atMs + ms }))
    }

    if (callers.length < bounds.callers)
      for (const patience of ['plain', 'patient', 'forced'] as const)
        tell(
          `a ${patience} caller asks`,
          { type: 'demand', atMs, patience },
          { callers: [...callers, { patience, generation: known.pair?.generation ?? 0 }] },
        )
    for (const patience of new Set(callers.map((caller) => caller.patience))) {
      const left = callers.toSpliced(
        callers.findIndex((caller) => caller.patience === patience),
        1,
      )
      tell(`a ${patience} caller leaves`, { type: 'demand.withdrawn', waiting: waitingOf(left) }, { callers: left })
    }
    const happens = (what: Happening) => !bounds.without.includes(what)
    if (known.pair !== null && happens('rejection')) {
      const { generation } = known.pair
      tell('the API refuses the token', { type: 'token.rejected', atMs, generation })
      tell('the API refuses an older token', { type: 'token.rejected', atMs, generation: generation - 1 })
    }
    if (happens('gate')) {
      tell('a validate is throttled', { type: 'validate.throttled', atMs, untilMs: atMs + lengths.pause })
      tell('the store is away', { type: 'store.unavailable', atMs, untilMs: atMs + lengths.backOff })
    }
    if (happens('waking')) {
      const asleep = lengths.pause + 1
      may(`${asleep} asleep`, () =>
        this.#tell({ ...place, nowMs: atMs + asleep }, { type: 'woke', atMs: atMs + asleep, pair: known.pair }),
      )
      for (const shift of bounds.every ? [0, -1, 1, -lengths.access] : [0, -1]) {
        const pair = shifted(known.pair, shift)
        // Nothing lasts longer than when it was granted.
        if (pair === null ? shift !== 0 : pair.usableUntilMs > atMs + lengths.access) continue
        tell(`the clock jumps by ${-shift}`, { type: 'woke', atMs, pair })
      }
    }
    const noteable = known.noted.length < bounds.noted || (!known.loading && known.inFlight === null)
    if (noteable && happens('adoption'))
      for (const [what, facts] of this.records(atMs, newest + 1))
        tell(`another process stored ${what}`, { type: 'record.adopted', atMs, facts }, { newest: newest + 1 })
    if (noteable && happens('operator')) {
      tell('sign-in with the same credentials', { type: 'operator.signIn', atMs, credentials: 'same' })
      tell('sign-in with other credentials', { type: 'operator.signIn', atMs, credentials: 'other' })
      tell('the callback gives other credentials', { type: 'operator.newCredentials', atMs })
      tell('reset', { type: 'operator.reset', atMs })
    }
    if (happens('operator')) tell('sign-out', { type: 'operator.signOut', atMs })
    if (known.loading && place.snapshot.children[LOAD] !== undefined) {
      if (place.stored) may('the record is read', () => this.#load(place, place.stored ?? never()))
      else
        for (const [what, facts] of this.records(atMs, newest + 1))
          may(`the record is read: ${what}`, () =>
            this.#load({ ...place, newest: newest + 1 }, { chart: facts, oracle: facts }),
          )
    }
    if (known.inFlight !== null)
      for (const [what, outcome] of this.#outcomes(place)) may(what, () => this.#end(place, outcome))
    if (!known.loading && known.noted.length === 0 && happens('restart')) {
      // What waits while the record is read is looked at after the first start; in full, after every one.
      may('the process is killed and starts again', () => {
        const { place: again, wrong } = this.#crash(place)
        return bounds.every || wrong.length > 0 ? { place: again, wrong } : this.#load(again, again.stored ?? never())
      })
    }
    return moves
  }

  #outcomes(place: Place): [string, Outcome][] {
    const { lengths, every } = this.bounds
    const { nowMs: atMs, known, newest } = place
    const request = known.inFlight ?? never()
    const fullUntilMs = atMs + lengths.full
    const untilMs = atMs + lengths.backOff
    const answers: [string, Outcome][] = [
      ['granted', { type: 'outcome.granted', atMs, pair: this.pairOf(newest + 1, atMs) }],
      ['granted, the tenth', { type: 'outcome.granted', atMs, pair: this.pairOf(newest + 1, atMs), fullUntilMs }],
      ['granted, short', { type: 'outcome.granted', atMs, pair: this.pairOf(newest + 1, atMs, 0, lengths.young) }],
      ['429', { type: 'outcome.throttled', atMs, untilMs: atMs + lengths.pause }],
      ['401', { type: 'outcome.unauthorized', atMs }],
      ['401, the tenth', { type: 'outcome.unauthorized', atMs, fullUntilMs }],
      ['400', { type: 'outcome.rejected', atMs }],
      ['400, the tenth', { type: 'outcome.rejected', atMs, fullUntilMs }],
      ['503', { type: 'outcome.unavailable', atMs, untilMs }],
      ['an unusable 200', { type: 'outcome.malformed', atMs, untilMs }],
      ['deferred: pause', { type: 'outcome.deferred', atMs, reason: 'pause', untilMs: atMs + lengths.pause }],
      ['deferred: budget', { type: 'outcome.deferred', atMs, reason: 'budget', untilMs: fullUntilMs }],
      ['deferred: store', { type: 'outcome.deferred', atMs, reason: 'store', untilMs }],
      ['deferred: latched', { type: 'outcome.deferred', atMs, reason: 'latched', latch: 'invalidCredentials' }],
      [
        'adopted',
        { type: 'outcome.adopted', atMs, facts: { ...NO_FACTS, pair: this.pairOf(newest + 1, atMs, lengths.young) } },
      ],
    ]
    if (request === 'refresh')
      answers.push(['deferred: expired', { type: 'outcome.deferred', atMs, reason: 'expired' }])
    else if (known.unasked)
      answers.push([
        'deferred: a create failed before',
        { type: 'outcome.deferred', atMs, reason: 'latched', latch: 'createFailed' },
      ])
    if (every)
      answers.push(
        ['429, the tenth', { type: 'outcome.throttled', atMs, untilMs: atMs + lengths.pause, fullUntilMs }],
        ['429, a short pause', { type: 'outcome.throttled', atMs, untilMs: atMs + 1 }],
        ['503, the tenth', { type: 'outcome.unavailable', atMs, untilMs, fullUntilMs }],
        ['deferred: budget, until now', { type: 'outcome.deferred', atMs, reason: 'budget', untilMs: atMs }],
        ['deferred: lease', { type: 'outcome.deferred', atMs, reason: 'lease', untilMs: fullUntilMs }],
        ['deferred: credentials', { type: 'outcome.deferred', atMs, reason: 'credentials', untilMs }],
        ['deferred: back-off', { type: 'outcome.deferred', atMs, reason: 'backOff', untilMs }],
        ['deferred: rejected', { type: 'outcome.deferred', atMs, reason: 'latched', latch: 'rejected' }],
        ['deferred: refused', { type: 'outcome.deferred', atMs, reason: 'latched', latch: 'refreshUnauthorized' }],
        ['401, spent', { type: 'outcome.unauthorized', atMs, spent: true }],
        ['adopted a sign-out', { type: 'outcome.adopted', atMs, facts: { ...NO_FACTS, signedOut: true } }],
      )
    // A reply that came late: lifetimes count from the send.
    if (every || known.noted.length > 0) {
      const pair = this.pairOf(newest + 1, atMs, lengths.access)
      answers.push(['granted, expired already', { type: 'outcome.granted', atMs, pair }])
    }
    // An actor that says so has looked at the same expiry and at the same mark.
    if (every && request === 'refresh' && !known.unfinished && atMs < (known.pair?.refreshUsableUntilMs ?? 0))
      answers.push(['401, not spent', { type: 'outcome.unauthorized', atMs, spent: false }])
    return answers.map(([what, outcome]) => [`${request} answered: ${what}`, outcome])
  }

  #step(place: Place, event: unknown): Place {
    this.#actions.length = 0
    const snapshot = this.#machine.transition(place.snapshot, event as LifecycleEvent, this.#scope)
    return { ...place, snapshot }
  }

  #pass(place: Place): Step {
    this.#actions.length = 0
    return this.#settle(place)
  }

  #fire(place: Place, timer: Timer): Step {
    const timers = place.timers.filter((other) => other !== timer)
    const { place: fired, wrong } = this.#settle(this.#step({ ...place, timers }, timer.event))
    const again = fired.timers.some(({ id, dueAtMs }) => id === timer.id && dueAtMs <= place.nowMs)
    return { place: fired, wrong: again ? [...wrong, `the timer ${timer.id} fires for ever at once`] : wrong }
  }

  #tell(place: Place, event: LifecycleEvent): Step {
    const { known, callers } = place
    const watcher = this.#watcher(known)
    const endsLoading = known.loading && (event.type === 'record.adopted' || event.type === 'operator.signOut')
    const waits = !endsLoading && isNoted(event) && (known.loading || known.inFlight !== null)
    tellWatcher(watcher, event)
    if (event.type === 'record.adopted' && endsLoading) for (const earlier of known.noted) tellWatcher(watcher, earlier)
    const forgotten = endsLoading || event.type === 'operator.signOut'
    const noted = forgotten ? [] : waits ? [...known.noted, event] : known.noted
    const learned = this.#learned(known, watcher, { loading: known.loading && !endsLoading, noted })
    // Another process's failed create answers none of our callers.
    const ours = event.type === 'record.adopted' && callers.length > 0 ? { ...learned, failedUnasked: false } : learned
    const told = { ...place, known: ours, stored: endsLoading ? null : place.stored }
    const found = endsLoading ? { ...told, callers: forcedFrom(callers, ours.pair?.generation ?? 0) } : told
    // What another process stored replaces a pair; everything else that takes one away says so.
    const gone = event.type === 'record.adopted' || event.type === 'woke' || known.loading ? null : known.pair
    const step = this.#settle(this.#step(found, event), [], false, gone)
    const { snapshot } = step.place
    const waitsForSlot = event.type === 'demand' && snapshot.matches({ gate: 'full' }) && step.place.callers.length > 0
    const refused = this.#emitted().some((emitted) => emitted.type === 'refused' && emitted.whom === 'shortOfTime')
    if (!waitsForSlot || refused) return step
    return { ...step, wrong: [...step.wrong, 'those who cannot wait for the slot were not told'] }
  }

  #load(place: Place, { chart, oracle }: { chart: Facts; oracle: Facts }): Step {
    const { known, nowMs: atMs, callers } = place
    const watcher = this.#watcher(known)
    const createFailed = oracle.createFailed && callers.length === 0
    watcher.told({ type: 'record.adopted', atMs, facts: { ...oracle, createFailed } })
    for (const earlier of known.noted) tellWatcher(watcher, earlier)
    const learned = this.#learned(known, watcher, { loading: false, noted: [] })
    const attempts = oracle.refreshAttempts
    const found: Place = {
      ...place,
      stored: null,
      known: { ...learned, attempts },
      callers: forcedFrom(callers, learned.pair?.generation ?? 0),
    }
    const output = { type: 'record.adopted', atMs, facts: chart }
    const event = { type: `xstate.done.actor.${LOAD}`, output, actorId: LOAD }
    return this.#settle(this.#step(found, event))
  }

  #end(place: Place, outcome: Outcome): Step {
    const { known, callers } = place
    const request = known.inFlight ?? never()
    const watcher = this.#watcher(known)
    // The actor may know better than the oracle whether the refresh token is spent.
    if (request === 'refresh' && outcome.type === 'outcome.unauthorized' && outcome.spent !== undefined)
      Object.assign(watcher, { unfinished: outcome.spent, refreshUnauthorized: 'fail' })
    // What defers lies ahead, or the same would be asked again within the moment.
    watcher.ended('untilMs' in outcome ? { ...outcome, untilMs: Math.max(outcome.untilMs, outcome.atMs + 1) } : outcome)
    if (outcome.type === 'outcome.deferred' && outcome.reason === 'latched') {
      if (outcome.latch === 'createFailed') watcher.failedUnasked = callers.length === 0
      else if (outcome.latch === 'refreshUnauthorized') watcher.refreshLatched = true
      else watcher.createLatched = true
    }
    let waiting = satisfiedBy(callers, watcher.pair)
    const newer = outcome.type === 'outcome.granted' || outcome.type === 'outcome.adopted'
    for (const event of known.noted) {
      // What was stored before this outcome is older than it.
      if (newer && event.type === 'record.adopted') continue
      tellWatcher(watcher, event)
      waiting = satisfiedBy(waiting, watcher.pair)
    }
    if (callers.length > 0 && known.noted.some(({ type }) => type === 'record.adopted')) watcher.failedUnasked = false
    const lost = outcome.type === 'outcome.unavailable' || outcome.type === 'outcome.malformed'
    const learned = this.#learned(known, watcher, { noted: [] })
    const counts = lost && request === 'refresh' && known.unasked && learned.pair !== null
    const newest =
      'pair' in outcome ? outcome.pair.generation : outcome.type === 'outcome.adopted' ? place.newest + 1 : place.newest
    const ended: Place = {
      ...place,
      newest,
      callers: waiting,
      known: {
        ...learned,
        attempts: learned.attempts + (counts && learned.pair?.generation === known.pair?.generation ? 1 : 0),
      },
    }
    const child = Object.keys(place.snapshot.children).find((id) => id.includes('sending')) ?? 'none'
    const next = this.#step(ended, { type: `xstate.done.actor.${child}`, output: outcome, actorId: child })
    const failures = this.#emitted().filter((emitted) => emitted.type === 'failure')
    const kind = outcome.type.slice('outcome.'.length)
    const wrong: string[] = []
    const wanted = WANTED_FAILURES.includes(kind) ? 1 : 0
    if (failures.length !== wanted) wrong.push(`${failures.length} failures were told of a ${kind} ${request}`)
    for (const failure of failures)
      if (failure.request !== request || failure.outcome !== outcome.type)
        wrong.push(`a ${kind} ${request} was told as ${failure.outcome} ${failure.request}`)
    const answers =
      request === 'refresh' && (outcome.type === 'outcome.rejected' || outcome.type === 'outcome.unauthorized')
    const adopts = outcome.type === 'outcome.adopted' || known.noted.some(({ type }) => type === 'record.adopted')
    const held = outcome.type === 'outcome.granted' ? outcome.pair : known.pair
    const step = this.#settle(next, wrong, answers, adopts ? null : held)
    // `refresh-4xx-recreates`, `D-refresh-401`: at once, whether anybody waits or not.
    const signsIn = answers && !watcher.refreshLatched && known.noted.length === 0 && watcher.gateOpen(place.nowMs)
    if (!signsIn || step.place.known.inFlight === 'create') return step
    return { ...step, wrong: [...step.wrong, 'no sign-in followed the refused refresh'] }
  }

  #crash(place: Place): Step {
    const { known, nowMs } = place
    const { context } = place.snapshot
    const unfinished = known.inFlight === 'refresh'
    const chart: Facts = {
      pair: context.pair,
      pausedUntilMs: context.pausedUntilMs,
      fullUntilMs: context.fullUntilMs,
      fullReason: context.fullReason,
      backOffUntilMs: context.backOffUntilMs,
      backOffReason: context.backOffReason,
      refreshAttempts: context.refreshAttempts,
      rejectionsIgnoredUntilMs: context.rejectionsIgnoredUntilMs,
      latch: context.latch,
      createFailed: context.createFailed,
      unfinished: context.unfinished || unfinished,
      signedOut: context.signedOut,
    }
    const latch = known.createLatched ? 'invalidCredentials' : known.refreshLatched ? 'refreshUnauthorized' : null
    const oracle: Facts = {
      ...NO_FACTS,
      pair: known.pair,
      pausedUntilMs: known.pausedUntilMs,
      fullUntilMs: known.fullUntilMs,
      backOffUntilMs: known.backOffUntilMs,
      refreshAttempts: known.attempts,
      latch,
      createFailed: known.failedUnasked,
      unfinished: known.unfinished || unfinished,
      signedOut: known.signedOut,
    }
    const empty: Known = { ...blank(), loading: true, noted: [], attempts: 0, unasked: false }
    return this.#begin(nowMs, { nowMs, callers: [], newest: place.newest, known: empty, stored: { chart, oracle } })
  }

  #watcher(known: Known): Watcher {
    const watcher = new Watcher(this.bounds.refreshUnauthorized)
    if (!known.loading) watcher.told({ type: 'record.adopted', atMs: 0, facts: NO_FACTS })
    for (const field of FIELDS) Object.assign(watcher, { [field]: known[field] })
    return watcher
  }

  #learned(before: Known, watcher: Watcher, change: Partial<Known>): Known {
    const { pair } = watcher
    const sameGeneration = pair !== null && pair.generation === before.pair?.generation
    return {
      ...before,
      ...pick(watcher),
      attempts: sameGeneration ? before.attempts : 0,
      ...change,
    }
  }

  #emitted = (): LifecycleEmitted[] =>
    this.#actions
      .filter(({ type }) => type === 'xstate.emit')
      .map(({ params }) => (params as { event: LifecycleEmitted }).event)

  /** Carries out what the chart asked for, in order, and judges it. */
  #settle(place: Place, wrongBefore: readonly string[] = [], answers = false, gone: PairFacts | null = null): Step {
    const { nowMs, snapshot } = place
    const wrong = [...wrongBefore]
    let { known, callers } = place
    let timers = [...place.timers]
    const discarded: number[] = []
    for (const { type, params } of this.#actions) {
      switch (type) {
        case 'xstate.raise': {
          const { event, id, delay } = params as { event: LifecycleEvent; id: string; delay?: number }
          if (delay === undefined) break
          timers = timers.filter((timer) => timer.id !== id)
          if (delay < NEVER_MS) timers.push({ id, event, dueAtMs: nowMs + delay })
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
          known = this.#send(place, known, callers, src as 'create' | 'refresh', input, answers, wrong)
          break
        }
        case 'xstate.emit': {
          const { event } = params as { event: LifecycleEmitted }
          if (event.type === 'discarded') discarded.push(event.generation)
          callers = this.#heard(event, nowMs, known, callers, wrong)
        }
      }
    }
    timers.sort((a, b) => a.dueAtMs - b.dueAtMs)
    const { pair } = known
    callers = satisfiedBy(callers, pair)
    if (gone !== null && pair === null && discarded.length === 0)
      wrong.push(`generation ${gone.generation} went and nobody was told`)
    if (pair !== null && discarded.includes(pair.generation))
      wrong.push(`generation ${pair.generation} was discarded and is held`)
    const next: Place = { ...place, known, callers, timers }
    if (snapshot.status !== 'active') wrong.push(`the chart is ${snapshot.status}: ${snapshot.error}`)
    else wrong.push(...this.#look(next))
    return { place: next, wrong }
  }

  #send(
    place: Place,
    known: Known,
    callers: readonly Caller[],
    request: 'create' | 'refresh',
    input: CreateInput | RefreshInput,
    answers: boolean,
    wrong: string[],
  ): Known {
    const { nowMs } = place
    const watcher = this.#watcher(known)
    wrong.push(...watcher.mayNotSend(request, nowMs))
    const say = (text: string) => wrong.push(`${request}: ${text}`)
    const asked = callers.length > 0
    const forced = callers.some(({ patience }) => patience === 'forced')
    const usable = watcher.usable(nowMs)
    const due = nowMs >= (known.pair?.refreshAtMs ?? 0)
    const byTimer = this.bounds.proactive === 'timer' && due && known.attempts < this.bounds.refreshAttemptsLimit
    if (!answers && usable && !forced && !due) say('the access token is usable and not due')
    const early = this.bounds.proactive === 'timer' || !due
    if (!answers && usable && early && callers.some(({ patience }) => patience !== 'forced'))
      say('somebody waits, though the access token is usable')
    if (!answers && !asked && !(usable && byTimer)) say('nobody asked')
    if (input.demanded !== asked) say(`told that ${input.demanded ? 'somebody' : 'nobody'} waits`)
    if (input.generation !== (known.pair?.generation ?? 0)) say(`of generation ${input.generation}`)
    return { ...known, inFlight: request, unasked: !asked }
  }

  #heard(event: LifecycleEmitted, nowMs: number, known: Known, callers: readonly Caller[], wrong: string[]) {
    if (event.type === 'served') {
      const { pair } = known
      if (pair?.generation !== event.generation || pair.rejected || nowMs >= pair.usableUntilMs)
        wrong.push(`served generation ${event.generation}, which is not usable`)
      return callers.filter(({ patience, generation }) => patience === 'forced' && generation >= event.generation)
    }
    if (event.type !== 'refused') return callers
    const { whom, retryAtMs, code } = event
    if (retryAtMs !== null && retryAtMs <= nowMs) wrong.push(`refused until the past: ${code}`)
    const runs = Math.max(
      ...(code === 'THROTTLED' ? [known.pausedUntilMs] : []),
      ...(code === 'BUDGET_EXHAUSTED' || code === 'LEASE_HELD' ? [known.fullUntilMs] : []),
      ...(code.endsWith('UNAVAILABLE') ? [known.backOffUntilMs] : []),
      retryAtMs === null ? Number.POSITIVE_INFINITY : 0,
    )
    if (runs <= nowMs) wrong.push(`refused without a reason: ${code}`)
    if (code === 'SIGNED_OUT' && !known.signedOut) wrong.push('refused as signed out')
    if ((code === 'INVALID_CREDENTIALS' || code === 'SIGN_IN_REJECTED') && !known.createLatched)
      wrong.push(`refused without a latch: ${code}`)
    if (code === 'REFRESH_UNAUTHORIZED' && !known.refreshLatched) wrong.push(`refused without a latch: ${code}`)
    const usable = known.pair !== null && !known.pair.rejected && nowMs < known.pair.usableUntilMs
    const spared = whom === 'everyone' || whom === 'impatient'
    if (spared && usable && !known.signedOut && callers.some(({ patience }) => patience !== 'forced'))
      wrong.push(`refused, though a usable token is held: ${code}`)
    if (whom === 'everyone') return []
    if (whom === 'impatient') return callers.filter(({ patience }) => patience === 'patient')
    if (whom === 'forced') return callers.filter(({ patience }) => patience !== 'forced')
    return callers
  }

  /** Nothing more will happen at this instant: does it make sense? */
  #look({ nowMs, snapshot, timers, callers, known }: Place): string[] {
    const { context } = snapshot
    const busy = snapshot.hasTag('busy')
    const where = JSON.stringify(snapshot.value)
    const wrong: (string | false)[] = [
      busy !== (known.inFlight !== null) && `busy in ${where}, but in flight: ${known.inFlight}`,
      context.atMs > nowMs && `the chart's time is ${context.atMs - nowMs} ahead`,
      !same(context.waiting, waitingOf(callers)) &&
        `the chart thinks that ${spoken(context.waiting)} wait, but ${spoken(waitingOf(callers))} do`,
      ahead(context.pausedUntilMs, nowMs) !== ahead(known.pausedUntilMs, nowMs) && 'the chart mistakes the pause',
      ahead(context.fullUntilMs, nowMs) !== ahead(known.fullUntilMs, nowMs) && 'the chart mistakes the budget',
      ahead(context.backOffUntilMs, nowMs) !== ahead(known.backOffUntilMs, nowMs) && 'the chart mistakes the back-off',
    ]
    const loading = snapshot.matches({ tokens: 'loading' })
    if (loading !== known.loading) wrong.push(`${where}, though the record ${known.loading ? 'is not' : 'was'} read`)
    if (loading || busy || timers.some(({ dueAtMs }) => dueAtMs <= nowMs)) return wrong.filter(isWrong)
    const mine = context.pair
    const { pair } = known
    wrong.push(
      mine?.generation !== pair?.generation &&
        `the chart holds generation ${mine?.generation}, not ${pair?.generation}`,
      mine?.rejected !== pair?.rejected && 'the chart mistakes whether the token was rejected',
      mine?.usableUntilMs !== pair?.usableUntilMs && 'the chart mistakes the expiry',
      mine?.refreshUsableUntilMs !== pair?.refreshUsableUntilMs && 'the chart mistakes the expiry of the refresh token',
      pair !== null &&
        context.unfinished !== known.unfinished &&
        `the chart thinks that the refresh was ${context.unfinished ? 'un' : ''}finished`,
    )
    const closedUntilMs = Math.max(known.pausedUntilMs, known.fullUntilMs)
    for (const { patience } of callers) {
      const waits =
        nowMs >= known.backOffUntilMs &&
        (nowMs < known.pausedUntilMs ? patience === 'patient' : nowMs < known.fullUntilMs) &&
        timers.some(({ dueAtMs }) => dueAtMs <= closedUntilMs)
      if (!waits) wrong.push(`a ${patience} caller is stuck in ${where}`)
    }
    const latched = known.createLatched || known.refreshLatched
    if (latched && !known.signedOut) {
      if (!snapshot.hasTag('stopped')) wrong.push(`latched, but in ${where}`)
      if (
        known.refreshLatched &&
        !known.createLatched &&
        !snapshot.matches({ tokens: { failed: 'refreshUnauthorized' } })
      )
        wrong.push(`the refresh was refused for good, but in ${where}`)
    }
    if (known.signedOut !== snapshot.matches({ tokens: 'signedOut' })) wrong.push(`signed out or not, but in ${where}`)
    const usable = pair !== null && !pair.rejected && nowMs < pair.usableUntilMs
    const gateOpen = nowMs >= closedUntilMs && nowMs >= known.backOffUntilMs
    if (
      this.bounds.proactive === 'timer' &&
      usable &&
      gateOpen &&
      !latched &&
      !known.failedUnasked &&
      !context.createFailed &&
      known.attempts < this.bounds.refreshAttemptsLimit &&
      nowMs >= pair.refreshAtMs
    )
      wrong.push(`a due refresh was not started in ${where}`)
    const resting = pair === null ? 'unauthenticated' : usable ? 'valid' : 'stale'
    if (!latched && !known.signedOut && !context.createFailed && !snapshot.matches({ tokens: resting }))
      wrong.push(`${resting}, but in ${where}`)
    const gate =
      nowMs < known.pausedUntilMs
        ? 'paused'
        : nowMs < known.backOffUntilMs
          ? 'backingOff'
          : nowMs < known.fullUntilMs
            ? 'full'
            : 'open'
    if (!snapshot.matches({ gate })) wrong.push(`the gate is ${gate}, but in ${where}`)
    return wrong.filter(isWrong)
  }

  /** Two places of one key behave alike: times count from now, those that are over do not count. */
  keyOf({ nowMs, snapshot, timers, callers, known, newest, stored }: Place): string {
    const { context } = snapshot
    const time = (ms: number) => (ms <= context.atMs ? 'p' : ms <= nowMs ? 'q' : ms - nowMs)
    const pairKey = (pair: PairFacts | null) =>
      pair === null
        ? '-'
        : `${Math.min(2, newest - pair.generation)}${pair.rejected ? 'r' : ''}${time(pair.usableUntilMs)},${time(pair.refreshAtMs)},${time(pair.refreshUsableUntilMs)},${time(pair.youngUntilMs)}`
    const factsKey = (facts: Facts) =>
      `${pairKey(facts.pair)};${time(facts.pausedUntilMs)}${time(facts.fullUntilMs)}${time(facts.backOffUntilMs)}${facts.refreshAttempts}${facts.latch ?? ''}${flag(facts.createFailed)}${flag(facts.unfinished)}${flag(facts.signedOut)}`
    const eventKey = (event: LifecycleEvent) =>
      event.type === 'record.adopted'
        ? `A${factsKey(event.facts)}`
        : event.type === 'operator.signIn'
          ? `S${event.credentials}`
          : event.type
    const { waiting } = context
    return [
      JSON.stringify(snapshot.value),
      factsKey(context),
      waitKey(waiting),
      context.startedBy === 'timer' ? 't' : 'd',
      context.noted.map(eventKey).join('+'),
      timers.map(({ event, dueAtMs }) => `${event.type.slice(12, 24)}${time(dueAtMs)}`).join(),
      callers
        .map(({ patience, generation }) => patience + (patience === 'forced' ? Math.min(2, newest - generation) : ''))
        .sort()
        .join(),
      pairKey(known.pair),
      time(known.pausedUntilMs),
      time(known.fullUntilMs),
      time(known.backOffUntilMs),
      flag(known.createLatched) + flag(known.refreshLatched) + flag(known.failedUnasked) + flag(known.unfinished),
      flag(known.signedOut) + flag(known.unasked) + known.attempts,
      known.inFlight ?? '',
      stored ? `${factsKey(stored.chart)}/${factsKey(stored.oracle)}` : '',
    ].join('|')
  }
}

const never = (): never => {
  throw new Error('cannot be')
}
const blank = () => pick(new Watcher('fail'))
const pick = (watcher: Watcher) => {
  const { pair, pausedUntilMs, fullUntilMs, backOffUntilMs, createLatched, refreshLatched } = watcher
  const { failedUnasked, unfinished, signedOut, inFlight } = watcher
  return {
    pair,
    pausedUntilMs,
    fullUntilMs,
    backOffUntilMs,
    createLatched,
    refreshLatched,
    failedUnasked,
    unfinished,
    signedOut,
    inFlight,
  }
}

const waitingOf = (callers: readonly Caller[]): Waiting => ({
  plain: callers.some(({ patience }) => patience === 'plain'),
  patient: callers.some(({ patience }) => patience === 'patient'),
  forced: callers.some(({ patience }) => patience === 'forced'),
})
const waitKey = ({ plain, patient, forced }: Waiting) => flag(plain) + flag(patient) + flag(forced)
const same = (a: Waiting, b: Waiting) => waitKey(a) === waitKey(b)
const spoken = (waiting: Waiting) =>
  Object.entries(waiting)
    .flatMap(([patience, waits]) => (waits ? [patience] : []))
    .join(' and ') || 'none'
const flag = (is: boolean) => (is ? '1' : '0')
const ahead = (ms: number, nowMs: number) => Math.max(ms, nowMs)
/** One that asked before the record was read wants something newer than what that held. */
const forcedFrom = (callers: readonly Caller[], generation: number): readonly Caller[] =>
  callers.map((caller) => ({ ...caller, generation: Math.max(caller.generation, generation) }))
const shifted = (pair: PairFacts | null, ms: number): PairFacts | null =>
  pair && {
    ...pair,
    usableUntilMs: pair.usableUntilMs + ms,
    refreshAtMs: pair.refreshAtMs + ms,
    refreshUsableUntilMs: pair.refreshUsableUntilMs === 0 ? 0 : pair.refreshUsableUntilMs + ms,
  }
/** A newer pair answers a forced caller as well as any other. `D-force` */
const satisfiedBy = (callers: readonly Caller[], pair: PairFacts | null): readonly Caller[] =>
  callers.map((caller) =>
    caller.patience === 'forced' && pair !== null && caller.generation < pair.generation
      ? { ...caller, patience: 'plain' }
      : caller,
  )
/** `Watcher` lets a reset end the back-off; the policy does not (`D-back-off`). */
const tellWatcher = (watcher: Watcher, event: LifecycleEvent) => {
  const { backOffUntilMs, refreshLatched } = watcher
  watcher.told(event)
  if (event.type === 'operator.reset') watcher.backOffUntilMs = backOffUntilMs
  // A refresh that nobody can explain is answered by a sign-in: the pair is due. `D-refresh-401`
  if (event.type === 'operator.signIn' && event.credentials === 'same' && refreshLatched && !watcher.refreshLatched)
    watcher.pair = watcher.pair && { ...watcher.pair, refreshAtMs: 0 }
}
