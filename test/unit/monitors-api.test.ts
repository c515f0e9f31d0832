import { describe, expect, test } from 'vitest'
import { createMonitors, judge, type Moment } from '../../src/monitors/index.ts'
import { DEFAULT_POLICY } from '../../src/policy/index.ts'
import { api, HOUR_S, request, trace, validate } from './monitors/traces.ts'
import { TWINS } from './monitors/twins.ts'

/** API requests that might matter to somebody, at each point of each trace: at its start, and long after it. */
const APIS: readonly Moment[] = [
  ...[200, 401, 403, 429, 502].flatMap((status) =>
    trace([api(0, 1, { status, credentialsId: 'c1', requestId: 'q', refreshId: 'r1', origin: 'http://other.test' })]),
  ),
  ...trace([request(0, 'api', { authScheme: 'Basic', path: '/api/v1/' }), request(0, 'api', { authScheme: 'none' })]),
  ...trace([1, 2].map((n) => api(48 * HOUR_S, n))),
]
const TRACES = TWINS.flatMap(({ clean, twin }) => [trace(clean), trace(twin)])
// Named while the tests are collected, looked at in each test anew: so a mutant is noticed where it matters.
const NAMES = createMonitors().map(({ id }) => id)

describe('a monitor is asked about API requests if, and only if, it makes something of them', () => {
  test.each(NAMES)('%s', (id) => {
    const monitor = createMonitors().find((each) => each.id === id)
    if (monitor === undefined) throw new Error(`no monitor ${id}`)
    let makesSomething = false
    const makes = () => {
      makesSomething = true
    }
    for (const moments of TRACES) {
      let state = monitor.initial
      for (const moment of moments) {
        for (const request of APIS) if (monitor.step(state, request, makes) !== state) makes()
        state = monitor.step(state, moment, () => {})
      }
    }
    expect(monitor.ignoresApi === true).toBe(!makesSomething)
  })

  test('the budget counts them where the policy says so', () => {
    const policy = { ...DEFAULT_POLICY, budgetCounts: 'all' } as const
    const eleven = [...Array.from({ length: 10 }, (_, n) => validate(n, 1)), api(59.999, 1)]
    expect(judge(trace(eleven), createMonitors())).toEqual([])
    const evidence = judge(trace(eleven), createMonitors(policy)).map((finding) => finding.evidence)
    expect(evidence).toEqual(['11 requests in 60 s'])
    expect(judge(trace([...eleven.slice(0, 10), api(60, 1)]), createMonitors(policy))).toEqual([])
  })
})
