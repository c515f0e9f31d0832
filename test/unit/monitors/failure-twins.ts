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
  sent,
  type Twins,
  validate,
} from './traces.ts'

const dropped = failedRefresh(2800, 1, 'dropped', { answeredAtMs: at(2805) })
/** Its refresh token is usable until 2810 s: 30 s before its expiry. */
const shortLived = create(0, 1, { grantedRefreshExpAtMs: at(2840) })
const ofShortLived = failedRefresh(2800, 1, 502, { refreshExpAtMs: at(2840) })

const others = { credentialsId: 'others' } as const
const partial = { grantedRefreshId: undefined } as const
/** Six attempts, each as soon as the back-off of the one before allows. */
const sixAttempts = [0, 30, 90, 210, 450, 930].map((s) => failedRefresh(2800 + s, 1, 502))

/** Of creates and refreshes that failed. */
export const FAILURE_TWINS: readonly Twins[] = [
  {
    monitor: 'D-back-off',
    rule: 'the back-off of a trace that begins in its midst',
    clean: [failedRefresh(0, 1, 502), validate(10, 1), refresh(30, 2)],
    twin: [answered(failedRefresh(0, 1, 502)), validate(10, 1), refresh(29.999, 2)],
    says: ['a refresh was sent 29.999 s after a refresh that failed, 0.001 s too early'],
  },
  {
    monitor: 'D-back-off',
    rule: 'a create in place of a refresh whose token is no longer usable',
    clean: [shortLived, ofShortLived, create(2830, 2)],
    twin: [shortLived, ofShortLived, create(2810, 2)],
    says: ['a create was sent 10 s after a refresh that failed, 20 s too early'],
  },
  {
    monitor: 'invariant-10',
    rule: 'a create in place of a refresh whose token is usable, though somebody signs in',
    clean: [shortLived, ofShortLived, operator(2801, 'signIn'), create(2830, 2)],
    twin: [shortLived, ofShortLived, operator(2801, 'signIn'), create(2809.999, 2)],
  },
  {
    monitor: 'D-back-off',
    rule: 'a reset aborts nothing and ends no back-off',
    clean: [
      create(0, 1),
      sent(dropped),
      operator(2801, 'reset'),
      answered(dropped),
      operator(2802, 'reset'),
      create(2835, 2),
    ],
    twin: [
      ...[create(0, 1), sent(dropped), operator(2801, 'reset'), answered(dropped), operator(2802, 'reset')],
      ...[operator(2803, 'signIn'), create(2834.999, 2)],
    ],
  },
  {
    monitor: 'D-back-off',
    rule: 'a sign-out in a back-off does not end it',
    clean: [
      create(0, 1),
      failedRefresh(2800, 1, 502),
      operator(2801, 'signOut'),
      operator(2802, 'signIn'),
      create(2830, 2),
    ],
    twin: [
      create(0, 1),
      failedRefresh(2800, 1, 502),
      operator(2801, 'signOut'),
      operator(2802, 'signIn'),
      create(2829.999, 2),
    ],
  },
  {
    monitor: 'D-back-off',
    rule: 'a create that failed, then one of whom nobody knows',
    clean: [demand(0), failedCreate(0, 500), validate(10, 1), demand(20), create(30, 1)],
    twin: [demand(0), failedCreate(0, 500), validate(10, 1), demand(20), create(29.999, 1)],
  },
  {
    monitor: 'invariant-7',
    rule: 'other credentials lift no refusal of these',
    clean: [failedCreate(0, 401), operator(100, 'signIn', 'others'), create(200, 2, { credentialsId: 'others' })],
    twin: [failedCreate(0, 401), operator(100, 'signIn', 'others'), create(200, 2)],
    says: ['a create was sent with credentials that had been refused'],
  },
  {
    monitor: 'invariant-7',
    rule: 'each of several refused credentials is remembered',
    clean: [
      failedCreate(0, 401),
      demand(1),
      failedCreate(1, 401, others),
      demand(2),
      create(2, 1, { credentialsId: 'x' }),
    ],
    twin: [failedCreate(0, 401), demand(1), failedCreate(1, 401, others), demand(2), create(2, 1)],
  },
  {
    monitor: 'invariant-7',
    rule: 'a validate uses no credentials',
    clean: [failedCreate(0, 401, { credentialsId: undefined }), validate(150, 1)],
    twin: [failedCreate(0, 401), validate(150, 1), operator(200, 'signIn', 'mine'), create(200, 2)],
  },
  {
    monitor: 'invariant-7',
    rule: 'what follows refused credentials unasked is no second fault',
    clean: [failedCreate(0, 401), operator(10, 'reset'), create(10, 1)],
    twin: [failedCreate(0, 401), failedRefresh(100, 1, 401), failedCreate(200, 401), create(300, 3)],
    says: [
      'a refresh was sent after refused credentials, before a newer grant',
      'a create was sent with credentials that had been refused',
      'a create was sent with credentials that had been refused',
    ],
  },
  {
    monitor: 'invariant-9',
    rule: 'other credentials do not sign in unasked either',
    clean: [failedCreate(0, 401), demand(100), create(100, 1, others)],
    twin: [failedCreate(0, 401), create(100, 1, others)],
    says: ['a create followed a create answered 401, and nobody had asked'],
  },
  {
    monitor: 'invariant-9',
    rule: 'a throttled create is not a failed one, whoever signs in after it',
    clean: [demand(0), failedCreate(0, 429), create(600, 1, others)],
    twin: [demand(0), failedCreate(0, 'dropped'), create(600, 1, others)],
    says: ['a create followed a create answered dropped, and nobody had asked'],
  },
  {
    monitor: 'invariant-9',
    rule: 'nor is a refresh sent unasked; a validate may be',
    clean: [failedCreate(0, 500), validate(31, 1), demand(31), refresh(31, 2)],
    twin: [failedCreate(0, 500), validate(31, 1), refresh(31, 2)],
    says: ['a refresh followed a create answered 500, and nobody had asked'],
  },
  {
    monitor: 'invariant-8',
    rule: 'a rejected access token is not presented to validate either; another one may be',
    clean: [failedRefresh(0, 1, 400), validate(10, 1), api(20, 1)],
    twin: [create(0, 1), failedRefresh(2800, 1, 400), validate(2810, 1)],
    says: ['access token a1 was sent after the refresh of its pair was rejected'],
  },
  {
    monitor: 'invariant-8',
    rule: 'another refresh token was not rejected, and an API request rejects none',
    clean: [create(0, 1), api(10, 1, { status: 404 }), api(20, 1), failedRefresh(2800, 1, 400), refresh(2900, 9)],
    twin: [
      create(0, 1),
      api(10, 1, { status: 404 }),
      api(20, 1),
      failedRefresh(2800, 1, 400),
      failedRefresh(2900, 1, 400),
    ],
    says: ['refresh token r1 was sent after the server had rejected it'],
  },
  {
    monitor: 'invariant-8',
    rule: 'what is not known was not rejected',
    clean: [
      ...[failedRefresh(0, 1, 400, { refreshId: undefined }), failedRefresh(100, 1, 400, { refreshId: undefined })],
      ...[create(200, 1, { grantedRefreshId: undefined }), failedRefresh(300, 1, 403), create(400, 2)],
      ...[failedRefresh(500, 2, 403), api(600, 2, { accessId: undefined })],
    ],
    twin: [create(0, 1), failedRefresh(100, 1, 403), api(200, 1)],
  },
  {
    monitor: 'D-refresh-401',
    rule: 'the credentials of a pair are those of its sign-in, however often it was refreshed',
    clean: [create(0, 1, others), refresh(2800, 2), failedRefresh(5600, 2, 401), create(5600, 3)],
    twin: [create(0, 1), refresh(2800, 2), failedRefresh(5600, 2, 401), create(5600, 3)],
    says: ['a create followed a refresh 401 that nothing explains'],
  },
  {
    monitor: 'D-refresh-401',
    rule: 'a refresh that brings no refresh token leaves the old one to be refused',
    clean: [
      create(0, 1),
      refresh(2800, 2, partial),
      failedRefresh(5600, 1, 502),
      failedRefresh(5700, 1, 401),
      create(5700, 3),
    ],
    twin: [create(0, 1), refresh(2800, 2, partial), failedRefresh(5600, 1, 401), create(5700, 3)],
  },
  {
    monitor: 'D-refresh-401',
    rule: 'an explanation holds for one 401',
    clean: [create(0, 1), failedRefresh(2800, 1, 502), failedRefresh(2830, 1, 401), create(2840, 2)],
    twin: [
      ...[create(0, 1), failedRefresh(2800, 1, 502), failedRefresh(2830, 1, 401), failedRefresh(2840, 1, 401)],
      create(2850, 2),
    ],
    says: ['refresh token r1 was sent again after a 401', 'a create followed a refresh 401 that nothing explains'],
  },
  {
    monitor: 'D-refresh-401',
    rule: 'a validate is no create',
    clean: [refresh(0, 2), failedRefresh(100, 2, 401), validate(200, 2)],
    twin: [refresh(0, 2), failedRefresh(100, 2, 401), create(200, 2, { credentialsId: undefined })],
  },
  {
    monitor: 'invariant-5',
    rule: 'a 401 for a token that was replaced refuses the one that replaced it no more than before',
    clean: [create(0, 1), refresh(2800, 2), refresh(2900, 3), create(24 * HOUR_S + 2900, 4)],
    twin: [create(0, 1), refresh(2800, 2), failedRefresh(2900, 1, 401), create(2950, 3)],
    says: ['refresh token r1 was sent, though it had been replaced'],
  },
  {
    monitor: 'invariant-7',
    rule: 'refused credentials, with a pair that had no refresh token to be refused',
    clean: [create(0, 1, partial), failedCreate(HOUR_S, 401), demand(HOUR_S + 1), create(HOUR_S + 1, 2, others)],
    twin: [create(0, 1, partial), failedCreate(HOUR_S, 401), demand(HOUR_S + 1), create(HOUR_S + 1, 2)],
  },
  {
    monitor: 'D-refresh-unavailable',
    rule: 'a sign-in begins the count anew; a validate does not',
    clean: [create(0, 1), ...sixAttempts, operator(4400, 'signIn'), refresh(4400, 2)],
    twin: [create(0, 1), ...sixAttempts, validate(4000, 1), refresh(4400, 2)],
    says: ['refresh 7 in 1600 s, and nobody had asked'],
  },
  {
    monitor: 'D-refresh-unavailable',
    rule: 'a throttled refresh is no failed one',
    clean: [create(0, 1), ...[0, 1, 2, 3, 4, 5, 6].map((n) => failedRefresh(2800 + 600 * n, 1, 429))],
    twin: [create(0, 1), ...[0, 1, 2, 3, 4, 5, 6].map((n) => failedRefresh(2800 + 600 * n, 1, 504))],
  },
]
