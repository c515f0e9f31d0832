import { answered, api, at, create, demand, failedRefresh, refresh, sent, type Twins, validate } from './traces.ts'

const rejection = { status: 401 } as const
const unknown = { ...rejection, accessId: undefined } as const
const others = { credentialsId: 'others' } as const
/** On its way when the pair was replaced. */
const late = api(2790, 1, { ...rejection, answeredAtMs: at(2900) })

/** Of tokens that were replaced, refused or seen for the first time. */
export const TOKEN_TWINS: readonly Twins[] = [
  {
    monitor: 'invariant-4',
    rule: 'an access token is not presented to validate at its expiry either',
    clean: [create(0, 1), validate(99.999, 1, { accessExpAtMs: at(100) })],
    twin: [create(0, 1), validate(100, 1, { accessExpAtMs: at(100) })],
    says: ['access token a1 was sent 0 s after its expiry'],
  },
  {
    monitor: 'invariant-4',
    rule: 'of tokens whose grants were not seen none is older, until a grant replaces them all',
    clean: [api(600, 1), validate(610, 2), api(700, 1), api(710, 2), refresh(720, 3), api(730, 3), api(740, 4)],
    twin: [api(600, 1), validate(610, 2), api(700, 1), api(710, 2), refresh(720, 3), api(730, 2)],
    says: ['access token a2 was sent, though a3 has replaced it'],
  },
  {
    monitor: 'invariant-4',
    rule: 'the old token serves until the next pair is stored',
    clean: [create(0, 1), refresh(2800, 2), api(2800, 1, { stillServes: true }), api(2801, 2)],
    twin: [create(0, 1), refresh(2800, 2), api(2800, 1), api(2801, 2)],
    says: ['access token a1 was sent, though a2 has replaced it'],
  },
  {
    monitor: 'invariant-4',
    rule: 'a refusal is of the token that was sent, not of the one that has replaced it',
    clean: [create(0, 1), sent(late), refresh(2800, 2), answered(late), api(3000, 2)],
    twin: [create(0, 1), sent(late), answered(late), api(3000, 1)],
    says: ['access token a1 was sent again after the API refused it'],
  },
  {
    monitor: 'invariant-4',
    rule: 'nor of one that is not known',
    clean: [api(0, 1), api(60, 1, unknown), validate(100, 1)],
    twin: [api(0, 1), api(60, 1, rejection), validate(100, 1)],
  },
  {
    monitor: 'invariant-4',
    rule: 'a token whose grant was not seen may have been granted just before it was used first',
    clean: [api(0, 1), api(59, 1, rejection), api(70, 1)],
    twin: [api(0, 1), api(60, 1, rejection), api(70, 1)],
  },
  {
    monitor: 'invariant-4',
    rule: 'a token is young until it is 60 s old',
    clean: [create(0, 1), api(59.999, 1, rejection), api(70, 1)],
    twin: [create(0, 1), api(60, 1, rejection), api(70, 1)],
  },
  {
    monitor: 'invariant-4',
    rule: 'after a young token was refused refusals say nothing until an API request is accepted, and validate is none',
    clean: [
      ...[create(0, 1), api(59, 1, rejection), validate(80, 1), api(100, 1, rejection), api(110, 1, rejection)],
      api(120, 1),
    ],
    twin: [
      ...[create(0, 1), api(59, 1, rejection), api(80, 1), api(100, 1, rejection), api(110, 1, rejection)],
      api(120, 1),
    ],
  },
  {
    monitor: 'invariant-4',
    rule: 'a young token that was refused, or accepted after that, has replaced the one before all the same',
    clean: [create(0, 1), refresh(2800, 2), api(2810, 2, rejection), api(2820, 2), api(2830, 2)],
    twin: [...[create(0, 1), refresh(2800, 2), api(2810, 2, rejection), api(2815, 1), api(2820, 2)], api(2830, 1)],
    says: [
      'access token a1 was sent, though a2 has replaced it',
      'access token a1 was sent, though a2 has replaced it',
    ],
  },
  {
    monitor: 'invariant-4',
    rule: 'nor do refusals of the next token say anything, until one is accepted',
    clean: [create(0, 1), api(59, 1, rejection), refresh(60, 2), api(200, 2, rejection), api(210, 2)],
    twin: [create(0, 1), refresh(60, 2), api(200, 2, rejection), api(210, 2)],
  },
  {
    monitor: 'invariant-5',
    rule: 'a refresh token that was granted again, or not replaced, is not spent',
    clean: [
      ...[
        create(0, 1),
        refresh(2800, 2, { grantedRefreshId: 'r1' }),
        refresh(5600, 3, { refreshId: 'r1', grantedRefreshId: undefined }),
      ],
      ...[refresh(8400, 4, { refreshId: 'r1' }), refresh(11_200, 5, { refreshId: undefined })],
    ],
    twin: [create(0, 1), refresh(2800, 2), refresh(5600, 3), refresh(8400, 4, { refreshId: 'r1' })],
    says: ['refresh token r1 was sent, though it had been replaced'],
  },
  {
    monitor: 'refresh-lives-24h',
    rule: 'what is sent after its expiry is named',
    clean: [create(0, 1), refresh(99.999, 2, { refreshExpAtMs: at(100) })],
    twin: [create(0, 1), refresh(102, 2, { refreshExpAtMs: at(100) })],
    says: ['refresh token r1 was sent 2 s after its expiry'],
  },
  {
    monitor: 'invariant-10',
    rule: 'a pair goes back to the sign-in that it was refreshed from',
    clean: [create(0, 1, others), refresh(2800, 2), create(2900, 3)],
    twin: [create(0, 1), refresh(2800, 2), create(2900, 3)],
    says: ['a create was sent, though a refresh token usable for 86270 s was held'],
  },
  {
    monitor: 'invariant-10',
    rule: 'a sign-in that brings no refresh token is followed by another one',
    clean: [create(0, 1, { grantedRefreshId: undefined }), create(660, 2)],
    twin: [create(0, 1), create(660, 2)],
  },
  {
    monitor: 'invariant-10',
    rule: 'a trace that begins with a refresh',
    clean: [refresh(0, 2), create(100, 3)],
    twin: [refresh(0, 2), create(100, 3, { credentialsId: undefined })],
  },
  {
    monitor: 'invariant-10',
    rule: 'neither a validate that was refused nor a refresh that was throttled asks for a sign-in',
    clean: [create(0, 1), validate(5, 1, rejection), failedRefresh(900, 1, 429), refresh(1500, 2)],
    twin: [create(0, 1), validate(5, 1, rejection), failedRefresh(900, 1, 429), create(1500, 2)],
  },
  {
    monitor: 'refresh-once',
    rule: 'the first token of a trace that begins in its midst counts as held',
    clean: [refresh(0, 2), refresh(10, 3)],
    twin: [api(0, 1, rejection), refresh(10, 2), refresh(20, 3)],
    says: ['a second refresh was sent 10 s after the one that a rejected access token had brought about'],
  },
  {
    monitor: 'refresh-once',
    rule: 'a refusal of another token brings about no refresh',
    clean: [api(0, 1), api(100, 2, rejection), refresh(200, 3), refresh(210, 4)],
    twin: [api(0, 1), api(100, 1, rejection), refresh(200, 3), refresh(210, 4)],
  },
  {
    monitor: 'refresh-once',
    rule: 'somebody who asks by name takes no rejection back',
    clean: [create(0, 1), api(600, 1, rejection), demand(610, { forced: true }), refresh(610, 2), refresh(670, 3)],
    twin: [create(0, 1), api(600, 1, rejection), demand(610, { forced: true }), refresh(610, 2), refresh(620, 3)],
  },
  {
    monitor: 'refresh-once',
    rule: 'each pair is as young as the last, but at 60 s it is young no more',
    clean: [create(0, 1), api(600, 1, rejection), refresh(600, 2), refresh(660, 3), refresh(700, 4)],
    twin: [create(0, 1), api(600, 1, rejection), refresh(600, 2), refresh(610, 3), refresh(665, 4)],
    says: [
      'a second refresh was sent 10 s after the one that a rejected access token had brought about',
      'a second refresh was sent 55 s after the one that a rejected access token had brought about',
    ],
  },
  {
    monitor: 'refresh-once',
    rule: 'a sign-in is no refresh, and a refresh that failed is followed by another one',
    clean: [
      ...[
        create(0, 1),
        api(600, 1, rejection),
        failedRefresh(600, 1, 400),
        create(600, 2),
        refresh(610, 3),
        refresh(620, 4),
      ],
      ...[api(1000, 4, rejection), failedRefresh(1000, 4, 502), refresh(1030, 5)],
    ],
    twin: [...[create(0, 1), api(600, 1, rejection), failedRefresh(600, 1, 502), refresh(630, 2)], refresh(640, 3)],
  },
  {
    monitor: 'refresh-once',
    rule: 'the refusal of a token that still serves says nothing of the one that replaces it',
    clean: [
      create(0, 1),
      refresh(2800, 2),
      api(2800, 1, { stillServes: true, ...rejection }),
      refresh(2810, 3),
      refresh(2820, 4),
    ],
    twin: [create(0, 1), refresh(2800, 2), api(2900, 2, rejection), refresh(2900, 3), refresh(2910, 4)],
  },
  {
    monitor: 'refresh-once',
    rule: 'nor does the refusal of one that is not known, or an API request that was accepted',
    clean: [api(0, 1, unknown), refresh(10, 2), refresh(20, 3), api(700, 3), refresh(700, 4), refresh(710, 5)],
    twin: [create(0, 1), api(600, 1, rejection), refresh(600, 2), api(610, 2, unknown), refresh(659, 3)],
  },
  {
    monitor: 'D-young-rejection',
    rule: 'a token that was accepted is refreshed at any age',
    clean: [create(0, 1), api(1, 1), refresh(1, 2)],
    twin: [create(0, 1), api(1, 1, rejection), refresh(1, 2)],
    says: ['a refresh was sent because access token a1, 1 s old, had been refused'],
  },
  {
    monitor: 'D-young-rejection',
    rule: 'what somebody asked for by name excuses nothing after the next refusal',
    clean: [create(0, 1), api(10, 1, rejection), demand(20, { forced: true }), refresh(40, 2)],
    twin: [create(0, 1), api(10, 1, rejection), demand(20, { forced: true }), api(30, 1, rejection), refresh(40, 2)],
  },
  {
    monitor: 'D-young-rejection',
    rule: 'a pair that a sign-in brought about is young too, though a token had been refused before',
    clean: [
      create(0, 1),
      api(100, 1, rejection),
      failedRefresh(100, 1, 400),
      create(100, 2),
      api(110, 2, rejection),
      refresh(160, 3),
    ],
    twin: [
      create(0, 1),
      api(100, 1, rejection),
      failedRefresh(100, 1, 400),
      create(100, 2),
      api(110, 2, rejection),
      refresh(120, 3),
    ],
  },
  {
    monitor: 'D-young-rejection',
    rule: 'and so is one that was refreshed in time',
    clean: [create(0, 1), refresh(2800, 2), api(2810, 2, rejection), refresh(2860, 3)],
    twin: [create(0, 1), refresh(2800, 2), api(2810, 2, rejection), refresh(2820, 3)],
  },
  {
    monitor: 'refresh-lives-24h',
    rule: 'a token without an id is called unknown',
    clean: [refresh(99.75, 2, { refreshId: undefined, refreshExpAtMs: at(100) })],
    twin: [refresh(100.25, 2, { refreshId: undefined, refreshExpAtMs: at(100) })],
    says: ['refresh token unknown was sent 0.25 s after its expiry'],
  },
]
