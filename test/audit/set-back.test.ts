import { describe, expect, it } from 'vitest'
import { api, create, type Items } from '../unit/monitors/traces.ts'
import { asJournal, audited } from './renderings.ts'

const notesOn = async (...texts: readonly string[]) => (await audited(...texts)).notes
const journal = (...items: Items) => asJournal(items)
/** A line of its own for each request's send and answer, after the header. */
const quiet = [create(0, 1), api(100, 1)]

describe('a clock that was set back within a journal', () => {
  it('is told: where, and by how much', async () => {
    const [note, ...more] = await notesOn(journal(create(0, 1), api(9_000, 1), api(1_800, 1)))
    expect(note).toMatch(/^recording-1: at line 7 the clock of a process went back by 2 h 0 min\./)
    expect(more).toEqual([])
  })

  it('each time it was counts, the first is named', async () => {
    const [note] = await notesOn(journal(...quiet, api(50, 1), api(100, 1), api(90, 1)))
    expect(note).toMatch(/at line 7 .* by 50 s, the first of 2 times\./)
  })

  it('by a second is borne with', async () => {
    expect(await notesOn(journal(...quiet, api(99, 1)))).toEqual([])
    expect(await notesOn(journal(...quiet, api(98.999, 1)))).toEqual([expect.stringContaining('by 1 s')])
  })

  it('is none where another process writes what happened before', async () => {
    const other = (...items: Items) => asJournal(items, { clientDigit: 1 })
    expect(await notesOn(other(create(50, 2)) + journal(...quiet) + other(api(60, 2)))).toEqual([])
  })

  it('leaves the verdicts as they were', async () => {
    const { rules, exchanges } = await audited(journal(create(0, 1), api(900, 1), api(100, 1)))
    expect(exchanges).toBe(3)
    expect(rules.filter(({ verdict }) => verdict === 'fail')).toEqual([])
  })
})
