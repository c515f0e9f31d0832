import { describe, expect, it } from 'vitest'
import type { Exchange } from '../../src/audit/exchange.ts'
import { createFingerprints } from '../../src/audit/readers/fingerprints.ts'
import { DEFAULT_TARGET } from '../../src/audit/target.ts'
import { judge, momentsOf } from '../../src/monitors/index.ts'
import { pauseAfter429 } from '../../src/monitors/pace.ts'
import { DEFAULT_POLICY } from '../../src/policy/defaults.ts'
import { type EntryParts, entry, fingerprints, har, jwt, read, tokenEntry } from './har-support.ts'

const AT_MS = Date.UTC(2026, 0, 5, 10)
const EXP_S = AT_MS / 1000 + 3600
const one = async (made: unknown, target = DEFAULT_TARGET): Promise<Exchange> => {
  const { exchanges, skipped } = await read(har([made]), { target })
  expect(skipped).toEqual([])
  return exchanges[0] as Exchange
}
const times = async (parts: EntryParts) => {
  const { sent, answered } = await one(entry(parts))
  return [sent.earliestMs, sent.latestMs, answered.earliestMs, answered.latestMs].map((ms) => ms - AT_MS)
}

describe('times of an entry', () => {
  it.each<[string, EntryParts, number[]]>([
    ['to the ms', {}, [0, 1, 99, 101]],
    ['to the µs', { at: '2026-01-05T10:00:00.000500Z' }, [0.5, 1.5, 99.5, 101.5]],
    ['to the second', { at: '2026-01-05T10:00:00Z' }, [0, 1000, 99, 1100]],
    ['to the minute', { at: '2026-01-05T10:00Z' }, [0, 60_000, 99, 60_100]],
    ['with an offset', { at: '2026-01-05T15:30:00.000+05:30' }, [0, 1, 99, 101]],
    ['with an offset without a colon', { at: '2026-01-05T05:00:00.000-0500' }, [0, 1, 99, 101]],
    [
      'sent after it queued and connected',
      { timings: { blocked: 20, dns: 5, connect: 30, ssl: 25, wait: 45 } },
      [0, 56, 99, 101],
    ],
    ['-1 is no time', { timings: { blocked: -1, dns: -1, connect: -1, wait: 100 } }, [0, 1, 99, 101]],
    ['no `time`: the phases', { time: -1, timings: { blocked: 10, wait: 40 } }, [0, 11, 49, 51]],
    ['as text', { time: '100', timings: { blocked: '10' } }, [0, 11, 99, 101]],
    ['the phases say more', { time: 50, timings: { wait: 80 } }, [0, 1, 49, 81]],
    ['nobody knows', { time: null, timings: null }, [0, 1, 0, 300_001]],
  ])('%s', async (_, parts, expected) => {
    expect(await times(parts)).toEqual(expected)
  })
})

describe('what a request presents', () => {
  it('credentials as JSON and as a form, and whose they are', async () => {
    const json = await one(tokenEntry('create', { body: { username: 'ann', password: 'p w' } }))
    const form = await one(tokenEntry('create', { body: 'username=ann&password=p+w' }))
    expect(json.request.credentialsId).toBe(fingerprints.credentials('ann', 'p w'))
    expect(json.account).toBe(fingerprints.account('ann'))
    expect(form).toEqual({ ...json, at: form.at })
    const other = await one(tokenEntry('create', { body: { username: 'ann', password: 'p w2' } }))
    expect(other.account).toBe(json.account)
    expect(other.request.credentialsId).not.toBe(json.request.credentialsId)
  })

  it.each(['refresh', 'refresh_token'])('a refresh token as `%s`', async (name) => {
    const token = jwt({ exp: EXP_S, token_type: 'refresh' })
    const { request } = await one(tokenEntry('refresh', { body: { [name]: token } }))
    expect(request).toMatchObject({ refreshId: fingerprints.token(token), refreshExpAtMs: EXP_S * 1000 })
  })

  it('validate: an access token, and none where a refresh token is validated', async () => {
    const access = jwt({ exp: EXP_S, token_type: 'access' })
    const validated = (token: string) => one(tokenEntry('validate', { body: { token } }))
    expect((await validated(access)).request).toMatchObject({
      accessId: fingerprints.token(access),
      accessExpAtMs: EXP_S * 1000,
    })
    expect((await validated('opaque-token')).request.accessId).toBe(fingerprints.token('opaque-token'))
    expect((await validated(jwt({ exp: EXP_S, token_type: 'refresh' }))).request).not.toHaveProperty('accessId')
  })

  it.each([
    ['Bearer access-one', 'Bearer'],
    ['bearer access-one', 'Bearer'],
    ['Basic dXNlcjpw', 'Basic'],
    ['Token abc', 'Token'],
    ['Digest username="x"', 'other'],
    ['   ', 'none'],
  ])('Authorization: %s', async (authorization, scheme) => {
    for (const name of ['Authorization', 'authorization']) {
      const { request } = await one(entry({ headers: { [name]: authorization } }))
      expect(request.authScheme).toBe(scheme)
      expect(request.accessId).toBe(scheme === 'Bearer' ? fingerprints.token('access-one') : undefined)
    }
  })

  it('of several headers of one name the first counts', async () => {
    const made = entry()
    const headers = [...made.request.headers, { name: 'authorization', value: 'Basic x' }]
    expect((await one({ ...made, request: { ...made.request, headers } })).request.authScheme).toBe('Bearer')
  })

  it.each(['[REDACTED]', '***', 'REDACTED', '<token>', 'xxxxxxxx', 'eyJhb*****', ''])(
    'a placeholder tells nothing, and the recording is not said to tell tokens: Bearer %s',
    async (placeholder) => {
      const entries = [entry(), entry({ headers: { Authorization: `Bearer ${placeholder}` } })]
      const { exchanges, recording } = await read(har(entries))
      expect(exchanges[1]?.request.authScheme).toBe('Bearer')
      expect(exchanges[1]?.request).not.toHaveProperty('accessId')
      expect(exchanges.map(({ hides }) => hides)).toEqual([undefined, ['tokens']])
      expect(recording?.abilities()).toMatchObject({ tells: [], tellsPartly: ['tokens'] })
      expect(recording?.abilities().lacks.tokens).toMatch(/^1 request without the token/)
    },
  )

  it('a placeholder for a password or a user name tells nothing', async () => {
    const hidden = tokenEntry('create', { body: { username: 'ann', password: '[redacted]' } })
    const nameless = tokenEntry('create', { body: { username: '***', password: 'p' } })
    const { exchanges, recording } = await read(har([hidden, nameless]))
    expect(exchanges.map(({ request }) => request.credentialsId)).toEqual([undefined, undefined])
    expect(exchanges.map(({ account }) => account)).toEqual([fingerprints.account('ann'), undefined])
    expect(exchanges.map(({ hides }) => hides)).toEqual([['credentials'], ['credentials']])
    expect(recording?.abilities()).toMatchObject({ tells: [], tellsPartly: [] })
    const whole = tokenEntry('create', { body: { username: 'ann', password: 'p' } })
    const mixed = (await read(har([whole, hidden]))).recording?.abilities()
    expect(mixed).toMatchObject({ tells: [], tellsPartly: ['credentials'] })
    expect(mixed?.lacks.credentials).toMatch(/^1 request without the user name and password/)
  })

  it('a body that is not there is missed; one that lacks the field is the fault of the client', async () => {
    const gone = { ...tokenEntry('refresh', {}) }
    const sized = (bodySize: number | undefined, status = 200) => ({
      ...gone,
      request: { ...gone.request, bodySize },
      response: { ...gone.response, status },
    })
    const tells = async (made: unknown) => (await read(har([entry(), made]))).recording?.abilities().tells
    expect(await tells(sized(40))).toEqual([])
    expect(await tells(sized(-1, 400))).toEqual([])
    expect(await tells(sized(undefined, 400))).toEqual([])
    expect(await tells(sized(0, 400))).toEqual(['tokens'])
    expect(await tells(tokenEntry('refresh', { body: {}, status: 400 }))).toEqual(['tokens'])
  })
})

it('a body that the recording does not know makes a request like no other', async () => {
  const sized = async (method: string, bodySize: number) => {
    const made = entry({ method })
    return (await one({ ...made, request: { ...made.request, bodySize } })).sameAs
  }
  expect(await sized('POST', -1)).toBeUndefined()
  expect(await sized('POST', 0)).toBeDefined()
  expect(await sized('GET', -1)).toBeDefined()
})

describe('what an answer tells', () => {
  const grant = (answer: unknown, parts: EntryParts = {}) =>
    one(tokenEntry('refresh', { body: { refresh: 'refresh-one' }, answer, ...parts }))

  it.each([
    [{ access: 'access-two', refresh: 'refresh-two' }],
    [{ access_token: 'access-two', refresh_token: 'refresh-two' }],
    [
      {
        new_access_token: 'access-two',
        new_refresh_token: 'refresh-two',
        access: 'access-one',
        refresh: 'refresh-one',
      },
    ],
  ])('a pair in every spelling: %j', async (answer) => {
    expect((await grant(answer)).request).toMatchObject({
      refreshId: fingerprints.token('refresh-one'),
      grantedAccessId: fingerprints.token('access-two'),
      grantedRefreshId: fingerprints.token('refresh-two'),
    })
  })

  it.each([[{ access: 'access-two' }], [{ access: 'access-two', refresh: 'refresh-one' }]])(
    'no new refresh token: %j',
    async (answer) => {
      const { request } = await grant(answer)
      expect(request.grantedAccessId).toBe(fingerprints.token('access-two'))
      expect(request.grantedRefreshId).toBeUndefined()
    },
  )

  it('expiries by the token, else by the seconds', async () => {
    const said = { access_expiry_seconds: '3600', refresh_expiry_seconds: 86_400 }
    const opaque = (await grant({ access: 'access-two', refresh: 'refresh-two', ...said })).request
    expect(opaque.grantedAccessExpAtMs).toBe(AT_MS + 101 + 3_600_000)
    expect(opaque.grantedRefreshExpAtMs).toBe(AT_MS + 101 + 86_400_000)
    const signed = (await grant({ access: jwt({ exp: EXP_S }), ...said })).request
    expect(signed.grantedAccessExpAtMs).toBe(EXP_S * 1000)
    for (const exp of [1e308, -1, 0, 'x', null]) {
      const { request } = await grant({ access: jwt({ exp }) })
      expect(request.grantedAccessId).toMatch(/^[0-9a-f]{16}$/)
      expect(request.grantedAccessExpAtMs).toBeUndefined()
    }
  })

  it('nothing is granted by an answer that is none', async () => {
    for (const answer of ['<html>', '[]', '{"access":7}', { access: 'has space' }])
      expect((await grant(answer)).request.grantedAccessId).toBeUndefined()
    expect((await grant({ access: 'access-two' }, { status: 500 })).request.grantedAccessId).toBeUndefined()
    expect((await grant({ access: 'access-two' }, { status: 302 })).request.grantedAccessId).toBeUndefined()
  })

  it.each([
    [0, 'dropped'],
    [-1, 'dropped'],
    ['429', 429],
    [304, 304],
  ])('status %j', async (status, expected) => {
    expect((await one(entry({ status }))).request.status).toBe(expected)
  })

  it('who gave up, where it says so', async () => {
    const failing = (extra: object) => {
      const made = entry({ status: 0 })
      return one({ ...made, response: { ...made.response, ...extra } })
    }
    expect((await failing({ _error: 'net::ERR_ABORTED' })).request.abandoned).toBe(true)
    expect((await failing({ _error: 'net::ERR_CONNECTION_RESET' })).request).not.toHaveProperty('abandoned')
  })

  it('the code of an error, and none that is not one', async () => {
    const coded = async (answer: unknown) => (await one(entry({ status: 401, answer }))).request.code
    expect(await coded({ code: 'token_not_valid' })).toBe('token_not_valid')
    for (const code of ['has space', 'canary@secret', 7, null]) expect(await coded({ code })).toBeUndefined()
  })

  it.each<[Record<string, string>, number | undefined]>([
    [{ 'Retry-After': '30' }, 30_000],
    [{ 'retry-after': 'Mon, 05 Jan 2026 10:05:00 GMT', Date: 'Mon, 05 Jan 2026 10:00:00 GMT' }, 300_000],
    [{ 'retry-after': 'Mon, 05 Jan 2026 10:05:00 GMT' }, 299_899],
    [{ 'retry-after': 'Mon, 05 Jan 2026 09:00:00 GMT' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '9999999999' }, undefined],
    [{}, undefined],
  ])('Retry-After: %j', async (answerHeaders, expected) => {
    expect((await one(entry({ status: 429, answerHeaders }))).request.retryAfterMs).toBe(expected)
  })
})

describe('which requests may be one', () => {
  const same = async (a: EntryParts, b: EntryParts) => (await one(entry(a))).sameAs === (await one(entry(b))).sameAs

  it('method, URL with its query, and body', async () => {
    const post: EntryParts = { method: 'POST', path: '/api/v2/x/?a=1', body: { tin: 1 } }
    expect(
      await same(post, { ...post, headers: { Authorization: 'Bearer access-two' }, at: '2026-01-05T10:00:09.000Z' }),
    ).toBe(true)
    expect(await same(post, { ...post, method: 'PUT' })).toBe(false)
    expect(await same(post, { ...post, path: '/api/v2/x/?a=2' })).toBe(false)
    expect(await same(post, { ...post, body: { tin: 2 } })).toBe(false)
  })
})

describe('what is audited', () => {
  it('hosts and paths can be set', async () => {
    const target = {
      origins: ['https://auth.example:8443'],
      paths: { create: '/auth/jwt/create', refresh: '/auth/jwt/refresh', validate: '/auth/jwt/verify' },
      apiPrefix: '/v3/',
    }
    const at = (url: string) => entry({ method: 'POST', url })
    const { exchanges, skipped } = await read(
      har([
        at('https://auth.example:8443/auth/jwt/create/'),
        at('https://auth.example:8443/v3/things?x=1#y'),
        at('https://auth.example/v3/things'),
        at('https://auth.example:8443/other'),
      ]),
      { target },
    )
    expect(exchanges.map(({ request }) => request.endpoint)).toEqual(['create', 'api'])
    expect(exchanges[1]?.request).toMatchObject({ path: '/v3/things', origin: 'https://auth.example:8443' })
    expect(skipped).toEqual(['3: another host', '4: no API path'])
  })

  it('a chain of redirects is each request of it', async () => {
    const { exchanges } = await read(har([entry({ status: 301, path: '/api/v2/x' }), entry({ path: '/api/v2/x/' })]))
    expect(exchanges.map(({ request }) => [request.path, request.status])).toEqual([
      ['/api/v2/x', 301],
      ['/api/v2/x/', 200],
    ])
  })
})

describe('what was not sent', () => {
  const failing = (_error: string) => {
    const made = entry({ status: 0 })
    return { ...made, response: { ...made.response, _error } }
  }
  const metadata = entry({ method: 'OPTIONS' })

  it.each<[string, unknown, string]>([
    ['a preflight', entry({ method: 'OPTIONS', headers: {} }), 'a CORS preflight'],
    ['a preflight by its initiator', { ...metadata, _initiator: { type: 'preflight' } }, 'a CORS preflight'],
    ['a tunnel', entry({ method: 'CONNECT' }), 'a tunnel through a proxy'],
    ['a request that an extension blocked', failing('net::ERR_BLOCKED_BY_CLIENT'), 'blocked before it was sent'],
    ['a request that Firefox blocked', { ...entry(), _blocked_reason: 'csp' }, 'blocked before it was sent'],
  ])('%s', async (_, made, why) => {
    expect((await read(har([made]))).skipped).toEqual([`1: ${why}`])
  })

  it('a client that asks for the options itself sends a request', async () => {
    expect((await one(metadata)).request).toMatchObject({ method: 'OPTIONS', endpoint: 'api' })
  })
})

describe('pause-after-429', () => {
  const throttled = tokenEntry('create', { body: { username: 'u', password: 'p' }, status: 429 })
  const again = (at: string) =>
    tokenEntry('create', { body: { username: 'u', password: 'p' }, at, answer: { access: 'a', refresh: 'r' } })
  const findings = async (at: string) => {
    const { exchanges } = await read(har([throttled, again(at)]))
    const requests = exchanges.map(({ request, sent, answered }) => ({
      ...request,
      sentAtMs: sent.earliestMs,
      answeredAtMs: answered.earliestMs,
    }))
    return judge(momentsOf(requests), [pauseAfter429(DEFAULT_POLICY)])
  }

  it('a HAR and its minimally broken twin are told apart', async () => {
    expect(await findings('2026-01-05T10:10:00.100Z')).toEqual([])
    expect(await findings('2026-01-05T10:09:59.000Z')).toHaveLength(1)
  })
})

describe('fingerprints', () => {
  it('depend on the key, on the kind, and on where one part ends', () => {
    const other = createFingerprints(new Uint8Array(32).fill(8))
    expect(fingerprints.token('a')).toMatch(/^[0-9a-f]{16}$/)
    expect(fingerprints.token('a')).not.toBe(other.token('a'))
    expect(fingerprints.token('a')).not.toBe(fingerprints.account('a'))
    expect(fingerprints.body('ab', 'c')).not.toBe(fingerprints.body('a', 'bc'))
    expect(() => createFingerprints(new Uint8Array(15))).toThrow(RangeError)
  })
})

describe('when a token expires', () => {
  const signIn = (lives: object, claims?: object) => {
    const token = (type: string) =>
      claims === undefined ? `opaque-${type}-token` : jwt({ token_type: type, ...claims })
    const pair = { access: token('access'), refresh: token('refresh') }
    return {
      pair,
      entry: tokenEntry('create', { body: { username: 'a', password: 'p' }, answer: { ...pair, ...lives } }),
    }
  }
  // Of the 100 ms that it took, producers round to the next.
  const ANSWERED_MS = AT_MS + 101
  const laterOf = async ({ pair, entry: granted }: ReturnType<typeof signIn>) => {
    const use = entry({ headers: { Authorization: `Bearer ${pair.access}` }, at: '2026-01-05T10:10:00.000Z' })
    const refresh = tokenEntry('refresh', { body: { refresh: pair.refresh }, at: '2026-01-05T10:11:00.000Z' })
    const { exchanges } = await read(har([granted, use, refresh]))
    return exchanges.slice(1).map(({ request }) => request.accessExpAtMs ?? request.refreshExpAtMs)
  }

  it('is told by its grant where it does not say itself', async () => {
    const lives = { access_expiry_seconds: 3600, refresh_expiry_seconds: 86_400 }
    expect(await laterOf(signIn(lives))).toEqual([ANSWERED_MS + 3_600_000, ANSWERED_MS + 86_400_000])
    expect(await laterOf(signIn({}))).toEqual([undefined, undefined])
  })

  it('is the sooner of both', async () => {
    const exp = AT_MS / 1000 + 7200
    expect(await laterOf(signIn({ access_expiry_seconds: 3600 }, { exp }))).toEqual([
      ANSWERED_MS + 3_600_000,
      AT_MS + 7_200_000,
    ])
    expect((await laterOf(signIn({ access_expiry_seconds: 9000 }, { exp })))[0]).toBe(AT_MS + 7_200_000)
    // By the server it is a little less or more.
    expect((await laterOf(signIn({ access_expiry_seconds: 7199 }, { exp })))[0]).toBe(AT_MS + 7_200_000)
  })

  it('is not known where no answer has told how the clocks stand', async () => {
    const expired = { headers: { Authorization: `Bearer ${jwt({ exp: 1_700_000_000 })}` } }
    const [dropped, answered] = (await read(har([entry({ ...expired, status: 0 }), entry(expired)]))).exchanges
    expect(dropped?.request).not.toHaveProperty('accessExpAtMs')
    expect(answered?.request).toMatchObject({ accessExpAtMs: 1_700_000_000_000 })
  })
})

describe('an Authorization that a tool wrote over as a whole', () => {
  it.each(['[REDACTED]', '***', '<redacted>', 'REDACTED'])('is hidden, and no scheme of its own: %s', async (value) => {
    const { exchanges, recording } = await read(har([entry(), entry({ headers: { Authorization: value } })]))
    expect(exchanges[1]).toMatchObject({ authHidden: true, hides: ['tokens'], request: { authScheme: 'none' } })
    expect(recording?.abilities()).toMatchObject({ tells: [], tellsPartly: ['tokens'] })
  })

  it.each(['undefined', 'null'])('is none where the client had no token: Bearer %s', async (value) => {
    const { exchanges } = await read(har([entry({ headers: { Authorization: `Bearer ${value}` } })]))
    expect(exchanges[0]?.request.authScheme).toBe('other')
  })
})

it('a request whose headers are not in the recording hides its token', async () => {
  const { exchanges, recording } = await read(har([entry(), entry({ headers: {} })]))
  expect(exchanges[1]).toMatchObject({ authHidden: true, hides: ['tokens'] })
  expect(recording?.abilities().tells).toEqual([])
})
