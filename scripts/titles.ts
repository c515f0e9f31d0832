import { isPolicyId, type PolicyId } from '../src/policy/catalogue.ts'

// The specification suite is titled by the ids it proves: `describe('pause-after-429', …)`, `it('D-pause: …')`.
const TITLE = /\b(?:describe|it|test)(?:\.\w+(?:\([^)]*\))?)*\(\s*(['"`])(.*?)\1/gs

/** The ids that titles begin with, as often as they do, and titles that look like one and are none. */
export function idsOfTitles(sources: readonly string[]): { known: PolicyId[]; unknown: string[] } {
  const titles = sources.flatMap((source) => [...source.matchAll(TITLE)].map(([, , title = '']) => title))
  const known: PolicyId[] = []
  const unknown: string[] = []
  for (const title of titles) {
    const first = /^[\w-]+/.exec(title)?.[0] ?? ''
    if (isPolicyId(first)) known.push(first)
    // `one-shot bodies …` is a sentence; `one-shot` and `one-shot: bodies …` are meant as an id.
    else if (/^D-/.test(title) || /^[a-z0-9]+(-[a-z0-9]+)+(:|$)/.test(title)) unknown.push(title)
  }
  return { known, unknown }
}
