import { describe, expect, test } from 'vitest'
import { SABOTAGES } from '../../src/cli/demo/sabotage.ts'
import { createMonitors, judge, type Moment } from '../../src/monitors/index.ts'
import { KNOWN_BAD } from './clients.ts'
import { liveADay } from './day.ts'
import { createBench } from './http.ts'

const MONITORS = createMonitors()
/** Which monitors find something, and one thing that each found. */
const found = (moments: readonly Moment[]) =>
  Object.fromEntries(judge(moments, MONITORS).map(({ monitor, evidence }) => [monitor, evidence]))

const inWords = (moment: Moment) => {
  switch (moment.kind) {
    case 'sent':
      return `${moment.request.endpoint} sent`
    case 'answered':
      return `${moment.request.endpoint} ${moment.request.status}`
    case 'settled':
      return moment.result.kind === 'token' ? 'token' : String(moment.result.code)
    case 'operator':
      return moment.action
    default:
      return moment.kind
  }
}
const EVERYTHING = [
  ...['create sent', 'create 200', 'create 401', 'create 503', 'refresh sent', 'refresh 200', 'refresh 400'],
  ...['refresh 429', 'refresh 502', 'api sent', 'api 200', 'api 401', 'api 429', 'api 502', 'signIn', 'signOut'],
  ...['reset', 'demanded', 'aborted', 'token', 'ABORTED', 'TIMEOUT', 'shown', 'elapsed'],
]

describe('a known-bad client', () => {
  test.each(KNOWN_BAD)('$what: $caughtBy, and nothing else', async ({ caughtBy, server, live }) => {
    const bench = createBench(server)
    await live(bench)
    expect(found(bench.recorder.moments)).toEqual({ [caughtBy]: expect.any(String) })
  })
})

describe('this client, through a day and a half of everything', () => {
  test('is found fault with by nobody', async () => {
    const bench = createBench()
    await liveADay(bench)
    expect(found(bench.recorder.moments)).toEqual({})
    // What did not happen could not be found fault with.
    expect([...new Set(bench.recorder.moments.map(inWords))].sort()).toEqual([...EVERYTHING].sort())
  })

  test.each(SABOTAGES)('with something in between that $what: $breaks, and nothing else', async (sabotage) => {
    const bench = createBench()
    await liveADay(bench, sabotage)
    expect(found(bench.recorder.moments)).toEqual({ [sabotage.breaks]: expect.any(String) })
  })
})

test('every monitor finds a client', () => {
  const caught = [...KNOWN_BAD.map(({ caughtBy }) => caughtBy), ...SABOTAGES.map(({ breaks }) => breaks)]
  expect(MONITORS.filter(({ id }) => !caught.includes(id)).map(({ id }) => id)).toEqual([])
})
