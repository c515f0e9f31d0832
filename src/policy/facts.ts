/**
 * What is known of one account, as times and marks: no token, no HTTP, no storage. The chart's context is made of these,
 * and the rules of `rules.ts` judge by them alone. All times are milliseconds on the one timeline that the events'
 * `atMs` run on; 0 stands for "not running".
 */

/** A token pair, without the tokens. */
export interface PairFacts {
  /** Counts the pairs of the account; a larger one is newer. */
  readonly generation: number
  /** Up to here (exclusive) the access token may be sent: its expiry less the leeway. `access-lives-1h`, `D-skew` */
  readonly usableUntilMs: number
  /** From here on a proactive refresh is due. `refresh-before-expiry`, `rotate-within-12h`, `D-jitter` */
  readonly refreshAtMs: number
  /** Up to here (exclusive) the refresh token may be sent; 0 when there is none. `refresh-lives-24h` */
  readonly refreshUsableUntilMs: number
  /** Up to here a rejection says nothing about the token. `D-young-rejection` */
  readonly youngUntilMs: number
  /** The API refused this access token. */
  readonly rejected: boolean
}

/** Why nothing is sent until something changes. `failed-create` is the mark, not a latch: a demand after the back-off clears it. */
export type LatchKind = 'invalidCredentials' | 'rejected' | 'refreshUnauthorized'

/** Everything known of one account. */
export interface Facts {
  readonly pair: PairFacts | null
  /** No token request before this. `pause-after-429`, `D-pause-length` */
  readonly pausedUntilMs: number
  /** No token request before this: the budget is full, or another process holds the lease. `ten-per-minute` */
  readonly fullUntilMs: number
  readonly fullReason: 'budget' | 'lease'
  /** No create or refresh before this. `D-back-off` */
  readonly backOffUntilMs: number
  readonly backOffReason: 'unavailable' | 'store' | 'credentials'
  /** Refreshes of this generation that a timer started and that got no definite answer. `D-refresh-unavailable` */
  readonly refreshAttempts: number
  /** A rejection before this does not count. `D-young-rejection` */
  readonly rejectionsIgnoredUntilMs: number
  readonly latch: LatchKind | null
  /** The last create failed and no demand was accepted since. `reauth-failure-stops`, `D-create-unavailable` */
  readonly createFailed: boolean
  /** Some use of this refresh token ended in the unknown: the server may have rotated it. `D-refresh-401` */
  readonly unfinished: boolean
  /** `D-sign-out` */
  readonly signedOut: boolean
}

/** An account of which nothing is known yet. */
export const NO_FACTS: Facts = {
  pair: null,
  pausedUntilMs: 0,
  fullUntilMs: 0,
  fullReason: 'budget',
  backOffUntilMs: 0,
  backOffReason: 'unavailable',
  refreshAttempts: 0,
  rejectionsIgnoredUntilMs: 0,
  latch: null,
  createFailed: false,
  unfinished: false,
  signedOut: false,
}

/**
 * Which kinds of callers wait for a token. `plain`: gets an error when a pause runs; `patient`: waits for its end
 * (`waitForPause`); `forced`: wants a generation newer than the one at its call (`forceRefresh`).
 */
export interface Waiting {
  readonly plain: boolean
  readonly patient: boolean
  readonly forced: boolean
}

export const NOBODY: Waiting = { plain: false, patient: false, forced: false }
export type Patience = keyof Waiting

/** What the rules look at: the facts, the time, who waits, and the switches of the policy. */
export interface Situation extends Facts {
  /** The latest time any event brought, ms. */
  readonly atMs: number
  readonly waiting: Waiting
  /** Who started the latest refresh. `D-refresh-unavailable` counts the timer's attempts only. */
  readonly startedBy: 'timer' | 'demand'
  /** `timer`: a due refresh starts by itself; `onDemand`: only when a caller asks. `D-proactive` */
  readonly proactive: 'timer' | 'onDemand'
  /** `recreate`: an unexplained refresh 401 signs in again. `D-refresh-401` */
  readonly refreshUnauthorized: 'fail' | 'recreate'
  /** How many refreshes of one generation a timer may start. Default 6. `D-refresh-unavailable` */
  readonly refreshAttemptsLimit: number
}
