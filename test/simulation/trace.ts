import { createHash } from 'node:crypto'
import type { VirtualClock } from '../../src/testing.ts'
import { STORY_LINES } from './limits.ts'
import type { Violation } from './options.ts'

/** What a world writes down: every line into the hash, the last ones into the story. */
export interface Trace {
  readonly counters: Readonly<Record<'requests' | 'faults' | 'happened', Record<string, number>>>
  count(table: 'requests' | 'faults' | 'happened', what: string, by?: number): void
  note(who: string, what: string): void
  violate(check: string, evidence: string, who?: string): void
  /** The first. */
  violation(): Violation | undefined
  /** The hash of everything; ends the trace. */
  digest(): string
}

export function createTrace(clock: VirtualClock): Trace {
  const startMs = clock.now()
  const hash = createHash('sha256')
  const story: string[] = []
  let unhashed = ''
  let violation: Violation | undefined
  const counters = { requests: {}, faults: {}, happened: {} } as Record<
    'requests' | 'faults' | 'happened',
    Record<string, number>
  >
  const count = (table: 'requests' | 'faults' | 'happened', what: string, by = 1) => {
    counters[table][what] = (counters[table][what] ?? 0) + by
  }
  const note = (who: string, what: string) => {
    const line = `${clock.now() - startMs} ${who} ${what}`
    unhashed += `${line}\n`
    if (unhashed.length > 16_384) {
      hash.update(unhashed)
      unhashed = ''
    }
    story.push(line)
    if (story.length > 2 * STORY_LINES) story.splice(0, STORY_LINES)
  }
  const violate = (check: string, evidence: string, who = '') => {
    note(who || 'judge', `VIOLATION ${check}: ${evidence}`)
    violation ??= { check, evidence, atMs: clock.now() - startMs, story: story.slice(-STORY_LINES) }
  }

  return {
    counters,
    count,
    note,
    violate,
    violation: () => violation,
    digest: () => hash.update(unhashed).digest('hex'),
  }
}
