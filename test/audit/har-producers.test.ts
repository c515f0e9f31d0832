import { describe, expect, it } from 'vitest'
import type { Exchange, Instant } from '../../src/audit/exchange.ts'
import { inOrder } from '../../src/audit/readers/order.ts'
import { entry, fingerprints, fixture, har, read } from './har-support.ts'

const START_MS = Date.UTC(2026, 0, 5, 10)

/** The same five requests were written in the shape of each producer: a sign-in, the API, a refresh without an answer, another. */
async function inTime(name: string): Promise<readonly Exchange[]> {
  const { items, error } = await read(fixture(name))
  expect(error).toBeUndefined()
  const ordered: Exchange[] = []
  const given = (async function* () {
    yield items
  })()
  for await (const batch of inOrder(given).batches) ordered.push(...batch.filter((item) => item.kind === 'exchange'))
  return ordered
}

const holds = ({ earliestMs, latestMs }: Instant, atMs: number) => earliestMs <= atMs && atMs <= latestMs

describe.each([
  ['devtools-full', 'WebInspector'],
  ['firefox', 'Firefox'],
  ['safari', 'WebKit Web Inspector'],
  ['playwright', 'Playwright'],
  ['mitmproxy', 'mitmproxy'],
  ['charles', 'Charles Proxy'],
  ['fiddler', 'Fiddler'],
])('HAR of %s', (name, producer) => {
  it('names its producer and tells tokens and credentials', async () => {
    const { recording } = await read(fixture(name))
    expect(recording).toMatchObject({ format: 'har', producer })
    expect(recording?.abilities().tells).toEqual(['tokens', 'credentials'])
  })

  it('is the same five requests', async () => {
    const [create, api, lost, refresh, rejected, ...more] = (await inTime(name)).map(({ request }) => request)
    expect(more).toEqual([])
    expect(create).toMatchObject({ endpoint: 'create', method: 'POST', path: '/api/v2/token/', status: 200 })
    expect(create?.credentialsId).toBe(fingerprints.credentials('canary-user', 'canary-password'))
    expect(create?.grantedAccessExpAtMs).toBe(START_MS + 3_601_000)
    expect(create?.grantedRefreshExpAtMs).toBe(START_MS + 86_401_000)
    expect(api).toMatchObject({ endpoint: 'api', authScheme: 'Bearer', path: '/api/v2/taxexempt/', status: 200 })
    expect(api).toMatchObject({ accessId: create?.grantedAccessId, accessExpAtMs: create?.grantedAccessExpAtMs })
    expect(lost).toMatchObject({ endpoint: 'refresh', status: 'dropped', refreshId: create?.grantedRefreshId })
    expect(refresh).toMatchObject({ endpoint: 'refresh', status: 200, refreshId: create?.grantedRefreshId })
    expect(refresh?.grantedRefreshId).toMatch(/^[0-9a-f]{16}$/)
    expect(refresh?.grantedRefreshId).not.toBe(create?.grantedRefreshId)
    expect(rejected).toMatchObject({ status: 401, code: 'token_not_valid', accessId: refresh?.grantedAccessId })
  })

  it('tells the times to within what it knows', async () => {
    const [create] = await inTime(name)
    const sent = create?.sent as Instant
    const answered = create?.answered as Instant
    expect(holds(sent, START_MS + 250.5)).toBe(true)
    expect(sent.latestMs - sent.earliestMs).toBeLessThan(25)
    expect(holds(answered, START_MS + 370.3)).toBe(true)
    expect(answered.latestMs - answered.earliestMs).toBeLessThan(3)
  })
})

describe('HAR of DevTools', () => {
  it('skips what is no request of the client on the wire', async () => {
    const { skipped } = await read(fixture('devtools-full'))
    expect(skipped).toEqual([
      '1: no API path',
      '3: a CORS preflight',
      '5: answered by a cache',
      '6: answered by a service worker',
      '7: no API path',
      '8: no API path',
    ])
  })

  it('counts the time in the queue as not yet sent for sure', async () => {
    const [create] = await inTime('devtools-full')
    expect((create?.sent.latestMs ?? 0) - (create?.sent.earliestMs ?? 0)).toBe(22.5)
  })

  it('sanitised: no token is told, and no missing Bearer is taken for a fault', async () => {
    const { recording, exchanges } = await read(fixture('devtools-sanitised'))
    const { tells, lacks } = recording?.abilities() ?? {}
    expect(tells).toEqual(['credentials'])
    expect(lacks?.tokens).toMatch(/^2 requests without the token: .*'Allow to generate HAR with sensitive data'/)
    const hidden = exchanges.filter(({ authHidden }) => authHidden === true)
    expect(hidden.map(({ request }) => request.endpoint)).toEqual(['api', 'api'])
  })

  it('a missing Bearer is a fault once the recording has shown something sensitive', async () => {
    const creator = { name: 'WebInspector' }
    const bare = entry({ headers: { accept: '*/*' } })
    const { exchanges, recording } = await read(har([bare, entry(), bare], creator))
    expect(exchanges.map(({ authHidden }) => authHidden ?? false)).toEqual([true, false, false])
    expect(exchanges[2]?.request.authScheme).toBe('none')
    expect(recording?.abilities().tells).toEqual(['tokens'])
  })

  it('a missing Bearer is a fault with a producer that leaves nothing out', async () => {
    const [bare] = (await read(har([entry({ headers: { accept: '*/*' } })]))).exchanges
    expect(bare?.request.authScheme).toBe('none')
    expect(bare).not.toHaveProperty('authHidden')
  })
})

describe('HAR of others', () => {
  it('Safari: an answer of the memory cache was not sent', async () => {
    expect((await read(fixture('safari'))).skipped).toEqual(['6: answered by a cache or service worker'])
  })

  it('Playwright: a request that the page gave up, of unknown length', async () => {
    const lost = (await inTime('playwright'))[2]
    expect(lost?.request).toMatchObject({ status: 'dropped', abandoned: true })
    expect((lost?.answered.latestMs ?? 0) - (lost?.sent.earliestMs ?? 0)).toBe(300_001)
  })

  it('Playwright: bodies in files beside it are missed by name', async () => {
    const { recording } = await read(fixture('playwright-attached'))
    expect(recording?.abilities().tells).toEqual(['credentials'])
    expect(recording?.abilities().lacks.tokens).toMatch(/content: 'embed'/)
  })

  it('mitmproxy: the order of completion is put right', async () => {
    const { exchanges } = await read(fixture('mitmproxy'))
    const order = (list: readonly Exchange[]) => list.map(({ at }) => at.entry)
    expect(order(exchanges)).toEqual([1, 2, 3, 4, 5])
    expect(order(await inTime('mitmproxy'))).toEqual([2, 1, 5, 4, 3])
  })

  it('Polly.js: keeps no failed request', async () => {
    const { recording, exchanges } = await read(fixture('polly'))
    expect(recording?.producer).toBe('Polly.JS')
    expect(exchanges.map(({ request }) => request.status)).toEqual([200, 200, 200, 401])
  })
})
