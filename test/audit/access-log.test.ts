import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Exchange, type Item, UnreadableRecording } from '../../src/audit/exchange.ts'
import { accessLogReader } from '../../src/audit/readers/access-log.ts'
import type { ReadContext } from '../../src/audit/readers/reader.ts'
import { createMonitors, judge, judging } from '../../src/monitors/index.ts'
import { allOf, chunksOf, momentsIn, readContext, SECRET_PATH, SECRET_PATH_SHOWN } from '../support/journal.ts'

const AT_MS = Date.UTC(2026, 0, 5, 8)
const JWT = `x.${Buffer.from(JSON.stringify({ exp: AT_MS / 1000 + 3600 })).toString('base64url')}.canary`

const NGINX = {
  time_iso8601: '2026-01-05T08:00:00+00:00',
  msec: '1767600000.250',
  remote_addr: '192.0.2.7',
  remote_user: '-',
  request_method: 'POST',
  request_uri: '/api/v2/token/refresh/?q=canary',
  scheme: 'https',
  host: 'api.test',
  status: '200',
  request_time: '0.050',
}
const ENVOY = {
  start_time: '2026-01-05T08:00:00.200Z',
  method: 'POST',
  path: '/api/v2/token/refresh/?q=canary',
  authority: 'api.test',
  response_code: 200,
  response_flags: '-',
  duration: 50,
  x_forwarded_for: '192.0.2.7',
}

const read = (entries: readonly unknown[], context: ReadContext = readContext) =>
  readText(entries.map((entry) => JSON.stringify(entry)).join('\n'), context)
const readText = (text: string, context: ReadContext = readContext) =>
  allOf(accessLogReader.read({ file: 'access.log', bytes: chunksOf(text, 37) }, context))
const exchangesIn = (items: readonly Item[]) => items.filter((item): item is Exchange => item.kind === 'exchange')
const skippedIn = (items: readonly Item[]) => items.flatMap((item) => (item.kind === 'skipped' ? [item.why] : []))
const one = async (entry: object) => exchangesIn((await read([entry])).items)[0]

describe('the reader of access logs', () => {
  it.each([
    ['nginx', NGINX],
    ['Envoy', ENVOY],
  ])('%s', async (_, entry) => {
    const { items, abilities } = await read([entry])
    const [exchange] = exchangesIn(items)
    expect(exchange).toMatchObject({
      at: { file: 'access.log', line: 1 },
      account: readContext.fingerprints.account('192.0.2.7'),
      request: {
        endpoint: 'refresh',
        method: 'POST',
        path: '/api/v2/token/refresh/',
        origin: 'https://api.test',
        authScheme: 'none',
        status: 200,
      },
    })
    expect(exchange).not.toHaveProperty('authHidden')
    // It arrived at 08:00:00.200 and took 50 ms; the client sent it within the second before.
    const { sent, answered } = exchange as Exchange
    expect(Math.abs(sent.latestMs - AT_MS - 200)).toBeLessThanOrEqual(2)
    expect(sent.earliestMs).toBeLessThanOrEqual(AT_MS - 800)
    expect(Math.abs(answered.earliestMs - AT_MS - 250)).toBeLessThanOrEqual(2)
    expect(answered.latestMs).toBeGreaterThanOrEqual(AT_MS + 1250)
    expect(JSON.stringify(items)).not.toMatch(/canary|192\.0/)
    expect(abilities.tells).toEqual([])
    expect(Object.keys(abilities.lacks)).toHaveLength(9)
  })

  it.each([
    ['nginx', { ...NGINX, request_uri: SECRET_PATH }],
    ['nginx, in a request line', { ...NGINX, request_uri: undefined, request: `POST ${SECRET_PATH} HTTP/1.1` }],
    ['Envoy', { ...ENVOY, path: SECRET_PATH }],
    ['a whole URL', { ...ENVOY, path: `https://api.test${SECRET_PATH}` }],
  ])('tells no secret of a path: %s', async (_, entry) => {
    const { items } = await read([entry])
    expect(exchangesIn(items)[0]?.request.path).toBe(SECRET_PATH_SHOWN)
    expect(JSON.stringify(items)).not.toContain('canary')
  })

  it.each([
    ['to the second, with its end only', { msec: undefined }, [-1051, 951], [0, 2000]],
    [
      'of the local kind',
      { msec: undefined, time_iso8601: undefined, time_local: '05/Jan/2026:09:00:00 +0100' },
      [-1051, 951],
      [0, 2000],
    ],
    ['in whole seconds of the epoch', { msec: 1767600000, time_iso8601: undefined }, [-1051, 951], [0, 2000]],
    ['without a length', { msec: '1767600000.250', request_time: undefined }, [-60_750, 251], [250, 1251]],
  ])('a time %s is an interval', async (_, more, sent, answered) => {
    const exchange = await one({ ...NGINX, ...more })
    expect([exchange?.sent.earliestMs, exchange?.sent.latestMs].map((ms) => (ms ?? 0) - AT_MS)).toEqual(sent)
    expect([exchange?.answered.earliestMs, exchange?.answered.latestMs].map((ms) => (ms ?? 0) - AT_MS)).toEqual(
      answered,
    )
  })

  it.each([
    [
      'a request line',
      { request_method: undefined, request_uri: undefined, request: 'POST /api/v2/token/refresh/ HTTP/1.1' },
    ],
    ['uri', { request_uri: undefined, uri: '/api/v2/token/refresh/' }],
    ['numbers', { status: 200, request_time: 0.05, msec: 1767600000.25 }],
  ])('%s', async (_, more) => {
    expect(await one({ ...NGINX, ...more })).toMatchObject({
      request: { endpoint: 'refresh', method: 'POST', path: '/api/v2/token/refresh/', status: 200 },
    })
  })

  it('tells who presented what, where that is in the log', async () => {
    const api = { ...NGINX, request_method: 'GET', request_uri: '/api/v2/whoami/' }
    expect(await one(api)).toMatchObject({ authHidden: true, request: { authScheme: 'none' } })
    const bearer = await one({ ...api, http_authorization: `Bearer ${JWT}` })
    expect(bearer?.request).toMatchObject({
      authScheme: 'Bearer',
      accessId: readContext.fingerprints.token(JWT),
      accessExpAtMs: AT_MS + 3_600_000,
    })
    const basic = await one({ ...api, remote_user: 'ada-canary' })
    expect(basic?.request.authScheme).toBe('Basic')
    expect(basic?.account).toBe(readContext.fingerprints.account('ada-canary'))
    expect(JSON.stringify([bearer, basic])).not.toContain('canary')
  })

  it('one address is one account, whatever its port', async () => {
    const { items } = await read(
      ['192.0.2.7:1234', '192.0.2.7:99', '192.0.2.8', '192.0.2.7, 10.0.0.1'].map((who) => ({
        ...ENVOY,
        x_forwarded_for: who,
      })),
    )
    const [first, second, third, fourth] = exchangesIn(items).map(({ account }) => account)
    expect([second, fourth]).toEqual([first, first])
    expect(third).not.toBe(first)
  })

  it('a client that went away was not answered', async () => {
    expect((await one({ ...NGINX, status: 499 }))?.request).toMatchObject({ status: 'dropped', abandoned: true })
    expect((await one({ ...ENVOY, response_code: 0, response_flags: 'DC' }))?.request).toMatchObject({
      status: 'dropped',
      abandoned: true,
    })
    expect((await one({ ...ENVOY, response_code: 0, response_flags: 'UF' }))?.request).toMatchObject({
      status: 'dropped',
      abandoned: undefined,
    })
  })

  it('a host without a scheme is that of the origin which was given', async () => {
    const target = { ...readContext.target, origins: ['http://api.test:8080'] }
    const here = await read([{ ...NGINX, scheme: undefined, host: 'api.test:8080' }], { ...readContext, target })
    expect(exchangesIn(here.items)[0]?.request.origin).toBe('http://api.test:8080')
    const elsewhere = await read([NGINX], { ...readContext, target })
    expect(skippedIn(elsewhere.items)).toEqual(['another host'])
  })

  it('a pause that is kept, and its broken twin', async () => {
    const verdict = async (seconds: number) => {
      const next = { ...NGINX, msec: (AT_MS / 1000 + seconds).toFixed(3) }
      const { items, abilities } = await read([{ ...NGINX, status: 429 }, next])
      return judge(momentsIn(items), judging(createMonitors(), abilities.tells)).map(({ monitor }) => monitor)
    }
    expect(await verdict(605)).toEqual([])
    expect(await verdict(60)).toEqual(['invariant-3'])
  })

  it.each([
    ['no JSON object', 'GET / 200'],
    ['no JSON object', '[]'],
    ['no HTTP request', '{"status":200}'],
    ['no HTTP request', JSON.stringify({ ...NGINX, request_method: '\u0000' })],
    ['no URL', JSON.stringify({ ...NGINX, request_uri: 'x y' })],
    ['no API path', JSON.stringify({ ...NGINX, request_uri: '/logo.png' })],
    ['no usable time', JSON.stringify({ ...NGINX, msec: 1e308, time_iso8601: 'yesterday' })],
    ['no usable time', JSON.stringify({ ...NGINX, msec: undefined, time_iso8601: '2026-01-05T08:00:00' })],
    ['no status', JSON.stringify({ ...NGINX, status: 'ok' })],
    ['no HTTP request', '{"__proto__":{"request_method":"GET","request_uri":"/api/","status":200}}'],
  ])('passes over: %s', async (why, line) => {
    const { items, error } = await readText(`${line}\n${JSON.stringify(NGINX)}`)
    expect(error).toBeUndefined()
    expect(skippedIn(items)).toEqual([why])
    expect(exchangesIn(items)).toHaveLength(1)
  })

  it('whatever is cut, repeated or garbled ends in items', async () => {
    const whole = [NGINX, ENVOY].map((entry) => JSON.stringify(entry)).join('\n')
    const spoilt = fc
      .tuple(fc.nat(whole.length), fc.nat(60), fc.oneof(fc.string(), fc.json(), fc.constant('1e999')))
      .map(([from, length, put]) => whole.slice(0, from) + put + whole.slice(from + length))
    await fc.assert(
      fc.asyncProperty(spoilt, async (text) => {
        const { error } = await readText(text)
        if (error !== undefined) expect(error).toBeInstanceOf(UnreadableRecording)
      }),
      { numRuns: 300, seed: Number(process.env.SEED) },
    )
  })
})
