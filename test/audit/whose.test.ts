import { describe, expect, it } from 'vitest'
import { audit } from '../../src/audit/index.ts'
import { DEFAULT_POLICY } from '../../src/policy/defaults.ts'
import { entry, har, inChunks, tokenEntry } from './har-support.ts'
import { AUDITED_AT_MS, audited } from './renderings.ts'

const AT_MS = Date.UTC(2026, 0, 5, 10)
const REFRESH = '/api/v2/token/refresh/'
const logged = (s: number, uri: string, status: number, more: object = {}) =>
  JSON.stringify({
    ...{ msec: AT_MS / 1000 + s, request_time: 0.01, request_method: 'POST', request_uri: uri, status },
    ...{ remote_addr: '192.0.2.7', ...more },
  })
const pauseBroken = (more: object = {}) => [logged(0, REFRESH, 429, more), logged(60, REFRESH, 200, more)].join('\n')
const findingsOf = async (...texts: readonly string[]) => {
  const { findings } = await audited(...texts)
  return findings.map(({ rule, verdict, confidence, because }) => ({ rule, verdict, confidence, because }))
}

describe('a log that does not tell who sent what', () => {
  it.each([
    ['one address', {}],
    ['none', { remote_addr: '-' }],
  ])('leaves open what one account would have broken: %s', async (_, more) => {
    const [finding, ...others] = await findingsOf(pauseBroken(more))
    expect(others).toEqual([])
    expect(finding).toMatchObject({ rule: 'invariant-3', verdict: 'inconclusive', confidence: 'low' })
    expect(finding?.because).toMatch(/^Who sent what is not in the recording: .*`account`, a HAR or a journal/)
  })

  it.each(['account', 'user_id', 'jwt_claim_sub', 'sub'])('tells it by `%s`: the twin', async (name) => {
    expect(await findingsOf(pauseBroken({ [name]: 'ann' }))).toMatchObject([
      { rule: 'invariant-3', verdict: 'fail', confidence: 'high' },
    ])
    const [, ofAnother] = pauseBroken({ [name]: 'eve' }).split('\n')
    expect(await findingsOf(`${logged(0, REFRESH, 429, { [name]: 'ann' })}\n${ofAnother}`)).toEqual([])
  })

  it('never passes a rule of an account, which may have other addresses; an origin is known', async () => {
    const verdicts = async (more: object, policy?: object) => {
      const sources = [{ name: 'x', bytes: inChunks(new TextEncoder().encode(logged(0, REFRESH, 200, more))) }]
      const { rules } = await audit(sources, {
        ...{ nowMs: AUDITED_AT_MS, key: new Uint8Array(32).fill(7) },
        policy: { ...DEFAULT_POLICY, ...policy },
      })
      return ['invariant-2', 'invariant-3', 'no-api-v1'].map((id) => rules.find(({ rule }) => rule === id)?.verdict)
    }
    expect(await verdicts({})).toEqual(['inconclusive', 'inconclusive', 'pass'])
    expect(await verdicts({ account: 'ann' })).toEqual(['pass', 'pass', 'pass'])
    expect(await verdicts({}, { budgetScope: 'origin' })).toEqual(['pass', 'inconclusive', 'pass'])
  })

  it('tells what each request breaks by itself, whoever sent it', async () => {
    const text = [
      logged(0, '/api/v1/x/', 200, { http_authorization: 'Bearer abc' }),
      logged(9, '/api/v2/x/', 200, { http_authorization: 'Basic abc' }),
    ].join('\n')
    const findings = await findingsOf(text)
    expect(findings.map(({ rule }) => rule).sort()).toEqual(['no-api-v1', 'no-basic-auth'])
    for (const { verdict, confidence } of findings) expect([verdict, confidence]).toEqual(['fail', 'high'])
  })

  it('is a trace of a server, too, that does not say who the user was', async () => {
    const attributes = (values: Readonly<Record<string, string>>) =>
      Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }))
    const span = (s: number, status: number, more: Readonly<Record<string, string>>) => ({
      ...{ traceId: 'a'.repeat(32), spanId: `b${s}`, kind: 2 },
      startTimeUnixNano: `${AT_MS + s * 1000}000000`,
      endTimeUnixNano: `${AT_MS + s * 1000}000000`,
      attributes: attributes({
        ...{ 'http.request.method': 'POST', 'url.full': `https://api.test${REFRESH}` },
        ...{ 'http.response.status_code': String(status), ...more },
      }),
    })
    const trace = (more = {}) =>
      JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span(0, 429, more), span(60, 200, more)] }] }] })
    expect(await findingsOf(trace())).toMatchObject([{ rule: 'invariant-3', verdict: 'inconclusive' }])
    expect(await findingsOf(trace({ 'user.id': 'ann' }))).toMatchObject([{ rule: 'invariant-3', verdict: 'fail' }])
  })

  it('takes nothing from a HAR beside it that tells: a token is whose it was granted to', async () => {
    const signIn = tokenEntry('create', {
      body: { username: 'ann', password: 'pw' },
      answer: { access: 'access-one', refresh: 'refresh-one' },
    })
    const at = (s: number) => new Date(AT_MS + s * 1000).toISOString()
    const seen = logged(5, '/api/v2/x/', 200, {
      ...{ request_method: 'GET', scheme: 'https', host: 'app1.compliancely.com' },
      http_authorization: 'Bearer access-one',
    })
    const report = await audited(har([signIn, entry({ at: at(9) })]), seen)
    expect(report).toMatchObject({ accounts: 1, exchanges: 3 })
  })
})

describe('tokens that tell nobody, and whose sign-in is not in the recording', () => {
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })
  const at = (s: number) => `2026-01-05T10:00:${String(s).padStart(2, '0')}.000Z`
  const use = (s: number, token: string) => entry({ at: at(s), headers: bearer(token) })
  const refreshed = (s: number, to: string) =>
    tokenEntry('refresh', {
      at: at(s),
      body: { refresh: 'opaque-refresh-one' },
      answer: { access: to, refresh: 'opaque-refresh-two' },
    })
  const old = 'opaque-access-old'
  const next = 'opaque-access-next'

  it('are one client, which uses a token that it had replaced', async () => {
    const entries = [use(0, old), refreshed(2, next), use(4, next), use(6, old)]
    expect(await findingsOf(har(entries))).toMatchObject([
      { rule: 'invariant-4', verdict: 'fail', confidence: 'high', because: undefined },
    ])
  })

  it('may be two of which one goes on while the other refreshes', async () => {
    const entries = [use(0, old), use(1, 'opaque-access-of-another'), refreshed(2, next), use(4, next), use(6, old)]
    const report = await audited(har(entries))
    expect(report.findings.map(({ rule, verdict }) => `${rule} ${verdict}`)).toContain('invariant-4 inconclusive')
    expect(report.findings.filter(({ verdict }) => verdict === 'fail')).toEqual([])
    const why = expect.stringMatching(/may be of several accounts.*Record from the sign-in on\.$/)
    expect(report.findings[0]?.because).toEqual(why)
    expect(report.rules.find(({ rule }) => rule === 'invariant-3')).toMatchObject({
      verdict: 'inconclusive',
      because: why,
    })
    expect(report.notes).toEqual([why])
  })

  it('may be two by their refresh tokens', async () => {
    const refused = (s: number, refresh: string) => tokenEntry('refresh', { at: at(s), body: { refresh }, status: 429 })
    expect(await findingsOf(har([refused(0, 'opaque-refresh-one'), refused(9, 'opaque-refresh-two')]))).toMatchObject([
      { rule: 'invariant-3', verdict: 'inconclusive', confidence: 'low' },
    ])
    expect(await findingsOf(har([refused(0, 'opaque-refresh-one'), refused(9, 'opaque-refresh-one')]))).toMatchObject([
      { rule: 'invariant-3', verdict: 'fail' },
    ])
  })
})
