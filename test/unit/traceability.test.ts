import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isPolicyId, POLICY_IDS } from '../../src/policy/index.ts'

// The specification suite is titled by the ids it proves: `describe('pause-after-429', …)`, `it('D-pause: …')`.
const TITLE = /\b(?:describe|it|test)(?:\.\w+(?:\([^)]*\))?)*\(\s*(['"`])(.*?)\1/gs

/** The ids that titles begin with, and those that look like one and are none. */
function idsOfTitles(sources: readonly string[]): { known: Set<string>; unknown: string[] } {
  const titles = sources.flatMap((source) => [...source.matchAll(TITLE)].map(([, , title = '']) => title))
  const known = new Set<string>()
  const unknown: string[] = []
  for (const title of titles) {
    const first = /^[\w-]+/.exec(title)?.[0] ?? ''
    if (isPolicyId(first)) known.add(first)
    // `one-shot bodies …` is a sentence; `one-shot` and `one-shot: bodies …` are meant as an id.
    else if (/^D-/.test(title) || /^[a-z0-9]+(-[a-z0-9]+)+(:|$)/.test(title)) unknown.push(title)
  }
  return { known, unknown }
}

const { known, unknown } = idsOfTitles(globSync('test/spec/**/*.test.ts').map((file) => readFileSync(file, 'utf8')))

describe('traceability', () => {
  it.each(POLICY_IDS)('%s has a test in test/spec', (id) => {
    expect([...known]).toContain(id)
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
    expect([...found.known]).toEqual(['pause-after-429', 'D-pause', 'D-failed-401'])
    expect(found.unknown).toEqual(['pause-after-430', 'D-nothing: at all'])
  })
})
