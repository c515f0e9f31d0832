import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMonitors, judge, type Moment, type ObservedRequest } from '../../src/monitors/index.ts'
import { START_MS, trace, validate } from './monitors/traces.ts'

/** Whole seconds, with a grain of a few ms: edges are met often. */
const steps = fc.array(
  fc.record({
    gapS: fc.constantFrom(0, 0, 1, 5, 6, 30, 60, 299.999, 599.999, 600, 600.001),
    throttled: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn === 0),
    retryAfterS: fc.option(fc.constantFrom(1, 600, 900), { nil: undefined }),
  }),
  { maxLength: 60 },
)

/** Token requests that take no time. */
const requestsOf = (drawn: typeof steps extends fc.Arbitrary<infer T> ? T : never): ObservedRequest[] => {
  let s = 0
  return drawn.map(({ gapS, throttled, retryAfterS }) => {
    s += gapS
    const retryAfterMs = retryAfterS === undefined ? undefined : retryAfterS * 1000
    return validate(s, 1, throttled ? { status: 429, retryAfterMs } : {})
  })
}
const timesOf = (monitor: string, moments: readonly Moment[]) =>
  judge(moments, createMonitors())
    .filter((finding) => finding.monitor === monitor)
    .map(({ atMs }) => atMs - START_MS)

describe('a window, read as a monitor does and by going through the whole trace for each request', () => {
  test('ten in any 60 s', () => {
    fc.assert(
      fc.property(steps, (drawn) => {
        const requests = requestsOf(drawn)
        const tooMany = requests.filter(
          ({ sentAtMs }, last) =>
            requests.filter((other, at) => at <= last && other.sentAtMs > sentAtMs - 60_000).length > 10,
        )
        expect(timesOf('invariant-2', trace(requests))).toEqual(tooMany.map(({ sentAtMs }) => sentAtMs - START_MS))
      }),
    )
  })

  test('ten minutes, or longer where Retry-After says so, after a 429', () => {
    fc.assert(
      fc.property(steps, (drawn) => {
        const requests = requestsOf(drawn)
        const tooEarly = requests.filter(({ sentAtMs }, at) =>
          requests
            .slice(0, at)
            .some(
              ({ status, answeredAtMs, retryAfterMs = 0 }) =>
                status === 429 && sentAtMs < answeredAtMs + Math.max(600_000, retryAfterMs),
            ),
        )
        expect(timesOf('invariant-3', trace(requests))).toEqual(tooEarly.map(({ sentAtMs }) => sentAtMs - START_MS))
      }),
    )
  })
})
