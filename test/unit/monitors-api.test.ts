import { describe, expect, test } from 'vitest'
import { createMonitors, type Moment } from '../../src/monitors/index.ts'
import { BORDER_TWINS } from './monitors/border-twins.ts'
import { CLAUSE_TWINS } from './monitors/clause-twins.ts'
import { api, trace } from './monitors/traces.ts'
import { TRAFFIC_TWINS } from './monitors/traffic-twins.ts'

/** API requests that might matter to somebody, at each point of each trace. */
const APIS: readonly Moment[] = [200, 401, 403, 429, 502].flatMap((status) =>
  trace([api(0, 1, { status, credentialsId: 'c1', requestId: 'q', refreshId: 'r1' })]),
)
const TRACES = [...TRAFFIC_TWINS, ...CLAUSE_TWINS, ...BORDER_TWINS].flatMap(({ clean, twin }) => [
  trace(clean),
  trace(twin),
])
const ids = createMonitors().flatMap(({ id, ignoresApi }) => (ignoresApi ? [id] : []))

describe('a monitor that is not asked about API requests', () => {
  test.each(ids)('%s would make nothing of them', (id) => {
    const monitor = createMonitors().find((each) => each.id === id)
    if (monitor === undefined) throw new Error(`no monitor ${id}`)
    for (const moments of TRACES) {
      let state = monitor.initial
      for (const moment of moments) {
        for (const request of APIS) expect(monitor.step(state, request, expect.unreachable)).toBe(state)
        state = monitor.step(state, moment, () => {})
      }
    }
  })

  test('there are some', () => {
    expect(ids).toContain('invariant-1')
    expect(ids).not.toContain('invariant-4')
  })
})
