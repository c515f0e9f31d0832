import { AuthError } from '../errors.ts'
import { createApiFetch } from '../http/api-fetch.ts'
import { createApiOfetch } from '../http/api-ofetch.ts'
import { createTokenEndpoints } from '../http/token-endpoints.ts'
import type { AcquireOptions, HeldToken, TokenSource } from '../http/token-source.ts'
import { backOffMs } from '../policy/back-off.ts'
import type { LifecycleEmitted } from '../policy/events.ts'
import type { Patience } from '../policy/facts.ts'
import * as rules from '../policy/rules.ts'
import { duration, timeOfDay } from '../policy/words.ts'
import { type AccountRecord, leftMs } from '../store/record.ts'
import { createBudget } from './budget.ts'
import { type Credentials, createCredentialsSource, holdCredentials, sameCredentials } from './credentials.ts'
import { createListeners, type SendReason } from './events.ts'
import type { AuthClient, AuthClientOptions, TokenOptions } from './face.ts'
import { type Lifecycle, type LifecycleSnapshot, startLifecycle } from './lifecycle.ts'
import { failureError, refusal } from './messages.ts'
import { parseOptions } from './options.ts'
import { createProtocol } from './protocol.ts'
import { createRecordKeeper } from './record-keeper.ts'
import type { AuthStatus } from './status.ts'
import { createTimeline } from './timeline.ts'
import { createVault } from './vault.ts'
import { createWaiters } from './waiters.ts'

/**
 * Creates the client of one account: the chart, its transport and its callers.
 *
 * @throws {AuthError} `CONFIG_INVALID`, which names the option, its value and what is allowed
 */
export function createAuthClient(options: AuthClientOptions): AuthClient {
  const {
    baseURL,
    account,
    username,
    credentials: option,
    store,
    policy,
    clock,
    fetch,
    random,
    inspect,
    onEvent,
    ownsStore,
  } = parseOptions(options)
  const timeline = createTimeline(clock)
  const vault = createVault(clock, timeline)
  const credentials = createCredentialsSource(option, clock)
  const listeners = createListeners(onEvent)
  const ended = new AbortController()
  let closing: Promise<void> | undefined
  let fault: AuthError | undefined
  let lastError: AuthStatus['lastError']
  let skewMs: number | undefined
  let apiPausedUntilMs = 0
  let sendReason: SendReason = { ids: [], why: '' }
  let lastRequestId = 0
  const nextId = () => ++lastRequestId

  const keeping = {
    store,
    clock,
    timeline,
    backOffMs: (step: number) => backOffMs(step, random(), policy),
    onFlushed: () => void tellNews(),
  }
  const keeper = createRecordKeeper({ ...keeping, account })
  const budgetKeeper =
    policy.budgetScope === 'account' ? keeper : createRecordKeeper({ ...keeping, account: `${baseURL} (budget)` })
  const budget = createBudget(budgetKeeper, timeline, policy)
  const endpoints = createTokenEndpoints({
    baseURL,
    policy,
    fetch,
    clock,
    nextId,
    onRequest: (event) => {
      const reason = event.endpoint === 'validate' ? VALIDATE_REASON : sendReason
      listeners.emit({ type: 'request', ...event, ...reason })
    },
  })
  const protocol = createProtocol({
    store,
    account,
    holder: crypto.randomUUID(),
    clock,
    timeline,
    policy,
    random,
    keeper,
    budget,
    vault,
    credentials,
    endpoints,
    onStoreUnavailable: (untilMs) => lifecycle.send({ type: 'store.unavailable', atMs: timeline.nowMs(), untilMs }),
    onSkew: (measuredMs) => {
      skewMs = measuredMs
    },
  })
  const waiters = createWaiters(clock, timeline.nowMs, () => {
    const waiting = waiters.kinds(generation())
    if (!ended.signal.aborted) lifecycle.send({ type: 'demand.withdrawn', waiting })
  })

  const toWallMs = (atMs: number | null) => (atMs === null ? undefined : Math.round(timeline.toWallMs(atMs)))
  const fail = (error: AuthError) => {
    const { code, clause, message } = error
    lastError = { code, message, atMs: clock.now(), ...(clause === undefined ? {} : { clause }) }
    listeners.emit({ type: 'error', atMs: clock.now(), error })
  }

  const onEmitted = (emitted: LifecycleEmitted) => {
    switch (emitted.type) {
      case 'served': {
        const token = vault.usable()
        if (token !== undefined) waiters.serve(token)
        else askAgain()
        return
      }
      case 'refused': {
        const { code, clause } = emitted
        waiters.refuse(emitted, refusal(code, clause, toWallMs(emitted.retryAtMs), clock.now()))
        return
      }
      case 'failure':
        fail(failureError(emitted, toWallMs(emitted.retryAtMs), clock.now()))
        return
      case 'discarded':
        vault.discard(emitted.generation)
        return
      default:
        emitted satisfies never
    }
  }

  const lifecycle: Lifecycle = startLifecycle({
    clock,
    atMs: timeline.nowMs(),
    policy,
    protocol,
    inspect,
    onEmitted,
    onStep: (step) => {
      if (step.to.startsWith('sending.')) sendReason = { ids: step.ids, why: step.why }
      listeners.emit({ type: 'transition', atMs: clock.now(), generation: generation(), ...step })
    },
    onFault: (cause) => {
      fault = new AuthError('UNAVAILABLE', 'The client stopped on a fault of its own; create a new one.', {
        cause,
      })
      fail(fault)
      waiters.refuseAll(fault)
    },
  })

  function generation(): number {
    return vault.facts()?.generation ?? 0
  }

  /** The wall clock may have said "expired" where the chart's timeline does not yet: tell it. `D-skew` */
  const wake = () => {
    const { pair } = lifecycle.context()
    lifecycle.send({ type: 'woke', atMs: timeline.nowMs(), pair: pair && vault.earliest(pair) })
  }
  /** The chart served a token that the wall clock has expired since: those who wait ask again. */
  const askAgain = () => {
    if (vault.facts() === null) return
    wake()
    const waiting = waiters.kinds(generation())
    for (const patience of ['plain', 'patient', 'forced'] as const)
      if (waiting[patience]) lifecycle.send({ type: 'demand', atMs: timeline.nowMs(), patience })
  }
  const stopWaking = clock.onWake(wake)

  const tellNews = async () => {
    try {
      const facts = await protocol.news()
      if (facts !== undefined && !ended.signal.aborted)
        lifecycle.send({ type: 'record.adopted', atMs: timeline.nowMs(), facts })
    } catch {
      // The store does not answer; whoever needs it next says so.
    }
  }
  const unsubscribe = store.subscribe?.(account, () => {
    if (!lifecycle.snapshot().tags.has('busy')) void tellNews()
  })

  const closedError = () => new AuthError('CLOSED', 'This client is closed; create a new one.')
  const abortedError = () =>
    new AuthError('ABORTED', 'The caller aborted; others and the request in flight are not affected.')

  /** What a caller gets whose time is up: a token that still works, or what stands in the way. `D-time-outs` */
  const timedOut = (patience: Patience, timeoutMs: number): HeldToken | AuthError => {
    const held = vault.usable()
    if (held !== undefined && patience !== 'forced') return held
    const { facts, gate, state } = lifecycle.snapshot()
    const after = `no token within ${duration(timeoutMs)}`
    if (gate === 'paused') {
      const retryAtMs = toWallMs(facts.pausedUntilMs) ?? 0
      const message = `Token requests are throttled until ${timeOfDay(retryAtMs)}: ${after} (pause-after-429).`
      return new AuthError('THROTTLED', message, { clause: 'pause-after-429', retryAtMs })
    }
    return new AuthError('TIMEOUT', `There was ${after}; the client is in '${state}' (D-time-outs).`, {
      clause: 'D-time-outs',
    })
  }

  const refreshIsDue = () => {
    const { pair } = lifecycle.context()
    return pair !== null && timeline.nowMs() >= pair.refreshAtMs
  }

  let askedCredentialsAtMs = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined
  /** While a latch holds, a demand asks a credentials callback, at most once per back-off. `D-create-4xx` */
  const askForOtherCredentials = (): Promise<void> | undefined => {
    const { latch } = lifecycle.context()
    if (!credentials.fromCallback || latch === null || latch === 'refreshUnauthorized') return undefined
    if (asking !== undefined) return asking
    if (timeline.nowMs() < askedCredentialsAtMs + policy.backOffMinMs) return undefined
    askedCredentialsAtMs = timeline.nowMs()
    asking = protocol
      .credentialsChanged()
      .then((changed) => {
        if (changed) lifecycle.send({ type: 'operator.newCredentials', atMs: timeline.nowMs() })
      })
      .catch(() => {})
      .finally(() => {
        asking = undefined
      })
    return asking
  }

  /** Resolves when the chart is as asked; rejects when that takes longer than a caller waits, or the caller leaves. */
  const until = async (
    reached: (snapshot: LifecycleSnapshot) => boolean,
    { signal, timeoutMs = policy.callerTimeoutMs }: AcquireOptions = {},
  ): Promise<void> => {
    if (reached(lifecycle.snapshot())) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = () => reject(abortedError())
    const tooLong = () =>
      reject(
        lifecycle.snapshot().state === 'loading'
          ? refusal('STORE_UNAVAILABLE', 'D-store-down', undefined, clock.now())
          : timedOut('forced', timeoutMs),
      )
    const subscription = lifecycle.subscribe((snapshot) => {
      if (reached(snapshot)) resolve()
    })
    const timer = clock.setTimeout(tooLong, timeoutMs, { keepsAlive: true })
    signal?.addEventListener('abort', leave, { once: true })
    ended.signal.addEventListener('abort', () => reject(closedError()), { once: true })
    try {
      await promise
    } finally {
      clock.clearTimeout(timer)
      subscription.unsubscribe()
      signal?.removeEventListener('abort', leave)
    }
  }
  // A store that does not answer is answer enough: whoever goes on is told so.
  const loaded = ({ state, gate }: LifecycleSnapshot) => state !== 'loading' || gate === 'backingOff'
  const idle = (snapshot: LifecycleSnapshot) => loaded(snapshot) && !snapshot.tags.has('busy')

  const demand = async (patience: Patience, { signal, timeoutMs = policy.callerTimeoutMs }: AcquireOptions) => {
    const startedMs = timeline.nowMs()
    // Only the record tells which generation a forced caller has, and whether a latch waits for other credentials.
    if (patience === 'forced' || credentials.fromCallback) await until(loaded, { signal, timeoutMs })
    await askForOtherCredentials()
    if (ended.signal.aborted) throw closedError()
    if (fault !== undefined) throw fault
    if (signal?.aborted) throw abortedError()
    const { pair, pausedUntilMs } = lifecycle.context()
    const wanted = patience === 'patient' && startedMs + timeoutMs < pausedUntilMs ? 'plain' : patience
    const waiting = waiters.wait({
      patience: wanted,
      minGeneration: patience === 'forced' ? (pair?.generation ?? 0) + 1 : 0,
      timeoutMs: Math.max(0, timeoutMs - (timeline.nowMs() - startedMs)),
      signal,
      onTimeout: () => timedOut(wanted, timeoutMs),
      onAbort: () => abortedError(),
    })
    if (vault.usable() === undefined && rules.accessUsable({ ...lifecycle.context(), atMs: timeline.nowMs() })) wake()
    lifecycle.send({ type: 'demand', atMs: timeline.nowMs(), patience: wanted })
    return waiting
  }

  const acquire = (patience: Patience, acquireOptions: AcquireOptions): HeldToken | Promise<HeldToken> => {
    if (closing !== undefined) return Promise.reject(closedError())
    if (acquireOptions.signal?.aborted) return Promise.reject(abortedError())
    if (patience !== 'forced') {
      const held = vault.usable()
      if (held !== undefined && (policy.proactive === 'timer' || !refreshIsDue())) return held
    }
    return demand(patience, acquireOptions)
  }

  const keep = (change: (record: AccountRecord, nowMs: number) => AccountRecord | null) => void keeper.keep(change)

  const takeSlot = async ({ signal, timeoutMs = policy.callerTimeoutMs }: AcquireOptions) => {
    const deadlineMs = timeline.nowMs() + timeoutMs
    for (;;) {
      const taken = await budget.take().catch(() => {
        throw refusal('STORE_UNAVAILABLE', 'D-store-down', undefined, clock.now())
      })
      if ('sentMs' in taken) return () => void budget.answered(taken.sentMs)
      if (taken.untilMs > deadlineMs)
        throw refusal('BUDGET_EXHAUSTED', 'ten-per-minute', toWallMs(taken.untilMs), clock.now())
      await sleepUntil(taken.untilMs, signal)
    }
  }

  const tokens: TokenSource = {
    acquire: (acquireOptions = {}) => acquire('plain', acquireOptions),
    rejected(refused) {
      const held = vault.facts()
      if (held === null || held.generation !== refused) return 'stale'
      if (held.rejected) return 'replay'
      if (!rules.rejectionCounts(lifecycle.context(), refused, timeline.nowMs())) return 'ignore'
      vault.reject(refused)
      lifecycle.send({ type: 'token.rejected', atMs: timeline.nowMs(), generation: refused })
      keep((record) => (record.pair?.generation === refused ? { ...record, rejectedGeneration: refused } : null))
      return 'replay'
    },
    accepted() {
      if (keeper.known().rejectionBackOff !== null)
        void keeper.keep((record) => ({ ...record, rejectionBackOff: null })).then(tellFacts)
    },
    replayRejected() {
      const drawn = random()
      const backOffRejections = (record: AccountRecord, nowMs: number): AccountRecord => {
        const step = record.rejectionBackOff?.step ?? 0
        return {
          ...record,
          rejectionBackOff: { startMs: nowMs, lengthMs: backOffMs(step, drawn, policy), step: step + 1 },
        }
      }
      void keeper.keep(backOffRejections).then(tellFacts)
    },
    slot: policy.budgetCounts === 'all' ? (acquireOptions) => takeSlot(acquireOptions) : undefined,
    apiPausedUntilMs: () => (apiPausedUntilMs > timeline.nowMs() ? timeline.toWallMs(apiPausedUntilMs) : 0),
    apiThrottled(pauseMs) {
      apiPausedUntilMs = Math.max(apiPausedUntilMs, timeline.nowMs() + pauseMs)
    },
  }

  const tellFacts = async () => {
    const facts = await protocol.adopt()
    if (!ended.signal.aborted) lifecycle.send({ type: 'record.adopted', atMs: timeline.nowMs(), facts })
  }

  const fetchLike = createApiFetch({
    baseURL: new URL(baseURL),
    tokens,
    fetch,
    clock,
    policy,
    onRequest: (event) => listeners.emit({ type: 'request', ...event }),
  })

  const signIn = async (given?: Credentials): Promise<void> => {
    if (closing !== undefined) throw closedError()
    const expected = username ?? credentials.last()?.username
    if (given !== undefined && expected !== undefined && given.username !== expected)
      throw new AuthError(
        'CONFIG_INVALID',
        `signIn() was given another user name than this client's account. Create a client for that account (D-sign-in).`,
        { clause: 'D-sign-in' },
      )
    await until(idle)
    const held = given === undefined ? credentials.last() : holdCredentials(given)
    const last = credentials.last()
    const { latch, signedOut } = lifecycle.context()
    // A callback that was never asked: nobody can say whether these are others; against a latch they have to be tried.
    const other = held !== undefined && (last === undefined ? latch !== null : !sameCredentials(held, last))
    if (given !== undefined && held !== undefined) credentials.replace(held)
    if (!other && latch !== 'refreshUnauthorized' && !signedOut && vault.usable() !== undefined) return
    await keeper.keep((record) => signedInRecord(record, other))
    await protocol.adopt()
    // A sign-in waits for a pair that is granted after it, whatever is held; where nothing is, any will do.
    const patience = vault.usable() === undefined ? 'plain' : 'forced'
    const before = { type: 'operator.signIn', atMs: timeline.nowMs(), credentials: other ? 'other' : 'same' } as const
    lifecycle.send(before)
    await demand(patience, {})
  }

  const signOut = async (): Promise<void> => {
    if (closing !== undefined) throw closedError()
    const stored = keeper.keep((record) => ({
      ...record,
      pair: null,
      unfinished: false,
      refreshAttempts: 0,
      signedOut: true,
    }))
    vault.discard(Number.POSITIVE_INFINITY)
    lifecycle.send({ type: 'operator.signOut', atMs: timeline.nowMs() })
    await stored
    await protocol.adopt()
  }

  const reset = async (): Promise<void> => {
    if (closing !== undefined) throw closedError()
    await until(idle)
    await keeper.keep((record) => {
      const { signedOut, backOff } = record
      return { ...signedInRecord(record, true), signedOut, backOff }
    })
    await protocol.adopt()
    lifecycle.send({ type: 'operator.reset', atMs: timeline.nowMs() })
  }

  const validate: AuthClient['validate'] = async ({ signal, timeoutMs = policy.callerTimeoutMs } = {}) => {
    if (closing !== undefined) throw closedError()
    await until(idle)
    const deadlineMs = timeline.nowMs() + timeoutMs
    for (;;) {
      const used = generation()
      const reply = await protocol.validate(signal ?? ended.signal)
      const nowMs = clock.now()
      if ('type' in reply) {
        if (reply.reason === 'latched' || reply.reason === 'expired') return { valid: false }
        const fits = reply.reason === 'budget' && reply.untilMs <= deadlineMs
        const [code, clause] = VALIDATE_REFUSALS[reply.reason]
        if (!fits) throw refusal(code, clause, toWallMs(reply.untilMs), nowMs)
        await sleepUntil(reply.untilMs, signal)
        continue
      }
      switch (reply.kind) {
        case 'valid': {
          const { usableUntilMs } = vault.facts() ?? {}
          const expiresAtMs =
            reply.expiresInMs !== undefined ? nowMs + reply.expiresInMs : toWallMs(usableUntilMs ?? null)
          return expiresAtMs === undefined ? { valid: true } : { valid: true, expiresAtMs }
        }
        case 'invalid':
          if (reply.status === 401) tokens.rejected(used)
          return { valid: false }
        case 'throttled': {
          const untilMs = timeline.nowMs() + leftMs(keeper.known().pause, keeper.nowMs())
          lifecycle.send({ type: 'validate.throttled', atMs: timeline.nowMs(), untilMs })
          throw refusal('THROTTLED', 'pause-after-429', toWallMs(untilMs), nowMs, { status: 429 })
        }
        default:
          throw new AuthError('UNAVAILABLE', `The token could not be validated: ${reply.kind} (D-validate).`, {
            clause: 'D-validate',
            status: reply.status,
          })
      }
    }
  }
  const sleepUntil = (atMs: number, signal: AbortSignal | undefined) =>
    new Promise<void>((resolve, reject) => {
      const timer = clock.setTimeout(resolve, atMs - timeline.nowMs(), { keepsAlive: true })
      const stop = (error: AuthError) => {
        clock.clearTimeout(timer)
        reject(error)
      }
      signal?.addEventListener('abort', () => stop(abortedError()), { once: true })
      ended.signal.addEventListener('abort', () => stop(closedError()), { once: true })
    })

  const status = (): AuthStatus => {
    const { state, gate, facts } = lifecycle.snapshot()
    const nowMs = timeline.nowMs()
    const time = <K extends string>(key: K, atMs: number | undefined) =>
      atMs !== undefined && atMs > nowMs ? ({ [key]: toWallMs(atMs) } as Record<K, number>) : {}
    const { pair } = facts
    return {
      state,
      gate,
      usable: vault.usable() !== undefined,
      generation: pair?.generation ?? 0,
      ...time('usableUntilMs', pair?.usableUntilMs),
      ...time('refreshAtMs', pair?.refreshAtMs),
      ...time('refreshUsableUntilMs', pair?.refreshUsableUntilMs),
      ...time('pausedUntilMs', facts.pausedUntilMs),
      ...time('backOffUntilMs', facts.backOffUntilMs),
      ...time('apiPausedUntilMs', apiPausedUntilMs),
      budgetLeft: budget.left(),
      ...(skewMs === undefined ? {} : { skewMs }),
      ...(lastError === undefined ? {} : { lastError }),
    }
  }

  const close = (): Promise<void> => {
    closing ??= (async () => {
      stopWaking()
      unsubscribe?.()
      waiters.refuseAll(closedError())
      lifecycle.send({ type: 'demand.withdrawn', waiting: waiters.kinds(0) })
      // Its outcome may be a pair that the server has already rotated to: it has to be stored.
      if (lifecycle.snapshot().tags.has('busy'))
        await until(idle, { timeoutMs: policy.leaseMs + 2 * policy.tokenRequestTimeoutMs }).catch(() => {})
      ended.abort()
      lifecycle.stop()
      for (const each of new Set([keeper, budgetKeeper])) {
        await each.flush()
        each.close()
      }
      if (ownsStore) await store.close?.()
    })()
    return closing
  }

  return {
    fetch: createApiOfetch(fetchLike, { baseURL }),
    fetchLike,
    async getAccessToken({ forceRefresh = false, waitForPause = false, signal, timeoutMs }: TokenOptions = {}) {
      const patience = forceRefresh ? 'forced' : waitForPause ? 'patient' : 'plain'
      const { access } = await acquire(patience, { signal, timeoutMs })
      return access.reveal()
    },
    validate,
    status,
    on: listeners.on,
    actor: { getSnapshot: lifecycle.snapshot, subscribe: (listener) => lifecycle.subscribe(listener) },
    signIn,
    signOut,
    reset,
    close,
    [Symbol.asyncDispose]: close,
  }
}

const VALIDATE_REASON: SendReason = {
  ids: ['validate-optionally'],
  why: 'The caller asked whether the token is valid.',
}
const VALIDATE_REFUSALS = {
  pause: ['THROTTLED', 'pause-after-429'],
  budget: ['BUDGET_EXHAUSTED', 'ten-per-minute'],
  backOff: ['UNAVAILABLE', 'D-back-off'],
  lease: ['LEASE_HELD', 'D-one-at-a-time'],
  store: ['STORE_UNAVAILABLE', 'D-store-down'],
  credentials: ['CREDENTIALS_UNAVAILABLE', 'D-credentials'],
} as const

/** What a sign-in (`discarding`: with other credentials, or a reset) leaves of the record. `D-sign-in` */
const signedInRecord = (record: AccountRecord, discarding: boolean): AccountRecord => {
  const base: AccountRecord = { ...record, signedOut: false, createFailed: false }
  if (discarding) return { ...base, pair: null, latch: null, backOff: null, unfinished: false, refreshAttempts: 0 }
  if (record.latch?.kind !== 'refreshUnauthorized') return base
  return { ...base, latch: null, pair: record.pair && { ...record.pair, refresh: null } }
}
