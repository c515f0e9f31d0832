import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Exchange, type Item, UnreadableRecording } from '../../src/audit/exchange.ts'
import { MAX_WAITING, otlpReader } from '../../src/audit/readers/otlp.ts'
import type { ReadContext } from '../../src/audit/readers/reader.ts'
import { createMonitors, judge, judging } from '../../src/monitors/index.ts'
import { allOf, chunksOf, momentsIn, readContext, SECRET_PATH, SECRET_PATH_SHOWN } from '../support/journal.ts'

const AT_MS = Date.UTC(2026, 0, 5, 8)
const JWT = `x.${Buffer.from(JSON.stringify({ exp: AT_MS / 1000 + 3600 })).toString('base64url')}.canary`
const nano = (ms: number) => `${AT_MS + ms}000000`

type Value = string | number | readonly string[]
const anyValue = (value: Value): object =>
  typeof value === 'string'
    ? { stringValue: value }
    : typeof value === 'number'
      ? { intValue: String(value) }
      : { arrayValue: { values: value.map((each) => ({ stringValue: each })) } }
const attributes = (values: Readonly<Record<string, Value>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }))

interface SpanOptions {
  readonly from?: number
  readonly to?: number
  readonly kind?: number | string
  readonly [name: string]: unknown
}
const span = (values: Readonly<Record<string, Value>>, { from = 0, to = 50, ...more }: SpanOptions = {}) => ({
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  kind: 3,
  startTimeUnixNano: nano(from),
  endTimeUnixNano: nano(to),
  attributes: attributes(values),
  ...more,
})
const trace = (
  spans: readonly object[],
  resource: Readonly<Record<string, Value>> = { 'service.name': 'billing' },
) => ({
  resourceSpans: [{ resource: { attributes: attributes(resource) }, scopeSpans: [{ scope: { name: 'http' }, spans }] }],
})
const STABLE = {
  'http.request.method': 'GET',
  'url.full': 'https://api.test/api/v2/whoami/?q=canary',
  'http.response.status_code': 200,
} as const
const REFRESH = {
  'http.request.method': 'POST',
  'url.full': 'https://api.test/api/v2/token/refresh/',
} as const

const read = (text: string, context: ReadContext = readContext) =>
  allOf(otlpReader.read({ file: 'traces.json', bytes: chunksOf(text, 61) }, context))
const exchangesIn = (items: readonly Item[]) => items.filter((item): item is Exchange => item.kind === 'exchange')
const skippedIn = (items: readonly Item[]) => items.flatMap((item) => (item.kind === 'skipped' ? [item.why] : []))
const one = async (values: Readonly<Record<string, Value>>, more: SpanOptions = {}) =>
  exchangesIn((await read(JSON.stringify(trace([span(values, more)])))).items)[0]

describe('the reader of traces', () => {
  it('reads a client span of the stable conventions', async () => {
    const headers = { 'http.request.header.authorization': [`Bearer ${JWT}`] }
    const text = JSON.stringify(
      trace([span({ ...STABLE, ...headers })], { 'service.name': 'billing', 'service.instance.id': 'i-1' }),
    )
    const { items, abilities } = await read(text)
    expect(items).toEqual([
      {
        kind: 'exchange',
        at: { file: 'traces.json', entry: 1 },
        account: 'billing',
        client: 'i-1',
        sent: { earliestMs: AT_MS, latestMs: AT_MS },
        answered: { earliestMs: AT_MS + 50, latestMs: AT_MS + 50 },
        request: {
          endpoint: 'api',
          method: 'GET',
          path: '/api/v2/whoami/',
          origin: 'https://api.test',
          authScheme: 'Bearer',
          accessId: readContext.fingerprints.token(JWT),
          accessExpAtMs: AT_MS + 3_600_000,
          status: 200,
        },
      },
    ])
    expect(JSON.stringify(items)).not.toContain('canary')
    expect(abilities.tells).toEqual([])
    expect(Object.keys(abilities.lacks)).toHaveLength(9)
  })

  it.each([
    ['http.url', { 'http.method': 'GET', 'http.url': 'https://api.test/api/v2/whoami/', 'http.status_code': 200 }],
    [
      'parts',
      {
        'http.request.method': 'GET',
        'url.scheme': 'https',
        'server.address': 'api.test',
        'server.port': 443,
        'url.path': '/api/v2/whoami/',
        'url.query': 'q=canary',
        'http.response.status_code': 200,
      },
    ],
    [
      'http.target',
      {
        'http.method': 'get',
        'http.scheme': 'https',
        'http.host': 'api.test',
        'http.target': '/api/v2/whoami/?q=canary',
        'http.status_code': 200,
      },
    ],
    ['an original method', { ...STABLE, 'http.request.method': '_OTHER', 'http.request.method_original': 'GET' }],
  ])('takes the URL from %s', async (_, values) => {
    const exchange = await one(values)
    expect(exchange?.request).toMatchObject({
      method: 'GET',
      path: '/api/v2/whoami/',
      origin: 'https://api.test',
      status: 200,
    })
    expect(JSON.stringify(exchange)).not.toContain('canary')
  })

  it('tells no tokens, though headers were captured: what was granted stands in bodies', async () => {
    const values = { ...STABLE, 'http.request.header.authorization': [`Bearer ${JWT}`] }
    const { items, abilities } = await read(JSON.stringify(trace([span(values)])))
    expect(exchangesIn(items)[0]?.request).toMatchObject({ authScheme: 'Bearer', accessId: expect.any(String) })
    expect(abilities.tells).toEqual([])
    expect(abilities.lacks.tokens).toContain('which tokens were granted does not show')
  })

  it.each([
    ['url.full', { ...STABLE, 'url.full': `https://api.test${SECRET_PATH}` }],
    ['url.path', { 'http.request.method': 'GET', 'server.address': 'api.test', 'url.path': SECRET_PATH }],
    ['http.target', { 'http.method': 'GET', 'http.host': 'api.test', 'http.target': `${SECRET_PATH}?q=canary` }],
  ])('tells no secret of a path: %s', async (_, values) => {
    const exchange = await one(values)
    expect(exchange?.request.path).toBe(SECRET_PATH_SHOWN)
    expect(JSON.stringify(exchange)).not.toContain('canary')
  })

  it('does not take headers that were not captured for headers that were not sent', async () => {
    expect(await one(STABLE)).toMatchObject({ authHidden: true, request: { authScheme: 'none' } })
    expect(await one({ ...STABLE, 'http.request.header.authorization': ['Basic Y2FuYXJ5'] })).toMatchObject({
      request: { authScheme: 'Basic' },
    })
  })

  it('knows what was dropped, and how long a 429 asks to wait', async () => {
    expect((await one({ ...REFRESH, 'error.type': 'timeout' }))?.request.status).toBe('dropped')
    const throttled = { ...REFRESH, 'http.response.status_code': 429, 'http.response.header.retry-after': ['900'] }
    expect((await one(throttled))?.request).toMatchObject({ endpoint: 'refresh', status: 429, retryAfterMs: 900_000 })
  })

  it('gives one mark to siblings that ask for the same, and other marks to others', async () => {
    const mark = async (values: Readonly<Record<string, Value>>, more: SpanOptions) => (await one(values, more))?.sameAs
    const parent = { parentSpanId: 'c'.repeat(16) }
    const first = await mark(STABLE, parent)
    expect(first).toMatch(/^[0-9a-f]{16}$/)
    expect(await mark({ ...STABLE, 'http.request.resend_count': 1 }, { ...parent, spanId: 'd'.repeat(16) })).toBe(first)
    expect(await mark({ ...STABLE, 'url.full': 'https://api.test/api/v2/whoami/?q=2' }, parent)).not.toBe(first)
    expect(await mark(STABLE, { parentSpanId: 'e'.repeat(16) })).not.toBe(first)
    expect(await mark(STABLE, {})).toBeUndefined()
  })

  it.each(['client first', 'server first'])('counts a request once that both ends tell of, %s', async (order) => {
    const client = trace([span(STABLE)])
    const server = trace(
      [span(STABLE, { kind: 'SPAN_KIND_SERVER', spanId: 'c'.repeat(16), parentSpanId: 'b'.repeat(16) })],
      { 'service.name': 'api' },
    )
    const lines = [client, server].map((each) => JSON.stringify(each))
    const { items } = await read((order === 'client first' ? lines : lines.toReversed()).join('\n'))
    expect(exchangesIn(items)).toHaveLength(1)
    expect(skippedIn(items)).toEqual(['the same request, seen from its other end'])
  })

  it('knows that a server sees the arrival, not the sending', async () => {
    const exchange = await one({ ...STABLE, 'user.id': 'canary' }, { kind: 2 })
    expect(exchange?.sent).toEqual({ earliestMs: AT_MS - 1000, latestMs: AT_MS })
    expect(exchange?.answered).toEqual({ earliestMs: AT_MS + 50, latestMs: AT_MS + 1050 })
    expect(exchange?.account).toBe(readContext.fingerprints.account('canary'))
  })

  it('reads lines, a document that is laid out, and traces in a row alike', async () => {
    const traces = [
      trace([span(STABLE), span(REFRESH, { from: 9, spanId: 'e'.repeat(16) })]),
      trace([span(STABLE, { spanId: 'f'.repeat(16) })], { 'service.name': 'b' }),
    ]
    const lines = await read(traces.map((each) => JSON.stringify(each)).join('\r\n'))
    expect(exchangesIn(lines.items).map(({ account }) => account)).toEqual(['billing', 'billing', 'b'])
    expect(await read(traces.map((each) => JSON.stringify(each, null, 2)).join(''))).toEqual(lines)
    const whole = { extra: [{ spans: [1] }], resourceSpans: traces.flatMap(({ resourceSpans }) => resourceSpans) }
    expect(await read(JSON.stringify(whole, null, '\t'))).toEqual(lines)
  })

  it.each([0, 4])(
    'a resource may come after its spans, or not at all: those of another are none of its (%i before)',
    async (before) => {
      const group = (id: string) => ({ scopeSpans: [{ spans: [span(STABLE, { spanId: id.repeat(16) })] }] })
      const resource = (name: string) => ({ resource: { attributes: attributes({ 'service.name': name }) } })
      const groups = [
        ...Array.from({ length: before }, (_, n) => ({ ...resource('first'), ...group(String(n + 1)) })),
        { ...resource('billing'), ...group('b') },
        { ...group('c'), ...resource('reports') },
        group('d'),
      ]
      const { items } = await read(JSON.stringify({ resourceSpans: groups }))
      expect(exchangesIn(items).map(({ account }) => account)).toEqual([
        ...Array.from({ length: before }, () => 'first'),
        ...['billing', 'reports', undefined],
      ])
      expect(exchangesIn(items).map(({ at }) => at.entry)).toEqual(groups.map((_, n) => n + 1))
    },
  )

  it('what waits for its resource is read where the file is cut off', async () => {
    const { items, error } = await read(`{"resourceSpans":[{"scopeSpans":[{"spans":[${JSON.stringify(span(STABLE))}`)
    expect(exchangesIn(items)).toHaveLength(1)
    expect(error).toMatchObject({ name: 'UnreadableRecording', message: expect.stringContaining('is cut off') })
  })

  it('more spans than can wait for their resource are refused, with what mends it', async () => {
    const spans = Array.from({ length: MAX_WAITING + 1 }, (_, n) => span(STABLE, { spanId: `a${n}` }))
    const resource = { attributes: attributes({ 'service.name': 'billing' }) }
    const text = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }], resource }] })
    const { error } = await allOf(otlpReader.read({ file: 'traces.json', bytes: chunksOf(text, 65_536) }, readContext))
    expect(error).toBeInstanceOf(UnreadableRecording)
    expect((error as Error).message).toContain("jq -c '.resourceSpans[] |= {resource} + .'")
  })

  it('a pause that is kept, and its broken twin', async () => {
    const verdict = async (ms: number) => {
      const throttled = span({ ...REFRESH, 'http.response.status_code': 429 })
      const next = span(REFRESH, { from: ms, to: ms + 9, spanId: 'c'.repeat(16) })
      const { items, abilities } = await read(JSON.stringify(trace([throttled, next])))
      return judge(momentsIn(items), judging(createMonitors(), abilities.tells)).map(({ monitor }) => monitor)
    }
    expect(await verdict(601_000)).toEqual([])
    expect(await verdict(60_000)).toEqual(['invariant-3'])
  })

  it.each([
    ['no HTTP request', { 'db.system': 'redis' }, {}],
    ['no HTTP request', STABLE, { kind: 1 }],
    ['no URL', { 'http.request.method': 'GET' }, {}],
    ['no API path', { ...STABLE, 'url.full': 'https://api.test/logo.png' }, {}],
    ['no usable times', STABLE, { startTimeUnixNano: '1e308' }],
    ['no usable times', STABLE, { endTimeUnixNano: undefined }],
    ['no usable times', STABLE, { startTimeUnixNano: 1e308 }],
  ])('passes over: %s', async (why, values, more) => {
    const { items } = await read(JSON.stringify(trace([span(values, more)])))
    expect(skippedIn(items)).toEqual([why])
  })

  it('of another host is not looked at, where hosts are given', async () => {
    const target = { ...readContext.target, origins: ['https://other.test'] }
    const { items } = await read(JSON.stringify(trace([span(STABLE)])), { ...readContext, target })
    expect(skippedIn(items)).toEqual(['another host'])
  })
})

describe('traces that are none, or hostile', () => {
  const whole = JSON.stringify(trace([span(STABLE), span(STABLE, { spanId: 'c'.repeat(16) })]))

  it.each([
    [
      'cut off',
      whole.slice(0, whole.lastIndexOf('"traceId"')),
      1,
      /is cut off, after span 1; what came before was read/,
    ],
    [
      'with brackets that do not match',
      whole.replace(/\]\}\]\}\]\}$/, ']}]}}]'),
      2,
      /brackets do not match, after span 2/,
    ],
    ['with a tail', `${whole} x`, 2, /a value stands outside/],
    ['nested beyond reason', `{"a":${'['.repeat(300)}`, 0, /nests deeper than 256 levels, before its first span/],
  ])('%s', async (_, text, spans, said) => {
    const { items, error } = await read(text)
    expect(error).toBeInstanceOf(UnreadableRecording)
    expect((error as Error).message).toMatch(said)
    expect(exchangesIn(items)).toHaveLength(spans)
  })

  it('wrong types and prototype keys come to nothing', async () => {
    const hostile = [
      null,
      7,
      'span',
      [],
      { kind: 3, attributes: 'x' },
      { kind: 3, attributes: [null, { key: '__proto__', value: { stringValue: 'x' } }, { key: 1 }] },
      span({ ...STABLE, 'url.full': 'javascript:alert(1)' }),
    ]
    const text = JSON.stringify(trace(hostile as object[])).replace('"kind":3', '"__proto__":{"polluted":1},"kind":3')
    const { items, error } = await read(text)
    expect(error).toBeUndefined()
    expect(items).toHaveLength(hostile.length)
    expect(exchangesIn(items)).toEqual([])
    expect({}).not.toHaveProperty('polluted')
  })

  it('a string of 100 MB is not held', async () => {
    const [before = '', after = ''] = JSON.stringify(trace([span({ ...STABLE, huge: 'HUGE' })])).split('HUGE')
    async function* huge() {
      yield new TextEncoder().encode(before)
      for (let chunk = 0; chunk < 100; chunk++) yield new Uint8Array(1_000_000).fill(0x61)
      yield new TextEncoder().encode(after)
    }
    const { items } = await allOf(otlpReader.read({ file: '-', bytes: huge() }, readContext))
    expect(exchangesIn(items)).toHaveLength(1)
  })

  it('whatever is cut, repeated or garbled ends in items or in UnreadableRecording', async () => {
    const spoilt = fc
      .tuple(
        fc.nat(whole.length),
        fc.nat(60),
        fc.oneof(fc.string(), fc.json(), fc.constant(whole), fc.constant('1e999')),
      )
      .map(([from, length, put]) => whole.slice(0, from) + put + whole.slice(from + length))
    await fc.assert(
      fc.asyncProperty(spoilt, async (text) => {
        const { error } = await read(text)
        if (error !== undefined) expect(error).toBeInstanceOf(UnreadableRecording)
      }),
      { numRuns: 300, seed: Number(process.env.SEED) },
    )
  })
})
