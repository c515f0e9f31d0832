import type { CreateInput, RefreshInput } from '../../machines/token-lifecycle.ts'
import { type Clock, sleep } from '../clock.ts'
import { AuthError } from '../errors.ts'
import type { TokenEndpoints, ValidateReply } from '../http/token-endpoints.ts'
import { backOffMs } from '../policy/back-off.ts'
import type { Deferral, LifecycleEvent, Outcome } from '../policy/events.ts'
import type { Policy } from '../policy/schema.ts'
import { type AccountRecord, leftMs } from '../store/record.ts'
import type { Adoption } from './adoption.ts'
import type { Answers, Sent } from './answers.ts'
import type { Budget } from './budget.ts'
import * as changes from './changes.ts'
import type { CredentialsSource, HeldCredentials } from './credentials.ts'
import { LEASE_POLL_MS, type Lease } from './lease.ts'
import { type RecordKeeper, StoreFailure } from './record-keeper.ts'
import type { Timeline } from './timeline.ts'
import type { Vault } from './vault.ts'

type Deferred = Extract<Outcome, { type: 'outcome.deferred' }>

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
  validate(signal: AbortSignal): Promise<ValidateReply | Deferred>
  /** Whether other credentials than the latched ones are now to be had. `D-create-4xx` */
  credentialsChanged(): Promise<boolean>
}

export interface ProtocolOptions {
  clock: Clock
  timeline: Timeline
  policy: Policy
  random: () => number
  keeper: RecordKeeper
  budget: Budget
  lease: Lease
  vault: Vault
  credentials: CredentialsSource
  endpoints: TokenEndpoints
  adoption: Adoption
  answers: Answers
  /** Fires when the client begins to close: from then on no request is begun. */
  closing: AbortSignal
  /** The store did not answer while loading. */
  onStoreUnavailable: (untilMs: number) => void
}

/** How often the mark is tried again when others write the record meanwhile. */
const MARK_ATTEMPTS = 8

export function createProtocol(options: ProtocolOptions): Protocol {
  const { clock, timeline, policy, random, keeper, budget, lease, vault, credentials, endpoints, closing } = options
  const { adoption, answers } = options

  const atMs = () => timeline.nowMs()
  const deferred = (deferral: Deferral): Deferred => ({ type: 'outcome.deferred', atMs: atMs(), ...deferral })
  const backedOff = (reason: 'store' | 'credentials') =>
    deferred({ reason, untilMs: atMs() + backOffMs(0, random(), policy) })

  /** What stands in the way of a token request by the record, `undefined` when nothing does. */
  const pausing = (record: AccountRecord): Deferral | undefined => {
    const pauseMs = leftMs(record.pause, keeper.nowMs())
    return pauseMs > 0 ? { reason: 'pause', untilMs: atMs() + pauseMs } : undefined
  }
  const backingOff = (record: AccountRecord): Deferral | undefined => {
    const backMs = leftMs(record.backOff, keeper.nowMs())
    return backMs > 0 ? { reason: 'backOff', untilMs: atMs() + backMs } : undefined
  }

  /**
   * Looks once more, marks the record, and says what the send stands on; or why nothing may be sent. Whatever was written
   * by others since the last look is looked at before anything is sent.
   */
  const mark = async (
    request: changes.TokenRequest,
    { generation, demanded }: CreateInput | RefreshInput,
    obstacle: (record: AccountRecord) => Deferral | undefined,
  ): Promise<changes.Marked | Outcome> => {
    let slot: { slotMs: number } | undefined
    const notNow = async (outcome: Outcome) => {
      if (slot !== undefined) await budget.unused(slot.slotMs)
      return outcome
    }
    await keeper.read()
    for (let tries = 0; tries < MARK_ATTEMPTS; tries++) {
      const record = keeper.known()
      // The chart asked for what it knew: where the record holds another pair, it has to know that first.
      if (adoption.isNews() || (record.pair?.generation ?? 0) !== generation)
        return notNow({ type: 'outcome.adopted', atMs: atMs(), facts: await adoption.adopt() })
      const inTheWay = pausing(record) ?? backingOff(record) ?? obstacle(record)
      if (inTheWay !== undefined) return notNow(deferred(inTheWay))
      if (closing.aborted) return notNow(deferred({ reason: 'lease', untilMs: atMs() + LEASE_POLL_MS }))
      if (slot === undefined) {
        const taken = await budget.take()
        if ('untilMs' in taken) return deferred({ reason: 'budget', untilMs: taken.untilMs })
        slot = taken
        continue
      }
      const { slotMs } = slot
      const written = await keeper
        .change((stored, nowMs) =>
          stored.version === record.version ? changes.sending(request, demanded)(stored, nowMs) : null,
        )
        .catch(async (error) => {
          await budget.unused(slotMs)
          throw error
        })
      if (written === 'stored') {
        adoption.heard()
        return {
          generation: keeper.known().lastGeneration,
          slotMs,
          sentMs: keeper.nowMs(),
          unfinishedBefore: record.unfinished,
          attemptsBefore: record.refreshAttempts,
          pairGeneration: record.pair?.generation,
        }
      }
      await keeper.read()
    }
    return notNow(deferred({ reason: 'lease', untilMs: atMs() + LEASE_POLL_MS }))
  }

  /** A validate may have been throttled while the mark was written: nothing is awaited between this look and the send. */
  const unlessPaused = async (sent: Sent, send: () => Promise<Outcome>): Promise<Outcome> => {
    const paused = pausing(keeper.known())
    return paused === undefined ? send() : answers.notSent(sent, deferred(paused))
  }

  /** Nothing is sent while the result of an earlier send waits to be stored. `D-store-down` */
  const leased = async (signal: AbortSignal, work: () => Promise<Outcome>): Promise<Outcome> => {
    const retryAtMs = keeper.retryAtMs()
    if (retryAtMs !== undefined) return deferred({ reason: 'store', untilMs: retryAtMs })
    try {
      const done = await lease.under(AbortSignal.any([signal, closing]), work)
      return 'heldForMs' in done ? deferred({ reason: 'lease', untilMs: atMs() + done.heldForMs }) : done
    } catch (error) {
      if (error instanceof StoreFailure) return backedOff('store')
      throw error
    }
  }

  return {
    async load(signal) {
      for (let step = 0; ; step++) {
        try {
          await keeper.read()
          return { type: 'record.adopted', atMs: atMs(), facts: await adoption.adopt() }
        } catch (error) {
          if (!(error instanceof StoreFailure)) throw error
          const waitMs = backOffMs(step, random(), policy)
          options.onStoreUnavailable(atMs() + waitMs)
          await sleep(clock, waitMs, signal)
          if (signal.aborted) throw error
        }
      }
    },

    async create(input, signal) {
      let held: HeldCredentials
      try {
        held = await credentials.resolve(policy.tokenRequestTimeoutMs)
      } catch (error) {
        if (!(error instanceof AuthError)) throw error
        return backedOff('credentials')
      }
      return leased(signal, async () => {
        await keeper.read()
        const latch = await adoption.latchAgainst(held)
        const marked = await mark('create', input, ({ createFailed, createUnfinished }) => {
          if (latch !== undefined) return { reason: 'latched', latch: latch.kind }
          const failed = createFailed || createUnfinished > 0
          return failed && !input.demanded ? { reason: 'latched', latch: 'createFailed' } : undefined
        })
        if ('type' in marked) return marked
        const sent = { marked, signal }
        return unlessPaused(sent, async () => answers.afterCreate(sent, held, await endpoints.create(held, { signal })))
      })
    },

    refresh: (input, signal) =>
      leased(signal, async () => {
        const marked = await mark('refresh', input, ({ pair, refreshLatch }) => {
          if (pair !== null && refreshLatch === pair.generation)
            return { reason: 'latched', latch: 'refreshUnauthorized' }
          const alive = pair?.refresh != null && leftMs(pair.refreshUsable, keeper.nowMs()) > 0
          return alive ? undefined : { reason: 'expired' }
        })
        if ('type' in marked) return marked
        const sent = { marked, signal }
        const refresh = keeper.known().pair?.refresh
        if (refresh == null) return answers.notSent(sent, deferred({ reason: 'expired' }))
        return unlessPaused(sent, async () => answers.afterRefresh(sent, await endpoints.refresh(refresh, { signal })))
      }),

    async validate(signal) {
      const nothing = { kind: 'invalid', status: 0 } as const
      if (vault.usable() === undefined) return nothing
      try {
        const retryAtMs = keeper.retryAtMs()
        if (retryAtMs !== undefined) return deferred({ reason: 'store', untilMs: retryAtMs })
        await keeper.read()
        const inTheWay = pausing(keeper.known())
        if (inTheWay !== undefined) return deferred(inTheWay)
        const slot = await budget.take()
        if ('untilMs' in slot) return deferred({ reason: 'budget', ...slot })
        // Looked at again: the store may have taken its time.
        const token = vault.usable()
        const paused = pausing(keeper.known())
        if (token === undefined || paused !== undefined) {
          await budget.unused(slot.slotMs)
          return paused === undefined ? nothing : deferred(paused)
        }
        const reply = await endpoints.validate(token.access, { signal })
        void budget.answered(slot.slotMs)
        if (reply.kind === 'throttled')
          await keeper.keep((record, nowMs) => changes.withPause(record, nowMs, reply.pauseMs + timeline.partMs()))
        return reply
      } catch (error) {
        if (!(error instanceof StoreFailure)) throw error
        return backedOff('store')
      }
    },

    async credentialsChanged() {
      if (keeper.known().latches.length === 0) return false
      return (await adoption.latchAgainst(await credentials.resolve(policy.tokenRequestTimeoutMs))) === undefined
    },
  }
}
