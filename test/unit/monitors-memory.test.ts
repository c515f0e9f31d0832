import { describe, expect, test } from 'vitest'
import { createMonitors } from '../../src/monitors/index.ts'
import {
  aborted,
  api,
  at,
  create,
  demand,
  failedCreate,
  failedRefresh,
  refresh,
  trace,
  validate,
} from './monitors/traces.ts'

/** Fewer than one for each round. */
const MOST = 5000
const ROUNDS = 6000

/** Everything that a monitor may want to remember, each time with other ids. */
const long = Array.from({ length: ROUNDS }, (_, n) => {
  const s = 0.001 * n
  return trace([
    demand(s, { demandId: `d${n}`, deadlineAtMs: at(s + 90) }),
    aborted(s, `d${n}`),
    create(s, n),
    api(s, n, { requestId: `q${n}` }),
    validate(s, n),
    refresh(s, n + 1),
    failedRefresh(s, n + 1, 401),
    failedCreate(s, 401, { credentialsId: `refused-${n}` }),
    failedCreate(s, 403, { credentialsId: `rejected-${n}` }),
  ])
}).flat()

/** Everything within a state, lists in lists too. */
const sizeOf = (state: unknown): number =>
  typeof state !== 'object' || state === null
    ? 1
    : Object.values(state).reduce((sum: number, part) => sum + sizeOf(part), 1)

const NAMES = createMonitors().map(({ id }) => id)

describe('however long the trace', () => {
  test.each(NAMES)('%s remembers little', (id) => {
    const monitor = createMonitors().find((each) => each.id === id)
    let state = monitor?.initial
    for (const moment of long) state = monitor?.step(state, moment, () => {})
    expect(sizeOf(state)).toBeLessThan(MOST)
  })
})
