import type { AuthErrorCode } from '../errors.ts'
import type { PolicyId } from '../policy/catalogue.ts'

/** What an error means to the one who gets it. */
export interface ErrorHelp {
  /** The clause or decision behind it, where there is one. */
  readonly clause: PolicyId | null
  readonly happened: string
  readonly remedy: string
  /** `retryAtMs` says when another try can succeed: `always`, `sometimes` or `never`. */
  readonly retryAt: 'always' | 'sometimes' | 'never'
}

/** One entry for each code, or the type-check fails. */
export const ERROR_HELP = {
  CONFIG_INVALID: {
    clause: null,
    happened: 'An option is unknown, malformed, or contradicts another. Nothing was sent.',
    remedy: 'Correct the option that the message names; it says what is allowed, and the nearest known name.',
    retryAt: 'never',
  },
  CREDENTIALS_UNAVAILABLE: {
    clause: 'D-credentials',
    happened: 'The credentials callback rejected, hung, or gave something else. Nothing was sent.',
    remedy: 'Look at `cause`, mend the callback, call again once the back-off is over.',
    retryAt: 'sometimes',
  },
  INVALID_CREDENTIALS: {
    clause: 'no-retry-on-invalid-credentials',
    happened: 'Sign-in was answered 401. Nothing more is sent with these credentials, restarts included.',
    remedy: 'Give other credentials, `signIn(credentials)` or the callback; or `reset()` when the server was wrong.',
    retryAt: 'never',
  },
  SIGN_IN_REJECTED: {
    clause: 'D-create-4xx',
    happened: 'Sign-in was answered 4xx other than 401 and 429. Nothing more is sent with these credentials.',
    remedy: 'Look at `status`; mend account, paths or field names, then give other credentials or `reset()`.',
    retryAt: 'never',
  },
  REFRESH_REJECTED: {
    clause: 'refresh-4xx-recreates',
    happened: 'A refresh was answered 4xx other than 401 and 429. Only reported, by the `error` event and the status.',
    remedy:
      'None: both tokens are discarded and a sign-in follows. Where it recurs, compare `paths` and `wireNames` with the server.',
    retryAt: 'never',
  },
  REFRESH_UNAUTHORIZED: {
    clause: 'D-refresh-401',
    happened: 'A refresh was answered 401, and neither expiry nor an unfinished refresh explains it.',
    remedy:
      "Find out who revoked the token, then `signIn()`. For a server that revokes at will: `refreshUnauthorized: 'recreate'`.",
    retryAt: 'never',
  },
  THROTTLED: {
    clause: 'pause-after-429',
    happened:
      'A token request was answered 429; token requests pause for ten minutes, or longer if the server says so.',
    remedy: 'Try again at `retryAtMs`, or wait for it with `waitForPause`.',
    retryAt: 'always',
  },
  BUDGET_EXHAUSTED: {
    clause: 'ten-per-minute',
    happened: 'Ten token requests were sent in the last 60 s, and no slot frees within your time-out.',
    remedy:
      'Try again at `retryAtMs`, or allow more time. Ten a minute is far above what one client needs: see who sends.',
    retryAt: 'always',
  },
  API_THROTTLED: {
    clause: 'D-api-429',
    happened: 'An API request was answered 429; this client sends no API request until its pause ends.',
    remedy: 'Try again at `retryAtMs`. `apiPause: false` switches the pause off.',
    retryAt: 'always',
  },
  UNAVAILABLE: {
    clause: 'D-back-off',
    happened:
      'A token endpoint answered 5xx, too late, not at all, or a 200 that cannot be used; or its back-off runs.',
    remedy: 'Try again at `retryAtMs`. Nobody tries on your behalf after a failed sign-in.',
    retryAt: 'always',
  },
  LEASE_HELD: {
    clause: 'D-one-at-a-time',
    happened: "Another process is at this account's tokens and did not end within your time-out.",
    remedy: 'Try again; a lease that its holder no longer renews ends after `leaseMs`.',
    retryAt: 'always',
  },
  STORE_UNAVAILABLE: {
    clause: 'D-store-down',
    happened: 'The store cannot be read or written, and no token request is sent without it.',
    remedy:
      'The message and `cause` (a `StoreError`) say what is wrong with it; mend that. It is tried again with back-off.',
    retryAt: 'sometimes',
  },
  SIGNED_OUT: {
    clause: 'D-sign-out',
    happened: 'The account was signed out, here or by another process on the same store.',
    remedy: '`signIn()`.',
    retryAt: 'never',
  },
  TIMEOUT: {
    clause: 'D-time-outs',
    happened: 'Your own time-out ended first. What was in flight goes on.',
    remedy: 'Call again, or allow more time with `timeoutMs`.',
    retryAt: 'never',
  },
  ABORTED: {
    clause: null,
    happened: 'Your `AbortSignal` fired. What was in flight goes on, for others who wait.',
    remedy: 'Nothing; you asked for it.',
    retryAt: 'never',
  },
  CLOSED: {
    clause: null,
    happened: 'The client was closed.',
    remedy: 'Create a new client.',
    retryAt: 'never',
  },
  ORIGIN_REFUSED: {
    clause: 'D-origin',
    happened: 'The request would have carried the token to another origin, without https, or along a foreign redirect.',
    remedy: 'Send it without this client, or set `baseURL` to the origin that is meant.',
    retryAt: 'never',
  },
  REQUEST_REFUSED: {
    clause: 'no-basic-auth',
    happened: 'The request itself is against the policy: Basic authentication, or a path under `/api/v1/`.',
    remedy: "Drop the `Authorization` header, or call the V2 path. The error's `clause` says which.",
    retryAt: 'never',
  },
  BODY_NOT_REPLAYABLE: {
    clause: 'D-one-shot-body',
    happened: 'The API refused the token, a refresh put that right, but the body could be sent only once.',
    remedy: 'Send the request again with a new body; buffer it, or raise `replayBodyBytes`.',
    retryAt: 'never',
  },
} as const satisfies Record<AuthErrorCode, ErrorHelp>
