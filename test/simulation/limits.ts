import { MINUTE, SECOND } from './units.ts'

/** Names and numbers of every world. */

export const BASE_URL = 'https://sandbox.test'
export const USERNAME = 'demo'
export const API = '/api/v2/whoami/'
/** API requests whose callers give up: only these may be left without an answer. */
export const WATCHED = '/api/v2/status/200/'
export const TOKEN_PATHS: Readonly<Record<string, 'create' | 'refresh' | 'validate'>> = {
  '/api/v2/token/': 'create',
  '/api/v2/token/create': 'create',
  '/api/v2/token/refresh/': 'refresh',
  '/api/v2/token/validate/': 'validate',
}
export const PASSWORD = 'sim-password-'
export const LONGEST_RETRY_AFTER_MS = 15 * MINUTE
export const LONGEST_BACK_OFF_MS = 15 * MINUTE
/** A request in flight, a full budget, a demand every so often. */
export const SLACK_MS = 4 * MINUTE
export const API_REQUESTS_PER_DAY = 212
/** Longest way to a slow store, and back, ms. */
export const STORE_LEG_MS = 300
export const STORY_LINES = 400
/** What is at least left of a lease that is renewed: whoever stands still for less keeps it. `D-one-at-a-time` */
export const LEASE_LEFT_MS = 10 * SECOND
/** Longest that a command of an operator may take: what is in flight, a token, the store. */
export const COMMAND_MS = 200 * SECOND

export const LATCHED = ['INVALID_CREDENTIALS', 'SIGN_IN_REJECTED', 'REFRESH_UNAUTHORIZED', 'SIGNED_OUT']

/** Names credentials, without the password. */
export const credentialsIdOf = (username: string | undefined, password: string | undefined) =>
  `${username} ${password?.slice(PASSWORD.length)}`
