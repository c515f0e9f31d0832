import { describe, expect, it } from 'vitest'
import { authorizationOf } from '../../src/audit/readers/headers.ts'
import { DEFAULT_TARGET, roleOf } from '../../src/audit/target.ts'
import { entry, har, read } from './har-support.ts'

/** Texts on which a careless pattern tries every way to divide them: a million characters would take it hours. */

const MANY = 1_000_000

describe('a text that is full of what a pattern repeats is read in one pass', () => {
  it.each([
    ['spaces', 'Bearer', ' '],
    ['other white space', 'Bearer', '\u00a0'],
    ['letters', '', 'a'],
    ['words', '', 'a '],
  ])('an Authorization with %s', async (_, beginning, repeated) => {
    const value = `${beginning}${repeated.repeat(MANY)}\u00a0\u0000`
    expect(['Bearer', 'other']).toContain(authorizationOf(value).scheme)
    const { exchanges } = await read(har([entry({ headers: { Authorization: value } })]))
    expect(exchanges).toHaveLength(1)
  })

  it('a path with slashes', async () => {
    const path = `/api/${'/'.repeat(MANY)}x`
    expect(roleOf(DEFAULT_TARGET, { path })).toEqual({ endpoint: 'api' })
    expect((await read(har([entry({ path })]))).exchanges).toHaveLength(1)
    const token = `${DEFAULT_TARGET.paths.create}${'/'.repeat(MANY)}`
    expect(roleOf(DEFAULT_TARGET, { path: token })).toEqual({ endpoint: 'create' })
  })
})

describe('an Authorization', () => {
  it.each([
    [undefined, { scheme: 'none' }],
    [' \t\n', { scheme: 'none' }],
    [' bearer  a.b-c= ', { scheme: 'Bearer', token: 'a.b-c=' }],
    ['Bearer', { scheme: 'Bearer', token: undefined }],
    ['Bearer a b', { scheme: 'Bearer', token: undefined }],
    ['Token a', { scheme: 'Token' }],
    ['Basic\ta', { scheme: 'Basic' }],
    ['Digest a="b"', { scheme: 'other' }],
  ])('%j', (value, said) => {
    expect(authorizationOf(value)).toEqual(said)
  })
})
