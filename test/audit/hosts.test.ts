import { describe, expect, it } from 'vitest'
import { audit } from '../../src/audit/index.ts'
import { encodeLine, JOURNAL, JOURNAL_VERSION, PRODUCER } from '../../src/journal/format.ts'
import { entry, har, inChunks, tokenEntry } from './har-support.ts'
import { AUDITED_AT_MS } from './renderings.ts'

const HERE = 'https://app1.compliancely.com'
const MAPS = 'https://maps.example.com'
const AT_MS = Date.UTC(2026, 0, 5, 10)
const at = (s: number) => new Date(AT_MS + s * 1000).toISOString()

const signIn = tokenEntry('create', {
  at: at(0),
  body: { username: 'ann', password: 'pw' },
  answer: { access: 'access-one', refresh: 'refresh-one' },
})
const call = entry({ at: at(1) })
/** A map's, which is nobody's API here. */
const bare = (s: number, origin = MAPS) => entry({ at: at(s), url: `${origin}/api/js`, headers: { Accept: '*/*' } })

const isElsewhere = ({ request }: ReturnType<typeof entry>) => String(request.url).startsWith(MAPS)

const audited = async (texts: readonly string[], origins: readonly string[] = []) => {
  const sources = texts.map((text, n) => ({ name: `${n}`, bytes: inChunks(new TextEncoder().encode(text)) }))
  const options = { nowMs: AUDITED_AT_MS, key: new Uint8Array(32).fill(7), target: { origins } }
  const report = await audit(sources, options)
  const bearer = report.rules.find(({ rule }) => rule === 'bearer-on-every-request')
  return { ...report, bearer: bearer?.verdict, hosts: report.notes.filter((note) => note.includes('left out')) }
}

describe('requests to other hosts that look like the API’s', () => {
  it.each([
    ['after the sign-in', [signIn, call, bare(2)]],
    ['before it', [bare(-2), signIn, call]],
  ])('are left out, and the report says so: %s', async (_, entries) => {
    const report = await audited([har(entries)])
    expect(report.bearer).toBe('pass')
    expect(report).toMatchObject({ accounts: 1, exchanges: 2, files: [{ exchanges: 2, skipped: 1 }] })
    expect(report.from).toBe(AT_MS)
    expect(report.timeline.map((shown) => shown.at.entry)).not.toContain(entries.findIndex(isElsewhere) + 1)
    expect(report.hosts).toEqual([
      `1 request was left out: no token endpoint was called on ${MAPS}. --origin names the hosts to audit.`,
    ])
  })

  it('are judged on a host that has token endpoints: the twin', async () => {
    const report = await audited([har([signIn, call, bare(2, HERE)])])
    expect(report).toMatchObject({ bearer: 'fail', exchanges: 3, hosts: [] })
  })

  it('are the API’s where a token goes that was granted: its tokens may have a host of their own', async () => {
    const elsewhere = entry({ at: at(2), url: `${MAPS}/api/js` })
    const report = await audited([har([signIn, call, elsewhere, bare(3)])])
    expect(report).toMatchObject({ bearer: 'fail', exchanges: 4, hosts: [] })
    const other = entry({ at: at(2), url: `${MAPS}/api/js`, headers: { Authorization: 'Bearer of-the-maps' } })
    expect(await audited([har([signIn, call, other, bare(3)])])).toMatchObject({ bearer: 'pass', exchanges: 2 })
  })

  it.each([
    ['no-api-v1', { path: '/api/v1/tin/', headers: { Authorization: 'Token of-v1' } }],
    ['no-basic-auth', { path: '/api/v2/tin/', headers: { Authorization: 'Basic YW5uOnB3' } }],
  ])('let no rule pass that ends something for good, which a host of its own may still have: %s', async (id, parts) => {
    const old = entry({ at: at(2), url: `${MAPS}${parts.path}`, ...parts })
    const { rules, findings } = await audited([har([signIn, call, old])])
    expect(findings).toEqual([])
    const [rule, other] = [id, id === 'no-api-v1' ? 'no-basic-auth' : 'no-api-v1'].map((each) =>
      rules.find(({ rule }) => rule === each),
    )
    expect(rule).toMatchObject({ verdict: 'inconclusive', because: expect.stringContaining(MAPS) })
    expect(rule?.because).toContain('--origin')
    expect(other).toMatchObject({ verdict: 'pass' })
  })

  it('take no place in the list from the API’s', async () => {
    const others = Array.from({ length: 1_001 }, (_, n) => bare(2 + n))
    const report = await audited([har([signIn, call, ...others, bare(5_000, HERE)])])
    expect(report.findings.map(({ rule, offence }) => [rule, offence?.at.entry])).toEqual([
      ['bearer-on-every-request', 2 + 1_001 + 1],
    ])
  })

  it('are judged where no token endpoint was called at all', async () => {
    const report = await audited([har([call, bare(2)])])
    expect(report).toMatchObject({ bearer: 'fail', exchanges: 2, hosts: [] })
  })

  it('are judged where somebody says that they are the API’s', async () => {
    const report = await audited([har([signIn, call, bare(2)])], [HERE, MAPS])
    expect(report).toMatchObject({ bearer: 'fail', exchanges: 3, hosts: [] })
  })

  it('are known by what any of the recordings holds', async () => {
    const report = await audited([har([bare(-2), call]), har([signIn])])
    expect(report).toMatchObject({ bearer: 'pass', exchanges: 2 })
    expect(report.files.map(({ exchanges, skipped }) => [exchanges, skipped])).toEqual([
      [1, 1],
      [1, 0],
    ])
  })

  it('do not hide what others lack: one without authentication says nothing of the API', async () => {
    const devTools = { name: 'WebInspector', version: '1' }
    const report = await audited([har([bare(-2), signIn, call], devTools)])
    expect(report.bearer).toBe('pass')
  })

  it('names three hosts, and counts the others', async () => {
    const others = [1, 2, 3, 4].map((n) => bare(n, `https://h${n}.test`))
    const { hosts } = await audited([har([signIn, ...others])])
    expect(hosts[0]).toMatch(
      /^4 requests were .* https:\/\/h1\.test, https:\/\/h2\.test, https:\/\/h3\.test and 1 more\. /,
    )
  })

  const logged = (uri: string, more: object = {}) =>
    JSON.stringify({
      ...{ time_iso8601: at(9), request_method: 'GET', request_uri: uri, status: 200, request_time: 0.1 },
      ...{ remote_addr: '192.0.2.7', http_authorization: 'Token abc', ...more },
    })

  it('are none in a log that names no host: it is its server’s', async () => {
    const report = await audited([har([signIn, call]), logged('/api/v2/x/')])
    expect(report).toMatchObject({ bearer: 'fail', exchanges: 3, hosts: [] })
    const known = await audited([logged('/api/v2/token/'), har([bare(2)])])
    expect(known).toMatchObject({ bearer: 'fail', exchanges: 2, hosts: [] })
  })

  it('are left out of a trace that names its process', async () => {
    const attributes = (values: Readonly<Record<string, string>>) =>
      Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }))
    const span = (n: number, url: string) => ({
      ...{ traceId: 'a'.repeat(32), spanId: `b${n}`, kind: 3 },
      startTimeUnixNano: `${AT_MS + n}000000`,
      endTimeUnixNano: `${AT_MS + n}000000`,
      attributes: attributes({
        ...{ 'http.request.method': 'GET', 'url.full': url, 'http.response.status_code': '200' },
        'http.request.header.authorization': url.startsWith(MAPS) ? 'Token abc' : 'Bearer abc',
      }),
    })
    const spans = [span(1, `${MAPS}/api/js`), span(2, `${HERE}/api/v2/x/`), span(3, `${HERE}/api/v2/token/`)]
    const resource = { attributes: attributes({ 'service.name': 's', 'service.instance.id': 'i' }) }
    const report = await audited([JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] })])
    expect(report).toMatchObject({ bearer: 'pass', accounts: 1, exchanges: 2 })
    expect(report.hosts).toHaveLength(1)
  })

  it('are never left out of a journal: where it sends is what it is judged by', async () => {
    const client = '0123abcd-0000-4000-8000-000000000000'
    const base = { by: client.slice(0, 8), atMs: AT_MS, send: 1 } as const
    const lines = [
      JSON.stringify({
        ...{ journal: JOURNAL, version: JOURNAL_VERSION, producer: PRODUCER, startedAtMs: AT_MS },
        ...{ origin: HERE, account: '00000000000000aa', client },
      }),
      encodeLine({
        ...{ kind: 'sent', ...base, endpoint: 'api', method: 'GET', path: '/api/js' },
        ...{ authScheme: 'Bearer', accessId: 'a1', origin: MAPS },
      }),
      encodeLine({ kind: 'answered', ...base, status: 200 }),
    ]
    const report = await audited([lines.map((line) => line.trimEnd()).join('\n'), har([signIn])])
    expect(report).toMatchObject({ exchanges: 2, hosts: [] })
  })
})
