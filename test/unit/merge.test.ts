import { describe, expect, it } from 'vitest'
import { lacks, mergeRecords } from '../../src/store/merge.ts'
import { emptyRecord } from '../../src/store/record.ts'
import { fullRecord, shown, storedPair } from '../support/records.ts'

const KNOWN_AT_MS = 2_000_000
const latch = (fingerprint: string) => ({ kind: 'invalidCredentials', generation: 1, fingerprint }) as const
const never = { times: 0, version: 0 }
const plain = (version: number, changes = {}) =>
  fullRecord(version, { signedOut: false, restored: never, latches: [], sends: [], ...changes })

describe('what a client knew and an older copy', () => {
  const known = plain(10, { pair: storedPair(7, 1_900_000), lastGeneration: 7 })
  const older = plain(4, { pair: storedPair(2, 1_000_000), lastGeneration: 2 })

  it('make what the client knew, under a version that everybody takes for news', () => {
    const merged = mergeRecords(known, KNOWN_AT_MS, older)
    expect(shown(merged)).toEqual(shown({ ...known, version: 11, restored: { times: 1, version: 10 } }))
  })

  it('do so too where nothing is left of it', () => {
    const merged = mergeRecords(known, KNOWN_AT_MS, emptyRecord('other salt'))
    expect(shown(merged)).toEqual(shown({ ...known, version: 11, restored: { times: 1, version: 10 } }))
  })

  it('leave a pair discarded that was discarded since', () => {
    expect(mergeRecords({ ...known, pair: null }, KNOWN_AT_MS, older).pair).toBeNull()
    expect(mergeRecords({ ...known, signedOut: true }, KNOWN_AT_MS, older).signedOut).toBe(true)
  })

  it.each([
    ['theirs', { startMs: 1_000_000, lengthMs: 1_600_000 }, { startMs: 1_900_000, lengthMs: 600_000 }],
    ['ours', { startMs: 1_900_000, lengthMs: 800_000 }, { startMs: 1_900_000, lengthMs: 600_000 }],
  ])('keep the pause that ends later: %s', (_, one, other) => {
    const later = one
    expect(mergeRecords({ ...known, pause: one }, KNOWN_AT_MS, { ...older, pause: other }).pause).toEqual(later)
    expect(mergeRecords({ ...known, pause: other }, KNOWN_AT_MS, { ...older, pause: one }).pause).toEqual(later)
    expect(mergeRecords({ ...known, pause: null }, KNOWN_AT_MS, { ...older, pause: one }).pause).toEqual(one)
  })

  it('keep every refusal and every send', () => {
    const merged = mergeRecords({ ...known, latches: [latch('a'), latch('b')], sends: [5, 9] }, KNOWN_AT_MS, {
      ...older,
      latches: [latch('b'), latch('c')],
      sends: [7, 9],
    })
    expect(merged.latches.map(({ fingerprint }) => fingerprint)).toEqual(['a', 'b', 'c'])
    expect(merged.sends).toEqual([5, 7, 9])
  })
})

describe('what a client knew and what others made of an older copy', () => {
  const known = plain(10, { pair: storedPair(7, 1_900_000), lastGeneration: 7, pause: null })
  const theirs = plain(6, { pair: storedPair(3, KNOWN_AT_MS + 1), lastGeneration: 3, pause: null })

  it('make a pair that was granted since, under a number that nobody has used', () => {
    const merged = mergeRecords(known, KNOWN_AT_MS, { ...theirs, rejectedGeneration: 3, refreshLatch: 3 })
    expect(merged).toMatchObject({ lastGeneration: 8, rejectedGeneration: 8, refreshLatch: 8, version: 11 })
    expect(shown(merged)?.pair).toMatchObject({ generation: 8, access: 'CANARY-access-3' })
    expect(mergeRecords(known, KNOWN_AT_MS, { ...theirs, refreshLatch: 2 })).toMatchObject({ refreshLatch: 0 })
  })

  it('leave its number where nobody else has used that', () => {
    const later = { ...theirs, pair: storedPair(9, KNOWN_AT_MS + 1), lastGeneration: 12 }
    expect(mergeRecords(known, KNOWN_AT_MS, later)).toMatchObject({ pair: { generation: 9 }, lastGeneration: 12 })
  })

  it('tell fingerprints apart under one salt alone', () => {
    const ours = { ...known, latches: [latch('a')] }
    expect(mergeRecords(ours, KNOWN_AT_MS, { ...theirs, salt: 'theirs' })).toMatchObject({
      salt: known.salt,
      latches: [latch('a')],
    })
    const refused = { ...theirs, salt: 'theirs', latches: [latch('b')] }
    expect(mergeRecords(ours, KNOWN_AT_MS, refused)).toMatchObject({ salt: 'theirs', latches: [latch('b')] })
  })
})

describe('a record lacks something', () => {
  const at = (version: number, times = 0, restoredVersion = 0) =>
    plain(version, { restored: { times, version: restoredVersion } })

  it.each([
    ['where its version went back', at(9), at(10), true],
    ['not where it went on', at(11), at(10), false],
    ['not where nothing was known', at(9), emptyRecord('salt'), false],
    ['where it is from before a restore', at(20, 1), at(12, 2, 11), true],
    ['where whoever restored it knew less', at(12, 1, 9), at(10), true],
    ['not where they knew as much', at(12, 1, 10), at(10), false],
  ])('%s', (_, found, known, expected) => {
    expect(lacks(found, known)).toBe(expected)
  })
})
