import type { AuthErrorCode } from '../errors.ts'

/** What the command line says with its exit code. */
export const EXIT = {
  done: 0,
  findings: 1,
  usage: 2,
  unreadable: 3,
  inconclusive: 4,
  invalidCredentials: 10,
  throttled: 11,
  unavailable: 12,
  store: 13,
  signInRejected: 14,
  refreshUnauthorized: 15,
  apiRefused: 16,
  unwritable: 17,
  interrupted: 130,
  brokenPipe: 141,
} as const

/** The exit code of an error of the library. */
export function exitCodeOf(code: AuthErrorCode): number {
  switch (code) {
    case 'CONFIG_INVALID':
    case 'ORIGIN_REFUSED':
    case 'REQUEST_REFUSED':
      return EXIT.usage
    case 'INVALID_CREDENTIALS':
      return EXIT.invalidCredentials
    case 'THROTTLED':
    case 'BUDGET_EXHAUSTED':
    case 'API_THROTTLED':
      return EXIT.throttled
    case 'UNAVAILABLE':
    case 'REFRESH_REJECTED':
    case 'CREDENTIALS_UNAVAILABLE':
    case 'LEASE_HELD':
    case 'TIMEOUT':
    case 'CLOSED':
      return EXIT.unavailable
    case 'STORE_UNAVAILABLE':
      return EXIT.store
    case 'SIGN_IN_REJECTED':
      return EXIT.signInRejected
    case 'REFRESH_UNAUTHORIZED':
      return EXIT.refreshUnauthorized
    case 'BODY_NOT_REPLAYABLE':
      return EXIT.apiRefused
    // No token is to be had, and that is as somebody wanted it.
    case 'SIGNED_OUT':
      return EXIT.findings
    case 'ABORTED':
      return EXIT.interrupted
    default:
      return code satisfies never
  }
}
