import { describe, expect, it } from 'vitest'
import * as changes from '../../src/client/changes.ts'
import { type AccountRecord, emptyRecord } from '../../src/store/record.ts'

const sent = (record: AccountRecord): AccountRecord => changes.sending('create', true)(record, 0) ?? record
const marked = (generation: number): changes.Marked => ({
  generation,
  slotMs: 0,
  sentMs: 0,
  unfinishedBefore: false,
  attemptsBefore: 0,
  pairGeneration: undefined,
})

describe('D-create-unavailable: the mark of a create that has no end yet', () => {
  const record = sent(emptyRecord('salt'))

  it('is gone with its answer', () => {
    expect(record.createUnfinished).toBe(1)
    const after = changes.applied(
      changes.unavailable('create', () => 30_000),
      marked(1),
      true,
      record,
      0,
    )
    expect(after).toMatchObject({ createUnfinished: 0, createFailed: true })
  })

  it('is gone with its answer, though the record has another pair by now', () => {
    const refused = changes.createRefused(marked(1), 'invalidCredentials', 'hash')
    expect(changes.applied(refused, marked(1), false, record, 0)).toMatchObject({ createUnfinished: 0 })
  })

  it('stays where it is of another process that has begun since', () => {
    const refused = changes.createRefused(marked(1), 'invalidCredentials', 'hash')
    expect(changes.applied(refused, marked(1), false, sent(record), 0)).toMatchObject({ createUnfinished: 2 })
  })
})
