import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRecord, encodeRecord } from '../../src/store/codec.ts'
import { emptyRecord } from '../../src/store/record.ts'
import { StoreError } from '../../src/store/store-error.ts'
import { fullRecord, shown, storedPair } from '../support/records.ts'

const WHERE = '/var/lib/tokens.db'
const thrown = (text: string): StoreError => {
  try {
    decodeRecord(text, WHERE)
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a record as text', () => {
  it.each([
    ['a full one', fullRecord(9)],
    ['an empty one', emptyRecord('salt')],
    ['one whose refresh token was dropped', fullRecord(9, { pair: storedPair(3, 0, { refresh: null }) })],
  ])('comes back whole: %s', (_, record) => {
    expect(shown(decodeRecord(encodeRecord(record), WHERE))).toEqual(shown(record))
  })

  it('is left alone where a later version wrote it', () => {
    const text = encodeRecord(fullRecord(9)).replace('"format":1', '"format":2')
    expect(thrown(text)).toMatchObject({
      code: 'NEWER',
      message: `${WHERE} was written by a later version of compliancely-auth (format 2, this one reads 1): update this program`,
    })
  })

  it.each([
    ['cut off', encodeRecord(fullRecord(9)).slice(0, 300), 'its text'],
    ['empty', '', 'its text'],
    ['of something else', '{"access":"CANARY"}', 'version'],
    ['a number that is none', encodeRecord(fullRecord(9)).replace('"lengthMs":600000', '"lengthMs":1e999'), 'lengthMs'],
    ['a negative count', encodeRecord(fullRecord(9)).replace('"lastGeneration":4', '"lastGeneration":-4'), 'last'],
    ['a latch of another kind', encodeRecord(fullRecord(9)).replace('invalidCredentials', 'CANARY'), 'latches.0.kind'],
  ])('says where it is none, and quotes nothing: %s', (_, text, place) => {
    const error = thrown(text)
    expect(error).toMatchObject({ code: 'UNREADABLE', message: expect.stringContaining(WHERE) })
    expect(error.message).toContain(place)
    expect(error.message).not.toContain('CANARY')
  })

  it('ends in a record or a StoreError, whatever the text', () => {
    const text = encodeRecord(fullRecord(9))
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(text.length), fc.string(), (from, to, put) => {
        try {
          decodeRecord(text.slice(0, from) + put + text.slice(to), WHERE)
        } catch (error) {
          expect(error).toBeInstanceOf(StoreError)
        }
      }),
    )
  })
})
