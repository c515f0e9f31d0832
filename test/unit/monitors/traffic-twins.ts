import {
  answered,
  api,
  at,
  create,
  demand,
  failedCreate,
  failedRefresh,
  HOUR_S,
  operator,
  refresh,
  request,
  START_MS,
  sent,
  type Twins,
  validate,
} from './traces.ts'

const tenIn = (seconds: number) => Array.from({ length: 10 }, (_, n) => validate(n * (seconds / 10), 1))
const rejection = { status: 401 } as const
const tenMinutes = { accessExpAtMs: at(600) }

/** Of the invariants that every recording of traffic shows, and of the oldest clauses. */
export const TRAFFIC_TWINS: readonly Twins[] = [
  {
    monitor: 'invariant-1',
    rule: 'a refresh begins when the one before has been answered',
    clean: [
      create(0, 1),
      sent(refresh(600, 2)),
      answered(refresh(600, 2)),
      sent(refresh(700, 3)),
      answered(refresh(700, 3)),
    ],
    twin: [
      create(0, 1),
      sent(refresh(600, 2)),
      sent(refresh(600, 3)),
      answered(refresh(600, 2)),
      answered(refresh(600, 3)),
    ],
  },
  {
    monitor: 'invariant-2',
    rule: 'the eleventh token request waits until the first is 60 s old',
    clean: [create(-100, 1), ...tenIn(60), validate(60, 1)],
    twin: [create(-100, 1), ...tenIn(60), validate(59.999, 1)],
  },
  {
    monitor: 'invariant-3',
    rule: 'ten minutes pass after a 429',
    clean: [create(0, 1), failedRefresh(1000, 1, 429), refresh(1600, 2)],
    twin: [create(0, 1), failedRefresh(1000, 1, 429), refresh(1599.999, 2)],
  },
  {
    monitor: 'invariant-3',
    rule: 'a longer Retry-After counts',
    clean: [create(0, 1), failedRefresh(1000, 1, 429, { retryAfterMs: 900_000 }), refresh(1900, 2)],
    twin: [create(0, 1), failedRefresh(1000, 1, 429, { retryAfterMs: 900_000 }), refresh(1700, 2)],
  },
  {
    monitor: 'invariant-4',
    rule: 'an access token is not sent at its expiry',
    clean: [create(0, 1), api(HOUR_S - 1, 1, { accessExpAtMs: START_MS + HOUR_S * 1000 })],
    twin: [create(0, 1), api(HOUR_S, 1, { accessExpAtMs: START_MS + HOUR_S * 1000 })],
  },
  {
    monitor: 'invariant-4',
    rule: 'a replaced access token is not sent',
    clean: [create(0, 1), refresh(2800, 2), api(2900, 2)],
    twin: [create(0, 1), refresh(2800, 2), api(2900, 1)],
  },
  {
    monitor: 'invariant-4',
    rule: 'a rejected access token is not sent again',
    clean: [create(0, 1), api(600, 1, rejection), refresh(600, 2), api(700, 2)],
    twin: [create(0, 1), api(600, 1, rejection), api(700, 1)],
  },
  {
    monitor: 'invariant-4',
    rule: 'a token that lives shorter is young for a shorter time',
    clean: [create(0, 1), api(9, 1, { ...rejection, ...tenMinutes }), api(31, 1, tenMinutes)],
    twin: [create(0, 1), api(30, 1, { ...rejection, ...tenMinutes }), api(31, 1, tenMinutes)],
  },
  {
    monitor: 'invariant-4',
    rule: 'a token that the API accepted in between counts again',
    clean: [create(0, 1), api(10, 1, rejection), api(20, 1), api(100, 1, rejection), refresh(100, 2), api(101, 2)],
    twin: [create(0, 1), api(10, 1, rejection), api(20, 1), api(100, 1, rejection), api(101, 1)],
  },
  {
    monitor: 'invariant-5',
    rule: 'a refresh token is not sent once it has been replaced',
    clean: [create(0, 1), refresh(2800, 2), refresh(5600, 3)],
    twin: [create(0, 1), refresh(2800, 2), refresh(5600, 3, { refreshId: 'r1' })],
  },
  {
    monitor: 'invariant-6',
    rule: 'an API request is sent again with another token',
    clean: [
      create(0, 1),
      api(600, 1, { ...rejection, requestId: 'q' }),
      refresh(600, 2),
      api(600, 2, { requestId: 'q' }),
    ],
    twin: [create(0, 1), api(10, 1, { ...rejection, requestId: 'q' }), api(11, 1, { requestId: 'q' })],
  },
  {
    monitor: 'invariant-6',
    rule: 'an API request is sent again only after a 401',
    clean: [create(0, 1), api(600, 1, { status: 502, requestId: 'q' }), api(601, 1, { requestId: 'another' })],
    twin: [create(0, 1), api(600, 1, { status: 502, requestId: 'q' }), api(601, 1, { requestId: 'q' })],
  },
  {
    monitor: 'invariant-6',
    rule: 'an API request is not sent three times',
    clean: [
      create(0, 1),
      api(600, 1, { ...rejection, requestId: 'q' }),
      refresh(600, 2),
      api(600, 2, { ...rejection, requestId: 'q' }),
    ],
    twin: [
      ...[create(0, 1), api(600, 1, { ...rejection, requestId: 'q' }), refresh(600, 2)],
      ...[api(600, 2, { ...rejection, requestId: 'q' }), refresh(700, 3), api(700, 3, { requestId: 'q' })],
    ],
  },
  {
    monitor: 'invariant-7',
    rule: 'refused credentials are not tried again',
    clean: [failedCreate(0, 401), demand(100), create(100, 1, { credentialsId: 'others' })],
    twin: [failedCreate(0, 401), demand(100), create(100, 1)],
  },
  {
    monitor: 'invariant-7',
    rule: 'an operator’s reset allows them once more',
    clean: [failedCreate(0, 401), operator(100, 'reset'), create(100, 1)],
    twin: [failedCreate(0, 401), operator(100, 'signIn'), create(100, 1)],
  },
  {
    monitor: 'invariant-7',
    rule: 'given again by name after others were used, they have changed; given again at once, they have not',
    clean: [
      ...[failedCreate(0, 401), operator(100, 'signIn', 'others'), create(100, 1, { credentialsId: 'others' })],
      ...[operator(200, 'signIn', 'mine'), create(200, 2)],
    ],
    twin: [failedCreate(0, 401), operator(200, 'signIn', 'mine'), create(200, 2)],
  },
  {
    monitor: 'invariant-7',
    rule: 'no refresh follows refused credentials before a newer grant',
    clean: [
      create(0, 1),
      failedCreate(100, 401, { credentialsId: 'x' }),
      demand(200),
      create(200, 2),
      refresh(3000, 3),
    ],
    twin: [create(0, 1), failedCreate(100, 401, { credentialsId: 'x' }), demand(200), refresh(3000, 2)],
  },
  {
    monitor: 'invariant-8',
    rule: 'after a refresh 400 the access token is gone too',
    clean: [create(0, 1), failedRefresh(2800, 1, 400), create(2800, 2), api(2900, 2)],
    twin: [create(0, 1), failedRefresh(2800, 1, 400), api(2800, 1), create(2800, 2), api(2900, 2)],
  },
  {
    monitor: 'invariant-8',
    rule: 'a refresh token that was answered 400 is not sent again',
    clean: [create(0, 1), failedRefresh(2800, 1, 502), refresh(2900, 2)],
    twin: [create(0, 1), failedRefresh(2800, 1, 400), refresh(2900, 2)],
  },
  {
    monitor: 'invariant-9',
    rule: 'after a failed create somebody has to ask',
    clean: [demand(0), failedCreate(0, 500), demand(100), create(100, 1)],
    twin: [demand(0), failedCreate(0, 500), create(100, 1)],
  },
  {
    monitor: 'invariant-9',
    rule: 'a throttled create is not a failed one',
    clean: [demand(0), failedCreate(0, 429), create(600, 1)],
    twin: [demand(0), failedCreate(0, 504), create(600, 1)],
  },
  {
    monitor: 'invariant-10',
    rule: 'no create while a usable refresh token is held',
    clean: [create(0, 1), create(24 * HOUR_S, 2)],
    twin: [create(0, 1), create(23 * HOUR_S, 2)],
  },
  {
    monitor: 'invariant-10',
    rule: 'a refresh 401 of an unfinished token allows a create',
    clean: [create(0, 1), failedRefresh(2700, 1, 502), failedRefresh(2800, 1, 401), create(2800, 2)],
    twin: [create(0, 1), failedRefresh(2700, 1, 502), failedRefresh(2800, 1, 502), create(2900, 2)],
  },
  {
    monitor: 'refresh-once',
    rule: 'a rejected access token brings about one refresh',
    clean: [create(0, 1), api(600, 1, rejection), refresh(600, 2), api(600, 2), refresh(660, 3)],
    twin: [create(0, 1), api(600, 1, rejection), refresh(600, 2), api(600, 2), refresh(659, 3)],
  },
  {
    monitor: 'refresh-lives-24h',
    rule: 'a refresh token is not sent at its expiry',
    clean: [create(0, 1), refresh(100, 2, { refreshExpAtMs: START_MS + 101_000 })],
    twin: [create(0, 1), refresh(101, 2, { refreshExpAtMs: START_MS + 101_000 })],
  },
  {
    monitor: 'bearer-on-every-request',
    rule: 'every API request carries a Bearer token',
    clean: [create(0, 1), api(1, 1)],
    twin: [create(0, 1), request(1, 'api', { authScheme: 'none' })],
  },
  {
    monitor: 'no-basic-auth',
    rule: 'Basic authentication is not used',
    clean: [create(0, 1), api(1, 1)],
    twin: [create(0, 1), request(1, 'api', { authScheme: 'Basic' })],
  },
  {
    monitor: 'no-api-v1',
    rule: 'nothing goes to API V1',
    clean: [create(0, 1), api(1, 1, { path: '/api/v10/' })],
    twin: [create(0, 1), api(1, 1, { path: '/api/v1/taxexempt/' })],
  },
]
