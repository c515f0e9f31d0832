import {
  aborted,
  answered,
  api,
  at,
  create,
  demand,
  failedCreate,
  failedRefresh,
  HOUR_S,
  type Items,
  operator,
  refresh,
  sent,
  type Twins,
  validate,
} from './traces.ts'

const rejection = { status: 401 } as const
const longLived = { grantedAccessExpAtMs: at(24 * HOUR_S) }
const dropped = failedRefresh(2800, 1, 'dropped', { answeredAtMs: at(2805) })
/** A create that the client gave up after 5 s. */
const givenUp = failedCreate(0, 'dropped', { abandoned: true, answeredAtMs: at(5) })
const times = (count: number, items: (n: number) => Items): Items =>
  Array.from({ length: count }, (_, n) => items(n)).flat()
const signedOut = (s: number): Items => [operator(s, 'signOut'), operator(s, 'signIn')]

/** Where two monitors meet, each fault is one's alone; and what looks like a fault and is none. */
export const BORDER_TWINS: readonly Twins[] = [
  {
    monitor: 'invariant-9',
    rule: 'a create that nobody asked for is worse than one in the back-off',
    clean: [demand(0), failedCreate(0, 500), demand(30), create(30, 1)],
    twin: [demand(0), failedCreate(0, 500), create(10, 1)],
  },
  {
    monitor: 'D-back-off',
    rule: 'a refresh that a sign-out aborted holds nothing against the server',
    clean: [
      ...[create(0, 1), sent(dropped), operator(2805, 'signOut'), answered(dropped)],
      ...[operator(2806, 'signIn'), create(2806, 2)],
    ],
    twin: [create(0, 1), sent(dropped), answered(dropped), operator(2806, 'reset'), create(2806, 2)],
  },
  {
    monitor: 'invariant-10',
    rule: 'a create in place of a refresh that failed',
    clean: [create(0, 1), failedRefresh(2800, 1, 502), refresh(2830, 2)],
    twin: [create(0, 1), failedRefresh(2800, 1, 502), create(2801, 2)],
  },
  {
    monitor: 'invariant-10',
    rule: 'a sign-in for each request, while the pair before is held',
    clean: times(3, (n) => [create(10 * n, n + 1), api(10 * n, n + 1), ...signedOut(10 * n)]),
    twin: times(4, (n) => [create(10 * n, n + 1), api(10 * n, n + 1)]),
  },
  {
    monitor: 'create-rarely',
    rule: 'sign-ins that something asks for: other credentials, or a token that was refused',
    clean: [
      ...times(4, (n) => {
        const credentialsId = n % 2 === 0 ? 'mine' : 'others'
        return [create(10 * n, n + 1, { credentialsId }), api(10 * n, n + 1), ...signedOut(10 * n)]
      }),
      ...times(5, (n) => [create(100 + n, n + 9), api(100 + n, n + 9, rejection), ...signedOut(100 + n)]),
    ],
    twin: times(5, (n) => [create(100 + n, n + 9), api(100 + n, n + 9), ...signedOut(100 + n)]),
  },
  {
    monitor: 'validate-optionally',
    rule: 'a validate of each new token',
    clean: [
      create(0, 1),
      ...times(6, (n) => [refresh(100 * n + 99, n + 2), validate(100 * n + 100, n + 2), api(100 * n + 100, n + 2)]),
    ],
    twin: [create(0, 1), ...times(6, (n) => [validate(100 * n, 1), api(100 * n, 1)])],
  },
  {
    monitor: 'invariant-13',
    rule: 'a request that ends by itself, or that nobody’s abort went before',
    clean: [
      ...[sent(givenUp), answered(givenUp), demand(40), sent(failedCreate(40, 'dropped')), aborted(41, 'd1')],
      answered(failedCreate(40, 'dropped', { answeredAtMs: at(42) })),
    ],
    twin: [sent(givenUp), aborted(4, 'd1'), answered(givenUp)],
  },
  {
    monitor: 'D-refresh-401',
    rule: 'other credentials may sign in',
    clean: [create(0, 1), failedRefresh(2800, 1, 401), create(2800, 2, { credentialsId: 'others' })],
    twin: [create(0, 1), failedRefresh(2800, 1, 401), create(2800, 2)],
  },
  {
    monitor: 'D-refresh-unavailable',
    rule: 'attempts are counted for each refresh token',
    clean: [create(0, 1), ...times(6, (n) => [failedRefresh(2800 + 700 * n, 1, 502)]), failedRefresh(7000, 2, 502)],
    twin: [create(0, 1), ...times(6, (n) => [failedRefresh(2800 + 700 * n, 1, 502)]), failedRefresh(7000, 1, 502)],
  },
  {
    monitor: 'rotate-within-12h',
    rule: 'half the lifetime of a refresh token that lives shorter',
    clean: [
      create(0, 1, { ...longLived, grantedRefreshExpAtMs: at(10 * HOUR_S) }),
      ...[api(5 * HOUR_S, 1), api(5 * HOUR_S + 1, 1), refresh(5 * HOUR_S + 61, 2)],
    ],
    twin: [
      create(0, 1, { ...longLived, grantedRefreshExpAtMs: at(10 * HOUR_S) }),
      ...[api(5 * HOUR_S, 1), api(5 * HOUR_S + 1, 1), refresh(5 * HOUR_S + 62, 2)],
    ],
  },
  {
    monitor: 'rotate-within-12h',
    rule: 'a refresh that brings no refresh token was a use of the old one',
    clean: [
      create(0, 1, longLived),
      refresh(11 * HOUR_S, 2, { grantedAccessExpAtMs: at(35 * HOUR_S), grantedRefreshId: undefined }),
      ...[api(12 * HOUR_S + 1, 2), api(12 * HOUR_S + 100, 2), api(23 * HOUR_S, 2)],
    ],
    twin: [create(0, 1, longLived), api(12 * HOUR_S + 1, 1), api(12 * HOUR_S + 100, 1)],
  },
  {
    monitor: 'refresh-once',
    rule: 'a pair that a rejection brought about, refused in its turn',
    clean: [create(0, 1), api(600, 1, rejection), refresh(600, 2), api(605, 2, rejection), refresh(660, 3)],
    twin: [create(0, 1), api(600, 1, rejection), refresh(600, 2), api(605, 2, rejection), refresh(610, 3)],
  },
  {
    monitor: 'D-back-off',
    rule: 'a create that a sign-out aborted holds nothing against the server either',
    clean: [
      ...[demand(0), sent(givenUp), operator(5, 'signOut'), answered(givenUp)],
      ...[operator(6, 'signIn'), create(6, 1)],
    ],
    twin: [demand(0), sent(givenUp), answered(givenUp), operator(6, 'signIn'), create(6, 1)],
  },
]
