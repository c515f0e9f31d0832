import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { idsOfTitles } from '../../scripts/titles.ts'
import { gaps, readSources, type Sources, trace, traceabilityTable } from '../../scripts/traceability.ts'
import { POLICY_IDS } from '../../src/policy/index.ts'

const { known, unknown } = idsOfTitles(globSync('test/spec/**/*.test.ts').map((file) => readFileSync(file, 'utf8')))

describe('traceability', () => {
  it.each(POLICY_IDS)('%s has a test in test/spec', (id) => {
    expect(known).toContain(id)
  })

  it('every id in a title of test/spec is in the catalogue', () => {
    expect(unknown).toEqual([])
  })

  it('reads ids from titles', () => {
    const source = `
      describe('pause-after-429', () => {
        it("D-pause: a demand fails at once", () => {})
        it('one-shot bodies are sent once', () => {})
        it.each(statuses)('D-failed-401 says why: %s', () => {})
      })
      describe('pause-after-430', () => {})
      it('D-nothing: at all', () => {})
    `
    const found = idsOfTitles([source])
    expect(found.known).toEqual(['pause-after-429', 'D-pause', 'D-failed-401'])
    expect(found.unknown).toEqual(['pause-after-430', 'D-nothing: at all'])
  })

  const sources = readSources()
  const found = (change: Partial<Sources>) => gaps(trace({ ...sources, ...change }), { ...sources, ...change })

  it('has no gap', () => {
    expect(found({})).toEqual([])
  })

  it.each<[string, Partial<Sources>, string]>([
    ['a test that is gone', { specs: new Map() }, 'D-pause: has no test in test/spec'],
    ['code that is gone', { code: new Map() }, 'D-origin: neither chart nor code names it'],
    [
      'a mutant that nothing kills',
      { mutation: { chart: [{ name: 'x', ids: ['D-pause'], survives: 'y' }], code: {} } },
      'D-pause: no mutant of it is killed',
    ],
    [
      'a reason for what is recorded',
      { mutation: { ...sources.mutation, code: { client: { killed: 1, mutants: 1, survived: 0 } } } },
      'src/client is recorded, so scripts/traceability.ts must not say why it is not',
    ],
    [
      'a survivor without a reason',
      { mutation: { ...sources.mutation, chart: [{ name: 'x, dropped', ids: ['D-pause'] }] } },
      "the mutant 'x, dropped' survives without a reason",
    ],
    [
      'an unknown id',
      { mutation: { ...sources.mutation, chart: [{ name: 'x', ids: ['D-nothing'], killedBy: 'fuzz' }] } },
      "the mutant 'x' names an unknown id, D-nothing",
    ],
  ])('finds %s', (_, change, gap) => {
    expect(found(change)).toContain(gap)
  })

  it('shows guard, transition, test, monitor and mutants of an id in one line', () => {
    const line = traceabilityTable(trace(sources))
      .split('\n')
      .find((each) => each.startsWith('| `refresh-4xx-recreates` |'))
    expect(line).toMatch(
      /`maySignInNow`.*`sending.refreshing` outcome.rejected → `sending.reCreating`.*`client\/changes.ts`.*\[refresh-4xx-recreates\]\(\.\.\/test\/spec\/refresh-4xx-recreates\.test\.ts\).*`invariant-8`.*\d+ of \d+/,
    )
  })
})
