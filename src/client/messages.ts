import { AuthError, type AuthErrorCode, type AuthErrorDetails } from '../errors.ts'
import type { LifecycleEmitted, RefusalCode } from '../policy/events.ts'
import { duration, timeOfDay } from '../policy/words.ts'
import type { StoreError } from '../store/store-error.ts'

/** What happened and what is needed, by code; the clause and the time are added. */
const SENTENCES: Record<RefusalCode, string> = {
  THROTTLED: 'Token requests are throttled by the server',
  BUDGET_EXHAUSTED: 'Ten token requests were sent in the last minute',
  LEASE_HELD: 'Another process is signing in or refreshing for this account',
  UNAVAILABLE: 'The token endpoint gave no usable answer',
  STORE_UNAVAILABLE: 'The token store does not answer, and no token request is sent without it',
  CREDENTIALS_UNAVAILABLE: 'The credentials callback gave no credentials, so nothing was sent',
  INVALID_CREDENTIALS:
    'The server refused these credentials, and they are not tried again: sign in with others, or reset',
  SIGN_IN_REJECTED: 'The server rejected the sign-in, and it is not tried again: mend the request, then reset',
  REFRESH_UNAUTHORIZED:
    'The server refused the refresh token without a reason that this client can see: call signIn() or reset()',
  SIGNED_OUT: 'This account is signed out: call signIn()',
}

const when = (retryAtMs: number | undefined, nowMs: number) =>
  retryAtMs === undefined ? '' : `; possible again at ${timeOfDay(retryAtMs)}, in ${duration(retryAtMs - nowMs)}`

/** The error of those whom the chart refused; times are wall-clock ms. */
export const refusal = (
  code: RefusalCode,
  clause: string,
  retryAtMs: number | undefined,
  nowMs: number,
  details: Pick<AuthErrorDetails, 'status'> = {},
): AuthError =>
  new AuthError(code, `${SENTENCES[code]} (${clause})${when(retryAtMs, nowMs)}.`, { clause, retryAtMs, ...details })

/** The error of those who need the store, which does not answer: with what it says, where it can say. `D-store-down` */
export const storeRefusal = (
  trouble: StoreError | undefined,
  clause: string,
  retryAtMs: number | undefined,
  nowMs: number,
): AuthError => {
  const said = trouble === undefined ? '' : `: ${trouble.message}`
  const message = `${SENTENCES.STORE_UNAVAILABLE}${said} (${clause})${when(retryAtMs, nowMs)}.`
  return new AuthError('STORE_UNAVAILABLE', message, { clause, retryAtMs, cause: trouble })
}

/** The error of a client that was closed before the store took what it knew. `D-store-down` */
export const unstoredError = (trouble: StoreError | undefined): AuthError => {
  const said = trouble === undefined ? '' : `: ${trouble.message}`
  const message = `What this client learned last could not be stored before it was closed${said} (D-store-down).`
  return new AuthError('STORE_UNAVAILABLE', message, { clause: 'D-store-down', cause: trouble })
}

/** The journal is given up; whose stream it is said why, and its words are not ours to pass on. */
export const journalFailure = (error: unknown): AuthError => {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown }
  const why = [code, name].find((word) => typeof word === 'string' && /^\w{1,40}$/.test(word)) ?? 'failed'
  const message = `option 'journal' is a stream that cannot be written any more (${why}): nothing further is told to it, and the client goes on without`
  return new AuthError('CONFIG_INVALID', message)
}

const FAILURES: Partial<Record<string, { code: AuthErrorCode; what: string; status?: number }>> = {
  'create outcome.unauthorized': { code: 'INVALID_CREDENTIALS', what: 'was answered 401', status: 401 },
  'create outcome.rejected': { code: 'SIGN_IN_REJECTED', what: 'was rejected' },
  'refresh outcome.unauthorized': { code: 'REFRESH_UNAUTHORIZED', what: 'was answered 401', status: 401 },
  'refresh outcome.rejected': { code: 'REFRESH_REJECTED', what: 'was rejected; both tokens are discarded' },
  'create outcome.throttled': { code: 'THROTTLED', what: 'was answered 429', status: 429 },
  'refresh outcome.throttled': { code: 'THROTTLED', what: 'was answered 429', status: 429 },
}
const NO_ANSWER = { code: 'UNAVAILABLE', what: 'found no usable answer', status: undefined } as const

/** The error event of a token request that ended without a pair. */
export function failureError(
  { request, outcome, clause }: Extract<LifecycleEmitted, { type: 'failure' }>,
  retryAtMs: number | undefined,
  nowMs: number,
): AuthError {
  const { code, what, status } = FAILURES[`${request} ${outcome}`] ?? NO_ANSWER
  const name = request === 'create' ? 'sign-in' : 'refresh'
  return new AuthError(code, `A ${name} ${what} (${clause})${when(retryAtMs, nowMs)}.`, { clause, retryAtMs, status })
}
