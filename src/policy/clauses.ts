/** How strongly the guide asks for something, in its own words. The auditor makes it error, warning or note. */
export type Strength = 'required' | 'recommended' | 'optional' | 'deprecated'

/** Something the vendor's guide says. */
export interface Clause {
  readonly id: string
  readonly kind: 'clause'
  readonly strength: Strength
  /** Of what is deprecated: the day on which it ends, UTC. Before it is a warning, from it on an error. */
  readonly endsOn?: string
  /** What the guide asks, in one sentence. */
  readonly summary: string
  /** Heading of the guide under which it stands. */
  readonly section: string
}

const PREAMBLE = 'Authentication'
const VALIDITY = 'Validity'
const THROTTLING = 'Throttling'
const LOGIN = 'Initial Login / Token Creation'
const VALIDATION = 'Access Token Validation (Optional but Recommended)'
const REFRESH = 'Proactive Token Refresh (Highly Recommended)'
const EXPIRY = 'What happens if tokens expire?'
const FAILURES = 'Handling Failures'

export const CLAUSES = [
  {
    id: 'bearer-on-every-request',
    kind: 'clause',
    strength: 'required',
    section: PREAMBLE,
    summary: 'Every API request carries the access token as `Authorization: Bearer …`.',
  },
  {
    id: 'no-basic-auth',
    kind: 'clause',
    strength: 'deprecated',
    endsOn: '2026-05-31',
    section: PREAMBLE,
    summary: 'Basic Authentication ends on 2026-05-31 and is never sent.',
  },
  {
    id: 'no-api-v1',
    kind: 'clause',
    strength: 'deprecated',
    endsOn: '2026-05-31',
    section: PREAMBLE,
    summary: 'API V1 ends on 2026-05-31, so nothing under `/api/v1/` is called.',
  },
  {
    id: 'cache-tokens',
    kind: 'clause',
    strength: 'required',
    section: PREAMBLE,
    summary: 'Tokens are kept and reused: no sign-in while a usable pair is held.',
  },
  {
    id: 'store-securely',
    kind: 'clause',
    strength: 'required',
    section: PREAMBLE,
    summary: 'Tokens are stored where nobody else can read them.',
  },
  {
    id: 'access-lives-1h',
    kind: 'clause',
    strength: 'required',
    section: VALIDITY,
    summary: 'An access token is valid for 1 hour and not sent at or after its expiry.',
  },
  {
    id: 'refresh-lives-24h',
    kind: 'clause',
    strength: 'required',
    section: VALIDITY,
    summary: 'A refresh token is valid for 24 hours and not sent at or after its expiry.',
  },
  {
    id: 'ten-per-minute',
    kind: 'clause',
    strength: 'required',
    section: THROTTLING,
    summary: 'At most 10 requests are sent in any 60 seconds.',
  },
  {
    id: 'pause-after-429',
    kind: 'clause',
    strength: 'required',
    section: THROTTLING,
    summary: 'After a 429 nothing is tried again for 10 minutes.',
  },
  {
    id: 'create-rarely',
    kind: 'clause',
    strength: 'recommended',
    section: LOGIN,
    summary: 'Sign in once a day or once per start, never for each request.',
  },
  {
    id: 'validate-optionally',
    kind: 'clause',
    strength: 'optional',
    section: VALIDATION,
    summary: 'Validate before large batches, in scheduled jobs or for debugging, not on every request.',
  },
  {
    id: 'refresh-any-time',
    kind: 'clause',
    strength: 'optional',
    section: REFRESH,
    summary: 'A refresh is allowed at any time before expiry.',
  },
  {
    id: 'refresh-before-expiry',
    kind: 'clause',
    strength: 'recommended',
    section: REFRESH,
    summary: 'The access token is refreshed 10–15 minutes before the 1-hour mark, without downtime.',
  },
  {
    id: 'rotate-within-12h',
    kind: 'clause',
    strength: 'recommended',
    section: REFRESH,
    summary: 'The refresh token is used at least every 12 hours.',
  },
  {
    id: 'replace-both',
    kind: 'clause',
    strength: 'required',
    section: REFRESH,
    summary: 'A refresh returns a new access and a new refresh token, and both are replaced together.',
  },
  {
    id: 'expired-access-refreshes',
    kind: 'clause',
    strength: 'required',
    section: EXPIRY,
    summary: 'When only the access token has expired, it is refreshed; nobody signs in.',
  },
  {
    id: 'both-expired-creates',
    kind: 'clause',
    strength: 'required',
    section: EXPIRY,
    summary: 'When both tokens have expired, sign in again.',
  },
  {
    id: 'refresh-once',
    kind: 'clause',
    strength: 'required',
    section: FAILURES,
    summary: 'When an API request fails on authentication, one refresh is attempted.',
  },
  {
    id: 'no-endless-retry',
    kind: 'clause',
    strength: 'required',
    section: FAILURES,
    summary: 'The same request is never retried without end: it is replayed once at most.',
  },
  {
    id: 'refresh-4xx-recreates',
    kind: 'clause',
    strength: 'required',
    section: FAILURES,
    summary: 'When a refresh is answered with a 4xx other than 401, both tokens are discarded and sign-in follows.',
  },
  {
    id: 'no-retry-on-invalid-credentials',
    kind: 'clause',
    strength: 'required',
    section: FAILURES,
    summary: 'An error caused by invalid credentials is never retried automatically.',
  },
  {
    id: 'reauth-failure-stops',
    kind: 'clause',
    strength: 'required',
    section: FAILURES,
    summary: 'When signing in again fails, the error is surfaced and retrying stops.',
  },
  {
    id: 'status-codes',
    kind: 'clause',
    strength: 'required',
    section: 'Response codes and errors',
    summary: 'Each of 200, 400, 401, 429, 500, 502 and 504 has a defined reaction at each endpoint.',
  },
] as const satisfies readonly Clause[]
