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
  operator,
  refresh,
  request,
  sent,
  settled,
  shown,
  type Twins,
  validate,
} from './traces.ts'

const asks = (s: number, demandId: string) => demand(s, { demandId, deadlineAtMs: at(s + 90) })
const ended = (code: 'ABORTED' | 'SIGNED_OUT') => ({ kind: 'error', code }) as const
const gaveUp = { abandoned: true, answeredAtMs: at(5) } as const
const createGivenUp = failedCreate(0, 'dropped', gaveUp)
const refreshGivenUp = failedRefresh(0, 1, 'dropped', gaveUp)
const validateGivenUp = validate(0, 1, { status: 'dropped', ...gaveUp })
const OWN = 'https://sandbox.test'
const LOOPBACK = 'http://127.10.20.30:8080'

/** Of who asks, who looks on and where requests go. */
export const CALLER_TWINS: readonly Twins[] = [
  {
    monitor: 'invariant-11',
    rule: 'each demand that is late shows once',
    clean: [asks(0, 'd1'), asks(1, 'd2'), elapsed(90)],
    twin: [asks(0, 'd1'), asks(1, 'd2'), elapsed(90.5), elapsed(90.6), elapsed(92)],
    says: [
      'demand d1 was still open 90.5 s after it had been made',
      'demand d2 was still open 91 s after it had been made',
    ],
  },
  {
    monitor: 'invariant-11',
    rule: 'a demand of which only a part is known is not followed',
    clean: [demand(0), demand(1, { demandId: 'd1' }), demand(2, { deadlineAtMs: at(92) }), elapsed(200)],
    twin: [demand(0), demand(1, { demandId: 'd1' }), demand(2, { deadlineAtMs: at(92) }), asks(3, 'd2'), elapsed(200)],
    says: ['demand d2 was still open 197 s after it had been made'],
  },
  {
    monitor: 'invariant-11',
    rule: 'a demand that ended is not late',
    clean: [asks(0, 'd1'), settled(1, 'd1', ended('SIGNED_OUT')), elapsed(100)],
    twin: [asks(0, 'd1'), settled(1, 'd1', { kind: 'token', accessExpAtMs: at(0) }), elapsed(100)],
    says: ['demand d1 was given a token that had expired 1 s before'],
  },
  {
    monitor: 'invariant-11',
    rule: 'what ended it is the library’s own',
    clean: [asks(0, 'd1'), settled(1, 'd1', ended('SIGNED_OUT'))],
    twin: [asks(0, 'd1'), settled(1, 'd1', { kind: 'error', code: undefined })],
    says: ["demand d1 ended with an error that is none of the library's"],
  },
  {
    monitor: 'invariant-12',
    rule: 'each secret that could be read is named by its id',
    clean: [shown(1)],
    twin: [shown(1, 'r1', 'a1')],
    says: ['the secret r1 could be read in the log', 'the secret a1 could be read in the log'],
  },
  {
    monitor: 'invariant-13',
    rule: 'a refresh is not given up with its caller; a validate is its caller’s own',
    clean: [sent(validateGivenUp), aborted(4, 'd1'), answered(validateGivenUp)],
    twin: [sent(refreshGivenUp), aborted(4, 'd1'), answered(refreshGivenUp)],
    says: ['the refresh in flight was given up 1 s after a caller had'],
  },
  {
    monitor: 'invariant-13',
    rule: 'a caller who gave up before the request was sent has nothing to do with it',
    clean: [aborted(-0.001, 'd1'), sent(createGivenUp), answered(createGivenUp)],
    twin: [sent(createGivenUp), aborted(0, 'd1'), answered(createGivenUp)],
  },
  {
    monitor: 'invariant-13',
    rule: 'a sign-out ends a request that was sent at the same time; a reset ends none',
    clean: [
      ...[asks(-1, 'd2'), sent(createGivenUp), operator(0, 'signOut'), settled(0, 'd2', ended('SIGNED_OUT'))],
      ...[aborted(1, 'd1'), answered(createGivenUp)],
    ],
    twin: [sent(createGivenUp), operator(0, 'reset'), aborted(1, 'd1'), answered(createGivenUp)],
  },
  {
    monitor: 'invariant-13',
    rule: 'nobody is aborted but who gave up',
    clean: [asks(0, 'd1'), aborted(1, 'd1'), settled(1, 'd1', ended('ABORTED'))],
    twin: [
      asks(0, 'd1'),
      asks(0, 'd2'),
      aborted(1, 'd1'),
      settled(1, 'd2', ended('ABORTED')),
      settled(1, 'd1', ended('ABORTED')),
    ],
    says: ['demand d2 was aborted, though its own caller had not given up'],
  },
  {
    monitor: 'invariant-14',
    rule: 'an API request with a token goes to the configured origin; one without holds no secret',
    clean: [
      create(0, 1, { origin: LOOPBACK, configuredOrigin: LOOPBACK }),
      api(1, 1, { origin: OWN, configuredOrigin: OWN }),
    ],
    twin: [api(1, 1, { origin: 'https://other.test', configuredOrigin: OWN })],
    says: ['an API request to /api/v2/whoami/ went to https://other.test, not to https://sandbox.test'],
  },
  {
    monitor: 'bearer-on-every-request',
    rule: 'an API request without a token may go elsewhere, but should have one',
    clean: [api(1, 1)],
    twin: [request(1, 'api', { authScheme: 'none', origin: 'https://other.test', configuredOrigin: OWN })],
    says: ['POST /api/v2/whoami/ was sent with no authentication'],
  },
  {
    monitor: 'invariant-14',
    rule: 'a create goes nowhere without encryption',
    clean: [create(0, 1, { origin: 'http://[::1]:8080' })],
    twin: [create(0, 1, { origin: 'http://sandbox.test', configuredOrigin: 'http://sandbox.test' })],
    says: ['a create went to http://sandbox.test without encryption'],
  },
  {
    monitor: 'bearer-on-every-request',
    rule: 'an API request without a token may be sent after a sign-out, but should have one',
    clean: [operator(0, 'signOut'), operator(1, 'signIn'), api(2, 1)],
    twin: [operator(0, 'signOut'), request(1, 'api', { authScheme: 'none' })],
  },
  {
    monitor: 'D-sign-out',
    rule: 'what carries a token after a sign-out is named',
    clean: [operator(0, 'signOut'), operator(1, 'signIn'), validate(2, 1), api(2, 1)],
    twin: [operator(0, 'signOut'), validate(1, 1), api(2, 1)],
    says: [
      'a validate was sent after the sign-out',
      'an API request to /api/v2/whoami/ carried a token after the sign-out',
    ],
  },
  {
    monitor: 'bearer-on-every-request',
    rule: 'a token in another scheme is not carried as Bearer',
    clean: [api(1, 1)],
    twin: [api(1, 1, { authScheme: 'Token' })],
    says: ['POST /api/v2/whoami/ was sent with another scheme of authentication'],
  },
  {
    monitor: 'no-basic-auth',
    rule: 'Basic authentication shows wherever it is used',
    clean: [create(0, 1)],
    twin: [create(0, 1, { authScheme: 'Basic' })],
    says: ['POST /api/v2/token/create/ was sent with Basic authentication'],
  },
  {
    monitor: 'no-api-v1',
    rule: 'API V1 is what lies under its path, however that is written',
    clean: [api(1, 1, { path: '/api/v12/' }), api(2, 1, { path: '/proxy/api/v1/' })],
    twin: [api(1, 1, { path: '/api/v1' }), api(2, 1, { path: '//api//v1/x' })],
    says: ['POST /api/v1 was sent', 'POST //api//v1/x was sent'],
  },
  {
    monitor: 'invariant-6',
    rule: 'a request is sent again only after a 401, though another token is there',
    clean: [
      answered(api(0, 1, { requestId: 'q' })),
      api(1, 1, { status: 502, requestId: 'p' }),
      refresh(2, 2),
      api(3, 2),
    ],
    twin: [api(1, 1, { status: 502, requestId: 'p' }), refresh(2, 2), api(3, 2, { requestId: 'p' })],
    says: ['API request p was sent again without a 401 before'],
  },
  {
    monitor: 'invariant-6',
    rule: 'each time too often is counted',
    clean: [api(1, 1, { status: 502, requestId: 'p' }), api(2, 1, { requestId: 'q' })],
    twin: [1, 2, 3, 4].map((s) => api(s, 1, { status: 502, requestId: 'p' })),
    says: [
      'API request p was sent again without a 401 before',
      'API request p was sent 3 times',
      'API request p was sent 4 times',
    ],
  },
  {
    monitor: 'invariant-6',
    rule: 'an id is shown whole, or its beginning where it is longer than twelve characters',
    clean: [api(1, 1, { status: 502, requestId: 'request_0001' }), api(2, 1, { requestId: 'request_00001' })],
    twin: ['request_0001', 'request_00001'].flatMap((requestId) => [
      api(1, 1, { requestId }),
      api(1, 1, { requestId }),
    ]),
    says: [
      'API request request_0001 was sent again without a 401 before',
      'API request request_… was sent again without a 401 before',
    ],
  },
]
