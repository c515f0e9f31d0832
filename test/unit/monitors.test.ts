import { describe, expect, test } from 'vitest'
import { createMonitors, createWatch, judge, momentsOf } from '../../src/monitors/index.ts'
import { isPolicyId } from '../../src/policy/catalogue.ts'
import { DEFAULT_POLICY } from '../../src/policy/index.ts'
import {
  answered,
  api,
  at,
  create,
  demand,
  elapsed,
  failedCreate,
  failedRefresh,
  type Items,
  operator,
  refresh,
  START_MS,
  sent,
  trace,
} from './monitors/traces.ts'
import { TWINS } from './monitors/twins.ts'

const rejection = { status: 401 } as const
// Made anew in each test, so that a mutant of a monitor is looked at by the tests that would notice it.
const judged = (items: Items) => judge(trace(items), createMonitors())
const broken = (items: Items) => [...new Set(judged(items).map(({ monitor }) => monitor))]

describe.each(TWINS)('$monitor: $rule', ({ monitor, clean, twin, says }) => {
  test('no monitor minds the clean trace', () => {
    expect(judged(clean)).toEqual([])
  })
  test('its broken twin is found, by this monitor alone', () => {
    expect(broken(twin)).toEqual([monitor])
  })
  test('the finding says what was seen, in times of the trace', () => {
    const findings = judged(twin)
    if (says !== undefined) expect(findings.map(({ evidence }) => evidence)).toEqual(says)
    for (const { evidence } of findings) {
      expect(evidence).toMatch(/\w+ \S+ \w+/)
      expect(evidence).not.toMatch(/\d{8,}|-\d|NaN|undefined/)
    }
  })
})

test('what a watch found is given out once, and not kept', () => {
  const watch = createWatch(createMonitors())
  const basic = () => watch.observe(sent(api(0, 1, { authScheme: 'Basic' }))).map(({ monitor }) => monitor)
  const [first, second] = [basic(), basic()]
  expect(first).toEqual(['no-basic-auth'])
  expect(second).toEqual(first)
  expect(watch.observe(demand(1))).toEqual([])
  expect(Object.keys(watch)).toEqual(['observe'])
})

test('every monitor has a broken twin', () => {
  expect([...new Set(TWINS.map(({ monitor }) => monitor))].sort()).toEqual(
    createMonitors()
      .map(({ id }) => id)
      .sort(),
  )
})

test('every monitor says what always holds, and names clauses of the catalogue', () => {
  for (const { title, ids } of createMonitors()) {
    expect(title.length).toBeGreaterThan(20)
    expect(ids.length).toBeGreaterThan(0)
    expect(ids.filter((id) => !isPolicyId(id))).toEqual([])
  }
})

describe('what looks like a fault and is none', () => {
  test('invariant 11: of two demands one is late', () => {
    const asks = [
      demand(0, { demandId: 'd1', deadlineAtMs: at(90) }),
      demand(1, { demandId: 'd2', deadlineAtMs: at(91) }),
    ]
    const evidence = judge([...asks, elapsed(91)], createMonitors()).map((finding) => finding.evidence)
    expect(evidence).toEqual(['demand d1 was still open 91 s after it had been made'])
  })
  test('D-refresh-401: a policy that signs in again', () => {
    const monitors = createMonitors({ ...DEFAULT_POLICY, refreshUnauthorized: 'recreate' })
    expect(judge(trace([create(0, 1), failedRefresh(2800, 1, 401), create(2800, 2)]), monitors)).toEqual([])
  })
  test('invariant 4: a young token that is refused goes on being used (D-young-rejection)', () => {
    expect(broken([create(0, 1), api(59, 1, rejection), api(70, 1, rejection), api(80, 1)])).toEqual([])
  })
  test('invariant 5: a grant whose reply was lost spends nothing that the client knows of (unfinished)', () => {
    expect(
      broken([create(0, 1), failedRefresh(2800, 1, 'dropped'), failedRefresh(2900, 1, 401), create(2900, 2)]),
    ).toEqual([])
  })
  test('invariant 10: a sign-in with other credentials', () => {
    expect(broken([create(0, 1), operator(10, 'signIn'), create(10, 2, { credentialsId: 'others' })])).toEqual([])
  })
  test('invariant 4: requests that were on their way when the token was replaced', () => {
    const late = api(2800, 1)
    expect(broken([create(0, 1), sent(late), refresh(2800, 2), answered(late), api(2801, 2)])).toEqual([])
  })
})

describe('what breaks two rules at once', () => {
  test('a second refresh while the first, for a rejected token, is in flight', () => {
    const evidence = judged([create(0, 1), api(600, 1, rejection), sent(refresh(600, 2)), sent(refresh(601, 2))])
    expect(evidence.map((finding) => [finding.monitor, finding.evidence])).toEqual([
      ['invariant-1', 'a refresh was sent while 1 create or refresh was in flight'],
      [
        'refresh-once',
        'a second refresh was sent while the one that a rejected access token had brought about was in flight',
      ],
    ])
  })
  test('a sign-out is not asking for a pair: after it, nothing starts by itself', () => {
    const signedOut = operator(100, 'signOut')
    expect(broken([failedCreate(0, 500), signedOut, create(200, 1)])).toEqual(['invariant-9', 'D-sign-out'])
    const refused = [create(0, 1), failedRefresh(50, 1, 401)]
    expect(broken([...refused, signedOut, create(200, 2)])).toEqual(['D-refresh-401', 'D-sign-out'])
  })
})

test('invariant 6 keeps a hundred requests at once apart', () => {
  const ids = Array.from({ length: 100 }, (_, n) => `q${n}`)
  const all = (s: number) => ids.map((requestId) => api(s, 1, { requestId }))
  expect(judged([create(0, 1), ...all(1)])).toEqual([])
  const evidence = judged([create(0, 1), ...all(1), ...all(2)]).map((finding) => finding.evidence)
  expect(evidence).toEqual(ids.map((id) => `API request ${id} was sent again without a 401 before`))
})

test('a finding says when, what and which clause', () => {
  const [finding] = judged([create(0, 1), failedRefresh(1000, 1, 429), refresh(1000.25, 2)])
  expect(finding).toMatchObject({
    invariant: 3,
    atMs: at(1000.25),
    evidence: 'a refresh was sent 0.25 s after a 429',
    ids: expect.arrayContaining(['pause-after-429']),
  })
})

test('a trace of times alone is put in order: an answer comes before what is sent at that time', () => {
  const slow = { ...api(0, 1), answeredAtMs: at(5) }
  const quick = api(5, 1)
  const inside = { ...api(1, 1), answeredAtMs: at(2) }
  const order = momentsOf([quick, slow, inside]).map((moment) => {
    if (moment.kind !== 'sent' && moment.kind !== 'answered') return ''
    return `${moment.kind} ${(moment.request.sentAtMs - START_MS) / 1000}`
  })
  expect(order).toEqual(['sent 0', 'sent 1', 'answered 1', 'answered 0', 'sent 5', 'answered 5'])
})
