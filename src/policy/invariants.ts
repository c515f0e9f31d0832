import type { CLAUSES } from './clauses.ts'
import type { DECISIONS } from './decisions.ts'

/** What holds at every moment, in the machine, in simulation and in recorded traffic. */
export interface Invariant {
  readonly number: number
  readonly summary: string
  /** Clauses and decisions it follows from, the weightiest first. */
  readonly ids: readonly ((typeof CLAUSES)[number] | (typeof DECISIONS)[number])['id'][]
}

export const INVARIANTS = [
  {
    number: 1,
    summary: 'One create or refresh is in flight per account.',
    ids: ['D-one-at-a-time'],
  },
  {
    number: 2,
    summary: 'At most 10 token requests are sent in any 60 s.',
    ids: ['ten-per-minute', 'D-budget'],
  },
  {
    number: 3,
    summary: 'No token request is sent within the pause after a 429 to a token request.',
    ids: ['pause-after-429', 'D-pause-length', 'D-refresh-429'],
  },
  {
    number: 4,
    summary: 'No access token is sent at or after its expiry, nor after it was replaced or marked rejected.',
    ids: ['access-lives-1h', 'D-lifetimes', 'D-skew', 'replace-both'],
  },
  {
    number: 5,
    summary: 'No refresh token is sent after a refresh that used it was granted with a new one.',
    ids: ['replace-both', 'D-refresh-401'],
  },
  {
    number: 6,
    summary: 'An API request is sent at most twice, the second time only after a 401 and with a different token.',
    ids: ['no-endless-retry', 'refresh-once', 'D-stale-401'],
  },
  {
    number: 7,
    summary: 'After invalid credentials nothing is sent with them until they change or an operator resets.',
    ids: ['no-retry-on-invalid-credentials', 'D-create-4xx'],
  },
  {
    number: 8,
    summary:
      'After a refresh 4xx other than 401 and 429 both tokens are gone and at most one create follows by itself.',
    ids: ['refresh-4xx-recreates', 'D-refresh-429'],
  },
  {
    number: 9,
    summary: 'After a failed create no create or refresh follows without a new demand.',
    ids: ['reauth-failure-stops', 'D-create-unavailable'],
  },
  {
    number: 10,
    summary: 'No create is sent while a usable refresh token is held, but where a clause or decision asks for it.',
    ids: ['expired-access-refreshes', 'cache-tokens', 'refresh-4xx-recreates', 'D-refresh-401', 'D-sign-in'],
  },
  {
    number: 11,
    summary: 'Every demand settles within its time-out, with a usable token or a typed error.',
    ids: ['D-time-outs'],
  },
  {
    number: 12,
    summary: 'No token, password or credential appears in anything observable.',
    ids: ['store-securely'],
  },
  {
    number: 13,
    summary: 'Aborting one caller changes nothing for the others, nor for the request in flight.',
    ids: ['D-time-outs', 'D-pause'],
  },
  {
    number: 14,
    summary: 'The token goes to the configured origin only.',
    ids: ['D-origin'],
  },
] as const satisfies readonly Invariant[]
