import type { AuthError } from '../errors.ts'
import type { TokenRequestEvent } from '../http/token-endpoints.ts'
import type { ApiRequestEvent } from '../http/token-source.ts'
import type { InvariantNumber, PolicyId } from '../policy/catalogue.ts'

/** One step of the chart. */
export interface TransitionEvent {
  readonly type: 'transition'
  /** Wall-clock time, ms since the epoch. */
  readonly atMs: number
  /** Whose transition this is: what is held and done, or whether anything may be sent. */
  readonly region: 'tokens' | 'gate'
  /** State of the region `tokens` before and after, as a dotted path: `sending.refreshing`. */
  readonly from: string
  readonly to: string
  /** State of the region `gate` after. */
  readonly gate: string
  /** What caused it: an event of the chart, or empty for a decision over the facts. */
  readonly event: string
  /** The clauses and decisions that the transition implements. */
  readonly ids: readonly string[]
  /** The same in words. */
  readonly why: string
  readonly generation: number
}

/** Why a token request was sent: the transition of the chart that sent it. */
export interface SendReason {
  readonly ids: readonly string[]
  readonly why: string
}

/** One request going out, or its answer coming in. */
export type RequestEvent = { readonly type: 'request' } & ((TokenRequestEvent & SendReason) | ApiRequestEvent)

/** A token request ended without a pair, whether or not anybody waited for it. */
export interface ErrorEvent {
  readonly type: 'error'
  readonly atMs: number
  readonly error: AuthError
}

/**
 * This client broke the policy, by its own traffic: a fault of ours, or of whoever shares its account unseen. Judged while
 * somebody listens to this type. Nothing secret.
 */
export interface FindingEvent {
  readonly type: 'finding'
  /** Wall-clock time, ms since the epoch. */
  readonly atMs: number
  /** Id of the rule: a clause, a decision or `invariant-N`. */
  readonly monitor: string
  readonly invariant: InvariantNumber | undefined
  /** The clauses and decisions that were broken. */
  readonly ids: readonly PolicyId[]
  /** What was seen that may not be. */
  readonly evidence: string
}

export type AuthEvent = TransitionEvent | RequestEvent | ErrorEvent | FindingEvent
export type AuthEventOf<T extends AuthEvent['type']> = Extract<AuthEvent, { type: T }>

/** Listeners by type. One that throws harms nobody. */
export interface Listeners {
  on<T extends AuthEvent['type']>(type: T, listener: (event: AuthEventOf<T>) => void): () => void
  emit(event: AuthEvent): void
  /** Somebody listens to this type by name. */
  has(type: AuthEvent['type']): boolean
}

export function createListeners(all: ((event: AuthEvent) => void) | undefined): Listeners {
  const listeners = new Map<AuthEvent['type'], Set<(event: never) => void>>()
  const guarded = (listener: (event: never) => unknown, event: AuthEvent) => {
    try {
      const returned: unknown = listener(event as never)
      // An async listener is not waited for; that it rejects is its own affair.
      if (returned instanceof Promise) returned.catch(() => {})
    } catch {
      // A listener's fault must not stop the chart, nor change what its caller gets.
    }
  }
  return {
    on(type, listener) {
      const ofType = listeners.get(type) ?? new Set()
      listeners.set(type, ofType.add(listener))
      return () => void ofType.delete(listener)
    },
    has: (type) => (listeners.get(type)?.size ?? 0) > 0,
    emit(event) {
      if (all !== undefined) guarded(all, event)
      for (const listener of [...(listeners.get(event.type) ?? [])]) guarded(listener, event)
    },
  }
}
