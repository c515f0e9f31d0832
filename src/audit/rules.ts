import type { MonitorPolicy } from '../monitors/index.ts'
import { duration } from '../policy/words.ts'
import type { Exchange, Outcome } from './exchange.ts'
import { utc } from './reports/words.ts'

/** What the auditor adds to a monitor: what an offence follows from, what would have been right, and what to change. */
export interface Rule {
  /** The latest request of which an offence follows: the 429 before a send within its pause. */
  readonly follows?: (request: Outcome) => boolean
  /** What the clause asks for, where `trigger` is that request. */
  readonly required: (trigger: Exchange | undefined, policy: MonitorPolicy) => string
  /** One sentence for whoever mends the client. */
  readonly remedy: string
  /** What breaks it, and what would have kept it. */
  readonly example: { readonly broken: string; readonly kept: string }
}

const isToken = ({ endpoint }: Outcome) => endpoint !== 'api'
const isGrant = ({ grantedAccessId }: Outcome) => grantedAccessId !== undefined
const isRefused = ({ status }: Outcome) => typeof status === 'number' && status >= 400
const failed = ({ status }: Outcome) => status === 'dropped' || (typeof status === 'number' && status >= 500)
const pauseEnd = (trigger: Exchange | undefined, { pauseMs }: MonitorPolicy) =>
  trigger === undefined
    ? `a pause of ${duration(pauseMs)}`
    : `allowed from ${utc(trigger.answered.latestMs + Math.max(pauseMs, trigger.request.retryAfterMs ?? 0))}`
const always = (text: string) => () => text

/** By id of the monitor. */
export const RULES: Readonly<Record<string, Rule>> = {
  'invariant-1': {
    follows: ({ endpoint }) => endpoint === 'create' || endpoint === 'refresh',
    required: always('one create or refresh in flight for each account'),
    remedy: 'Let all callers, and all processes of the account, share one request in flight and its result.',
    example: {
      broken: 'Two callers find no token and both sign in.',
      kept: 'The second waits for the sign-in of the first.',
    },
  },
  'invariant-2': {
    follows: isToken,
    required: (_, { budgetLimit, budgetWindowMs }) =>
      `at most ${budgetLimit} token requests in any ${duration(budgetWindowMs)}`,
    remedy: 'Keep the token for its lifetime, and count token requests in a sliding window before sending one.',
    example: {
      broken: '11 refreshes within 59 s.',
      kept: 'The 11th waits until 60 s after the first.',
    },
  },
  'invariant-3': {
    follows: (request) => isToken(request) && request.status === 429,
    required: pauseEnd,
    remedy: 'After a 429 to a token request send none for ten minutes, from any process of the account.',
    example: {
      broken: 'A refresh 41 s after a refresh was answered 429.',
      kept: 'Nothing for 10 minutes, then one refresh.',
    },
  },
  'invariant-4': {
    follows: (request) => isGrant(request) || (request.endpoint === 'api' && request.status === 401),
    required: always('the newest access token, before its expiry'),
    remedy: 'Replace the access token everywhere at once when a new one comes, and check its expiry before each send.',
    example: {
      broken: "An API request 3 s after the token's `exp`; or with the old token after a refresh.",
      kept: 'The refresh comes first, and every later request has its token.',
    },
  },
  'invariant-5': {
    follows: (request) => request.endpoint === 'refresh' && isGrant(request),
    required: always('the refresh token that the last refresh granted'),
    remedy: 'Store the new refresh token before anything else uses the pair, and drop the old one.',
    example: {
      broken: 'The refresh token of the last sign-in is sent twice, though the first refresh granted a new one.',
      kept: 'The second refresh sends the refresh token of the first.',
    },
  },
  'invariant-6': {
    follows: (request) => request.endpoint === 'api' && (isRefused(request) || failed(request)),
    required: always('at most one further send of an API request, after a 401 and with a different token'),
    remedy: 'Retry an API request once, after a 401 and a refresh; hand every other failure to the caller.',
    example: {
      broken: 'GET /api/v2/x/ answered 500, sent again at once; or sent a third time after two 401s.',
      kept: 'One 401, one refresh, one replay; everything else goes to the caller.',
    },
  },
  'invariant-7': {
    follows: (request) => request.endpoint === 'create' && request.status === 401,
    required: always('no sign-in with credentials that were refused, until they change'),
    remedy: 'Stop at invalid credentials and tell a person; do not try the same ones again.',
    example: {
      broken: 'A sign-in answered 401, and the same password again a minute later.',
      kept: 'The client stops; a person gives another password.',
    },
  },
  'invariant-8': {
    follows: (request) => request.endpoint === 'refresh' && isRefused(request),
    required: always('both tokens discarded, and one sign-in at most'),
    remedy: 'After a refresh answered 4xx other than 401 and 429 discard both tokens and sign in once.',
    example: {
      broken: 'A refresh answered 400, then another refresh.',
      kept: 'A refresh answered 400, then one sign-in.',
    },
  },
  'invariant-9': {
    follows: (request) => request.endpoint === 'create' && (isRefused(request) || failed(request)),
    required: always('no token request after a failed sign-in until somebody asks anew'),
    remedy: 'Stop after a failed sign-in; let the next caller, and no loop, begin another.',
    example: {
      broken: 'A sign-in answered 502, and another by a timer.',
      kept: 'Nothing until somebody asks for a token.',
    },
  },
  'invariant-10': {
    follows: isGrant,
    required: always('a refresh, while a usable refresh token is held'),
    remedy: 'Keep the refresh token and use it; sign in only when both tokens have expired.',
    example: {
      broken: 'A sign-in 50 minutes after the last, at every expiry.',
      kept: 'A refresh.',
    },
  },
  'invariant-11': {
    required: always('a token or a typed error within the time-out'),
    remedy: 'Bound every wait of a caller, and settle it with an error when its time is up.',
    example: {
      broken: 'A caller with a time-out of 90 s waits for 10 minutes of pause.',
      kept: 'It gets THROTTLED with the time at which it may ask again.',
    },
  },
  'invariant-12': {
    required: always('nothing secret in anything that others can read'),
    remedy: 'Redact tokens and credentials before anything is logged, thrown or shown.',
    example: {
      broken: 'A log line with an Authorization header.',
      kept: 'A log line with a fingerprint.',
    },
  },
  'invariant-13': {
    required: always('an abort of one caller that leaves the others and the request in flight alone'),
    remedy: "Do not pass one caller's abort signal to a request that others share.",
    example: {
      broken: 'One caller aborts, and the shared sign-in is aborted.',
      kept: 'The sign-in goes on, and the others get its token.',
    },
  },
  'invariant-14': {
    required: always('the token to the configured origin only'),
    remedy: 'Compare the origin before the token is attached, and on every redirect.',
    example: {
      broken: 'A redirect to another host is followed with the token.',
      kept: 'It is refused before anything is sent.',
    },
  },
  'bearer-on-every-request': {
    required: always('`Authorization: Bearer …` on every API request'),
    remedy: 'Attach the access token as a Bearer token in one place that every API request passes.',
    example: {
      broken: 'GET /api/v2/x/ without Authorization.',
      kept: 'GET /api/v2/x/ with `Authorization: Bearer …`.',
    },
  },
  'no-basic-auth': {
    required: always('no Basic authentication'),
    remedy: 'Sign in for tokens and send them as Bearer tokens; Basic authentication ends.',
    example: {
      broken: '`Authorization: Basic …`.',
      kept: '`Authorization: Bearer …`.',
    },
  },
  'no-api-v1': {
    required: always('nothing under /api/v1/'),
    remedy: 'Call the V2 resource of the same name.',
    example: {
      broken: 'GET /api/v1/taxexempt/.',
      kept: 'POST /api/v2/taxexempt/.',
    },
  },
  'refresh-once': {
    follows: (request) => request.endpoint === 'api' && request.status === 401,
    required: always('one refresh for all the 401s of one token'),
    remedy: 'Share one refresh among all requests that were answered 401, and replay each once with its token.',
    example: {
      broken: 'Five requests answered 401 together, and five refreshes.',
      kept: 'One refresh, and five replays with its token.',
    },
  },
  'refresh-lives-24h': {
    follows: isGrant,
    required: always('a refresh token that has not expired, else a sign-in'),
    remedy: "Keep the refresh token's expiry, and sign in when it has passed.",
    example: {
      broken: 'A refresh with a token of yesterday.',
      kept: 'A sign-in, once the refresh token has expired.',
    },
  },
  'refresh-before-expiry': {
    follows: isGrant,
    required: (_, { refreshWindowEndMs }) =>
      `a refresh at the latest ${duration(refreshWindowEndMs)} before the access token expires`,
    remedy: 'Refresh by a timer 10 to 15 minutes before expiry, not when a request fails.',
    example: {
      broken: 'A refresh 2 minutes before expiry, each hour.',
      kept: 'A refresh 10 to 15 minutes before expiry.',
    },
  },
  'rotate-within-12h': {
    follows: isGrant,
    required: (_, { rotateWithinMs }) => `a rotation within ${duration(rotateWithinMs)}`,
    remedy: 'Refresh at least every twelve hours while the client runs.',
    example: {
      broken: 'No refresh for 20 hours, then one.',
      kept: 'A refresh at least every 12 hours while the client is in use.',
    },
  },
  'create-rarely': {
    follows: isGrant,
    required: always('a sign-in only where no pair can be refreshed'),
    remedy: 'Keep the pair, also over restarts (a store), and refresh it.',
    example: {
      broken: 'Five sign-ins an hour, one for each job.',
      kept: 'The jobs share a store and one pair.',
    },
  },
  'validate-optionally': {
    follows: (request) => request.endpoint === 'validate',
    required: always('a validate only for a token that is not known to be good'),
    remedy: 'Go by the expiry; validate before a long job, not before every request.',
    example: {
      broken: 'A validate before every API request.',
      kept: 'A validate before a long upload, now and then.',
    },
  },
  'D-young-rejection': {
    follows: (request) => request.endpoint === 'api' && request.status === 401,
    required: (_, { youngRejectionMs }) =>
      `no refresh for a rejection within ${duration(youngRejectionMs)} of the grant`,
    remedy: 'A token that was granted just now and is refused says something of the account: do not refresh in a loop.',
    example: {
      broken: 'A token granted 5 s ago is answered 401, and a refresh follows at once, again and again.',
      kept: 'The 401 goes to the caller; the account may lack the right.',
    },
  },
  'D-back-off': {
    follows: failed,
    required: (_, { backOffMinMs }) => `a wait that grows from ${duration(backOffMinMs)}, doubled at each failure`,
    remedy: 'Back off exponentially after 5xx and network errors, counted over restarts.',
    example: {
      broken: 'A sign-in answered 503, and another 200 ms later.',
      kept: 'The next one after 1 s, then 2 s, 4 s, …',
    },
  },
  'D-refresh-unavailable': {
    follows: (request) => request.endpoint === 'refresh' && failed(request),
    required: (_, { refreshAttemptsPerGeneration }) => `at most ${refreshAttemptsPerGeneration} attempts for a pair`,
    remedy: 'Give up refreshing by timer after some failures; the next caller tries again.',
    example: {
      broken: 'A timer that refreshes every 10 s while the server is down.',
      kept: "A few attempts with growing waits, then the next caller's.",
    },
  },
  'D-refresh-401': {
    follows: (request) => request.endpoint === 'refresh' && request.status === 401,
    required: always('a stop, until somebody signs in'),
    remedy: 'A refresh token that is refused without a reason says that somebody else used it: stop and tell.',
    example: {
      broken: 'A refresh answered 401 for no known reason, then a sign-in in a loop.',
      kept: 'The client stops and says so.',
    },
  },
  'D-create-4xx': {
    follows: (request) => request.endpoint === 'create' && isRefused(request),
    required: always('no sign-in of the same make after a 4xx'),
    remedy: 'Mend the request; the same one is refused again.',
    example: {
      broken: 'A sign-in answered 400, and the same again.',
      kept: 'The client stops; the request is mended first.',
    },
  },
  'D-sign-out': {
    required: always('no token request after a sign-out until a sign-in'),
    remedy: 'Cancel timers and refuse callers when the user signs out.',
    example: {
      broken: 'A timer refreshes after the user signed out.',
      kept: 'Nothing is sent until the next sign-in.',
    },
  },
  'D-api-429': {
    follows: (request) => request.endpoint === 'api' && request.status === 429,
    required: pauseEnd,
    remedy: 'Hold back API requests after a 429 for as long as it asks, ten minutes at least.',
    example: {
      broken: 'An API request 5 s after one was answered 429.',
      kept: 'The next one after 10 minutes, or after Retry-After if that is longer.',
    },
  },
}
