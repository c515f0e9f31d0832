import type { Facts, LatchKind, PairFacts, Patience, Waiting } from './facts.ts'

/**
 * What reaches the chart and what leaves it. Every event and every outcome carries `atMs`, the time on the chart's one
 * timeline: ms, never going back, anchored to the epoch where it was started.
 */

/** What became of a create or refresh. HTTP statuses stop at the adapter; the chart sees these. */
export type Outcome =
  | {
      readonly type: 'outcome.granted'
      readonly atMs: number
      readonly pair: PairFacts
      /** When this send filled the budget: the time at which a slot frees. */
      readonly fullUntilMs?: number
    }
  /** The store already held a newer record: its facts, nothing was sent (or what came back was older). */
  | { readonly type: 'outcome.adopted'; readonly atMs: number; readonly facts: Facts }
  /** 429: no token request before `untilMs`. `pause-after-429` */
  | {
      readonly type: 'outcome.throttled'
      readonly atMs: number
      readonly untilMs: number
      readonly fullUntilMs?: number
    }
  /**
   * 401. `spent` of a refresh: whether an expired or already rotated token explains it, where the actor knows better than
   * the facts; left out, the chart decides by them. `true` signs in again. `false` latches the refresh for this
   * generation: say it only of a refresh token that was alive and not unfinished before this send. `D-refresh-401`
   */
  | {
      readonly type: 'outcome.unauthorized'
      readonly atMs: number
      readonly spent?: boolean
      readonly fullUntilMs?: number
    }
  /** 4xx other than 401 and 429 */
  | { readonly type: 'outcome.rejected'; readonly atMs: number; readonly fullUntilMs?: number }
  /** 5xx, time-out, network error: no create or refresh before `untilMs`. `D-back-off` */
  | {
      readonly type: 'outcome.unavailable'
      readonly atMs: number
      readonly untilMs: number
      readonly fullUntilMs?: number
    }
  /** A 200 that cannot be used. Treated as `unavailable`. */
  | {
      readonly type: 'outcome.malformed'
      readonly atMs: number
      readonly untilMs: number
      readonly fullUntilMs?: number
    }
  /** Nothing was sent, so nothing is held against the server. */
  | ({ readonly type: 'outcome.deferred'; readonly atMs: number } & Deferral)

/** Why nothing was sent, and until when. */
export type Deferral =
  | { readonly reason: 'pause' | 'budget' | 'backOff' | 'lease' | 'store' | 'credentials'; readonly untilMs: number }
  /** The record holds a latch against these credentials, or the mark of a failed create that no demand has answered. */
  | { readonly reason: 'latched'; readonly latch: LatchKind | 'createFailed' }
  /** The refresh token turned out to be expired. */
  | { readonly reason: 'expired' }

/** Everything the chart reacts to beside its own timers. */
export type LifecycleEvent =
  /** A caller wants a token and none is usable (or `onDemand` and the refresh is due, or it is forced). */
  | { readonly type: 'demand'; readonly atMs: number; readonly patience: Patience }
  /** A caller left (served, refused, aborted, timed out); `waiting` is who still waits. Time does not move. */
  | { readonly type: 'demand.withdrawn'; readonly waiting: Waiting }
  /** The API refused the access token of `generation`. */
  | { readonly type: 'token.rejected'; readonly atMs: number; readonly generation: number }
  /** A validate was answered 429. `D-validate` */
  | { readonly type: 'validate.throttled'; readonly atMs: number; readonly untilMs: number }
  /** The store cannot be read or written; tried again at `untilMs`. `D-store-down` */
  | { readonly type: 'store.unavailable'; readonly atMs: number; readonly untilMs: number }
  /** The store holds a newer record, or it was read for the first time. */
  | { readonly type: 'record.adopted'; readonly atMs: number; readonly facts: Facts }
  /** The wall clock moved apart from the monotonic one: the pair's deadlines on the chart's timeline, as they are now. `D-skew` */
  | { readonly type: 'woke'; readonly atMs: number; readonly pair: PairFacts | null }
  /** `signIn()`: `other` when the password is not the one last used. `D-sign-in` */
  | { readonly type: 'operator.signIn'; readonly atMs: number; readonly credentials: 'same' | 'other' }
  /** A credentials callback gives something new while a latch holds. `D-create-4xx` */
  | { readonly type: 'operator.newCredentials'; readonly atMs: number }
  /** `D-sign-out` */
  | { readonly type: 'operator.signOut'; readonly atMs: number }
  /** An operator clears latch, marks and pair; pause and budget stay. */
  | { readonly type: 'operator.reset'; readonly atMs: number }
  | Outcome

/** Events that wait for the request in flight. */
export type NotedEvent = Extract<
  LifecycleEvent,
  { type: 'record.adopted' | 'operator.signIn' | 'operator.newCredentials' | 'operator.reset' }
>

/** Why callers got no token; the client turns it into an `AuthError` of the same code. */
export type RefusalCode =
  | 'THROTTLED'
  | 'BUDGET_EXHAUSTED'
  | 'LEASE_HELD'
  | 'UNAVAILABLE'
  | 'STORE_UNAVAILABLE'
  | 'CREDENTIALS_UNAVAILABLE'
  | 'INVALID_CREDENTIALS'
  | 'SIGN_IN_REJECTED'
  | 'REFRESH_UNAUTHORIZED'
  | 'SIGNED_OUT'

/** What the chart tells those outside; every settlement is one of these, none is inferred from a state. */
export type LifecycleEmitted =
  /** Those who wait for any token get the one of this generation. */
  | { readonly type: 'served'; readonly generation: number }
  /**
   * Those who wait get an error. `everyone`; `impatient`: all but those who wait for the end of a pause;
   * `forced`: only those who wanted a newer generation; `shortOfTime`: those whose time-out ends before `retryAtMs`.
   */
  | {
      readonly type: 'refused'
      readonly whom: 'everyone' | 'impatient' | 'forced' | 'shortOfTime'
      readonly code: RefusalCode
      readonly clause: string
      readonly retryAtMs: number | null
    }
  /** A create or refresh ended without a pair. */
  | {
      readonly type: 'failure'
      readonly request: 'create' | 'refresh'
      readonly outcome: Outcome['type']
      readonly clause: string
      readonly retryAtMs: number | null
    }
  /** The pair of this generation is gone: forget its tokens. */
  | { readonly type: 'discarded'; readonly generation: number; readonly clause: string }
