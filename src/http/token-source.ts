import type { Secret } from '../secret.ts'

/** An access token and the generation of its pair. */
export interface HeldToken {
  readonly access: Secret
  readonly generation: number
}

/** How long a caller waits for a token, and how it stops. */
export interface AcquireOptions {
  /** Ends the wait with `ABORTED`; changes nothing for others. Invariant 13. */
  readonly signal?: AbortSignal | undefined
  /** Ends the wait, ms. Default: the policy's `callerTimeoutMs` (90 s). `D-time-outs` */
  readonly timeoutMs?: number | undefined
}

/** What the API adapter needs of the client: a token, and somebody to tell what the API said of it. */
export interface TokenSource {
  /** A usable token, at once if one is held. Rejects with an `AuthError`. */
  acquire(options?: AcquireOptions): HeldToken | Promise<HeldToken>
  /**
   * The API refused the token of `generation` (401, or 403 `token_not_valid`).
   * `replay`: the token is being replaced, for this or an earlier rejection: acquire a new one and replay once.
   * `stale`: it has since been replaced: acquire the current one and replay once.
   * `ignore`: too young, or rejections back off: the answer goes to the caller. `D-stale-401`, `D-young-rejection`
   */
  rejected(generation: number): 'replay' | 'stale' | 'ignore'
  /** The API accepted the token of `generation`: rejections count again. `D-young-rejection` */
  accepted(generation: number): void
  /** The replay with the fresh token was refused too: refreshes driven by rejections back off. `D-young-rejection` */
  replayRejected(generation: number): void
  /**
   * Where API requests count for the budget too (`budgetCounts: 'all'`): waits for a slot and takes it. Gives the function
   * to call when the request was answered. Rejects with `BUDGET_EXHAUSTED`. `D-budget`
   */
  readonly slot?: ((options: AcquireOptions) => Promise<() => void>) | undefined
  /** Wall-clock time until which no API request is sent, ms since the epoch; 0 when none. `D-api-429` */
  apiPausedUntilMs(): number
  /** An API request was answered 429: no further one for `pauseMs` from now. `D-api-429` */
  apiThrottled(pauseMs: number): void
}

/** What the adapter tells of each send; nothing secret. */
export interface ApiRequestEvent {
  readonly id: number
  readonly endpoint: 'api'
  readonly phase: 'sent' | 'answered' | 'failed'
  readonly method: string
  /** Without query string. */
  readonly path: string
  readonly generation: number
  /** 0 for the first send, 1 for the replay (OpenTelemetry `http.request.resend_count`). */
  readonly resendCount: 0 | 1
  readonly atMs: number
  readonly status?: number
  readonly durationMs?: number
}
