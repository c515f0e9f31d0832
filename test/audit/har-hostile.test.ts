import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openRecording } from '../../src/audit/readers/open.ts'
import { DEFAULT_TARGET } from '../../src/audit/target.ts'
import { entry, fingerprints, har, inChunks, read, refusal, tokenEntry } from './har-support.ts'

const two = har([entry(), entry({ at: '2026-01-05T10:00:05.000Z' })])
const bytes = (text: string) => new TextEncoder().encode(text)

describe('a recording that cannot be read', () => {
  it.each([
    ['', 'x.har: is empty'],
    [' \n\t ', 'x.har: is empty'],
    [gzipSync(''), 'x.har: is empty'],
    ['hello', 'x.har: begins like no format that can be read: '],
    ['[{"log":{}}]', 'x.har: begins like no format that can be read: '],
    ['{"log":"a text"}', 'x.har: begins like no format that can be read: '],
    [new Uint8Array([0xff, 0xfe, 0x7b, 0]), 'x.har: is UTF-16; save it as UTF-8'],
    [new Uint8Array([0xfe, 0xff, 0, 0x7b]), 'x.har: is UTF-16; save it as UTF-8'],
    [randomBytes(5000).fill(0, 0, 2), 'x.har: begins like no format that can be read: '],
    ['{"log":{"version":"1.2"}}', 'x.har: is a HAR without `log.entries`'],
    ['{"log":{"entries":{}}}', 'x.har: is a HAR without `log.entries`'],
  ])('says so: %j', async (content, message) => {
    const outcome = await read(content)
    expect(refusal(outcome)).toContain(message)
    expect(outcome.items).toEqual([])
  })

  it('tells which formats can be read', async () => {
    expect(refusal(await read('<html>'))).toMatch(/HAR 1\.2.*gzip/)
  })

  it.each([
    ['cut off in the second entry', two.slice(0, -40), 1, 'is cut off, after entry 1, up to which it was read'],
    ['cut off behind the second entry', two.slice(0, -3), 2, 'is cut off, after entry 2'],
    ['cut off in the first entry', two.slice(0, 150), 0, 'is cut off, before the first entry was complete'],
    ['followed by garbage', `${two}\n{"log":{}}`, 2, 'goes on after its end, after entry 2'],
    ['followed by zeros', `${two}\0\0`, 2, 'goes on after its end'],
    ['with brackets that do not match', two.replace(/\}\]\}\}$/, '}}}'), 2, 'its brackets do not match, after entry 2'],
    ['nested too deep', har([entry(), 1]).replace(/,1\]/, `,${'['.repeat(300)}]`), 1, 'nests deeper than 256 levels'],
  ])('%s: what came before is read', async (_, content, entries, message) => {
    const outcome = await read(content)
    expect(outcome.exchanges).toHaveLength(entries)
    expect(refusal(outcome)).toContain(message)
  })

  it('gzip that is cut off or damaged says so, after what could be unzipped', async () => {
    const many = har(
      Array.from({ length: 3000 }, (_, n) => entry({ path: `/api/${randomBytes(200).toString('hex')}${n}` })),
    )
    const zipped = gzipSync(many)
    const cut = await read(zipped.subarray(0, zipped.length / 2))
    expect(refusal(cut)).toBe(
      'x.har: is gzip and cut off; copy it again as a whole, or unzip what is there (`gzip -dc FILE > PART`)',
    )
    expect(cut.exchanges.length).toBeGreaterThan(500)
    expect(refusal(await read(Buffer.from(zipped).fill(0, zipped.length - 8)))).toContain('is gzip and damaged')
  })

  it('a source that fails is told by its code alone', async () => {
    async function* failing() {
      yield bytes(two).subarray(0, 700)
      throw Object.assign(new Error('EIO: read redis://canary-password@host'), { code: 'EIO' })
    }
    const outcome = await read(failing())
    expect(refusal(outcome)).toBe('x.har: could not be read to its end (EIO)')
    expect(outcome.exchanges).toHaveLength(1)
  })

  it('closes the source of a file that it refuses, and of one that is left early', async () => {
    const closed: string[] = []
    async function* source(name: string, content: string) {
      try {
        for (;;) yield bytes(content)
      } finally {
        closed.push(name)
      }
    }
    await read(source('refused', 'x'.repeat(40_000)))
    const { recording } = await read(source('left', `${two} garbage`))
    expect(recording?.format).toBe('har')
    expect(closed).toEqual(['refused', 'left'])
  })
})

describe('what a recording may look like', () => {
  it.each([
    ['gzip', gzipSync(two)],
    ['gzip in several members', Buffer.concat([gzipSync(two.slice(0, 300)), gzipSync(two.slice(300))])],
    ['a byte order mark', `\uFEFF${two}`],
    ['a byte order mark in gzip', gzipSync(`\uFEFF${two}`)],
    ['indented', JSON.stringify(JSON.parse(two), undefined, '\t')],
    ['keys before the log', `{"comment":"{\\"log\\"","x":[{"log":1}],${two.slice(1)}`],
    ['entries before the creator', two.replace(/("creator":\{.*?\}),("entries":.*)\}\}$/, '$2,$1}}')],
    ['keys that look alike around', two.replace('"creator"', '"a":{"entries":[1,2]},"log":{"entries":[3]},"creator"')],
  ])('%s', async (_, content) => {
    const outcome = await read(content)
    expect(refusal(outcome)).toBeUndefined()
    expect(outcome.recording).toMatchObject({ format: 'har', producer: 'mitmproxy' })
    expect(outcome.items.map(({ kind, at }) => [kind, at.entry])).toEqual([
      ['exchange', 1],
      ['exchange', 2],
    ])
  })

  it('counts what was taken from the source, zipped', async () => {
    const zipped = gzipSync(two)
    let taken = 0
    const onBytes = (count: number) => {
      taken += count
    }
    const source = { name: 'x', bytes: inChunks(zipped, 100) }
    const { batches } = await openRecording(source, { target: DEFAULT_TARGET, fingerprints, onBytes })
    for await (const batch of batches) for (const item of batch) expect(item.kind).toBe('exchange')
    expect(taken).toBe(zipped.length)
  })

  it('the same whatever the chunks', async () => {
    const text = har([
      entry({ answer: { a: 'é"\\\u{1F600}' } }),
      tokenEntry('create', { body: { username: 'ü"', password: '\\' } }),
    ])
    const whole = await read(text)
    expect(whole.exchanges).toHaveLength(2)
    for (const chunk of [1, 2, 3, 7]) expect((await read(text, { chunk })).items).toEqual(whole.items)
  })
})

describe('an entry that makes no sense is skipped', () => {
  const broken = (change: (made: ReturnType<typeof entry>) => unknown) => change(entry())
  it.each<[string, unknown, string]>([
    ['null', null, 'no entry'],
    ['a number', 1e308, 'no entry'],
    ['an array', [[]], 'no entry'],
    ['nothing in it', {}, 'no method'],
    ['only prototype keys', JSON.parse('{"__proto__":{"request":{"method":"GET"}},"constructor":1}'), 'no method'],
    ['a method that is none', entry({ method: 'G E T' }), 'no method'],
    ['a URL that is none', entry({ url: '/api/v2/' }), 'no URL'],
    ['a URL of another kind', entry({ url: 'wss://app1.compliancely.com/api/v2/' }), 'not HTTP'],
    ['no response', broken(({ response: _, ...rest }) => rest), 'no usable status'],
    ['status 1e308', entry({ status: 1e308 }), 'no usable status'],
    ['status as words', entry({ status: 'OK' }), 'no usable status'],
    ['no start', entry({ at: null }), 'no usable startedDateTime'],
    ['a start as a number', entry({ at: 1767607200000 }), 'no usable startedDateTime'],
    ['a start in no month', entry({ at: '2026-13-05T10:00:00Z' }), 'no usable startedDateTime'],
    ['a start without an offset', entry({ at: '2026-01-05T10:00:00.000' }), 'no usable startedDateTime'],
    ['a start in the year 9999', entry({ at: '9999-01-05T10:00:00Z' }), 'no usable startedDateTime'],
    ['a start in 1970', entry({ at: '1970-01-01T00:00:00Z' }), 'no usable startedDateTime'],
    ['a duration of 1e308', entry({ time: 1e308 }), 'no usable duration'],
    ['phases of 1e308', entry({ timings: { wait: 1e308, send: 1e308 } }), 'no usable duration'],
  ])('%s', async (_, made, why) => {
    const { items, error } = await read(har([made, entry()]))
    expect(error).toBeUndefined()
    expect(items).toEqual([
      { kind: 'skipped', at: { file: 'x.har', entry: 1 }, why },
      expect.objectContaining({ kind: 'exchange' }),
    ])
  })

  it('no JSON', async () => {
    const { items } = await read(har([entry(), entry()]).replace('"GET"', 'GET'))
    expect(items.map((item) => (item.kind === 'skipped' ? item.why : item.kind))).toEqual(['no JSON', 'exchange'])
  })

  it('wrong types inside cost what they tell, not the entry', async () => {
    const odd = { ...entry(), timings: 'none', time: '100', cache: 7 }
    const { exchanges } = await read(
      har([{ ...odd, request: { ...odd.request, headers: 'x', postData: 7, cookies: {} } }]),
    )
    expect(exchanges[0]).toMatchObject({ request: { status: 200, authScheme: 'none' }, authHidden: true })
    const { response } = entry()
    const dry = await read(
      har([entry({ status: '401' }), { ...entry(), response: { ...response, content: [], headers: [null, 1] } }]),
    )
    expect(dry.exchanges.map(({ request }) => request.status)).toEqual([401, 200])
  })

  it('of two equal keys the later one counts', async () => {
    const twice = har([entry()]).replace('"method":"GET"', '"method":"GET","method":"PUT"')
    expect((await read(twice)).exchanges[0]?.request.method).toBe('PUT')
  })
})

describe('huge things', () => {
  /** A HAR with something huge, which is never there as a whole. */
  async function* around(before: string, piece: string, times: number, after: string) {
    yield bytes(before)
    const chunk = bytes(piece)
    for (let n = 0; n < times; n++) yield chunk
    yield bytes(after)
  }
  const MARK = '@HERE@'
  const withMark = (parts: Parameters<typeof entry>[0]) => har([entry(parts), entry()]).split(MARK) as [string, string]
  const KB64 = 'a\\"'.repeat(21_845)

  it('a body of 100 MB is left out, and the entry read', async () => {
    const [before, after] = withMark({ method: 'POST', body: MARK, answer: 'x' })
    const { exchanges, error } = await read(around(before, KB64, 1600, after))
    expect(error).toBeUndefined()
    expect(exchanges).toHaveLength(2)
    // Nobody can say which requests are the same as one whose body is not there.
    expect(exchanges.map(({ sameAs }) => sameAs === undefined)).toEqual([true, false])
  })

  it('an answer of 100 MB is left out, and the grant in it is missed, not invented', async () => {
    const grant = tokenEntry('refresh', { body: { refresh: 'refresh-one' }, answer: MARK })
    const [before, after] = har([grant, entry()]).split(MARK) as [string, string]
    const { exchanges, recording } = await read(around(before, KB64, 1600, after))
    expect(exchanges[0]?.request.grantedAccessId).toBeUndefined()
    expect(recording?.abilities().lacks.tokens).toMatch(/^1 request without the token/)
  })

  it('an entry of 100 MB in small pieces is skipped', async () => {
    const [before, after] = withMark({ answer: 'x', more: { _x: MARK } })
    const list = around(`${before}",`, `"y":["${'x'.repeat(60_000)}"],`, 1600, `"z":"${after}`)
    const { items, error } = await read(list)
    expect(error).toBeUndefined()
    expect(items.map((item) => (item.kind === 'skipped' ? item.why : item.kind))).toEqual([
      'larger than 16 MiB',
      'exchange',
    ])
  })

  it('a key of 100 MB, a number of 100 MB and a log of huge neighbours end', async () => {
    const [before, after] = two.split('"creator"') as [string, string]
    const key = await read(around(`${before}"`, KB64, 300, `":1,"creator"${after}`))
    expect(key.exchanges).toHaveLength(2)
    const digits = await read(around(`${before}"x":`, '1'.repeat(65_536), 300, `,"creator"${after}`))
    expect(digits.exchanges).toHaveLength(2)
  })
})

describe('fuzz', () => {
  it('any change of a byte ends in items or an error of ours', async () => {
    const made = bytes(
      har([entry(), tokenEntry('create', { body: { username: 'u', password: 'p' }, answer: { access: 'a' } })]),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(made.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 400 }),
        async (changes, chunk) => {
          const changed = made.slice()
          for (const [at, byte] of changes) changed[at] = byte
          const outcome = await read(changed, { chunk })
          refusal(outcome)
          expect(outcome.items.length).toBeLessThan(made.length)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('any cut ends in items or an error of ours', async () => {
    const made = bytes(two)
    await fc.assert(
      fc.asyncProperty(fc.nat(made.length - 1), async (length) => {
        expect(refusal(await read(made.subarray(0, length)))).toMatch(/is cut off|is empty|no format/)
      }),
      { numRuns: 200 },
    )
  })

  it('any JSON in an entry ends in an item', async () => {
    const value = fc.jsonValue({ maxDepth: 3 })
    const made = fc.record({ startedDateTime: value, time: value, timings: value, request: value, response: value })
    const odd = fc.record({
      method: fc.constant('POST'),
      url: fc.constantFrom(
        'https://h/api/v2/token/',
        'https://h/api/v2/token/refresh/',
        'https://h/api/x',
        'https://h',
      ),
      headers: value,
      postData: value,
      bodySize: value,
    })
    const entries = fc.array(
      fc.oneof(
        value,
        made,
        odd.map((request) => ({ ...entry(), request })),
      ),
      { maxLength: 4 },
    )
    await fc.assert(
      fc.asyncProperty(entries, async (list) => {
        const { items, error } = await read(har(list))
        expect(error).toBeUndefined()
        expect(items).toHaveLength(list.length)
      }),
      { numRuns: 300 },
    )
  })
})
