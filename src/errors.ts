/**
 * Everything this library throws. A closed union, so that a `switch` over it can end in `satisfies never`.
 * The generated table in docs/errors.md says for each what happened and what to do.
 */
export type AuthErrorCode =
  /** An option is unknown, malformed or contradicts another. */
  | 'CONFIG_INVALID'
  /** The credentials callback rejected, hung or gave something else. `D-credentials` */
  | 'CREDENTIALS_UNAVAILABLE'
  /** Sign-in was answered 401; latched until the credentials change. `no-retry-on-invalid-credentials` */
  | 'INVALID_CREDENTIALS'
  /** Sign-in was answered 4xx other than 401 and 429; latched likewise. `D-create-4xx` */
  | 'SIGN_IN_REJECTED'
  /** A refresh was answered 401 and nothing explains it; latched by generation. `D-refresh-401` */
  | 'REFRESH_UNAUTHORIZED'
  /**
   * A refresh was answered 4xx other than 401 and 429: both tokens are discarded, a sign-in follows. Only reported, by the
   * `error` event and the status. `refresh-4xx-recreates`
   */
  | 'REFRESH_REJECTED'
  /** Token requests are paused after a 429. `pause-after-429` */
  | 'THROTTLED'
  /** Ten token requests were sent in the last 60 s and no slot frees in time. `ten-per-minute` */
  | 'BUDGET_EXHAUSTED'
  /** API requests are paused after an API 429. `D-api-429` */
  | 'API_THROTTLED'
  /** 5xx, time-out, network error or an unusable 200 from a token endpoint; or its back-off runs. `D-back-off` */
  | 'UNAVAILABLE'
  /** Another process holds the account's lease and did not end in time. `D-one-at-a-time` */
  | 'LEASE_HELD'
  /** The store cannot be read or written. `D-store-down` */
  | 'STORE_UNAVAILABLE'
  /** The account was signed out. `D-sign-out` */
  | 'SIGNED_OUT'
  /** The caller's own time-out ended first. `D-time-outs` */
  | 'TIMEOUT'
  /** The caller's `AbortSignal` fired. */
  | 'ABORTED'
  /** The client was closed. */
  | 'CLOSED'
  /** The request may not carry the token: other origin, no https, foreign redirect. `D-origin` */
  | 'ORIGIN_REFUSED'
  /** The request itself is against the policy: Basic authentication or `/api/v1/`. */
  | 'REQUEST_REFUSED'
  /** A 401 was recovered by a refresh, but the body could not be sent twice. `D-one-shot-body` */
  | 'BODY_NOT_REPLAYABLE'

/** What an {@link AuthError} may carry beside its message. */
export interface AuthErrorDetails {
  /** The clause or decision that applies, an id of the catalogue. */
  clause?: string | undefined
  /** Wall-clock time, ms since the epoch, from which another try can succeed. */
  retryAtMs?: number | undefined
  /** HTTP status of the answer behind this error, if there was one. */
  status?: number | undefined
  /** What led here; never holds a secret. */
  cause?: unknown
}

/** The one error class of this library. Nothing in it, its `cause` chain included, holds a secret. */
export class AuthError extends Error {
  override readonly name = 'AuthError'
  readonly code: AuthErrorCode
  readonly clause: string | undefined
  readonly retryAtMs: number | undefined
  readonly status: number | undefined

  constructor(code: AuthErrorCode, message: string, { clause, retryAtMs, status, cause }: AuthErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.clause = clause
    this.retryAtMs = retryAtMs
    this.status = status
  }
}
