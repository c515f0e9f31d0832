import { AuthError } from '../errors.ts'
import type { AcquireOptions, HeldToken } from '../http/token-source.ts'
import type { LifecycleEmitted } from '../policy/events.ts'
import type { Patience } from '../policy/facts.ts'
import * as rules from '../policy/rules.ts'
import { duration, timeOfDay } from '../policy/words.ts'
import { refusal, storeRefusal } from './messages.ts'
import { abortedError, type Session, toWallMs } from './session.ts'
import { createWaiters } from './waiters.ts'
import { loaded, settledOf, until } from './waiting.ts'

/** Those who want a token: served from the vault, or made a demand of the chart. */
export interface Callers {
  /** A usable token, at once if one is held. Rejects with an `AuthError`. */
  acquire(patience: Patience, options: AcquireOptions): HeldToken | Promise<HeldToken>
  /** What the chart says to those who wait. */
  settle(emitted: Extract<LifecycleEmitted, { type: 'served' | 'refused' }>): void
  /** Everyone gets this error, now and from now on. */
  end(error: AuthError): void
  /** The wall clock moved: tells the chart where its deadlines are. `D-skew` */
  wake(): void
  /** What a caller gets whose time is up: a token that still works, or what stands in the way. `D-time-outs` */
  timedOut(patience: Patience, timeoutMs: number): HeldToken | AuthError
}

/** Asks on behalf of a caller, and may take note of it. */
type Ask = (patience: Patience, options: AcquireOptions, ask: () => Promise<HeldToken>) => Promise<HeldToken>

export function createCallers(session: Session, told: Ask = (_patience, _options, ask) => ask()): Callers {
  const { clock, timeline, policy, credentials, vault, protocol, lifecycle } = session
  let over: AuthError | undefined

  const generation = () => lifecycle.context().pair?.generation ?? 0
  const waiters = createWaiters(clock, timeline.nowMs, () =>
    lifecycle.send({ type: 'demand.withdrawn', waiting: waiters.kinds(generation()) }),
  )

  const wake = () => {
    const { pair } = lifecycle.context()
    lifecycle.send({ type: 'woke', atMs: timeline.nowMs(), pair: pair && vault.earliest(pair) })
  }
  /** The chart served a token that the wall clock has expired since: those who wait ask again. */
  const askAgain = () => {
    const { pair } = lifecycle.context()
    const held = vault.facts()
    if (held === null || pair === null) return
    // Another generation than the chart's is on its way to it; until then the chart has nothing to serve.
    const now = held.generation === pair.generation ? vault.earliest(pair) : { ...pair, usableUntilMs: 0 }
    lifecycle.send({ type: 'woke', atMs: timeline.nowMs(), pair: now })
    const waiting = waiters.kinds(generation())
    for (const patience of ['plain', 'patient', 'forced'] as const)
      if (waiting[patience]) lifecycle.send({ type: 'demand', atMs: timeline.nowMs(), patience })
  }

  const timedOut = (patience: Patience, timeoutMs: number): HeldToken | AuthError => {
    const held = vault.usable()
    if (held !== undefined && patience !== 'forced') return held
    const { facts, gate, state } = lifecycle.snapshot()
    const after = `no token within ${duration(timeoutMs)}`
    if (gate === 'paused') {
      const retryAtMs = toWallMs(session, facts.pausedUntilMs)
      const message = `Token requests are throttled until ${timeOfDay(retryAtMs)}: ${after} (pause-after-429).`
      return new AuthError('THROTTLED', message, { clause: 'pause-after-429', retryAtMs })
    }
    const message = `There was ${after}; the client is in '${state}' (D-time-outs).`
    return new AuthError('TIMEOUT', message, { clause: 'D-time-outs' })
  }

  let askedAtMs = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined
  /** While a latch holds, a demand asks a credentials callback, at most once per back-off. `D-create-4xx` */
  const askForOtherCredentials = (): Promise<void> | undefined => {
    const { latch } = lifecycle.context()
    if (!credentials.fromCallback || latch === null || latch === 'refreshUnauthorized') return undefined
    if (asking !== undefined) return asking
    if (timeline.nowMs() < askedAtMs + policy.backOffMinMs) return undefined
    askedAtMs = timeline.nowMs()
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

  const demand = async (patience: Patience, { signal, timeoutMs = policy.callerTimeoutMs }: AcquireOptions) => {
    const startedMs = timeline.nowMs()
    const tooLong = () => storeRefusal(session.storeTrouble(), 'D-store-down', undefined, clock.now())
    // Only the record tells which generation a forced caller has, and whether a latch waits for other credentials.
    if (patience === 'forced' || credentials.fromCallback) await until(session, loaded, { signal, timeoutMs, tooLong })
    const asked = askForOtherCredentials()
    if (asked !== undefined) {
      const late = () => timedOut('forced', timeoutMs) as AuthError
      await settledOf(session, asked, { signal, timeoutMs, tooLong: late })
    }
    if (over !== undefined) throw over
    if (signal?.aborted) throw abortedError()
    const wanted =
      patience === 'patient' && startedMs + timeoutMs < lifecycle.context().pausedUntilMs ? 'plain' : patience
    const waiting = waiters.wait({
      patience: wanted,
      minGeneration: patience === 'forced' ? generation() + 1 : 0,
      timeoutMs: Math.max(0, timeoutMs - (timeline.nowMs() - startedMs)),
      signal,
      onTimeout: () => timedOut(wanted, timeoutMs),
      onAbort: abortedError,
    })
    if (vault.usable() === undefined && rules.accessUsable({ ...lifecycle.context(), atMs: timeline.nowMs() })) wake()
    lifecycle.send({ type: 'demand', atMs: timeline.nowMs(), patience: wanted })
    return waiting
  }

  const refreshIsDue = () => timeline.nowMs() >= (lifecycle.context().pair?.refreshAtMs ?? Number.POSITIVE_INFINITY)

  return {
    wake,
    timedOut,
    acquire(patience, options) {
      // After a fault of ours a token that works is still served; a closed client serves nothing.
      if (over?.code === 'CLOSED') return Promise.reject(over)
      if (options.signal?.aborted) return Promise.reject(abortedError())
      const held = patience === 'forced' ? undefined : vault.usable()
      if (held !== undefined && (policy.proactive === 'timer' || !refreshIsDue())) return held
      return told(patience, options, () => (over === undefined ? demand(patience, options) : Promise.reject(over)))
    },
    settle(emitted) {
      if (emitted.type === 'served') {
        const token = vault.usable()
        if (token === undefined) askAgain()
        else waiters.serve(token)
        return
      }
      const { code, clause } = emitted
      const retryAtMs = emitted.retryAtMs === null ? undefined : toWallMs(session, emitted.retryAtMs)
      const error =
        code === 'STORE_UNAVAILABLE'
          ? storeRefusal(session.storeTrouble(), clause, retryAtMs, clock.now())
          : refusal(code, clause, retryAtMs, clock.now())
      waiters.refuse(emitted, error)
    },
    end(error) {
      over = error
      waiters.refuseAll(error)
      lifecycle.send({ type: 'demand.withdrawn', waiting: waiters.kinds(0) })
    },
  }
}
