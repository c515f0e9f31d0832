import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createJsonSplitter,
  type JsonPiece,
  LEFT_OUT,
  MAX_STRING_BYTES,
  type Wanted,
} from '../../src/audit/readers/bytes/json-pieces.ts'

const WANTED: Wanted = {
  way: [{ opens: '{' }, { opens: '{', keys: ['log'] }, { opens: '[', keys: ['entries'] }],
  values: { depth: 2, keys: ['creator'] },
}

/** Takes a text apart, in chunks of so many bytes. */
function split(text: string, chunk: number, wanted = WANTED) {
  const splitter = createJsonSplitter(wanted)
  const bytes = new TextEncoder().encode(text)
  const pieces: JsonPiece[] = []
  for (let at = 0; at < bytes.length; at += chunk) pieces.push(...splitter.push(bytes.slice(at, at + chunk)))
  splitter.end()
  const elements = pieces.filter((piece) => piece.kind !== 'end')
  return { elements, broken: splitter.broken, count: splitter.count, found: splitter.found }
}

describe('the elements of an array in a stream', () => {
  it('are what JSON.parse finds there, whatever they are and however the bytes come', () => {
    const spaces = fc.constantFrom(undefined, 1, '\t')
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue({ maxDepth: 4 }), { maxLength: 6 }),
        fc.jsonValue({ maxDepth: 2 }),
        fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }),
        fc.integer({ min: 1, max: 60 }),
        spaces,
        (entries, creator, others, chunk, space) => {
          const { log: _log, ...around } = others
          const document = { ...around, log: { a: others, entries, creator, z: [others] }, z: others }
          const { elements, ...rest } = split(JSON.stringify(document, undefined, space), chunk)
          expect(rest).toEqual({ broken: undefined, count: entries.length, found: true })
          const values = elements.map(({ kind, text }) => [kind, JSON.parse(text ?? '')])
          const expected = entries.map((entry) => ['element', JSON.parse(JSON.stringify(entry))])
          expect(values).toEqual([...expected, ['value', JSON.parse(JSON.stringify(creator))]])
        },
      ),
      { numRuns: 300 },
    )
  })

  it('are found at other places too', () => {
    const wanted: Wanted = {
      way: [{ opens: '{' }, { opens: '{', keys: ['a'] }, { opens: '{', keys: ['b'] }, { opens: '[', keys: ['c'] }],
      values: { depth: 0, keys: [] },
    }
    const { elements } = split('{"a":{"c":[1],"b":{"c":[2,[3]]}},"c":[4]}', 3, wanted)
    expect(elements.map(({ text }) => text)).toEqual(['2', '[3]'])
  })

  it('a key may be written with escapes', () => {
    expect(split('{"l\\u006fg":{"entries":[1]}}', 4).elements).toHaveLength(1)
  })

  it.each([97, 65_536, 3_000_000])('a long string is left out, the rest stays, in chunks of %i', (chunk) => {
    const long = `${'x\\"'.repeat(MAX_STRING_BYTES / 3)}xx`
    const text = `{"log":{"entries":[{"a":"é","b":"${long}","c":["${long}"],"d":"${'y'.repeat(MAX_STRING_BYTES)}"},"${long}"]}}`
    const values = split(text, chunk).elements.map((element) => JSON.parse(element.text ?? ''))
    expect(values).toEqual([{ a: 'é', b: LEFT_OUT, c: [LEFT_OUT], d: 'y'.repeat(MAX_STRING_BYTES) }, LEFT_OUT])
  })
})
