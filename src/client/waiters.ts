import type { Clock, TimerHandle } from '../clock.ts'
import type { AuthError } from '../errors.ts'
import type { HeldToken } from '../http/token-source.ts'
import type { LifecycleEmitted } from '../policy/events.ts'
import { NOBODY, type Patience, type Waiting } from '../policy/facts.ts'

/** How a caller waits. */
export interface WaitOptions {
  readonly patience: Patience
  /** Only a token of at least this generation will do. */
  readonly minGeneration: number
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** What the caller gets when its time is up: a token after all, or the error. */
  readonly onTimeout: () => HeldToken | AuthError
  readonly onAbort: () => AuthError
}

interface Waiter extends WaitOptions {
  readonly deadlineMs: number
  readonly resolve: (token: HeldToken) => void
  readonly reject: (error: AuthError) => void
  readonly cleanUp: () => void
}

type Refused = Extract<LifecycleEmitted, { type: 'refused' }>

/** Who of those who wait is meant by a refusal. */
const MEANT: Record<Refused['whom'], (waiter: Waiter, retryAtMs: number | null) => boolean> = {
  everyone: () => true,
  impatient: ({ patience }) => patience !== 'patient',
  forced: ({ patience }) => patience === 'forced',
  shortOfTime: ({ deadlineMs }, retryAtMs) => retryAtMs !== null && deadlineMs < retryAtMs,
}

/**
 * The callers who wait for a token, each with its own time-out and abort. The chart only knows what kinds of callers
 * wait; `onLeft` tells it when one left by itself.
 */
export interface Waiters {
  wait(options: WaitOptions): Promise<HeldToken>
  /** The chart served: everyone whom this token satisfies gets it. */
  serve(token: HeldToken): void
  /** The chart refused a group of callers. */
  refuse(refused: Refused, error: AuthError): void
  /** Everyone gets this error: the client is closing. */
  refuseAll(error: AuthError): void
  /** What kinds of callers wait; a forced one whom a pair of `generation` satisfies is a plain one. `D-force` */
  kinds(generation: number): Waiting
}

export function createWaiters(clock: Clock, nowMs: () => number, onLeft: () => void): Waiters {
  const waiters = new Set<Waiter>()
  // After the chart's step, in which some may leave and others be served: who waits is looked at then.
  const left = () => queueMicrotask(onLeft)

  const settle = (waiter: Waiter, by: HeldToken | AuthError) => {
    if (!waiters.delete(waiter)) return
    waiter.cleanUp()
    if (by instanceof Error) waiter.reject(by)
    else waiter.resolve(by)
  }

  return {
    wait(options) {
      const { promise, resolve, reject } = Promise.withResolvers<HeldToken>()
      let timer: TimerHandle
      const leave = (by: HeldToken | AuthError) => {
        settle(waiter, by)
        left()
      }
      const abort = () => leave(options.onAbort())
      const waiter: Waiter = {
        ...options,
        deadlineMs: nowMs() + options.timeoutMs,
        resolve,
        reject,
        cleanUp() {
          clock.clearTimeout(timer)
          options.signal?.removeEventListener('abort', abort)
        },
      }
      waiters.add(waiter)
      // Somebody waits for this: the process must not end before it is settled.
      timer = clock.setTimeout(() => leave(options.onTimeout()), options.timeoutMs, { keepsAlive: true })
      options.signal?.addEventListener('abort', abort)
      return promise
    },
    serve(token) {
      for (const waiter of [...waiters]) if (waiter.minGeneration <= token.generation) settle(waiter, token)
    },
    refuse({ whom, retryAtMs }, error) {
      for (const waiter of [...waiters]) if (MEANT[whom](waiter, retryAtMs)) settle(waiter, error)
      if (whom === 'shortOfTime') left()
    },
    refuseAll(error) {
      for (const waiter of [...waiters]) settle(waiter, error)
    },
    kinds(generation) {
      let kinds: Waiting = NOBODY
      for (const { patience, minGeneration } of waiters)
        kinds = { ...kinds, [patience === 'forced' && minGeneration <= generation ? 'plain' : patience]: true }
      return kinds
    },
  }
}
