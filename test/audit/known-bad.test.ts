import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KNOWN_BAD, type KnownBad } from '../known-bad/clients.ts'
import { createBench } from '../known-bad/http.ts'
import { asHar, asJournal, audited, rulesThat } from './renderings.ts'

/** Known-bad clients, recorded on their way to the sandbox: each format shows their faults, and finds no other. */

const LINE_MS = 10

const recorded = async ({ server, live }: Pick<KnownBad, 'server' | 'live'>) => {
  const bench = createBench(server)
  await live(bench)
  return bench.recorder.moments
}

/** Faults that a format does not show: by rule, or by client where the rule can be judged in others. */
const JOURNAL_CANNOT_TELL = ['invariant-12']
const HAR_CANNOT_TELL = [
  ...['invariant-9', 'invariant-11', 'invariant-12', 'invariant-13', 'invariant-14'],
  ...['D-back-off', 'D-refresh-unavailable', 'D-sign-out'],
]
const OTHERWISE: Readonly<Record<string, readonly string[]>> = {
  // The record ends 1 ms after the time-out, and a timer may be late by a second.
  'journal: never answers those who wait when a create fails': [],
  // It waits for two minutes: which sends are one request is guessed where they follow within two seconds.
  'har: replays an API request as long as it is refused': [],
  // The sign-outs between are no traffic: without them each sign-in gives up a pair that is held.
  // Twice in an hour: a person may have reset the client in between.
  'har: signs in for each caller with credentials that were answered 403': [],
  'har: runs as a job that signs in and out for each request': ['invariant-10'],
}

describe.each([
  { format: 'journal', render: asJournal, cannotTell: JOURNAL_CANNOT_TELL },
  {
    format: 'har',
    render: (moments: Parameters<typeof asHar>[0]) => asHar(moments, { lineMs: LINE_MS }),
    cannotTell: HAR_CANNOT_TELL,
  },
])('a $format of a client that', ({ format, render, cannotTell }) => {
  test.each(KNOWN_BAD)('$what: $caughtBy, and nothing else', async (client) => {
    const { caughtBy } = client
    const report = await audited(render(await recorded(client)))
    const otherwise = OTHERWISE[`${format}: ${client.what}`]
    const isUntold = cannotTell.includes(caughtBy)
    expect(report.files[0]?.skipped).toBe(0)
    expect(rulesThat('fail', report)).toEqual(otherwise ?? (isUntold ? [] : [caughtBy]))
    if (!isUntold && !(format === 'har' && otherwise?.length === 0)) return
    const reason = expect.stringMatching(/.{20}/)
    expect(report.rules.find(({ rule }) => rule === caughtBy)).toMatchObject({
      verdict: 'inconclusive',
      because: reason,
    })
  })
})

const held = fc.record({
  blockedMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })),
  connectMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000 })),
})

describe('a HAR of requests that were held before they went out, of a client that', () => {
  test.each(KNOWN_BAD)('$what: breaks nothing else', async (client) => {
    const moments = await recorded(client)
    const faults = OTHERWISE[`har: ${client.what}`] ?? [client.caughtBy]
    await fc.assert(
      fc.asyncProperty(fc.array(held, { minLength: 1, maxLength: 12 }), async (each) => {
        const report = await audited(asHar(moments, { lineMs: LINE_MS, held: each }))
        expect(report.files[0]?.skipped).toBe(0)
        for (const rule of rulesThat('fail', report)) expect(faults).toContain(rule)
        // It may be in doubt, and never passes.
        for (const fault of faults) expect(rulesThat('pass', report)).not.toContain(fault)
      }),
      { numRuns: 10 },
    )
  })
})

test('the table of exceptions names clients that exist', () => {
  const names = KNOWN_BAD.map(({ what }) => what)
  for (const key of Object.keys(OTHERWISE)) expect(names).toContain(key.replace(/^\w+: /, ''))
})
