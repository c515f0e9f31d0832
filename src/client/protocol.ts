import type { CreateInput, RefreshInput } from '../../machines/token-lifecycle.ts'
import { type Clock, sleep } from '../clock.ts'
import { AuthError } from '../errors.ts'
import type { TokenEndpoints, TokenReply, ValidateReply } from '../http/token-endpoints.ts'
import { backOffMs } from '../policy/back-off.ts'
import type { Deferral, LifecycleEvent, Outcome } from '../policy/events.ts'
import type { Facts } from '../policy/facts.ts'
import type { Policy } from '../policy/schema.ts'
import { type AccountRecord, factsOf, leftMs } from '../store/record.ts'
import type { TokenStore } from '../store/store.ts'
import type { Budget } from './budget.ts'
import * as changes from './changes.ts'
import { type CredentialsSource, fingerprint, type HeldCredentials } from './credentials.ts'
import { type RecordKeeper, StoreFailure } from './record-keeper.ts'
import type { Timeline } from './timeline.ts'
import type { Vault } from './vault.ts'

/**
 * What every token request goes through, whatever the store: lease → read again → adopt what is newer, or mark → send →
 * compare-and-set the result → release. The actors that the chart invokes.
 */
export interface Protocol {
  /** The record as facts; tries until the store answers. */
  load(signal: AbortSignal): Promise<LifecycleEvent>
  create(input: CreateInput, signal: AbortSignal): Promise<Outcome>
  refresh(input: RefreshInput, signal: AbortSignal): Promise<Outcome>
  /** Validates the access token held; nothing is sent when the gate is closed. `D-validate` */
  validate(signal: AbortSignal): Promise<ValidateReply | Extract<Outcome, { type: 'outcome.deferred' }>>
  /** Reads the record; its facts if they are newer than what the chart knows. */
  news(): Promise<Facts | undefined>
  /** The facts of the record as last known, the vault brought up to it. */
  adopt(): Promise<Facts>
  /** Whether other credentials than the latched ones are now to be had. `D-create-4xx` */
  credentialsChanged(): Promise<boolean>
}

export interface ProtocolOptions {
  store: TokenStore
  account: string
  /** Names this client to the store's lease. */
  holder: string
  clock: Clock
  timeline: Timeline
  policy: Policy
  random: () => number
  keeper: RecordKeeper
  budget: Budget
  vault: Vault
  credentials: CredentialsSource
  endpoints: TokenEndpoints
  /** The store did not answer while loading. */
  onStoreUnavailable: (untilMs: number) => void
  onSkew: (skewMs: number) => void
}

/** How often a client that waits for the lease looks again, ms. */
const LEASE_POLL_MS = 250
const MARK_ATTEMPTS = 5

export function createProtocol(options: ProtocolOptions): Protocol {
  const { store, account, holder, clock, timeline, policy, random, keeper, budget, vault, credentials, endpoints } =
    options

  const atMs = () => timeline.nowMs()
  const deferred = (deferral: Deferral): Extract<Outcome, { type: 'outcome.deferred' }> => {
    const outcome = { type: 'outcome.deferred', atMs: atMs(), ...deferral } as const
    // Whatever defers lies ahead, so that the chart cannot ask again within the same moment.
    return 'untilMs' in outcome ? { ...outcome, untilMs: Math.max(outcome.untilMs, outcome.atMs + 1) } : outcome
  }
  const deferredByStore = () => deferred({ reason: 'store', untilMs: atMs() + backOffMs(0, random(), policy) })
  const fullUntil = () => {
    const fullUntilMs = budget.fullUntilMs()
    return fullUntilMs === undefined ? {} : { fullUntilMs }
  }

  /** Fingerprint of the latch that was found not to be of our credentials. */
  let foreignLatch: string | undefined
  const fingerprintOf = (held: HeldCredentials) =>
    fingerprint(held, keeper.known().salt, policy.fingerprintRounds, clock)

  const latchIsOurs = async (latched: string, held: HeldCredentials) => {
    const ours = latched === (await fingerprintOf(held))
    foreignLatch = ours ? undefined : latched
    return ours
  }

  const facts = (): Facts => {
    const record = keeper.known()
    const known: Facts = { ...factsOf(record, keeper.nowMs(), atMs()), ...fullUntil() }
    const foreign =
      known.latch !== null && record.latch?.fingerprint != null && record.latch.fingerprint === foreignLatch
    return foreign ? { ...known, latch: null } : known
  }

  const adopt = async (): Promise<Facts> => {
    const { latch, pair } = keeper.known()
    const held = credentials.fromCallback ? undefined : credentials.last()
    if (latch?.fingerprint != null && held !== undefined) await latchIsOurs(latch.fingerprint, held)
    heard()
    const known = facts()
    if (known.pair === null || pair === null) {
      vault.discard(Number.POSITIVE_INFINITY)
      return known
    }
    vault.put(known.pair, pair.access)
    return { ...known, pair: vault.earliest(known.pair) }
  }

  /** What the chart last heard of the record; a record that says otherwise is news. */
  let judged = ''
  const fingerprintOfNews = ({ pair, latch, signedOut, createFailed }: AccountRecord) =>
    JSON.stringify([pair?.generation, pair?.refresh === null, latch?.kind, latch?.generation, signedOut, createFailed])
  const isNews = () => fingerprintOfNews(keeper.known()) !== judged
  const heard = () => {
    judged = fingerprintOfNews(keeper.known())
  }

  /** Runs `work` under the account's lease, renewed while it runs; waits for another holder, but not for ever. */
  const underLease = async (signal: AbortSignal, work: () => Promise<Outcome>): Promise<Outcome> => {
    const giveUpAtMs = atMs() + policy.leaseMs
    const lease = () =>
      store.lease(account, holder, policy.leaseMs).catch((cause) => {
        throw new StoreFailure('the store did not answer', { cause })
      })
    for (let answer = await lease(); !answer.granted; answer = await lease()) {
      if (signal.aborted || atMs() >= giveUpAtMs)
        return deferred({ reason: 'lease', untilMs: atMs() + Math.max(answer.freeInMs, LEASE_POLL_MS) })
      await sleep(clock, Math.min(answer.freeInMs, LEASE_POLL_MS), signal)
    }
    const renewing = new AbortController()
    void renew(renewing.signal)
    try {
      return await work()
    } finally {
      renewing.abort()
      await store.release(account, holder).catch(() => {})
    }
  }
  const renew = async (ended: AbortSignal) => {
    for (;;) {
      await sleep(clock, policy.leaseRenewMs, ended)
      if (ended.aborted) return
      await store.lease(account, holder, policy.leaseMs).catch(() => {})
    }
  }

  /** What stands in the way of a token request by the record, `undefined` when nothing does. */
  const pausing = (record: AccountRecord): Deferral | undefined => {
    const pauseMs = leftMs(record.pause, keeper.nowMs())
    return pauseMs > 0 ? { reason: 'pause', untilMs: atMs() + pauseMs } : undefined
  }
  const backingOff = (record: AccountRecord): Deferral | undefined => {
    const backMs = leftMs(record.backOff, keeper.nowMs())
    return backMs > 0 ? { reason: 'backOff', untilMs: atMs() + backMs } : undefined
  }

  /** Looks once more, marks the record, and says what the send stands on; or why nothing may be sent. */
  const mark = async (
    request: changes.TokenRequest,
    obstacle: (record: AccountRecord) => Deferral | undefined,
  ): Promise<changes.Marked | Outcome> => {
    let slot: { sentMs: number } | undefined
    let record = await keeper.read()
    for (let tries = 0; tries < MARK_ATTEMPTS; tries++) {
      if (isNews()) return { type: 'outcome.adopted', atMs: atMs(), facts: await adopt() }
      const inTheWay = pausing(record) ?? backingOff(record) ?? obstacle(record)
      if (inTheWay !== undefined) return deferred(inTheWay)
      if (slot === undefined) {
        const taken = await budget.take()
        if ('untilMs' in taken) return deferred({ reason: 'budget', untilMs: taken.untilMs })
        slot = taken
        record = keeper.known()
      }
      const before = record
      const written = await keeper.change((stored, nowMs) =>
        stored.version === before.version ? changes.sending(request)(stored, nowMs) : null,
      )
      if (written === 'stored') {
        heard()
        return {
          generation: keeper.known().lastGeneration,
          sentMs: slot.sentMs,
          unfinishedBefore: before.unfinished,
          pairGeneration: before.pair?.generation,
        }
      }
      record = await keeper.read()
    }
    return deferred({ reason: 'lease', untilMs: atMs() + LEASE_POLL_MS })
  }

  /** Stores what became of a send; `overtaken` becomes adoption. */
  const settle = async (change: ReturnType<typeof changes.granted>, outcome: () => Outcome): Promise<Outcome> => {
    const written = await keeper.keep(change)
    if (written === 'overtaken') return { type: 'outcome.adopted', atMs: atMs(), facts: await adopt() }
    heard()
    return outcome()
  }

  const afterReply = async (
    request: changes.TokenRequest,
    demanded: boolean,
    marked: changes.Marked,
    reply: TokenReply,
    used: HeldCredentials | undefined,
  ): Promise<Outcome> => {
    await budget.answered(marked.sentMs)
    switch (reply.kind) {
      case 'granted': {
        if (reply.skewMs !== undefined) options.onSkew(reply.skewMs)
        const previous = request === 'refresh' ? keeper.known().pair : null
        const sentMs = keeper.nowMs() - (atMs() - timeline.fromMonotonicMs(reply.sentAtMonotonicMs))
        const pair = changes.storedPair(reply, sentMs, marked.generation, previous, policy, random())
        return settle(changes.granted(marked, pair), () => {
          const { pair: granted } = facts()
          if (granted === null) throw new Error('a granted pair is not in the record')
          vault.put(granted, reply.access)
          return { type: 'outcome.granted', atMs: atMs(), pair: granted, ...fullUntil() }
        })
      }
      case 'throttled': {
        const pauseMs = reply.pauseMs + timeline.partMs()
        return settle(changes.throttled(marked, pauseMs), () => {
          const untilMs = atMs() + leftMs(keeper.known().pause, keeper.nowMs())
          return { type: 'outcome.throttled', atMs: atMs(), untilMs, ...fullUntil() }
        })
      }
      case 'unauthorized':
      case 'rejected':
        return request === 'create' ? createRefused(marked, reply.kind, used) : refreshRefused(marked, reply.kind)
      case 'unavailable':
      case 'malformed': {
        const { kind } = reply
        const lengthMs = (step: number) => backOffMs(step, drawn, policy) + partMs
        const [drawn, partMs] = [random(), timeline.partMs()]
        return settle(changes.unavailable(marked, request, demanded, lengthMs), () => ({
          type: `outcome.${kind}`,
          atMs: atMs(),
          untilMs: atMs() + leftMs(keeper.known().backOff, keeper.nowMs()),
          ...fullUntil(),
        }))
      }
      default:
        return reply satisfies never
    }
  }

  const createRefused = async (
    marked: changes.Marked,
    kind: 'unauthorized' | 'rejected',
    used: HeldCredentials | undefined,
  ): Promise<Outcome> => {
    const latched = used === undefined ? '' : await fingerprintOf(used)
    foreignLatch = undefined
    const change = changes.createRefused(marked, kind === 'unauthorized' ? 'invalidCredentials' : 'rejected', latched)
    return settle(change, () => ({ type: `outcome.${kind}`, atMs: atMs(), ...fullUntil() }))
  }

  const refreshRefused = async (marked: changes.Marked, kind: 'unauthorized' | 'rejected'): Promise<Outcome> => {
    if (kind === 'rejected')
      return settle(changes.refreshRejected(marked), () => ({ type: 'outcome.rejected', atMs: atMs(), ...fullUntil() }))
    // Somebody may have rotated the token meanwhile: a newer version in the store explains the 401.
    await keeper.read().catch(() => {})
    const { pair } = keeper.known()
    const spent =
      marked.unfinishedBefore ||
      policy.refreshUnauthorized === 'recreate' ||
      leftMs(pair?.refreshUsable ?? null, keeper.nowMs()) <= 0
    return settle(changes.refreshUnauthorized(marked, spent), () => ({
      type: 'outcome.unauthorized',
      atMs: atMs(),
      ...fullUntil(),
    }))
  }

  /** Nothing is sent while the result of an earlier send waits to be stored. `D-store-down` */
  const guarded = async (work: () => Promise<Outcome>): Promise<Outcome> => {
    const retryAtMs = keeper.retryAtMs()
    if (retryAtMs !== undefined) return deferred({ reason: 'store', untilMs: Math.max(retryAtMs, atMs() + 1) })
    try {
      return await work()
    } catch (error) {
      if (error instanceof StoreFailure) return deferredByStore()
      throw error
    }
  }

  return {
    adopt,
    async news() {
      await keeper.read()
      return isNews() ? adopt() : undefined
    },

    async load(signal) {
      for (let step = 0; ; step++) {
        try {
          await keeper.read()
          return { type: 'record.adopted', atMs: atMs(), facts: await adopt() }
        } catch (error) {
          if (!(error instanceof StoreFailure)) throw error
          const waitMs = backOffMs(step, random(), policy)
          options.onStoreUnavailable(atMs() + waitMs)
          await sleep(clock, waitMs, signal)
          if (signal.aborted) throw error
        }
      }
    },

    create: ({ demanded }, signal) =>
      guarded(async () => {
        let held: HeldCredentials
        try {
          held = await credentials.resolve(policy.tokenRequestTimeoutMs)
        } catch (error) {
          if (!(error instanceof AuthError)) throw error
          return deferred({ reason: 'credentials', untilMs: atMs() + backOffMs(0, random(), policy) })
        }
        return underLease(signal, async () => {
          const latch = (await keeper.read()).latch
          const blocked = latch?.fingerprint != null && (await latchIsOurs(latch.fingerprint, held))
          const marked = await mark('create', (record) => {
            if (blocked && record.latch !== null) return { reason: 'latched', latch: record.latch.kind }
            return record.createFailed && !demanded ? { reason: 'latched', latch: 'createFailed' } : undefined
          })
          if ('type' in marked) return marked
          return afterReply('create', demanded, marked, await endpoints.create(held, { signal }), held)
        })
      }),

    refresh: ({ generation, demanded }, signal) =>
      guarded(() =>
        underLease(signal, async () => {
          const marked = await mark('refresh', ({ pair }) => {
            const alive = pair?.refresh != null && leftMs(pair.refreshUsable, keeper.nowMs()) > 0
            return alive && pair.generation === generation ? undefined : { reason: 'expired' }
          })
          if ('type' in marked) return marked
          const refresh = keeper.known().pair?.refresh
          if (refresh == null) return deferred({ reason: 'expired' })
          return afterReply('refresh', demanded, marked, await endpoints.refresh(refresh, { signal }), undefined)
        }),
      ),

    async validate(signal) {
      const retryAtMs = keeper.retryAtMs()
      const token = vault.usable()
      if (token === undefined) return { kind: 'invalid', status: 0 }
      try {
        if (retryAtMs !== undefined) return deferred({ reason: 'store', untilMs: retryAtMs })
        await keeper.read()
        const inTheWay = pausing(keeper.known())
        if (inTheWay !== undefined) return deferred(inTheWay)
        const slot = await budget.take()
        if ('untilMs' in slot) return deferred({ reason: 'budget', ...slot })
        const reply = await endpoints.validate(token.access, { signal })
        await budget.answered(slot.sentMs)
        if (reply.kind === 'throttled')
          await keeper.keep((record, nowMs) => changes.withPause(record, nowMs, reply.pauseMs + timeline.partMs()))
        return reply
      } catch (error) {
        if (!(error instanceof StoreFailure)) throw error
        return deferredByStore()
      }
    },

    async credentialsChanged() {
      const { latch } = keeper.known()
      if (latch?.fingerprint == null) return false
      const held = await credentials.resolve(policy.tokenRequestTimeoutMs)
      return !(await latchIsOurs(latch.fingerprint, held))
    },
  }
}
