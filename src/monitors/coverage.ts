import type { InvariantNumber, PolicyId } from '../policy/catalogue.ts'

/** Id of a monitor: an invariant's number, or the clause or decision that it stands for. */
export type MonitorId = `invariant-${InvariantNumber}` | PolicyId

/** What shows in traffic that a clause or decision was broken. */
export interface Coverage {
  /** The monitors that show it. None: traffic cannot, and `note` says why. */
  readonly monitors: readonly MonitorId[]
  /** What they leave open. */
  readonly note?: string
}

/** Every clause and decision of the policy. */
export const COVERAGE: Readonly<Record<PolicyId, Coverage>> = {
  'bearer-on-every-request': { monitors: ['bearer-on-every-request'] },
  'no-basic-auth': { monitors: ['no-basic-auth'] },
  'no-api-v1': { monitors: ['no-api-v1'] },
  'cache-tokens': { monitors: ['invariant-10'] },
  'store-securely': {
    monitors: ['invariant-12'],
    note: 'What a store does with its tokens is no traffic; only what is given out is looked through.',
  },
  'access-lives-1h': { monitors: ['invariant-4'] },
  'refresh-lives-24h': { monitors: ['refresh-lives-24h'] },
  'ten-per-minute': { monitors: ['invariant-2'] },
  'pause-after-429': { monitors: ['invariant-3'] },
  'create-rarely': { monitors: ['create-rarely', 'invariant-10'] },
  'validate-optionally': { monitors: ['validate-optionally'] },
  'refresh-any-time': { monitors: [], note: 'It allows something, and nothing can break it.' },
  'refresh-before-expiry': { monitors: ['refresh-before-expiry'] },
  'rotate-within-12h': { monitors: ['rotate-within-12h'] },
  'replace-both': { monitors: ['invariant-4', 'invariant-5'] },
  'expired-access-refreshes': { monitors: ['invariant-10'] },
  'both-expired-creates': {
    monitors: ['refresh-lives-24h', 'invariant-4'],
    note: 'That a sign-in is missing shows by what is sent in its place.',
  },
  'refresh-once': { monitors: ['refresh-once', 'invariant-6', 'invariant-4'] },
  'no-endless-retry': { monitors: ['invariant-6'] },
  'refresh-4xx-recreates': { monitors: ['invariant-8', 'invariant-10'] },
  'no-retry-on-invalid-credentials': { monitors: ['invariant-7'] },
  'reauth-failure-stops': { monitors: ['invariant-9', 'D-create-4xx'] },
  'status-codes': {
    monitors: [
      'invariant-3',
      'invariant-6',
      'invariant-7',
      'invariant-8',
      'invariant-9',
      'D-back-off',
      'D-refresh-401',
      'D-api-429',
    ],
  },
  'D-create-path': {
    monitors: [],
    note: 'The configured path is not in the traffic; a request to another one is an API request.',
  },
  'D-wire-names': { monitors: [], note: 'Bodies hold secrets, so a trace does not tell of them.' },
  'D-lifetimes': { monitors: ['invariant-4', 'refresh-lives-24h'] },
  'D-partial-refresh': { monitors: ['invariant-10'], note: 'A client that lost the old refresh token has to sign in.' },
  'D-short-lifetimes': { monitors: ['refresh-before-expiry', 'D-young-rejection'] },
  'D-skew': { monitors: ['invariant-4', 'refresh-lives-24h'], note: 'Expiries in a trace are the server’s.' },
  'D-origin': { monitors: ['invariant-14'] },
  'D-credentials': { monitors: [], note: 'A callback that fails sends nothing.' },
  'D-proactive': { monitors: ['refresh-before-expiry', 'rotate-within-12h'] },
  'D-jitter': { monitors: [], note: 'One client’s draws show no distribution.' },
  'D-refresh-expired-first': { monitors: ['refresh-before-expiry'] },
  'D-refresh-429': { monitors: ['invariant-3', 'invariant-8', 'invariant-10'] },
  'D-refresh-401': { monitors: ['D-refresh-401', 'invariant-5', 'invariant-10'] },
  'D-refresh-unavailable': { monitors: ['D-back-off', 'D-refresh-unavailable', 'invariant-10'] },
  'D-create-4xx': { monitors: ['D-create-4xx', 'invariant-7'] },
  'D-create-unavailable': { monitors: ['invariant-9', 'D-back-off'] },
  'D-back-off': { monitors: ['D-back-off'] },
  'D-sign-in': { monitors: ['invariant-10'] },
  'D-sign-out': { monitors: ['D-sign-out'] },
  'D-force': { monitors: [], note: 'Traffic shows the refresh, not which caller was given its token.' },
  'D-stale-401': { monitors: ['refresh-once', 'invariant-6'] },
  'D-young-rejection': { monitors: ['D-young-rejection', 'refresh-once'] },
  'D-failed-401': {
    monitors: [],
    note: 'What the caller is told of a failure is no traffic; that it is told in time is invariant 11’s.',
  },
  'D-one-shot-body': { monitors: [], note: 'Bodies are not in a trace.' },
  'D-api-403': { monitors: ['invariant-4', 'invariant-6', 'refresh-once'], note: 'These take such a 403 for a 401.' },
  'D-api-5xx': { monitors: ['invariant-6'] },
  'D-api-429': { monitors: ['D-api-429'] },
  'D-pause-length': { monitors: ['invariant-3', 'D-api-429'] },
  'D-pause': { monitors: ['invariant-3', 'invariant-13'], note: 'Whom a pause refuses is no traffic.' },
  'D-budget': { monitors: ['invariant-2'] },
  'D-validate': {
    monitors: ['invariant-2', 'invariant-3', 'invariant-4'],
    note: 'That "not valid" counts as a rejection shows only when the API refuses the token too.',
  },
  'D-one-at-a-time': { monitors: ['invariant-1'] },
  'D-store-down': { monitors: [], note: 'The store is no traffic.' },
  'D-time-outs': { monitors: ['invariant-11', 'invariant-13'] },
}
