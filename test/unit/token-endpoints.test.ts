import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Fetch } from '../../src/http/origin.ts'
import {
  createTokenEndpoints,
  type TokenEndpointsOptions,
  type TokenReply,
  type TokenRequestEvent,
} from '../../src/http/token-endpoints.ts'
import { parsePolicy } from '../../src/policy/schema.ts'
import { Secret } from '../../src/secret.ts'
import { virtualClock } from '../../src/virtual-clock.ts'

const PASSWORD = 'CANARY-password'
const CREDENTIALS = { username: 'ada', password: new Secret(PASSWORD) }
const TOKEN = new Secret('CANARY-refresh')
const GRANTED = { access: 'CANARY-a', refresh: 'CANARY-r', access_expiry_seconds: 3600, refresh_expiry_seconds: 86400 }

interface Sent {
  url: string
  init: RequestInit
}

/** Endpoints over a `fetch` that gives what `answer` makes, on a clock that stands still until told. */
const setUp = (answer: (sent: Sent) => Response | Promise<Response>, options: Partial<TokenEndpointsOptions> = {}) => {
  const clock = virtualClock()
  const sent: Sent[] = []
  const events: TokenRequestEvent[] = []
  const fetch: Fetch = async (input, init = {}) => {
    const send = { url: String(input), init }
    sent.push(send)
    return answer(send)
  }
  const endpoints = createTokenEndpoints({
    baseURL: 'https://app1.compliancely.com',
    policy: parsePolicy(),
    fetch,
    clock,
    onRequest: (event) => events.push(event),
    ...options,
  })
  return { clock, sent, events, ...endpoints }
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })

/** A body that never ends. */
const endless = (status: number, headers: Record<string, string> = {}) =>
  new Response(new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('{')) }), {
    status,
    headers,
  })

const revealed = (reply: TokenReply) =>
  reply.kind === 'granted' ? { access: reply.access.reveal(), refresh: reply.refresh?.reveal() } : reply

describe('what is sent', () => {
  test('D-wire-names, D-create-path: create, refresh and validate by the documented names and paths', async () => {
    const { sent, create, refresh, validate } = setUp(() => json(200, GRANTED))
    await create(CREDENTIALS)
    await refresh(TOKEN)
    await validate(TOKEN)
    expect(sent.map(({ url, init }) => [init.method, url, init.body])).toEqual([
      ['POST', 'https://app1.compliancely.com/api/v2/token/', '{"username":"ada","password":"CANARY-password"}'],
      ['POST', 'https://app1.compliancely.com/api/v2/token/refresh/', '{"refresh":"CANARY-refresh"}'],
      ['POST', 'https://app1.compliancely.com/api/v2/token/validate/', '{"token":"CANARY-refresh"}'],
    ])
    for (const { init } of sent) expect(new Headers(init.headers).get('content-type')).toBe('application/json')
  })

  test('other names and paths are taken as configured', async () => {
    const policy = parsePolicy({ paths: { create: '/api/v2/token/create' }, wireNames: { username: 'email' } })
    const { sent, create } = setUp(() => json(200, GRANTED), { policy, baseURL: 'http://localhost:8080/proxy/' })
    await create(CREDENTIALS)
    expect(sent[0]?.url).toBe('http://localhost:8080/proxy/api/v2/token/create')
    expect(JSON.parse(String(sent[0]?.init.body))).toEqual({ email: 'ada', password: PASSWORD })
  })

  test.each([429, 500, 503])('a %i is not sent again', async (status) => {
    const { sent, create } = setUp(() => json(status, {}))
    await create(CREDENTIALS)
    expect(sent).toHaveLength(1)
  })

  test('D-origin: plain http is refused', () => {
    expect(() => setUp(() => json(200, {}), { baseURL: 'http://app1.compliancely.com' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})

describe('granted', () => {
  test('D-lifetimes: carries both tokens, their lifetimes and when the request was sent', async () => {
    const { clock, create } = setUp(async () => {
      clock.jumpWall(7)
      return json(200, GRANTED)
    })
    const sentAtWallMs = clock.now()
    const reply = await create(CREDENTIALS)
    expect(reply).toMatchObject({
      kind: 'granted',
      status: 200,
      accessLifetimeMs: 3_600_000,
      refreshLifetimeMs: 86_400_000,
      sentAtWallMs,
      skewMs: undefined,
    })
    expect(revealed(reply)).toEqual({ access: 'CANARY-a', refresh: 'CANARY-r' })
  })

  test('D-lifetimes, D-skew: the Date of the reply bounds a JWT and tells the skew', async () => {
    const { clock, create } = setUp(() => {
      const serverMs = clock.now() + 120_000
      const access = `h.${btoa(JSON.stringify({ exp: serverMs / 1000 + 600, iat: serverMs / 1000 - 5000 }))}.s`
      return json(200, { access, refresh: 'r' }, { date: new Date(serverMs).toUTCString() })
    })
    expect(await create(CREDENTIALS)).toMatchObject({
      accessLifetimeMs: 600_000,
      refreshLifetimeMs: 86_400_000,
      skewMs: 120_000,
    })
  })

  test('D-skew: skew is measured against the middle of the exchange', async () => {
    const { clock, create } = setUp(() => {
      clock.jumpWall(10_000)
      return json(200, GRANTED, { date: new Date(clock.now()).toUTCString() })
    })
    expect(await create(CREDENTIALS)).toMatchObject({ skewMs: 5_000 })
  })

  test('D-partial-refresh: no refresh token, or the one that was sent, is no new one', async () => {
    const without = setUp(() => json(200, { access: 'a' }))
    const echoed = setUp(() => json(200, { access: 'a', refresh: TOKEN.reveal() }))
    for (const { refresh } of [without, echoed])
      expect(await refresh(TOKEN)).toMatchObject({ kind: 'granted', refresh: undefined, refreshLifetimeMs: undefined })
  })

  test('a 201 with tokens is a grant all the same', async () => {
    expect(await setUp(() => json(201, GRANTED)).create(CREDENTIALS)).toMatchObject({ kind: 'granted', status: 201 })
  })

  test.each([
    ['broken JSON', () => new Response('{"access":"CANARY', { status: 200 })],
    ['no body', () => new Response(null, { status: 204 })],
    ['an HTML page', () => new Response('<html>CANARY</html>', { headers: { 'content-type': 'text/html' } })],
    ['no token', () => json(200, { detail: 'CANARY' })],
    ['a dead access token', () => json(200, { ...GRANTED, access_expiry_seconds: 0 })],
    ['a dead refresh token', () => json(200, { ...GRANTED, refresh_expiry_seconds: -1 })],
  ])('D-lifetimes: %s is malformed', async (_, answer) => {
    const reply = await setUp(answer).create(CREDENTIALS)
    expect(reply).toMatchObject({ kind: 'malformed', reason: expect.any(String) })
    expect(inspect(reply)).not.toContain('CANARY')
  })
})

describe('refused', () => {
  test('status-codes: 401 is unauthorized, other 4xx rejected, 5xx unavailable', async () => {
    const reply = (status: number, body: unknown = {}) => setUp(() => json(status, body)).refresh(TOKEN)
    const invalid = { detail: 'Token is invalid', code: 'token_not_valid' }
    expect(await reply(401, invalid)).toEqual({ kind: 'unauthorized', status: 401, code: 'token_not_valid' })
    expect(await reply(400)).toEqual({ kind: 'rejected', status: 400, code: undefined })
    expect(await reply(502)).toEqual({ kind: 'unavailable', status: 502, reason: 'http' })
  })

  test('pause-after-429: 10 minutes, though a shorter Retry-After asks for less', async () => {
    const { refresh } = setUp(() => json(429, {}, { 'retry-after': '42' }))
    expect(await refresh(TOKEN)).toEqual({ kind: 'throttled', status: 429, pauseMs: 600_000 })
  })

  test('D-pause-length: a longer Retry-After wins, a date in it measured from the Date of the reply', async () => {
    const headers = { date: 'Sun, 06 Nov 1994 08:00:00 GMT', 'retry-after': 'Sun, 06 Nov 1994 09:00:00 GMT' }
    expect(await setUp(() => json(429, {}, headers)).create(CREDENTIALS)).toMatchObject({ pauseMs: 3_600_000 })
    const seconds = setUp(() => json(429, {}, { 'retry-after': '900' }))
    expect(await seconds.validate(TOKEN)).toMatchObject({ kind: 'throttled', pauseMs: 900_000 })
  })

  test.each([
    [429, { kind: 'throttled', pauseMs: 900_000 }],
    [401, { kind: 'unauthorized', status: 401 }],
    [400, { kind: 'rejected', status: 400 }],
    [500, { kind: 'unavailable', reason: 'http', status: 500 }],
  ])('a %i is definite though its body never ends', async (status, expected) => {
    const { clock, refresh } = setUp(() => endless(status, { 'retry-after': '900' }))
    const reply = refresh(TOKEN)
    await clock.advance(30_000)
    expect(await reply).toMatchObject(expected)
  })
})

describe('validate-optionally', () => {
  test.each([
    [200, {}, { kind: 'valid', expiresInMs: undefined }],
    [200, { expires_in: 60 }, { kind: 'valid', expiresInMs: 60_000 }],
    [200, [], { kind: 'malformed', status: 200, reason: 'not a JSON object' }],
    [401, { code: 'token_not_valid' }, { kind: 'invalid', status: 401 }],
    [400, { non_field_errors: [] }, { kind: 'rejected', status: 400, code: undefined }],
    [504, {}, { kind: 'unavailable', status: 504, reason: 'http' }],
  ])('%i %j', async (status, body, reply) => {
    expect(await setUp(() => json(status, body)).validate(TOKEN)).toEqual(reply)
  })
})

describe('no answer', () => {
  const hang = () => new Promise<Response>(() => {})

  test('D-time-outs: ends after 30 s on the injected clock, even if fetch ignores its signal', async () => {
    const { clock, sent, create } = setUp(hang)
    let reply: TokenReply | undefined
    void create(CREDENTIALS).then((settled) => {
      reply = settled
    })
    await clock.advance(29_999)
    expect(reply).toBeUndefined()
    await clock.advance(1)
    expect(reply).toEqual({ kind: 'unavailable', status: undefined, reason: 'timeout' })
    expect(sent[0]?.init.signal?.aborted).toBe(true)
  })

  test('D-time-outs: covers the body', async () => {
    const { clock, events, refresh } = setUp(() => endless(200))
    const reply = refresh(TOKEN)
    await clock.advance(30_000)
    expect(await reply).toEqual({ kind: 'unavailable', status: 200, reason: 'timeout' })
    expect(events.at(-1)).toMatchObject({ phase: 'failed', status: 200, durationMs: 30_000 })
  })

  test('an abort ends it, and leaves no timer', async () => {
    const { clock, create } = setUp(hang)
    const controller = new AbortController()
    const reply = create(CREDENTIALS, { signal: controller.signal })
    await clock.settle()
    controller.abort(new Error(PASSWORD))
    expect(await reply).toEqual({ kind: 'unavailable', status: undefined, reason: 'aborted' })
    expect(clock.pendingTimers()).toBe(0)
  })

  test('an aborted signal sends nothing', async () => {
    const { sent, events, create, validate } = setUp(() => json(200, GRANTED))
    const signal = AbortSignal.abort()
    expect(await create(CREDENTIALS, { signal })).toEqual({ kind: 'unavailable', reason: 'aborted' })
    expect(await validate(TOKEN, { signal })).toEqual({ kind: 'unavailable', reason: 'aborted' })
    expect([sent, events]).toEqual([[], []])
  })

  test('a network error is unavailable, and nothing of it escapes', async () => {
    const { clock, create } = setUp(() => Promise.reject(new TypeError(`fetch failed: ${PASSWORD}`)))
    const reply = await create(CREDENTIALS)
    expect(reply).toEqual({ kind: 'unavailable', status: undefined, reason: 'network' })
    expect(clock.pendingTimers()).toBe(0)
  })

  test.each(['create', 'validate'] as const)('a 200 to a %s whose body breaks off is unavailable', async (endpoint) => {
    const broken = () =>
      new Response(new ReadableStream({ pull: (stream) => stream.error(new TypeError('terminated')) }), { status: 200 })
    const { events, create, validate } = setUp(broken)
    const reply = endpoint === 'create' ? await create(CREDENTIALS) : await validate(TOKEN)
    expect(reply).toEqual({ kind: 'unavailable', status: 200, reason: 'network' })
    expect(events.at(-1)).toMatchObject({ phase: 'failed', status: 200 })
  })

  test('the end of a request without an answer names no status', async () => {
    const { clock, events, create } = setUp(() => Promise.reject(new TypeError('fetch failed')))
    await clock.advance(1_000)
    await create(CREDENTIALS)
    const atMs = clock.now()
    expect(events.at(-1)).toStrictEqual({ id: 1, endpoint: 'create', phase: 'failed', atMs, durationMs: 0 })
  })

  test('a fetch that throws at once is unavailable too', async () => {
    const fetch = () => {
      throw new Error('no network here')
    }
    expect(await setUp(hang, { fetch }).create(CREDENTIALS)).toMatchObject({ kind: 'unavailable', reason: 'network' })
  })
})

describe('D-origin: redirects', () => {
  const moved = (status: number, location: string) => (send: Sent) =>
    send.url.endsWith('/token/') ? new Response(null, { status, headers: { location } }) : json(200, GRANTED)

  test('307 within the origin is followed with the same body', async () => {
    const { sent, create } = setUp(moved(307, '/api/v2/token/create'))
    expect(await create(CREDENTIALS)).toMatchObject({ kind: 'granted' })
    expect(sent[1]).toMatchObject({ url: 'https://app1.compliancely.com/api/v2/token/create' })
    expect(sent[1]?.init.body).toBe(sent[0]?.init.body)
  })

  test('another origin never sees the password', async () => {
    const { sent, events, create } = setUp(moved(307, 'https://evil.example/'))
    expect(await create(CREDENTIALS)).toEqual({ kind: 'unavailable', status: 307, reason: 'http' })
    expect(sent).toHaveLength(1)
    expect(events.at(-1)).toMatchObject({ phase: 'failed', status: 307 })
  })

  test('a redirect that would drop the body is no rejection of the credentials', async () => {
    const { sent, create } = setUp(moved(301, '/api/v2/token/create'))
    expect(await create(CREDENTIALS)).toEqual({ kind: 'unavailable', status: 301, reason: 'http' })
    expect(sent).toHaveLength(1)
  })
})

describe('events', () => {
  test('tell of each send and its answer', async () => {
    const { clock, events, create, validate } = setUp(async () => {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 250))
      return json(200, GRANTED)
    })
    const startMs = clock.now()
    const replies = Promise.all([create(CREDENTIALS), validate(TOKEN)])
    await clock.advance(250)
    await replies
    const durationMs = 250
    expect(events).toEqual([
      { id: 1, endpoint: 'create', phase: 'sent', atMs: startMs },
      { id: 2, endpoint: 'validate', phase: 'sent', atMs: startMs },
      { id: 1, endpoint: 'create', phase: 'answered', atMs: startMs + 250, durationMs, status: 200 },
      { id: 2, endpoint: 'validate', phase: 'answered', atMs: startMs + 250, durationMs, status: 200 },
    ])
  })

  test('a listener that throws costs no grant', async () => {
    const onRequest = () => {
      throw new Error('listener')
    }
    expect(await setUp(() => json(200, GRANTED), { onRequest }).create(CREDENTIALS)).toMatchObject({ kind: 'granted' })
  })
})

test('store-securely: no reply and no event prints a secret', async () => {
  const answers: (() => Response | Promise<Response>)[] = [
    () => json(200, GRANTED),
    () => json(200, { ...GRANTED, access_expiry_seconds: 'CANARY' }),
    () => json(401, { code: 'CANARY', detail: 'CANARY' }),
    () => json(400, { username: ['CANARY'] }),
    () => Promise.reject(new Error('CANARY')),
  ]
  for (const answer of answers) {
    const { events, create, refresh, validate } = setUp(answer)
    const replies = [await create(CREDENTIALS), await refresh(TOKEN), await validate(TOKEN)]
    expect(inspect([replies, events], { depth: null, showHidden: true, getters: true })).not.toContain('CANARY')
  }
})
