import { describe, expect, it } from 'vitest'
import { begunByNow } from '../../src/store/future.ts'
import { lacks, mergeRecords } from '../../src/store/merge.ts'
import { emptyRecord } from '../../src/store/record.ts'
import { fullRecord, shown, storedPair } from '../support/records.ts'

const KNOWN_AT_MS = 2_000_000
const latch = (fingerprint: string) => ({ kind: 'invalidCredentials', generation: 1, fingerprint }) as const
const never = { times: 0, version: 0 }
const plain = (version: number, changes = {}) =>
  fullRecord(version, { signedOut: false, restored: never, latches: [], sends: [], ...changes })

const landed = (writer: string, change: number, version: number) => ({ writer, change, version })

describe('what a client knew and an older copy', () => {
  const known = plain(10, {
    pair: storedPair(7, 1_900_000),
    ...{ lastGeneration: 7, rejectedGeneration: 0, refreshLatch: 0 },
    landed: [landed('a', 3, 4), landed('b', 9, 10)],
  })
  const older = plain(4, { pair: storedPair(2, 1_000_000), lastGeneration: 2, landed: [landed('a', 3, 4)] })

  it('make what the client knew, under a version that everybody takes for news', () => {
    const merged = mergeRecords(known, KNOWN_AT_MS, older)
    expect(shown(merged)).toEqual(shown({ ...known, version: 11, restored: { times: 1, version: 10 } }))
  })

  it('do so too where nothing is left of it', () => {
    const merged = mergeRecords(known, KNOWN_AT_MS, emptyRecord('other salt'))
    expect(shown(merged)).toEqual(shown({ ...known, version: 11, restored: { times: 1, version: 10 } }))
  })

  it('leave gone what was gone: a pair, refusals that were lifted, a back-off that was ended, a sign-out that was', () => {
    const refused = { ...older, latches: [latch('a')], backOff: { startMs: 1_000, lengthMs: 9e9, step: 3 } }
    const merged = mergeRecords({ ...known, pair: null, backOff: null }, KNOWN_AT_MS, { ...refused, signedOut: true })
    expect(merged).toMatchObject({ pair: null, latches: [], backOff: null, signedOut: false })
  })

  it('keep a sign-out', () => {
    expect(mergeRecords({ ...known, pair: null, signedOut: true }, KNOWN_AT_MS, older)).toMatchObject({
      signedOut: true,
      pair: null,
    })
  })

  it.each([
    ['theirs', { startMs: 1_000_000, lengthMs: 1_600_000 }, { startMs: 1_900_000, lengthMs: 600_000 }],
    ['ours', { startMs: 1_900_000, lengthMs: 800_000 }, { startMs: 1_900_000, lengthMs: 600_000 }],
  ])('keep the pause that ends later: %s', (_, later, other) => {
    expect(mergeRecords({ ...known, pause: later }, KNOWN_AT_MS, { ...older, pause: other }).pause).toEqual(later)
    expect(mergeRecords({ ...known, pause: other }, KNOWN_AT_MS, { ...older, pause: later }).pause).toEqual(later)
    expect(mergeRecords({ ...known, pause: null }, KNOWN_AT_MS, { ...older, pause: later }).pause).toEqual(later)
  })

  it('keep every send', () => {
    expect(mergeRecords({ ...known, sends: [5, 9] }, KNOWN_AT_MS, { ...older, sends: [7, 9] }).sends).toEqual([5, 7, 9])
  })
})

describe('what a client knew and what others made of an older copy', () => {
  const known = plain(10, { pair: storedPair(7, 1_900_000), lastGeneration: 7, landed: [landed('a', 3, 9)] })
  // Who goes on from the copy leaves its mark there.
  const theirs = plain(6, { pair: storedPair(3, 1_950_000), lastGeneration: 3, landed: [landed('c', 1, 6)] })

  it('make the pair that was granted later, under a number that nobody has used', () => {
    const merged = mergeRecords(known, KNOWN_AT_MS, { ...theirs, rejectedGeneration: 3, refreshLatch: 3 })
    expect(merged).toMatchObject({ lastGeneration: 8, rejectedGeneration: 8, refreshLatch: 8, version: 11 })
    expect(shown(merged)?.pair).toMatchObject({ generation: 8, access: 'CANARY-access-3' })
    expect(mergeRecords(known, KNOWN_AT_MS, { ...theirs, refreshLatch: 2 })).toMatchObject({ refreshLatch: 0 })
  })

  it('go by the grants, not by when the client looked: one may have been on its way', () => {
    const late = { ...theirs, pair: storedPair(3, KNOWN_AT_MS - 1) }
    expect(shown(mergeRecords(known, KNOWN_AT_MS, late))?.pair?.access).toBe('CANARY-access-3')
    const early = { ...theirs, pair: storedPair(3, 1_800_000) }
    expect(shown(mergeRecords(known, KNOWN_AT_MS, early))?.pair?.access).toBe('CANARY-access-7')
  })

  it('leave its number where nobody else has used that', () => {
    const later = { ...theirs, pair: storedPair(9, 1_950_000), lastGeneration: 12 }
    expect(mergeRecords(known, KNOWN_AT_MS, later)).toMatchObject({ pair: { generation: 9 }, lastGeneration: 12 })
  })

  it('number ours anew where they have counted as far', () => {
    const early = { ...theirs, pair: storedPair(7, 1_800_000), lastGeneration: 7 }
    const merged = mergeRecords({ ...known, refreshLatch: 7 }, KNOWN_AT_MS, {
      ...early,
      pair: storedPair(6, 1_800_000),
    })
    expect(merged).toMatchObject({ pair: { generation: 8 }, lastGeneration: 8, refreshLatch: 8 })
  })

  describe('of one pair', () => {
    const same = { ...theirs, pair: known.pair, lastGeneration: 8 }

    it('keep what either says of it: unfinished, refused, tried', () => {
      const marks = { unfinished: true, refreshLatch: 7, rejectedGeneration: 7, refreshAttempts: 3 }
      const clean = { unfinished: false, refreshLatch: 0, rejectedGeneration: 0, refreshAttempts: 0 }
      const ours = { ...known, ...clean }
      expect(mergeRecords(ours, KNOWN_AT_MS, { ...same, ...marks })).toMatchObject({
        ...marks,
        pair: { generation: 7 },
      })
      expect(mergeRecords({ ...ours, ...marks }, KNOWN_AT_MS, { ...same, ...clean })).toMatchObject(marks)
    })

    it('leave it gone where they discarded it', () => {
      expect(mergeRecords(known, KNOWN_AT_MS, { ...same, pair: null }).pair).toBeNull()
      // Whoever never had it, discarded nothing.
      expect(mergeRecords(known, KNOWN_AT_MS, { ...theirs, pair: null, lastGeneration: 1 }).pair).not.toBeNull()
    })
  })

  it('keep a sign-out of either, whatever the other was granted', () => {
    expect(mergeRecords(known, KNOWN_AT_MS, { ...theirs, pair: null, signedOut: true })).toMatchObject({
      signedOut: true,
      pair: null,
    })
    expect(mergeRecords({ ...known, pair: null, signedOut: true }, KNOWN_AT_MS, theirs)).toMatchObject({
      signedOut: true,
      pair: null,
    })
  })

  it('keep a back-off and a failed create that began since, and every refusal', () => {
    const failed = {
      ...{ ...theirs, pair: null, lastGeneration: 1, createFailed: true, createUnfinished: 9 },
      backOff: { startMs: KNOWN_AT_MS + 1, lengthMs: 79_000, step: 4 },
      latches: [latch('b'), latch('c')],
    }
    const ours = { ...known, pair: null, createFailed: false, backOff: null, createUnfinished: 0 }
    const merged = mergeRecords({ ...ours, latches: [latch('a'), latch('b')] }, KNOWN_AT_MS, failed)
    expect(merged).toMatchObject({ createFailed: true, createUnfinished: 9, backOff: failed.backOff })
    expect(merged.latches.map(({ fingerprint }) => fingerprint)).toEqual(['a', 'b', 'c'])
  })

  it('keep the last change of each writer', () => {
    const merged = mergeRecords({ ...known, landed: [landed('a', 9, 9)] }, KNOWN_AT_MS, {
      ...theirs,
      landed: [landed('a', 3, 4), landed('c', 1, 6)],
    })
    expect(merged.landed).toEqual([landed('c', 1, 6), landed('a', 9, 9)])
  })

  it('tell fingerprints apart under one salt alone: ours, where we know of a refusal', () => {
    const ours = { ...known, latches: [latch('a')] }
    const refused = { ...theirs, salt: 'theirs', latches: [latch('b')] }
    expect(mergeRecords(ours, KNOWN_AT_MS, refused)).toMatchObject({ salt: known.salt, latches: [latch('a')] })
    expect(mergeRecords(known, KNOWN_AT_MS, refused)).toMatchObject({ salt: 'theirs', latches: [latch('b')] })
  })
})

describe('a record lacks something', () => {
  const at = (version: number, times = 0, restoredVersion = 0) =>
    plain(version, { restored: { times, version: restoredVersion }, landed: [] })
  const others = (count: number, from: number) =>
    Array.from({ length: count }, (_, index) => landed(`other ${index}`, 1, from + index))

  it.each([
    ['where its version went back', at(9), at(10), true],
    ['not where it went on', at(11), at(10), false],
    ['not where nothing was known', at(9), emptyRecord('salt'), false],
    ['where it is from before a restore', at(20, 1), at(12, 2, 11), true],
    ['where whoever restored it knew less', at(12, 1, 9), at(10), true],
    ['not where they knew as much', at(12, 1, 10), at(10), false],
  ])('%s', (_, found, known, expected) => {
    expect(lacks(found, known, 'me')).toBe(expected)
  })

  it('where a change of ours that had landed is missing', () => {
    const known = { ...at(10), landed: [landed('me', 5, 8)] }
    expect(lacks({ ...at(11), landed: [landed('me', 5, 8)] }, known, 'me')).toBe(false)
    expect(lacks({ ...at(11), landed: [landed('me', 4, 7)] }, known, 'me')).toBe(true)
    expect(lacks({ ...at(11), landed: [] }, known, 'me')).toBe(true)
    expect(lacks({ ...at(11), landed: [] }, known, 'another')).toBe(false)
  })

  it('not where later writers have pushed it out', () => {
    const known = { ...at(10), landed: [landed('me', 5, 8)] }
    expect(lacks({ ...at(99), landed: others(64, 20) }, known, 'me')).toBe(false)
    expect(lacks({ ...at(99), landed: others(64, 2) }, known, 'me')).toBe(true)
  })
})

describe('D-skew: a store whose clock went back', () => {
  const NOW_MS = 1_000_000
  const SLOT_MS = 30_000
  const ahead = NOW_MS + 7_200_000

  it('has nothing begin in the future: it begins now', () => {
    const record = plain(5, {
      pair: storedPair(3, ahead),
      pause: { startMs: ahead, lengthMs: 600_000 },
      backOff: { startMs: ahead, lengthMs: 5_000, step: 1 },
      sends: [ahead],
    })
    expect(begunByNow(record, NOW_MS, SLOT_MS)).toMatchObject({
      version: 6,
      pause: { startMs: NOW_MS, lengthMs: 600_000 },
      backOff: { startMs: NOW_MS, lengthMs: 5_000, step: 1 },
      sends: [NOW_MS + SLOT_MS],
      pair: { accessLives: { startMs: NOW_MS }, refreshUsable: { startMs: NOW_MS }, young: { startMs: NOW_MS } },
    })
  })

  it('is no reason where a slot lies as far ahead as a request may take, or a line is slow', () => {
    const record = plain(5, {
      pair: storedPair(3, NOW_MS + 5_000),
      pause: { startMs: NOW_MS + 60_000, lengthMs: 1 },
      sends: [NOW_MS + SLOT_MS],
    })
    expect(begunByNow(record, NOW_MS, SLOT_MS)).toBe(record)
  })
})
