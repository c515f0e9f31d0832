import { AuthError } from '../errors.ts'
import { createApiFetch } from '../http/api-fetch.ts'
import { createApiOfetch } from '../http/api-ofetch.ts'
import { createTokenEndpoints } from '../http/token-endpoints.ts'
import { backOffMs } from '../policy/back-off.ts'
import type { LifecycleEmitted } from '../policy/events.ts'
import { createAdoption } from './adoption.ts'
import { createAnswers } from './answers.ts'
import { createApiTokens } from './api-tokens.ts'
import { boundedStore } from './bounded-store.ts'
import { createBudget } from './budget.ts'
import { createCallers } from './callers.ts'
import { createCredentialsSource } from './credentials.ts'
import { type AuthEvent, createListeners, type SendReason } from './events.ts'
import type { AuthClient, AuthClientOptions } from './face.ts'
import { createFindings, judgedBy } from './findings.ts'
import { createJournal } from './journal.ts'
import { createLease } from './lease.ts'
import { type Lifecycle, startLifecycle } from './lifecycle.ts'
import { failureError, journalFailure, storeRefusal, unstoredError } from './messages.ts'
import { createOperator } from './operator.ts'
import { parseOptions } from './options.ts'
import { createProtocol } from './protocol.ts'
import { createRecordKeeper } from './record-keeper.ts'
import { closedError, type Session, tellNews, toWallMs } from './session.ts'
import { type Remembered, statusOf } from './status-of.ts'
import { createTimeline } from './timeline.ts'
import { createValidate, VALIDATE_REASON } from './validate.ts'
import { createVault } from './vault.ts'
import { idle, until } from './waiting.ts'

/**
 * Creates the client of one account: the chart, its transport and its callers.
 *
 * @throws {AuthError} `CONFIG_INVALID`, which names the option, its value and what is allowed
 */
export function createAuthClient(options: AuthClientOptions): AuthClient {
  const { baseURL, account, username, ownsStore, policy, clock, fetch, random, inspect, ...given } =
    parseOptions(options)
  // A store that takes longer than the lease's renewal is no help.
  const store = boundedStore(given.store, clock, policy.leaseRenewMs)
  const timeline = createTimeline(clock)
  const vault = createVault(clock, timeline)
  const credentials = createCredentialsSource(given.credentials, clock)
  const listeners = createListeners(given.onEvent)
  const ended = new AbortController()
  const closing = new AbortController()
  const remembered: Remembered = { lastError: undefined, skewMs: undefined }
  let sendReason: SendReason = { ids: [], why: '' }
  let lastRequestId = 0
  const nextId = () => ++lastRequestId

  const id = crypto.randomUUID()
  const keeping = {
    store,
    writer: id,
    clock,
    timeline,
    backOffMs: (step: number) => backOffMs(step, random(), policy),
    slotMs: policy.tokenRequestTimeoutMs,
    onFlushed: () => void tellNews(session),
  }
  const keeper = createRecordKeeper({ ...keeping, account })
  const budgetKeeper =
    policy.budgetScope === 'account' ? keeper : createRecordKeeper({ ...keeping, account: `budget ${baseURL}` })
  const budget = createBudget(budgetKeeper, timeline, policy)
  const journal = createJournal({
    ...{ stream: given.journal, client: id, account, baseURL: new URL(baseURL), clock, policy, keeper },
    findings: createFindings(judgedBy(policy), ({ atMs, ...finding }) => emit({ type: 'finding', atMs, ...finding })),
    isJudged: () => listeners.has('finding'),
    onFault: (error) => fail(journalFailure(error)),
  })
  /** The journal first: what a listener does upon an event comes after it. */
  const emit = (event: AuthEvent) => {
    if (event.type === 'transition' || event.type === 'error') journal.event(event)
    listeners.emit(event)
  }
  const tokenEndpoints = createTokenEndpoints({
    baseURL,
    policy,
    fetch,
    clock,
    nextId,
    onRequest: (event) => {
      journal.tokenEvent(event)
      emit({ type: 'request', ...event, ...(event.endpoint === 'validate' ? VALIDATE_REASON : sendReason) })
    },
  })
  const endpoints = journal.tokenRequests(tokenEndpoints)
  const parts = { clock, timeline, policy, random, credentials, vault, keeper, budget }
  const adoption = createAdoption(parts)
  const lease = createLease({ store, account, holder: id, clock, timeline, policy })
  const answers = createAnswers({
    ...parts,
    adoption,
    onSkew: (skewMs) => {
      remembered.skewMs = skewMs
    },
  })
  const protocol = createProtocol({
    ...parts,
    adoption,
    answers,
    endpoints,
    lease,
    closing: closing.signal,
    onStoreUnavailable: (untilMs) => {
      fail(storeRefusal(store.trouble(), 'D-store-down', toWallMs(session, untilMs), clock.now()))
      lifecycle.send({ type: 'store.unavailable', atMs: timeline.nowMs(), untilMs })
    },
  })

  const fail = (error: AuthError) => {
    const { code, clause, message } = error
    remembered.lastError = { code, message, atMs: clock.now(), ...(clause === undefined ? {} : { clause }) }
    emit({ type: 'error', atMs: clock.now(), error })
  }
  const onEmitted = (emitted: LifecycleEmitted) => {
    switch (emitted.type) {
      case 'served':
      case 'refused':
        return callers.settle(emitted)
      case 'failure': {
        const { retryAtMs } = emitted
        return fail(failureError(emitted, retryAtMs === null ? undefined : toWallMs(session, retryAtMs), clock.now()))
      }
      case 'discarded':
        return vault.discard(emitted.generation)
      default:
        return emitted satisfies never
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
      emit({ type: 'transition', atMs: clock.now(), generation: vault.facts()?.generation ?? 0, ...step })
    },
    onFault: (cause) => {
      const fault = new AuthError('UNAVAILABLE', 'The client stopped on a fault of its own; create a new one.', {
        cause,
      })
      fail(fault)
      callers.end(fault)
    },
  })

  const session: Session = {
    ...{ ...parts, adoption, protocol, lifecycle },
    storeTrouble: store.trouble,
    ended: ended.signal,
  }
  const callers = createCallers(session, journal.demand)
  const tokens = createApiTokens(session, callers)
  const fetchLike = createApiFetch({
    baseURL: new URL(baseURL),
    tokens,
    fetch,
    clock,
    policy,
    nextId,
    onRequest: (event, details) => {
      journal.apiEvent(event, details)
      emit({ type: 'request', ...event })
    },
  })
  const stopWaking = clock.onWake(callers.wake)
  const unsubscribe = store.subscribe?.(account, () => void tellNews(session))

  const shutDown = async () => {
    stopWaking()
    unsubscribe?.()
    closing.abort()
    callers.end(closedError())
    // The request in flight may bring a pair that the server has already rotated to: it has to be stored.
    const timeoutMs = policy.leaseMs + 2 * policy.tokenRequestTimeoutMs
    if (lifecycle.running() && lifecycle.snapshot().tags.has('busy'))
      await until(session, idle, { timeoutMs, tooLong: closedError }).catch(() => {})
    ended.abort()
    lifecycle.stop()
    for (const each of new Set([keeper, budgetKeeper])) {
      await each.flush()
      each.close()
    }
    // What was obeyed in memory alone ends here: nobody else will hear of it.
    if (keeper.retryAtMs() !== undefined) fail(unstoredError(store.trouble()))
    await lease.released()
    await journal.close()
    if (ownsStore) await store.close?.().catch(() => {})
  }
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= shutDown()
    return closed
  }

  return {
    fetch: createApiOfetch(fetchLike, { baseURL }),
    fetchLike,
    async getAccessToken({ forceRefresh = false, waitForPause = false, signal, timeoutMs } = {}) {
      const patience = forceRefresh ? 'forced' : waitForPause ? 'patient' : 'plain'
      const { access } = await callers.acquire(patience, { signal, timeoutMs })
      return access.reveal()
    },
    validate: createValidate(session, tokens),
    status: () => statusOf(session, remembered, tokens.apiPausedUntilMs()),
    on: listeners.on,
    actor: { getSnapshot: lifecycle.snapshot, subscribe: lifecycle.subscribe },
    ...createOperator(session, callers, username, journal.command),
    close,
    [Symbol.asyncDispose]: close,
  }
}
