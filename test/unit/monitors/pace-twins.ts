import {
  answered,
  api,
  at,
  create,
  failedRefresh,
  HOUR_S,
  type Items,
  operator,
  refresh,
  sent,
  type Twins,
  validate,
} from './traces.ts'

const times = (count: number, items: (n: number) => Items): Items =>
  Array.from({ length: count }, (_, n) => items(n)).flat()
const signedOut = (s: number): Items => [operator(s, 'signOut'), operator(s, 'signIn')]
const slow = validate(10, 1)
/** Each token is validated before its only API request. */
const checked = (count: number): Items => times(count, (n) => [validate(100 * n, 1), api(100 * n, 1)])

const others = { credentialsId: 'others' } as const
const longThrottled = { status: 429, retryAfterMs: 900_000 } as const
const untilNextDay = { grantedAccessExpAtMs: at(36 * HOUR_S) }
const tenHours = create(0, 1, { ...untilNextDay, grantedRefreshExpAtMs: at(10 * HOUR_S) })

/** Of how often, how early and how late something is sent. */
export const PACE_TWINS: readonly Twins[] = [
  {
    monitor: 'invariant-1',
    rule: 'a create waits for the refresh in flight; a validate need not',
    clean: [sent(slow), validate(11, 1), refresh(12, 2), answered(slow)],
    twin: [sent(refresh(12, 2)), create(13, 3)],
    says: ['a create was sent while 1 create or refresh was in flight'],
  },
  {
    monitor: 'invariant-1',
    rule: 'of two in flight one is left when the other has been answered',
    clean: [answered(refresh(0, 2)), refresh(1, 3), refresh(2, 4)],
    twin: [sent(refresh(0, 2)), sent(refresh(1, 2)), answered(refresh(1, 2)), refresh(2, 3)],
    says: [
      'a refresh was sent while 1 create or refresh was in flight',
      'a refresh was sent while 1 create or refresh was in flight',
    ],
  },
  {
    monitor: 'invariant-2',
    rule: 'each request beyond the tenth shows, and one too many is enough to know',
    clean: times(10, (n) => [validate(n, 1)]),
    twin: times(12, (n) => [validate(n, 1)]),
    says: ['11 token requests in 60 s', '11 token requests in 60 s'],
  },
  {
    monitor: 'invariant-3',
    rule: 'a pause ends when it is over, and not before',
    clean: [create(0, 1), validate(100, 1, { status: 429 }), validate(700, 1)],
    twin: [create(0, 1), validate(100, 1, { status: 429 }), validate(699.5, 1)],
    says: ['a validate was sent 599.5 s after a 429'],
  },
  {
    monitor: 'D-api-429',
    rule: 'the pause of API requests is their own',
    clean: [create(0, 1), api(100, 1, { status: 429 }), validate(101, 1), api(700, 1)],
    twin: [create(0, 1), api(100, 1, { status: 429 }), validate(101, 1), api(699.5, 1)],
    says: ['POST /api/v2/whoami/ was sent 599.5 s after an API 429'],
  },
  {
    monitor: 'create-rarely',
    rule: 'a validate does not make it rarer',
    clean: times(3, (n) => [create(n, n), validate(n, n), api(n, n), ...signedOut(n)]),
    twin: times(4, (n) => [create(n, n), api(n, n), ...signedOut(n), validate(n, n)]),
    says: ['sign-in 4 in a row, for one API request each'],
  },
  {
    monitor: 'create-rarely',
    rule: 'a refresh that was rejected asks for a sign-in',
    clean: times(5, (n) => [create(n, n), api(n, n), failedRefresh(n, n, 400)]),
    twin: times(5, (n) => [create(n, n), api(n, n, { status: 404 }), ...signedOut(n)]),
  },
  {
    monitor: 'create-rarely',
    rule: 'a refresh that was throttled does not',
    clean: times(5, (n) => [
      create(HOUR_S * n, n),
      api(HOUR_S * n, n),
      failedRefresh(HOUR_S * n, n, 429),
      ...signedOut(HOUR_S * n),
    ]),
    twin: times(5, (n) => [create(700 * n, n), api(700 * n, n), failedRefresh(700 * n, n, 429), ...signedOut(700 * n)]),
  },
  {
    monitor: 'invariant-10',
    rule: 'who signs in for each request while the pair is held breaks this alone',
    clean: times(3, (n) => [create(10 * n, n), api(10 * n, n), ...signedOut(10 * n)]),
    twin: times(4, (n) => [create(10 * n, n), api(10 * n, n), operator(10 * n, 'signIn')]),
  },
  {
    monitor: 'validate-optionally',
    rule: 'a validate that no API request follows is not before each of them',
    clean: [
      create(-100, 1),
      ...checked(4),
      validate(400, 1),
      failedRefresh(450, 1, 502),
      validate(500, 1),
      api(500, 1),
    ],
    twin: [create(-100, 1), ...checked(5), api(450, 1), api(451, 1)],
    says: ['API request 5 in a row with a validate of its own'],
  },
  {
    monitor: 'validate-optionally',
    rule: 'tokens that are not known may be other ones each time',
    clean: times(6, (n) => [validate(100 * n, 1, { accessId: undefined }), api(100 * n, 1)]),
    twin: times(6, (n) => [validate(100 * n, 1), api(100 * n, 1)]),
  },
  {
    monitor: 'refresh-before-expiry',
    rule: 'a validate is no use of a token, and late is who uses it twice',
    clean: [create(0, 1), validate(3001, 1), api(3100, 1), validate(3150, 1), refresh(3160, 2)],
    twin: [create(0, 1), api(3001, 1), api(3050, 1), api(3062, 1), api(3200, 1), validate(3300, 1)],
    says: ['a token was in use for 61 s after its refresh window had closed'],
  },
  {
    monitor: 'refresh-before-expiry',
    rule: 'a sign-in comes too late too',
    clean: [create(0, 1), api(3001, 1), create(3061, 2, others)],
    twin: [create(0, 1), api(3001, 1), create(3062, 2, others)],
    says: ['a token was in use for 61 s after its refresh window had closed'],
  },
  {
    monitor: 'refresh-before-expiry',
    rule: 'a pause is as long as Retry-After says, and ends then',
    clean: [create(0, 1), validate(2600, 1, longThrottled), api(3100, 1), api(3200, 1), api(3499, 1), refresh(3500, 2)],
    twin: [create(0, 1), validate(2600, 1, longThrottled), api(3100, 1), api(3500, 1), refresh(3561, 2)],
    says: ['a token was in use for 61 s after its refresh window had closed'],
  },
  {
    monitor: 'refresh-before-expiry',
    rule: 'a pause that is over excuses nothing',
    clean: [create(0, 1), validate(100, 1, { status: 429 }), api(3001, 1), refresh(3061, 2)],
    twin: [create(0, 1), validate(100, 1, { status: 429 }), api(3001, 1), refresh(3062, 2)],
  },
  {
    monitor: 'invariant-4',
    rule: 'who uses a token that was replaced is not late with its refresh',
    clean: [create(0, 1), refresh(100, 2), api(2800, 2)],
    twin: [create(0, 1), refresh(100, 2), api(3200, 1), api(3300, 1)],
  },
  {
    monitor: 'rotate-within-12h',
    rule: 'a refresh that brings no refresh token leaves the lifetime of the old one',
    clean: [
      tenHours,
      refresh(HOUR_S, 2, { ...untilNextDay, grantedRefreshId: undefined }),
      api(6 * HOUR_S, 2),
      api(6 * HOUR_S + 62, 2),
    ],
    twin: [
      tenHours,
      refresh(HOUR_S, 2, { ...untilNextDay, grantedRefreshId: undefined }),
      api(6 * HOUR_S + 1, 2),
      api(6 * HOUR_S + 62, 2),
    ],
    says: ['a pair was in use for 61 s after its refresh token should have been used'],
  },
  {
    monitor: 'rotate-within-12h',
    rule: 'a refresh that brings one brings its lifetime',
    clean: [
      create(0, 1, untilNextDay),
      refresh(HOUR_S, 2, untilNextDay),
      api(12 * HOUR_S, 2),
      api(12 * HOUR_S + 62, 2),
    ],
    twin: [
      ...[create(0, 1, untilNextDay), refresh(HOUR_S, 2, { ...untilNextDay, grantedRefreshExpAtMs: at(11 * HOUR_S) })],
      ...[api(6 * HOUR_S + 1, 2), api(6 * HOUR_S + 62, 2)],
    ],
  },
  {
    monitor: 'rotate-within-12h',
    rule: 'of a first pair without a refresh token the documented lifetime counts',
    clean: [
      create(0, 1, { ...untilNextDay, grantedRefreshId: undefined }),
      api(12 * HOUR_S, 1),
      api(12 * HOUR_S + 61, 1),
    ],
    twin: [
      create(0, 1, { ...untilNextDay, grantedRefreshId: undefined }),
      api(12 * HOUR_S + 1, 1),
      api(12 * HOUR_S + 62, 1),
    ],
  },
]
