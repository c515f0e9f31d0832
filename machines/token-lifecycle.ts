import { and, assign, emit, enqueueActions, fromPromise, not, raise, setup, stateIn } from 'xstate'
import type { LifecycleEmitted, LifecycleEvent, NotedEvent, Outcome, RefusalCode } from '../src/policy/events.ts'
import { type Facts, NO_FACTS, NOBODY, type Situation } from '../src/policy/facts.ts'
import * as learn from '../src/policy/learn.ts'
import { LONGEST_WAIT_MS } from '../src/policy/limits.ts'
import * as rules from '../src/policy/rules.ts'

/** What the chart remembers: facts, time, who waits, and what waits for the request in flight. No token, ever. */
export interface LifecycleContext extends Situation {
  readonly noted: readonly NotedEvent[]
  /** When the timers of `valid` were armed, ms. */
  readonly armedAtMs: number
}

/** What `createActor(tokenLifecycle, { input })` takes. */
export interface LifecycleInput {
  /** The time now, ms, on the timeline that all events will use. */
  readonly atMs: number
  /** `timer` (default) or `onDemand`. `D-proactive` */
  readonly proactive?: 'timer' | 'onDemand'
  /** `fail` (default) or `recreate`. `D-refresh-401` */
  readonly refreshUnauthorized?: 'fail' | 'recreate'
  /** Refreshes of one generation that a timer may start. Default 6. `D-refresh-unavailable` */
  readonly refreshAttemptsLimit?: number
}

/** What an embedder's `create` and `refresh` are told. */
export interface CreateInput {
  /** The generation of the pair held, 0 when none is: a record that holds another has to be adopted first. */
  readonly generation: number
  /** A caller waits for this sign-in; without one, a failed create of the record must not be repeated. */
  readonly demanded: boolean
}
export interface RefreshInput {
  /** The generation of the pair whose refresh token is to be used. */
  readonly generation: number
  /** A caller waits for this refresh; one that a timer started counts as an attempt of the timer. */
  readonly demanded: boolean
}

const notProvided = (name: string) => () => Promise.reject(new Error(`tokenLifecycle: provide the actor '${name}'`))

/** An event of the timeline moves time on before a rule is asked. */
const now = (context: LifecycleContext, event: LifecycleEvent): LifecycleContext =>
  'atMs' in event ? { ...context, atMs: Math.max(context.atMs, event.atMs) } : context

/** The facts with what the event says of the gate, before a rule asks whether the next request may go. */
const gateAfter = (context: LifecycleContext, event: LifecycleEvent): LifecycleContext => ({
  ...context,
  ...learn.learnGate(context, event),
})
/** Whatever waited is looked at first, but for a record of the pair that the server has just rejected. */
const maySignInNow = (context: LifecycleContext, event: LifecycleEvent) => {
  const gone = event.type === 'outcome.rejected' ? context.pair : null
  return learn.notedBeside(context.noted, gone).length === 0 && rules.gateOpen(gateAfter(context, event))
}

/** The actor that looked at the record may know better. `D-refresh-401` */
const mayBeSpent = (context: LifecycleContext, event: LifecycleEvent) =>
  (event.type === 'outcome.unauthorized' ? event.spent : undefined) ?? rules.refreshTokenMayBeSpent(now(context, event))

/** Delay until a deadline; past or absent ones are looked at again only when something changes. */
const until = (deadlineMs: number, fromMs: number) =>
  deadlineMs > fromMs ? Math.min(deadlineMs - fromMs, LONGEST_WAIT_MS) : LONGEST_WAIT_MS

/** When the timer that was armed for `deadlineMs` fires: the clock never fires early. */
const reached = (context: LifecycleContext, deadlineMs: number) => ({
  atMs: Math.max(context.atMs, Math.min(deadlineMs, context.armedAtMs + LONGEST_WAIT_MS)),
})

const LATCH_REFUSALS = {
  invalidCredentials: { code: 'INVALID_CREDENTIALS', clause: 'no-retry-on-invalid-credentials' },
  rejected: { code: 'SIGN_IN_REJECTED', clause: 'D-create-4xx' },
  refreshUnauthorized: { code: 'REFRESH_UNAUTHORIZED', clause: 'D-refresh-401' },
} as const satisfies Record<string, { code: RefusalCode; clause: string }>

const BACK_OFF_REFUSALS = {
  unavailable: { code: 'UNAVAILABLE', clause: 'D-back-off' },
  store: { code: 'STORE_UNAVAILABLE', clause: 'D-store-down' },
  credentials: { code: 'CREDENTIALS_UNAVAILABLE', clause: 'D-credentials' },
} as const satisfies Record<Facts['backOffReason'], { code: RefusalCode; clause: string }>

const FULL_REFUSALS = {
  budget: { code: 'BUDGET_EXHAUSTED', clause: 'ten-per-minute' },
  lease: { code: 'LEASE_HELD', clause: 'D-one-at-a-time' },
} as const satisfies Record<Facts['fullReason'], { code: RefusalCode; clause: string }>

const setUp = setup({
  types: {
    context: {} as LifecycleContext,
    events: {} as LifecycleEvent,
    emitted: {} as LifecycleEmitted,
    input: {} as LifecycleInput,
    tags: {} as 'busy' | 'stopped' | 'paused',
  },
  actors: {
    load: fromPromise<LifecycleEvent>(notProvided('load')),
    create: fromPromise<Outcome, CreateInput>(notProvided('create')),
    refresh: fromPromise<Outcome, RefreshInput>(notProvided('refresh')),
  },
  guards: {
    pauseRuns: ({ context }) => rules.pauseRuns(context),
    pauseOver: ({ context }) => !rules.pauseRuns(context),
    backOffRuns: ({ context }) => rules.backOffRuns(context),
    backOffOver: ({ context }) => !rules.backOffRuns(context),
    budgetFull: ({ context }) => rules.budgetFull(context),
    budgetFree: ({ context }) => !rules.budgetFull(context),
    // Those who joined a request in flight wait for its outcome, whatever the gate says meanwhile.
    pauseRefuses: and([not(stateIn({ tokens: 'sending' })), ({ context }) => rules.pauseRefuses(context)]),
    backOffRefuses: and([not(stateIn({ tokens: 'sending' })), ({ context }) => rules.backOffRefuses(context)]),
    signedOut: ({ context }) => context.signedOut,
    somethingNoted: ({ context }) => context.noted.length > 0,
    someoneWaits: ({ context }) => rules.someoneWaits(context),
    credentialsLatched: ({ context }) => context.latch === 'invalidCredentials',
    rejectedLatched: ({ context }) => context.latch === 'rejected',
    refreshLatched: ({ context }) => context.latch === 'refreshUnauthorized',
    callersMustStop: ({ context }) => rules.callersMustStop(context),
    createFailedBefore: ({ context }) => rules.createFailedBefore(context),
    accessUsable: ({ context }) => rules.accessUsable(context),
    accessUnusable: ({ context }) => !rules.accessUsable(context),
    pairHeld: ({ context }) => context.pair !== null,
    callersMayBeServed: ({ context }) => rules.callersMayBeServed(context),
    callersMayBeServedStopped: ({ context }) => rules.callersMayBeServedStopped(context),
    refreshDue: ({ context }) => rules.refreshDue(context),
    refreshDueButExpired: ({ context }) => rules.refreshDueButExpired(context),
    demandMayCreate: ({ context }) => rules.demandMayCreate(context),
    demandMayRefresh: ({ context }) => rules.demandMayRefresh(context),
    demandMayReCreate: ({ context }) => rules.demandMayReCreate(context),
    demandMayTryAgain: ({ context }) => rules.demandMayTryAgain(context),
    bringsTime: ({ event }) => 'atMs' in event,
    maySignInNow: ({ context, event }) => maySignInNow(context, event),
    spentAndMaySignInNow: ({ context, event }) => mayBeSpent(context, event) && maySignInNow(context, event),
    refreshTokenMayBeSpent: ({ context, event }) => mayBeSpent(context, event),
    rejectionCounts: ({ context, event }) =>
      event.type === 'token.rejected' && rules.rejectionCounts(context, event.generation, event.atMs),
  },
  actions: {
    learnGate: assign(({ context, event }) => learn.learnGate(context, event)),
    learnTokens: assign(({ context, event }) => learn.learnTokens(context, event)),
    learnFirstRecord: assign(({ context, event }) => ({
      ...learn.learnTokens(context, event),
      waiting: context.waiting,
      // A sign-in that waited for the record is newer than what that says of a failed one.
      ...(context.noted.some(({ type }) => type === 'operator.signIn') ? { createFailed: false } : {}),
    })),
    learnWhoWaits: assign(({ event }) => (event.type === 'demand.withdrawn' ? { waiting: event.waiting } : {})),
    note: assign(({ context, event }) => ({ noted: learn.noted(context.noted, event as NotedEvent) })),
    // What waited for the request in flight takes effect, in the order it came.
    applyNoted: enqueueActions(({ context, enqueue }) => {
      const after = context.noted.reduce(learn.replay, context)
      if (context.pair !== null && after.pair === null)
        enqueue.emit({ type: 'discarded', generation: context.pair.generation, clause: 'D-sign-in' })
      enqueue.assign({ ...after, noted: [] })
    }),
    forgetNoted: assign({ noted: [] }),
    // What was stored before this outcome is older than it.
    forgetAdoption: assign(({ context }) => ({ noted: context.noted.filter(({ type }) => type !== 'record.adopted') })),
    markCreateFailed: assign({ createFailed: true }),
    markUnfinished: assign(({ context }) => learn.refreshUnfinished(context)),
    markRejected: assign(({ context }) => learn.accessRejected(context)),
    latchInvalidCredentials: assign({ latch: 'invalidCredentials' }),
    latchRejected: assign({ latch: 'rejected' }),
    latchRefresh: assign({ latch: 'refreshUnauthorized' }),
    acceptDemand: assign({ createFailed: false }),
    dropRefreshToken: assign(({ context }) => learn.refreshTokenDropped(context)),
    discardPair: enqueueActions(({ context, event, enqueue }) => {
      if (context.pair !== null) {
        const clause = DISCARD_CLAUSES[event.type as keyof typeof DISCARD_CLAUSES]
        enqueue.emit({ type: 'discarded', generation: context.pair.generation, clause })
      }
      enqueue.assign({ ...learn.pairDiscarded(), noted: learn.notedBeside(context.noted, context.pair) })
    }),
    discardForOtherCredentials: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'operator.signIn' || event.credentials !== 'other' || context.pair === null) return
      enqueue.emit({ type: 'discarded', generation: context.pair.generation, clause: 'D-sign-in' })
    }),
    noteWhoStarted: assign(({ context }) => ({ startedBy: rules.someoneWaits(context) ? 'demand' : 'timer' })),
    armTimers: assign(({ context }) => ({ armedAtMs: context.atMs })),
    arriveAtRefreshDue: assign(({ context }) => reached(context, context.pair?.refreshAtMs ?? 0)),
    arriveAtExpiry: assign(({ context }) => reached(context, context.pair?.usableUntilMs ?? 0)),
    arriveAtPauseEnd: assign(({ context }) => ({ atMs: Math.max(context.atMs, context.pausedUntilMs) })),
    arriveAtFreeSlot: assign(({ context }) => ({ atMs: Math.max(context.atMs, context.fullUntilMs) })),
    arriveAtBackOffEnd: assign(({ context }) => ({ atMs: Math.max(context.atMs, context.backOffUntilMs) })),
    serve: enqueueActions(({ context, enqueue }) => {
      enqueue.emit({ type: 'served', generation: context.pair?.generation ?? 0 })
      enqueue.assign({ waiting: learn.settled(context.waiting, 'anyTokenDoes') })
    }),
    refuseForPause: enqueueActions(({ context, enqueue }) => {
      const whom = rules.accessUsable(context) ? 'forced' : 'impatient'
      enqueue.emit({
        type: 'refused',
        whom,
        code: 'THROTTLED',
        clause: 'pause-after-429',
        retryAtMs: context.pausedUntilMs,
      })
      enqueue.assign({ waiting: learn.settled(context.waiting, whom) })
    }),
    refuseForBackOff: enqueueActions(({ context, enqueue }) => {
      const whom = rules.accessUsable(context) ? 'forced' : 'everyone'
      const { code, clause } = BACK_OFF_REFUSALS[context.backOffReason]
      const retryAtMs = Math.max(context.backOffUntilMs, context.pausedUntilMs)
      enqueue.emit({ type: 'refused', whom, code, clause, retryAtMs })
      enqueue.assign({ waiting: learn.settled(context.waiting, whom) })
    }),
    // The chart does not know time-outs: the client refuses those whose own ends first, the rest keep waiting.
    refuseShortOfTime: emit(({ context }) => {
      const { code, clause } = FULL_REFUSALS[context.fullReason]
      return { type: 'refused' as const, whom: 'shortOfTime' as const, code, clause, retryAtMs: context.fullUntilMs }
    }),
    refuseForLatch: enqueueActions(({ context, enqueue }) => {
      if (context.latch === null) return
      const { code, clause } = LATCH_REFUSALS[context.latch]
      enqueue.emit({ type: 'refused', whom: 'everyone', code, clause, retryAtMs: null })
      enqueue.assign({ waiting: NOBODY })
    }),
    refuseSignedOut: enqueueActions(({ enqueue }) => {
      enqueue.emit({ type: 'refused', whom: 'everyone', code: 'SIGNED_OUT', clause: 'D-sign-out', retryAtMs: null })
      enqueue.assign({ waiting: NOBODY })
    }),
    reportCreateFailure: emit(({ context, event }) => failure('create', context, event)),
    reportRefreshFailure: emit(({ context, event }) => failure('refresh', context, event)),
    raiseOutput: raise(({ event }) => (event as unknown as { output: LifecycleEvent }).output),
  },
  delays: {
    untilRefreshDue: ({ context }) => until(context.pair?.refreshAtMs ?? 0, context.atMs),
    untilExpiry: ({ context }) => until(context.pair?.usableUntilMs ?? 0, context.atMs),
    untilPauseEnds: ({ context }) => until(context.pausedUntilMs, context.atMs),
    untilSlotFrees: ({ context }) => until(context.fullUntilMs, context.atMs),
    untilBackOffEnds: ({ context }) => until(context.backOffUntilMs, context.atMs),
  },
})

/** Why a pair is discarded, by what discards it. */
const DISCARD_CLAUSES = {
  'outcome.rejected': 'refresh-4xx-recreates',
  'operator.signOut': 'D-sign-out',
  'operator.reset': 'D-create-4xx',
} as const satisfies Partial<Record<LifecycleEvent['type'], string>>

const FAILURE_CLAUSES = {
  'create outcome.unauthorized': 'no-retry-on-invalid-credentials',
  'create outcome.rejected': 'D-create-4xx',
  'create outcome.unavailable': 'D-create-unavailable',
  'create outcome.malformed': 'D-create-unavailable',
  'refresh outcome.unauthorized': 'D-refresh-401',
  'refresh outcome.rejected': 'refresh-4xx-recreates',
  'refresh outcome.unavailable': 'D-refresh-unavailable',
  'refresh outcome.malformed': 'D-refresh-unavailable',
  'create outcome.throttled': 'pause-after-429',
  'refresh outcome.throttled': 'D-refresh-429',
} as const satisfies Partial<Record<`${'create' | 'refresh'} ${LifecycleEvent['type']}`, string>>

const failure = (request: 'create' | 'refresh', context: LifecycleContext, event: LifecycleEvent) => ({
  type: 'failure' as const,
  request,
  outcome: event.type as Outcome['type'],
  clause: FAILURE_CLAUSES[`${request} ${event.type}` as keyof typeof FAILURE_CLAUSES],
  retryAtMs: 'untilMs' in event ? event.untilMs : rules.pauseRuns(context) ? context.pausedUntilMs : null,
})

const firstContext = ({ input }: { input: LifecycleInput }): LifecycleContext => ({
  ...NO_FACTS,
  atMs: input.atMs,
  armedAtMs: input.atMs,
  waiting: NOBODY,
  startedBy: 'demand',
  noted: [],
  proactive: input.proactive ?? 'timer',
  refreshUnauthorized: input.refreshUnauthorized ?? 'fail',
  refreshAttemptsLimit: input.refreshAttemptsLimit ?? 6,
})

/**
 * The token lifecycle of the Compliancely V2 API.
 *
 * Region `tokens`: what we hold and what we do. Region `gate`: may a token request be sent now. Event handlers record
 * facts and time, `always` decides over them alone; the rules are in `src/policy/rules.ts`.
 *
 * Embed it with `createActor(tokenLifecycle.provide({ actors: { load, create, refresh } }), { clock, input })`. The actors
 * give outcomes and never throw: one that does ends the chart, loudly.
 */
export const tokenLifecycle = setUp.createMachine({
  id: 'tokenLifecycle',
  description:
    'The token lifecycle of the Compliancely V2 API: what is held, what is done about it, and what may be sent.',
  context: firstContext,
  type: 'parallel',
  states: {
    tokens: {
      description: 'What we hold and what we do.',
      initial: 'loading',
      on: {
        'record.adopted': {
          target: '.resuming',
          actions: 'learnTokens',
          description: 'The store holds something newer: take it over and look again.',
          meta: { ids: ['D-one-at-a-time', 'cache-tokens'] },
        },
        'token.rejected': {
          guard: 'rejectionCounts',
          target: '.resuming',
          actions: 'markRejected',
          description: 'The API refused the token we hold; stale and young rejections do not count.',
          meta: { ids: ['refresh-once', 'D-stale-401', 'D-young-rejection', 'D-api-403'] },
        },
        woke: {
          target: '.resuming',
          actions: 'learnTokens',
          description: 'The wall clock jumped: look at every deadline again.',
          meta: { ids: ['D-skew'] },
        },
        'operator.signIn': {
          target: '.resuming',
          actions: ['discardForOtherCredentials', 'learnTokens'],
          description: 'A sign-in counts as a demand; other credentials discard pair, latch and back-off.',
          meta: { ids: ['D-sign-in', 'D-create-unavailable'] },
        },
        'operator.newCredentials': {
          target: '.resuming',
          actions: 'learnTokens',
          description: 'The credentials changed: the latch of the old ones is gone.',
          meta: { ids: ['D-create-4xx', 'no-retry-on-invalid-credentials'] },
        },
        'operator.reset': {
          target: '.resuming',
          actions: ['discardPair', 'learnTokens'],
          description: 'An operator clears pair, latch and marks; pause and budget stay.',
          meta: { ids: ['D-create-4xx', 'D-refresh-401', 'D-create-unavailable'] },
        },
        'operator.signOut': {
          target: '.signedOut',
          actions: ['forgetNoted', 'discardPair', 'learnTokens'],
          description: 'Ends the request in flight, tells those who wait, discards the pair.',
          meta: { ids: ['D-sign-out'] },
        },
      },
      states: {
        loading: {
          description: 'The record is not read yet; those who ask wait for it.',
          meta: { ids: ['cache-tokens', 'D-store-down'] },
          invoke: {
            src: 'load',
            onDone: {
              actions: 'raiseOutput',
              description: 'The record was read: its facts arrive as record.adopted.',
              meta: { ids: ['cache-tokens'] },
            },
          },
          on: {
            'record.adopted': {
              target: 'resuming',
              actions: 'learnFirstRecord',
              description: 'The record is read; a forced caller wants a newer pair than the one it holds.',
              meta: { ids: ['cache-tokens', 'D-force'] },
            },
            woke: { description: 'No deadline is known yet.', meta: { ids: ['D-skew'] } },
            'operator.signIn': {
              actions: 'note',
              description: 'Waits until the record is read.',
              meta: { ids: ['D-sign-in'] },
            },
            'operator.newCredentials': {
              actions: 'note',
              description: 'Waits until the record is read.',
              meta: { ids: ['D-create-4xx'] },
            },
            'operator.reset': {
              actions: 'note',
              description: 'Waits until the record is read.',
              meta: { ids: ['D-create-4xx'] },
            },
          },
        },
        resuming: {
          description:
            'Which resting state do the facts say? First, what was noted while a request was in flight counts.',
          entry: 'applyNoted',
          always: [
            {
              guard: 'signedOut',
              target: 'signedOut',
              description: 'Signed out here or elsewhere.',
              meta: { ids: ['D-sign-out'] },
            },
            {
              guard: 'credentialsLatched',
              target: 'failed.invalidCredentials',
              description: 'These credentials were refused before, restarts included.',
              meta: { ids: ['no-retry-on-invalid-credentials', 'D-create-4xx'] },
            },
            {
              guard: 'rejectedLatched',
              target: 'failed.rejected',
              description: 'Sign-in was rejected before.',
              meta: { ids: ['D-create-4xx'] },
            },
            {
              guard: 'refreshLatched',
              target: 'failed.refreshUnauthorized',
              description: 'This refresh token was refused before.',
              meta: { ids: ['D-refresh-401'] },
            },
            {
              guard: 'createFailedBefore',
              target: 'failed.unavailable',
              description: 'The last sign-in failed and nobody asked since.',
              meta: { ids: ['reauth-failure-stops', 'D-create-unavailable'] },
            },
            {
              guard: 'accessUsable',
              target: 'valid',
              description: 'A usable access token is held.',
              meta: { ids: ['cache-tokens'] },
            },
            {
              guard: 'pairHeld',
              target: 'stale',
              description: 'A pair is held, its access token is expired or rejected.',
              meta: { ids: ['expired-access-refreshes'] },
            },
            { target: 'unauthenticated', description: 'Nothing is held.', meta: { ids: ['create-rarely'] } },
          ],
        },
        unauthenticated: {
          description: 'No pair, nothing in flight.',
          always: {
            guard: 'demandMayCreate',
            target: 'sending.creating',
            description: 'Somebody needs a token: sign in.',
            meta: { ids: ['create-rarely', 'D-pause'] },
          },
        },
        valid: {
          description: 'A usable access token is held; timers for its refresh and its expiry run.',
          entry: 'armTimers',
          always: [
            {
              guard: 'somethingNoted',
              target: 'resuming',
              description: 'Something waited for the request that has just ended.',
              meta: { ids: ['D-sign-in', 'D-one-at-a-time'] },
            },
            {
              guard: 'accessUnusable',
              target: 'stale',
              description: 'The access token expired.',
              meta: { ids: ['access-lives-1h', 'D-skew'] },
            },
            {
              guard: 'callersMayBeServed',
              actions: 'serve',
              description: 'A usable token is served at once.',
              meta: { ids: ['cache-tokens', 'D-proactive'] },
            },
            {
              guard: 'refreshDue',
              target: 'sending.refreshing',
              description:
                'Refresh before expiry, once half the refresh lifetime has passed, or because a caller insists.',
              meta: { ids: ['refresh-before-expiry', 'rotate-within-12h', 'refresh-any-time', 'D-jitter', 'D-force'] },
            },
            {
              guard: 'refreshDueButExpired',
              target: 'sending.reCreating',
              description: 'A refresh is due but its token is dead: sign in while the access token still serves.',
              meta: { ids: ['D-refresh-expired-first', 'refresh-lives-24h'] },
            },
          ],
          after: {
            untilRefreshDue: {
              target: 'valid',
              reenter: true,
              actions: 'arriveAtRefreshDue',
              description: 'Look again: the refresh is due, or the delay was cut short.',
              meta: { ids: ['refresh-before-expiry', 'rotate-within-12h'] },
            },
            untilExpiry: {
              target: 'valid',
              reenter: true,
              actions: 'arriveAtExpiry',
              description: 'Look again: the access token expired, or the delay was cut short.',
              meta: { ids: ['access-lives-1h'] },
            },
          },
        },
        stale: {
          description: 'The access token is expired or rejected, nothing is in flight; the next demand decides.',
          always: [
            {
              guard: 'demandMayRefresh',
              target: 'sending.refreshing',
              description: 'Access expired or rejected, refresh token alive: refresh, do not sign in.',
              meta: { ids: ['expired-access-refreshes', 'refresh-once'] },
            },
            {
              guard: 'demandMayReCreate',
              target: 'sending.reCreating',
              description: 'Both expired: sign in again.',
              meta: { ids: ['both-expired-creates', 'refresh-lives-24h'] },
            },
          ],
        },
        sending: {
          description: 'One token request is in flight; everything else waits for its outcome.',
          tags: 'busy',
          initial: 'creating',
          on: {
            'outcome.granted': {
              target: 'valid',
              actions: ['learnTokens', 'forgetAdoption'],
              description: 'A new pair: both tokens replaced together.',
              meta: { ids: ['replace-both', 'D-partial-refresh'] },
            },
            'outcome.adopted': {
              target: 'resuming',
              actions: ['learnTokens', 'forgetAdoption'],
              description: 'Another process was first: take over what it stored.',
              meta: { ids: ['D-one-at-a-time', 'D-refresh-401'] },
            },
            'outcome.deferred': {
              target: 'resuming',
              actions: 'learnTokens',
              description: 'Nothing was sent: the fact is learned, those who can wait keep waiting.',
              meta: { ids: ['D-pause', 'D-budget', 'D-back-off', 'D-credentials', 'D-store-down', 'D-one-at-a-time'] },
            },
            'token.rejected': {
              guard: 'rejectionCounts',
              actions: 'markRejected',
              description: 'The token is not served any more; the request in flight goes on.',
              meta: { ids: ['refresh-once', 'D-stale-401'] },
            },
            woke: {
              actions: 'learnTokens',
              description: 'Deadlines move; the request in flight goes on.',
              meta: { ids: ['D-skew'] },
            },
            'record.adopted': {
              actions: 'note',
              description: 'Noted until the outcome.',
              meta: { ids: ['D-one-at-a-time'] },
            },
            'operator.signIn': {
              actions: 'note',
              description: 'Noted until the outcome, whatever it is.',
              meta: { ids: ['D-sign-in'] },
            },
            'operator.newCredentials': {
              actions: 'note',
              description: 'Noted until the outcome.',
              meta: { ids: ['D-create-4xx'] },
            },
            'operator.reset': {
              actions: 'note',
              description: 'Noted until the outcome.',
              meta: { ids: ['D-create-4xx'] },
            },
          },
          states: {
            creating: {
              description: 'The first sign-in, or one after everything was discarded.',
              invoke: {
                src: 'create',
                input: ({ context }) => ({
                  generation: context.pair?.generation ?? 0,
                  demanded: rules.someoneWaits(context),
                }),
                onDone: {
                  actions: 'raiseOutput',
                  description: 'The outcome arrives as an event.',
                  meta: { ids: ['status-codes'] },
                },
              },
              on: {
                'outcome.throttled': {
                  target: '#tokenLifecycle.tokens.resuming',
                  actions: 'reportCreateFailure',
                  description: 'A throttled create is not a failed one: as before the attempt.',
                  meta: { ids: ['pause-after-429', 'D-pause'] },
                },
                'outcome.unauthorized': {
                  target: '#tokenLifecycle.tokens.failed.invalidCredentials',
                  actions: ['latchInvalidCredentials', 'reportCreateFailure'],
                  description: 'Invalid credentials: surfaced and never tried again by itself.',
                  meta: { ids: ['no-retry-on-invalid-credentials', 'D-create-4xx'] },
                },
                'outcome.rejected': {
                  target: '#tokenLifecycle.tokens.failed.rejected',
                  actions: ['latchRejected', 'reportCreateFailure'],
                  description: 'Sign-in rejected: surfaced and stopped.',
                  meta: { ids: ['D-create-4xx', 'reauth-failure-stops'] },
                },
                'outcome.unavailable': {
                  target: '#tokenLifecycle.tokens.failed.unavailable',
                  actions: ['markCreateFailed', 'reportCreateFailure'],
                  description: 'Nobody answered: surfaced, a new demand may try after the back-off.',
                  meta: { ids: ['D-create-unavailable', 'D-back-off', 'no-endless-retry'] },
                },
                'outcome.malformed': {
                  target: '#tokenLifecycle.tokens.failed.unavailable',
                  actions: ['markCreateFailed', 'reportCreateFailure'],
                  description: 'An unusable 200 counts as no answer.',
                  meta: { ids: ['D-create-unavailable', 'D-lifetimes'] },
                },
              },
            },
            refreshing: {
              description: 'The refresh token is in use.',
              entry: 'noteWhoStarted',
              invoke: {
                src: 'refresh',
                input: ({ context }) => ({
                  generation: context.pair?.generation ?? 0,
                  demanded: context.startedBy === 'demand',
                }),
                onDone: {
                  actions: 'raiseOutput',
                  description: 'The outcome arrives as an event.',
                  meta: { ids: ['status-codes'] },
                },
              },
              on: {
                'outcome.throttled': {
                  target: '#tokenLifecycle.tokens.resuming',
                  actions: 'reportRefreshFailure',
                  description: 'Both tokens are kept; the pause decides.',
                  meta: { ids: ['D-refresh-429', 'pause-after-429'] },
                },
                'outcome.unauthorized': [
                  {
                    guard: 'spentAndMaySignInNow',
                    target: 'reCreating',
                    actions: ['dropRefreshToken', 'reportRefreshFailure'],
                    description: 'Expired, unfinished, or so configured: the refresh token is given up, sign in.',
                    meta: { ids: ['D-refresh-401', 'both-expired-creates'] },
                  },
                  {
                    guard: 'refreshTokenMayBeSpent',
                    target: '#tokenLifecycle.tokens.resuming',
                    actions: ['dropRefreshToken', 'reportRefreshFailure'],
                    description: 'Likewise, but nothing may be sent now: the next demand signs in.',
                    meta: { ids: ['D-refresh-401', 'ten-per-minute', 'pause-after-429'] },
                  },
                  {
                    target: '#tokenLifecycle.tokens.failed.refreshUnauthorized',
                    actions: ['latchRefresh', 'reportRefreshFailure'],
                    description: 'Nothing explains it: surfaced and stopped, for this generation.',
                    meta: { ids: ['D-refresh-401'] },
                  },
                ],
                'outcome.rejected': [
                  {
                    guard: 'maySignInNow',
                    target: 'reCreating',
                    actions: ['discardPair', 'reportRefreshFailure'],
                    description: 'Discard both tokens, sign in again.',
                    meta: { ids: ['refresh-4xx-recreates'] },
                  },
                  {
                    target: '#tokenLifecycle.tokens.resuming',
                    actions: ['discardPair', 'reportRefreshFailure'],
                    description: 'Discard both tokens; nothing may be sent now, so the next demand signs in.',
                    meta: { ids: ['refresh-4xx-recreates', 'ten-per-minute', 'pause-after-429'] },
                  },
                ],
                'outcome.unavailable': {
                  target: '#tokenLifecycle.tokens.resuming',
                  actions: ['markUnfinished', 'reportRefreshFailure'],
                  description: 'Keep both tokens; a token that works is served, the back-off runs.',
                  meta: { ids: ['D-refresh-unavailable', 'D-back-off', 'no-endless-retry'] },
                },
                'outcome.malformed': {
                  target: '#tokenLifecycle.tokens.resuming',
                  actions: ['markUnfinished', 'reportRefreshFailure'],
                  description: 'An unusable 200: as unavailable.',
                  meta: { ids: ['D-refresh-unavailable', 'D-lifetimes'] },
                },
              },
            },
            reCreating: {
              description: 'Signing in again, because the refresh token no longer helps.',
              invoke: {
                src: 'create',
                input: ({ context }) => ({
                  generation: context.pair?.generation ?? 0,
                  demanded: rules.someoneWaits(context),
                }),
                onDone: {
                  actions: 'raiseOutput',
                  description: 'The outcome arrives as an event.',
                  meta: { ids: ['status-codes'] },
                },
              },
              on: {
                'outcome.throttled': {
                  target: '#tokenLifecycle.tokens.resuming',
                  actions: 'reportCreateFailure',
                  description: 'A throttled create is not a failed one.',
                  meta: { ids: ['pause-after-429', 'D-pause'] },
                },
                'outcome.unauthorized': {
                  target: '#tokenLifecycle.tokens.failed.invalidCredentials',
                  actions: ['latchInvalidCredentials', 'reportCreateFailure'],
                  description: 'Re-authentication failed on the credentials: stop.',
                  meta: { ids: ['no-retry-on-invalid-credentials', 'reauth-failure-stops'] },
                },
                'outcome.rejected': {
                  target: '#tokenLifecycle.tokens.failed.rejected',
                  actions: ['latchRejected', 'reportCreateFailure'],
                  description: 'Re-authentication rejected: stop.',
                  meta: { ids: ['reauth-failure-stops', 'D-create-4xx'] },
                },
                'outcome.unavailable': {
                  target: '#tokenLifecycle.tokens.failed.unavailable',
                  actions: ['markCreateFailed', 'reportCreateFailure'],
                  description: 'Re-authentication failed: surface and stop.',
                  meta: { ids: ['reauth-failure-stops', 'D-create-unavailable', 'D-back-off'] },
                },
                'outcome.malformed': {
                  target: '#tokenLifecycle.tokens.failed.unavailable',
                  actions: ['markCreateFailed', 'reportCreateFailure'],
                  description: 'An unusable 200: as unavailable.',
                  meta: { ids: ['reauth-failure-stops', 'D-create-unavailable'] },
                },
              },
            },
          },
        },
        failed: {
          description: 'Stopped and surfaced. A usable access token is still served.',
          tags: 'stopped',
          initial: 'unavailable',
          always: [
            {
              guard: 'somethingNoted',
              target: 'resuming',
              description: 'Something waited for the request that has just ended.',
              meta: { ids: ['D-sign-in', 'D-one-at-a-time'] },
            },
            {
              guard: 'callersMayBeServedStopped',
              actions: 'serve',
              description: 'A failure never takes away a token that works.',
              meta: { ids: ['cache-tokens', 'D-refresh-expired-first'] },
            },
            {
              guard: 'callersMustStop',
              actions: 'refuseForLatch',
              description: 'Those who ask are told why, and what has to change.',
              meta: { ids: ['no-retry-on-invalid-credentials', 'D-create-4xx', 'D-refresh-401'] },
            },
          ],
          states: {
            invalidCredentials: {
              description: 'The server does not know these credentials. Left by other credentials, adoption or reset.',
              meta: { ids: ['no-retry-on-invalid-credentials'] },
            },
            refreshUnauthorized: {
              description: 'A refresh was refused and nothing explains it. Left by adoption, sign-in or reset.',
              meta: { ids: ['D-refresh-401'] },
            },
            rejected: {
              description: 'Sign-in was rejected. Left by other credentials, adoption or reset.',
              meta: { ids: ['D-create-4xx'] },
            },
            unavailable: {
              description: 'Sign-in found nobody. Left by a new demand after the back-off, adoption, sign-in or reset.',
              meta: { ids: ['D-create-unavailable'] },
              always: {
                guard: 'demandMayTryAgain',
                target: '#tokenLifecycle.tokens.resuming',
                actions: 'acceptDemand',
                description: 'A new demand after the back-off may try again.',
                meta: { ids: ['D-create-unavailable'] },
              },
            },
          },
        },
        signedOut: {
          description: 'Signed out: demands are told so until somebody signs in.',
          always: {
            guard: 'someoneWaits',
            actions: 'refuseSignedOut',
            description: 'Whoever asks is told to sign in.',
            meta: { ids: ['D-sign-out'] },
          },
        },
      },
    },
    gate: {
      description: 'May a token request be sent? Every event brings the time and its facts, and is looked at afresh.',
      initial: 'open',
      on: {
        'demand.withdrawn': {
          actions: 'learnWhoWaits',
          description: 'A caller left. Time does not move and nothing is sent on its account.',
          meta: { ids: ['D-pause'] },
        },
        '*': {
          guard: 'bringsTime',
          target: '.open',
          actions: 'learnGate',
          description: 'Record time, callers, pause, back-off and budget; then look again.',
          meta: { ids: ['pause-after-429', 'ten-per-minute', 'D-back-off', 'D-validate'] },
        },
      },
      states: {
        open: {
          description: 'A token request may be sent.',
          always: [
            {
              guard: 'pauseRuns',
              target: 'paused',
              description: 'A 429 was received less than ten minutes ago.',
              meta: { ids: ['pause-after-429', 'D-pause-length'] },
            },
            {
              guard: 'backOffRuns',
              target: 'backingOff',
              description: 'The server, the store or the credentials were not there.',
              meta: { ids: ['D-back-off'] },
            },
            {
              guard: 'budgetFull',
              target: 'full',
              description: 'Ten were sent in the last minute, or another process is at it.',
              meta: { ids: ['ten-per-minute', 'D-budget', 'D-one-at-a-time'] },
            },
          ],
        },
        paused: {
          description: 'Ten minutes of silence after a 429.',
          tags: 'paused',
          always: [
            {
              guard: 'pauseOver',
              target: 'open',
              description: 'The pause is over.',
              meta: { ids: ['pause-after-429'] },
            },
            {
              guard: 'pauseRefuses',
              actions: 'refuseForPause',
              description: 'Those who do not wait for its end get the time.',
              meta: { ids: ['D-pause', 'D-force'] },
            },
            {
              guard: 'backOffRefuses',
              actions: 'refuseForBackOff',
              description: 'A request failed meanwhile: nobody waits for the end of its back-off.',
              meta: { ids: ['D-back-off', 'D-create-unavailable'] },
            },
          ],
          after: {
            untilPauseEnds: {
              target: 'paused',
              reenter: true,
              actions: 'arriveAtPauseEnd',
              description: 'Look again.',
              meta: { ids: ['pause-after-429'] },
            },
          },
        },
        full: {
          description: 'The budget of the minute is spent, or the lease is held elsewhere; those who can wait do.',
          entry: 'refuseShortOfTime',
          always: {
            guard: 'budgetFree',
            target: 'open',
            description: 'A slot is free.',
            meta: { ids: ['ten-per-minute'] },
          },
          after: {
            untilSlotFrees: {
              target: 'open',
              actions: 'arriveAtFreeSlot',
              description: 'Look again.',
              meta: { ids: ['ten-per-minute', 'D-budget'] },
            },
          },
        },
        backingOff: {
          description: 'Waiting before a failed request may be tried again.',
          always: [
            {
              guard: 'backOffOver',
              target: 'open',
              description: 'The back-off is over.',
              meta: { ids: ['D-back-off'] },
            },
            {
              guard: 'backOffRefuses',
              actions: 'refuseForBackOff',
              description: 'Nobody waits for its end: they get the reason and the time.',
              meta: { ids: ['D-back-off', 'D-refresh-unavailable', 'D-create-unavailable'] },
            },
          ],
          after: {
            untilBackOffEnds: {
              target: 'backingOff',
              reenter: true,
              actions: 'arriveAtBackOffEnd',
              description: 'Look again.',
              meta: { ids: ['D-back-off'] },
            },
          },
        },
      },
    },
  },
})
