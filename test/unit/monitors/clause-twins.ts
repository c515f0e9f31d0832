import {
  aborted,
  answered,
  api,
  at,
  create,
  demand,
  elapsed,
  failedCreate,
  failedRefresh,
  HOUR_S,
  type Items,
  operator,
  refresh,
  sent,
  settled,
  shown,
  type Twins,
  validate,
} from './traces.ts'

const rejection = { status: 401 } as const
const served = { kind: 'token', accessId: 'a1' } as const
const ended = (code: 'ABORTED' | 'TIMEOUT') => ({ kind: 'error', code }) as const
const asks = (s: number, demandId: string) => demand(s, { demandId, deadlineAtMs: at(s + 90) })
const OWN = 'https://sandbox.test'
const to = (origin: string) => ({ origin, configuredOrigin: OWN })
/** A job that signs in anew for a few requests. */
const job = (s: number, n: number, requests: number): Items => [
  create(s, n),
  ...Array.from({ length: requests }, () => api(s + 1, n)),
  operator(s + 2, 'signOut'),
  operator(s + 2, 'signIn'),
]
const checked = (count: number): Items =>
  Array.from({ length: count }, (_, n) => [validate(100 * n, 1), api(100 * n, 1)]).flat()
const longLived = { grantedAccessExpAtMs: at(24 * HOUR_S) }
/** A create that the client itself gave up, after its caller had. */
const dropped = (s: number) => failedCreate(0, 'dropped', { abandoned: true, answeredAtMs: at(s) })
const begun = [asks(0, 'd1'), sent(dropped(0)), aborted(4, 'd1'), settled(4, 'd1', ended('ABORTED'))]
/** Six attempts, each as soon as the back-off of the one before allows. */
const sixAttempts = [0, 30, 90, 210, 450, 930].map((s) => failedRefresh(2800 + s, 1, 502))

/** Of the invariants and clauses that need more than traffic, or more of it. */
export const CLAUSE_TWINS: readonly Twins[] = [
  {
    monitor: 'invariant-11',
    rule: 'a demand is settled when its time-out ends, at the latest',
    clean: [asks(0, 'd1'), settled(90, 'd1', ended('TIMEOUT'))],
    twin: [asks(0, 'd1'), settled(90.001, 'd1', ended('TIMEOUT'))],
  },
  {
    monitor: 'invariant-11',
    rule: 'a demand that is never settled shows when time goes on',
    clean: [asks(0, 'd1'), asks(1, 'd2'), settled(2, 'd2', served), elapsed(90)],
    twin: [asks(0, 'd1'), asks(1, 'd2'), settled(2, 'd2', served), elapsed(90.001)],
  },
  {
    monitor: 'invariant-11',
    rule: 'nobody is given an expired token',
    clean: [asks(0, 'd1'), settled(1, 'd1', { ...served, accessExpAtMs: at(1.001) })],
    twin: [asks(0, 'd1'), settled(1, 'd1', { ...served, accessExpAtMs: at(1) })],
  },
  {
    monitor: 'invariant-11',
    rule: 'an error is one of the library’s own',
    clean: [asks(0, 'd1'), settled(1, 'd1', ended('TIMEOUT'))],
    twin: [asks(0, 'd1'), settled(1, 'd1', { kind: 'error', code: undefined })],
  },
  {
    monitor: 'invariant-12',
    rule: 'what is given out holds no secret',
    clean: [create(0, 1), shown(1)],
    twin: [create(0, 1), shown(1, 'r1')],
  },
  {
    monitor: 'invariant-13',
    rule: 'only who gives up is aborted',
    clean: [
      asks(0, 'd1'),
      asks(0, 'd2'),
      aborted(1, 'd1'),
      settled(1, 'd1', ended('ABORTED')),
      settled(2, 'd2', served),
    ],
    twin: [
      ...[asks(0, 'd1'), asks(0, 'd2'), aborted(1, 'd1')],
      ...[settled(1, 'd1', ended('ABORTED')), settled(1, 'd2', ended('ABORTED'))],
    ],
  },
  {
    monitor: 'invariant-13',
    rule: 'a request whose caller gave up goes on until its own time-out',
    clean: [...begun, answered(dropped(30))],
    twin: [...begun, answered(dropped(29.999))],
  },
  {
    monitor: 'invariant-13',
    rule: 'a request ends with a sign-out, not with a caller',
    clean: [...begun, operator(5, 'signOut'), answered(dropped(5))],
    twin: [...begun, answered(dropped(5))],
  },
  {
    monitor: 'invariant-14',
    rule: 'a token goes to the configured origin',
    clean: [create(0, 1, to(OWN)), api(1, 1, to(OWN))],
    twin: [create(0, 1, to(OWN)), api(1, 1, to('https://other.test'))],
  },
  {
    monitor: 'invariant-14',
    rule: 'credentials go nowhere without encryption, but to this machine',
    clean: [create(0, 1, { origin: 'http://127.0.0.1:8080' }), refresh(100, 2, { origin: 'http://localhost' })],
    twin: [create(0, 1, { origin: 'http://127.0.0.1.evil.test' })],
  },
  {
    monitor: 'create-rarely',
    rule: 'nobody signs in for each request',
    clean: [...job(0, 1, 1), ...job(10, 2, 1), ...job(20, 3, 2), ...job(30, 4, 1), ...job(40, 5, 1), create(50, 6)],
    twin: [...job(0, 1, 1), ...job(10, 2, 1), ...job(20, 3, 1), create(30, 4)],
  },
  {
    monitor: 'create-rarely',
    rule: 'a job that runs once an hour may sign in each time',
    clean: [0, 1, 2, 3].flatMap((hour) => job(hour * HOUR_S, hour + 1, 1)),
    twin: [0, 1, 2, 3].flatMap((hour) => job(hour * (HOUR_S - 1), hour + 1, 1)),
  },
  {
    monitor: 'validate-optionally',
    rule: 'a token is not validated before each request',
    clean: [create(-100, 1), ...checked(4), api(450, 1), validate(500, 1), api(500, 1)],
    twin: [create(-100, 1), ...checked(5)],
  },
  {
    monitor: 'refresh-before-expiry',
    rule: 'a refresh starts before the window closes, or with the first demand after',
    clean: [create(0, 1), api(3000, 1), api(3001, 1), refresh(3061, 2)],
    twin: [create(0, 1), api(3000, 1), api(3001, 1), refresh(3061.001, 2)],
  },
  {
    monitor: 'refresh-before-expiry',
    rule: 'a pause comes first',
    clean: [create(0, 1), validate(2900, 1, { status: 429 }), api(3100, 1), api(3499, 1), refresh(3500, 2)],
    twin: [create(0, 1), validate(2900, 1), api(3100, 1), api(3499, 1)],
  },
  {
    monitor: 'refresh-before-expiry',
    rule: 'a refresh that failed was a try',
    clean: [create(0, 1), failedRefresh(2800, 1, 502), api(3100, 1), api(3300, 1)],
    twin: [create(0, 1), api(3100, 1), api(3300, 1)],
  },
  {
    monitor: 'refresh-before-expiry',
    rule: 'the window of a short-lived token is shorter',
    clean: [create(0, 1, { grantedAccessExpAtMs: at(360) }), api(100, 1), api(300, 1)],
    twin: [create(0, 1, { grantedAccessExpAtMs: at(720) }), api(601, 1), api(662, 1)],
  },
  {
    monitor: 'rotate-within-12h',
    rule: 'a refresh token is used within 12 hours, though the access token lives longer',
    clean: [create(0, 1, longLived), api(12 * HOUR_S, 1), api(12 * HOUR_S + 1, 1), refresh(12 * HOUR_S + 61, 2)],
    twin: [create(0, 1, longLived), api(12 * HOUR_S, 1), api(12 * HOUR_S + 1, 1), refresh(12 * HOUR_S + 62, 2)],
  },
  {
    monitor: 'D-young-rejection',
    rule: 'a token younger than a minute is not refreshed because it was refused',
    clean: [create(0, 1), api(10, 1, rejection), refresh(60, 2)],
    twin: [create(0, 1), api(10, 1, rejection), refresh(59.999, 2)],
  },
  {
    monitor: 'D-young-rejection',
    rule: 'somebody may ask for a new pair by name',
    clean: [create(0, 1), api(10, 1, rejection), demand(20, { forced: true }), refresh(20, 2)],
    twin: [create(0, 1), api(10, 1, rejection), demand(20), refresh(20, 2)],
  },
  {
    monitor: 'D-young-rejection',
    rule: 'the youth of a short-lived token is shorter',
    clean: [create(0, 1), api(7, 1, { ...rejection, accessExpAtMs: at(360) }), refresh(7, 2)],
    twin: [create(0, 1), api(5, 1, { ...rejection, accessExpAtMs: at(360) }), refresh(5.999, 2)],
  },
  {
    monitor: 'refresh-once',
    rule: 'somebody may ask for another pair by name',
    clean: [create(0, 1), api(600, 1, rejection), refresh(600, 2), demand(610, { forced: true }), refresh(610, 3)],
    twin: [create(0, 1), api(600, 1, rejection), refresh(600, 2), demand(610), refresh(610, 3)],
  },
  {
    monitor: 'refresh-once',
    rule: 'a pair that lives a quarter as long is young for a quarter of the time',
    clean: [
      ...[create(0, 1), api(300, 1, rejection), refresh(300, 2, { grantedAccessExpAtMs: at(1200) }), demand(310)],
      refresh(315, 3),
    ],
    twin: [
      ...[create(0, 1), api(300, 1, rejection), refresh(300, 2, { grantedAccessExpAtMs: at(1200) }), demand(310)],
      refresh(314.999, 3),
    ],
  },
  {
    monitor: 'refresh-once',
    rule: 'a pair is as old as its request, though the machine slept through the answer',
    clean: [create(0, 1), api(600, 1, rejection), refresh(600, 2, { answeredAtMs: at(3900) }), refresh(3900, 3)],
    twin: [create(0, 1), api(600, 1, rejection), refresh(600, 2, { answeredAtMs: at(659) }), refresh(659, 3)],
  },
  {
    monitor: 'D-back-off',
    rule: 'half a minute passes after a refresh that failed',
    clean: [create(0, 1), failedRefresh(2800, 1, 'dropped'), refresh(2830, 2)],
    twin: [create(0, 1), failedRefresh(2800, 1, 'dropped'), refresh(2829.999, 2)],
  },
  {
    monitor: 'D-back-off',
    rule: 'the second back-off is twice as long, until a grant',
    clean: [
      ...[create(0, 1), failedRefresh(2800, 1, 502), failedRefresh(2830, 1, 200), refresh(2890, 2)],
      ...[failedRefresh(5000, 2, 502), refresh(5030, 3)],
    ],
    twin: [create(0, 1), failedRefresh(2800, 1, 502), failedRefresh(2830, 1, 200), refresh(2889.999, 2)],
  },
  {
    monitor: 'D-back-off',
    rule: 'a demand waits for the back-off of a create, unless it comes with other credentials',
    clean: [
      ...[demand(0), failedCreate(0, 504), demand(10), failedCreate(10, 504, { credentialsId: 'others' })],
      ...[demand(40), create(40, 1, { credentialsId: 'others' })],
    ],
    twin: [demand(0), failedCreate(0, 504), demand(10), create(10, 1)],
  },
  {
    monitor: 'D-refresh-unavailable',
    rule: 'after six attempts somebody has to ask',
    clean: [create(0, 1), ...sixAttempts, demand(4400), refresh(4400, 2)],
    twin: [create(0, 1), ...sixAttempts, refresh(4400, 2)],
  },
  {
    monitor: 'D-refresh-401',
    rule: 'a create follows a refresh 401 only where something explains it',
    clean: [create(0, 1), failedRefresh(2800, 1, 502), failedRefresh(2830, 1, 401), create(2830, 2)],
    twin: [create(0, 1), failedRefresh(2800, 1, 429), failedRefresh(3400, 1, 401), create(3400, 2)],
  },
  {
    monitor: 'D-refresh-401',
    rule: 'an expired refresh token explains it, and so does somebody who signs in',
    clean: [
      ...[create(0, 1), failedRefresh(2800, 1, 401, { refreshExpAtMs: at(2830) }), create(2800, 2)],
      ...[failedRefresh(5600, 2, 401), operator(5700, 'signIn'), create(5700, 3)],
    ],
    twin: [create(0, 1), failedRefresh(2800, 1, 401, { refreshExpAtMs: at(2831) }), create(2800, 2)],
  },
  {
    monitor: 'D-refresh-401',
    rule: 'a refresh token that was answered 401 is not sent again',
    clean: [create(0, 1), failedRefresh(2800, 1, 401), operator(2900, 'reset'), create(2900, 2), refresh(5700, 3)],
    twin: [create(0, 1), failedRefresh(2800, 1, 401), failedRefresh(2900, 1, 401)],
  },
  {
    monitor: 'D-create-4xx',
    rule: 'credentials that were answered 403 are not tried again, though somebody asks',
    clean: [failedCreate(0, 403), demand(100), create(100, 1, { credentialsId: 'others' }), refresh(2900, 2)],
    twin: [failedCreate(0, 403), demand(100), create(100, 1)],
  },
  {
    monitor: 'D-create-4xx',
    rule: 'no refresh follows before a newer grant',
    clean: [create(0, 1), failedCreate(100, 400, { credentialsId: 'x' }), operator(200, 'reset'), create(200, 2)],
    twin: [create(0, 1), failedCreate(100, 400, { credentialsId: 'x' }), demand(200), refresh(2800, 2)],
  },
  {
    monitor: 'D-sign-out',
    rule: 'nothing that needs a token is sent after a sign-out',
    clean: [create(0, 1), operator(10, 'signOut'), operator(12, 'signIn'), create(12, 2), api(13, 2)],
    twin: [create(0, 1), operator(10, 'signOut'), api(11, 1)],
  },
  {
    monitor: 'D-sign-out',
    rule: 'a reset is no sign-in',
    clean: [create(0, 1), operator(10, 'reset'), create(11, 2)],
    twin: [create(0, 1), operator(10, 'signOut'), operator(11, 'reset'), create(11, 2)],
  },
  {
    monitor: 'D-api-429',
    rule: 'ten minutes pass after an API 429',
    clean: [create(0, 1), api(100, 1, { status: 429 }), refresh(101, 2), api(700, 2)],
    twin: [create(0, 1), api(100, 1, { status: 429 }), api(699.999, 1)],
  },
  {
    monitor: 'D-api-429',
    rule: 'a longer Retry-After counts',
    clean: [create(0, 1), api(100, 1, { status: 429, retryAfterMs: 900_000 }), api(1000, 1)],
    twin: [create(0, 1), api(100, 1, { status: 429, retryAfterMs: 900_000 }), api(999, 1)],
  },
]
