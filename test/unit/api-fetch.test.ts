import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { AuthError } from '../../src/errors.ts'
import { type ApiFetchOptions, createApiFetch } from '../../src/http/api-fetch.ts'
import type { ApiRequestEvent, HeldToken, TokenSource } from '../../src/http/token-source.ts'
import { Secret } from '../../src/secret.ts'
import { virtualClock } from '../../src/virtual-clock.ts'

const BASE = 'https://app1.compliancely.com'
const POLICY = { replayBodyBytes: 1_048_576, maxRedirects: 5, apiPause: true, pauseMs: 600_000 }
const MIB = 1_048_576

/** What reached the stub transport. */
interface Sent {
  readonly url: string
  readonly method: string
  readonly authorization: string | null
  readonly contentType: string | null
  readonly trace: string | null
  readonly text: string
  readonly signal: AbortSignal
  readonly target: string | URL | Request
}

type Reply = Response | ((sent: Sent) => Response | Promise<Response>)

/**
 * The adapter with a transport that answers by script (the last reply again and again), and a token source that holds
 * generation 1 and answers a rejection as told.
 */
function setup(replies: Reply[], options: Partial<Omit<ApiFetchOptions, 'tokens' | 'baseURL'>> & SourceScript = {}) {
  const { onRejected = () => 'replay', acquireAgain, baseURL = BASE, acquire: first, ...rest } = options
  const clock = virtualClock()
  const sends: Sent[] = []
  const calls: string[] = []
  const events: ApiRequestEvent[] = []
  let pausedUntilMs = 0
  let held = token(1)
  let rejections = 0

  const tokens: TokenSource = {
    acquire(options) {
      calls.push('acquire')
      if (rejections > 0 && acquireAgain) return acquireAgain(options?.signal ?? undefined)
      if (rejections === 0 && first) return first(options?.signal ?? undefined)
      return held
    },
    rejected(generation) {
      calls.push(`rejected ${generation}`)
      rejections++
      const answer = onRejected(generation)
      if (answer === 'replay') held = token(generation + 1)
      return answer
    },
    accepted: (generation) => void calls.push(`accepted ${generation}`),
    replayRejected: (generation) => void calls.push(`replayRejected ${generation}`),
    apiPausedUntilMs: () => pausedUntilMs,
    apiThrottled(pauseMs) {
      calls.push(`apiThrottled ${pauseMs}`)
      pausedUntilMs = clock.now() + pauseMs
    },
  }
  const fetch = async (target: string | URL | Request, init?: RequestInit) => {
    const request = new Request(target, init)
    const sent: Sent = {
      url: request.url,
      method: request.method,
      authorization: request.headers.get('authorization'),
      contentType: request.headers.get('content-type'),
      trace: request.headers.get('x-trace'),
      text: await request.text(),
      signal: request.signal,
      target,
    }
    sends.push(sent)
    const reply = replies[Math.min(sends.length, replies.length) - 1]
    if (reply === undefined) throw new Error('no reply left')
    return typeof reply === 'function' ? reply(sent) : reply
  }
  const pauseUntil = (atMs: number) => {
    pausedUntilMs = atMs
  }
  const apiFetch = createApiFetch({
    baseURL: new URL(baseURL),
    tokens,
    fetch,
    clock,
    policy: POLICY,
    onRequest: (event) => events.push(event),
    ...rest,
  })
  return { apiFetch, clock, sends, calls, events, pauseUntil }
}

interface SourceScript {
  baseURL?: string
  onRejected?: (generation: number) => 'replay' | 'ignore'
  acquire?: (signal?: AbortSignal) => HeldToken | Promise<HeldToken>
  acquireAgain?: (signal?: AbortSignal) => HeldToken | Promise<HeldToken>
}

const token = (generation: number): HeldToken => ({ access: new Secret(`token-${generation}`), generation })
const reply = (status: number, headers?: Record<string, string>, body?: BodyInit | null) => () =>
  new Response(body ?? (status === 204 ? null : `status ${status}`), headers ? { status, headers } : { status })
const json = (status: number, body: unknown) => () => Response.json(body, { status })

const caught = async (promise: Promise<unknown>): Promise<unknown> => {
  const nothing = Symbol()
  const error = await promise.then(
    () => nothing,
    (error: unknown) => error,
  )
  if (error === nothing) throw new Error('it did not reject')
  return error
}
const authError = async (promise: Promise<unknown>): Promise<AuthError> => {
  const error = await caught(promise)
  if (!(error instanceof AuthError)) throw new Error(`not an AuthError: ${error}`)
  return error
}

/** A stream of `count` chunks of `size` bytes. */
const streamOf = (count: number, size: number) => {
  let left = count
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left-- > 0) controller.enqueue(new Uint8Array(size).fill(120))
      else controller.close()
    },
  })
}

describe('the token on its way', () => {
  it('every request carries the token, below the base URL', async () => {
    const { apiFetch, sends, calls } = setup([reply(200)])
    expect((await apiFetch('/api/v2/taxexempt/?page=2')).status).toBe(200)
    expect(sends).toMatchObject([
      { url: `${BASE}/api/v2/taxexempt/?page=2`, method: 'GET', authorization: 'Bearer token-1' },
    ])
    expect(calls).toEqual(['acquire', 'accepted 1'])
  })

  it.each([
    ['/api/v2/x/', '/gateway/api/v2/x/'],
    ['api/v2/x/', '/gateway/api/v2/x/'],
    [new URL('https://app1.compliancely.com/elsewhere/'), '/elsewhere/'],
  ])('a path on the base keeps its prefix: %s', async (input, path) => {
    for (const baseURL of [`${BASE}/gateway`, `${BASE}/gateway/`]) {
      const { apiFetch, sends } = setup([reply(200)], { baseURL })
      await apiFetch(input)
      expect(new URL(sends[0]?.url ?? '').pathname).toBe(path)
    }
  })

  it('another Authorization of the caller is replaced, and his own headers object is left alone', async () => {
    const { apiFetch, sends } = setup([reply(200)])
    const headers = new Headers({ authorization: 'Bearer of-the-caller', 'x-trace': '7' })
    await apiFetch('/api/v2/x/', { headers })
    expect(sends[0]?.authorization).toBe('Bearer token-1')
    expect([...headers]).toEqual([
      ['authorization', 'Bearer of-the-caller'],
      ['x-trace', '7'],
    ])
  })

  it('the answer is handed over as it came', async () => {
    const answer = new Response('whole', { status: 418 })
    const { apiFetch } = setup([answer])
    const given = await apiFetch('/api/v2/x/')
    expect(given).toBe(answer)
    expect(await given.text()).toBe('whole')
  })

  it('method, headers and body of a Request are kept, and init comes first', async () => {
    const { apiFetch, sends } = setup([reply(200)])
    const request = () =>
      new Request(`${BASE}/api/v2/x/`, { method: 'PUT', body: 'of the request', headers: { 'x-trace': '1' } })
    const used = request()
    await apiFetch(used)
    await apiFetch(request(), { method: 'PATCH', body: 'of init', headers: { 'x-trace': '2' } })
    await apiFetch(new Request(`${BASE}/api/v2/x/`, { method: 'DELETE' }))
    expect(sends.map(({ method, text }) => `${method} ${text}`)).toEqual([
      'PUT of the request',
      'PATCH of init',
      'DELETE ',
    ])
    expect(sends[0]).toMatchObject({ target: used })
    expect(sends.map(({ trace }) => trace)).toEqual(['1', '2', null])
    expect(used.bodyUsed).toBe(true)
    expect(await caught(apiFetch(used))).toBeInstanceOf(TypeError)
    expect(sends).toHaveLength(3)
  })

  it('a token that is no header value is not quoted', async () => {
    const { apiFetch, sends } = setup([reply(200)], {
      acquire: () => ({ access: new Secret('canary\ncanary'), generation: 1 }),
    })
    const error = await authError(apiFetch('/api/v2/x/'))
    expect(error.code).toBe('UNAVAILABLE')
    expect(inspect(error, { showHidden: true, depth: null })).not.toContain('canary')
    expect(sends).toEqual([])
  })

  it('what the transport throws is thrown', async () => {
    const failure = new TypeError('fetch failed')
    const { apiFetch, calls } = setup([() => Promise.reject(failure)])
    expect(await caught(apiFetch('/api/v2/x/'))).toBe(failure)
    expect(calls).toEqual(['acquire'])
  })
})

describe('what is refused before the token is asked for', () => {
  it.each([
    ['an absolute URL of another origin', 'https://evil.example/api/v2/x/'],
    ['a protocol-relative URL', '//evil.example/api/v2/x/'],
    ['a protocol-relative URL in disguise', '/\\evil.example/api/v2/x/'],
    ['another port', 'https://app1.compliancely.com:8443/api/v2/x/'],
    ['plain http', 'http://app1.compliancely.com/api/v2/x/'],
    ['a scheme without origin', 'data:text/plain,x'],
    ['a Request to another origin', new Request('https://evil.example/')],
  ])('%s', async (_, input) => {
    const { apiFetch, sends, calls } = setup([reply(200)])
    expect(await authError(apiFetch(input))).toMatchObject({ code: 'ORIGIN_REFUSED', clause: 'D-origin' })
    expect([...sends, ...calls]).toEqual([])
  })

  it.each([
    ['Basic in a header', '/api/v2/x/', { headers: { Authorization: 'Basic YTpi' } }, 'no-basic-auth'],
    ['Basic in the URL', 'https://a:b@app1.compliancely.com/api/v2/x/', {}, 'no-basic-auth'],
    ['API V1', '/api/v1/tin/', {}, 'no-api-v1'],
    ['API V1 below a prefix', '/api/v1/tin/', { baseURL: `${BASE}/gateway` }, 'no-api-v1'],
  ])('%s', async (_, input, { baseURL = BASE, ...init }: RequestInit & { baseURL?: string }, clause) => {
    const { apiFetch, sends, calls } = setup([reply(200)], { baseURL })
    expect(await authError(apiFetch(input, init))).toMatchObject({ code: 'REQUEST_REFUSED', clause })
    expect([...sends, ...calls]).toEqual([])
  })

  it('Basic in a Request', async () => {
    const { apiFetch, calls } = setup([reply(200)])
    const request = new Request(`${BASE}/api/v2/x/`, { headers: { authorization: 'basic YTpi' } })
    expect(await authError(apiFetch(request))).toMatchObject({ code: 'REQUEST_REFUSED' })
    expect(calls).toEqual([])
  })
})

describe('redirects', () => {
  const to = (location: string, status = 307) => reply(status, { location })

  it('are followed within the origin, with the token', async () => {
    const { apiFetch, sends } = setup([to('/api/v2/y/'), reply(200)])
    expect((await apiFetch('/api/v2/x/', { method: 'POST', body: 'b' })).status).toBe(200)
    expect(sends.map(({ url, text }) => `${url} ${text}`)).toEqual([`${BASE}/api/v2/x/ b`, `${BASE}/api/v2/y/ b`])
    expect(sends[1]?.authorization).toBe('Bearer token-1')
  })

  it('of a Request are followed with its body', async () => {
    const { apiFetch, sends } = setup([to('/api/v2/y/'), reply(200)])
    await apiFetch(new Request(`${BASE}/api/v2/x/`, { method: 'POST', body: 'b' }))
    expect(sends.map(({ method, text }) => `${method} ${text}`)).toEqual(['POST b', 'POST b'])
  })

  it('of a Request keep its method and signal', async () => {
    const { apiFetch, sends } = setup([to('/api/v2/y/'), reply(200)])
    const controller = new AbortController()
    await apiFetch(new Request(`${BASE}/api/v2/x/`, { method: 'PUT', signal: controller.signal }), {
      method: undefined,
      signal: undefined,
    } as object)
    controller.abort()
    expect(sends.map(({ method, signal }) => `${method} ${signal.aborted}`)).toEqual(['PUT true', 'PUT true'])
  })

  it('to another origin are refused', async () => {
    const { apiFetch, sends } = setup([to('https://evil.example/')])
    expect(await authError(apiFetch('/api/v2/x/'))).toMatchObject({ code: 'ORIGIN_REFUSED', status: 307 })
    expect(sends).toHaveLength(1)
  })

  it('are followed five times', async () => {
    const { apiFetch, sends } = setup([to('/api/v2/x/')])
    expect((await authError(apiFetch('/api/v2/x/'))).code).toBe('ORIGIN_REFUSED')
    expect(sends).toHaveLength(6)
  })

  it('are handed over when the caller says `manual`', async () => {
    const { apiFetch, sends } = setup([to('/api/v2/y/')])
    expect((await apiFetch('/api/v2/x/', { redirect: 'manual' })).status).toBe(307)
    expect(sends).toHaveLength(1)
  })
})

describe('a refused token', () => {
  it('a 401 is recovered once, and the caller sees the second answer', async () => {
    const cancel = vi.fn()
    const refused = new Response(new ReadableStream({ cancel }), { status: 401 })
    const { apiFetch, sends, calls } = setup([refused, reply(200)])
    expect((await apiFetch('/api/v2/x/', { method: 'POST', body: 'b' })).status).toBe(200)
    expect(sends.map(({ authorization, text }) => `${authorization} ${text}`)).toEqual([
      'Bearer token-1 b',
      'Bearer token-2 b',
    ])
    expect(calls).toEqual(['acquire', 'rejected 1', 'acquire', 'accepted 2'])
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('a transport that keeps what it was given keeps the token of each send', async () => {
    const kept: RequestInit[] = []
    const fetch = async (_: unknown, init: RequestInit = {}) => reply(kept.push(init) === 1 ? 401 : 200)()
    await setup([], { fetch }).apiFetch('/api/v2/x/')
    expect(kept.map(({ headers }) => new Headers(headers).get('authorization'))).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ])
  })

  it('a late 401 for a token since replaced replays with the current one', async () => {
    const { apiFetch, sends, calls } = setup([reply(401), reply(200)], { acquireAgain: () => token(7) })
    expect((await apiFetch('/api/v2/x/')).status).toBe(200)
    expect(sends.map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-7'])
    expect(calls).toEqual(['acquire', 'rejected 1', 'acquire', 'accepted 7'])
  })

  it('a 401 for a young token goes to the caller', async () => {
    const answer = new Response('young', { status: 401 })
    const { apiFetch, sends, calls } = setup([answer], { onRejected: () => 'ignore' })
    expect(await (await apiFetch('/api/v2/x/')).text()).toBe('young')
    expect(sends).toHaveLength(1)
    expect(calls).toEqual(['acquire', 'rejected 1'])
  })

  it('a replay that is refused too goes to the caller, and is told', async () => {
    const { apiFetch, sends, calls } = setup([reply(401), reply(401, undefined, 'second')])
    const response = await apiFetch('/api/v2/x/')
    expect([response.status, await response.text()]).toEqual([401, 'second'])
    expect(sends).toHaveLength(2)
    expect(calls).toEqual(['acquire', 'rejected 1', 'acquire', 'replayRejected 2'])
  })

  it('is never sent again: the 401 goes to the caller, body and all', async () => {
    const { apiFetch, sends } = setup([reply(401, undefined, 'first')], { acquireAgain: () => token(1) })
    const response = await apiFetch('/api/v2/x/')
    expect([response.status, await response.text()]).toEqual([401, 'first'])
    expect(sends).toHaveLength(1)
  })

  it('when no other can be had, the caller gets the reason, with the status of the answer', async () => {
    const reason = new AuthError('THROTTLED', 'throttled until 08:10:00Z', { clause: 'pause-after-429', retryAtMs: 99 })
    const cancel = vi.fn()
    const refused = new Response(new ReadableStream({ cancel }), { status: 401 })
    const { apiFetch, sends } = setup([refused], { acquireAgain: () => Promise.reject(reason) })
    const error = await authError(apiFetch('/api/v2/x/'))
    expect(error).toMatchObject({
      code: 'THROTTLED',
      clause: 'pause-after-429',
      retryAtMs: 99,
      status: 401,
      cause: reason,
    })
    expect(error.message).toContain('401')
    expect(error.message).toContain(reason.message)
    expect(sends).toHaveLength(1)
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('without a token at all the caller gets the reason as it is', async () => {
    const reason = new AuthError('INVALID_CREDENTIALS', 'no', { status: 401 })
    const { apiFetch, sends } = setup([reply(200)], { acquire: () => Promise.reject(reason) })
    expect(await authError(apiFetch('/api/v2/x/'))).toBe(reason)
    expect(sends).toEqual([])
  })

  it('a 403 with token_not_valid is recovered as a 401', async () => {
    const { apiFetch, sends, calls } = setup([json(403, { detail: 'x', code: 'token_not_valid' }), reply(200)])
    expect((await apiFetch('/api/v2/x/')).status).toBe(200)
    expect(sends).toHaveLength(2)
    expect(calls).toContain('rejected 1')
  })

  it.each([
    ['another code', json(403, { code: 'permission_denied' })],
    ['no code', json(403, { detail: 'token_not_valid' })],
    ['a null', json(403, null)],
    ['broken JSON', reply(403, { 'content-type': 'application/json' }, '{"code":"token_not_valid"')],
    ['no JSON', reply(403, { 'content-type': 'text/html' }, '{"code":"token_not_valid"}')],
    ['no body', () => new Response(null, { status: 403, headers: { 'content-type': 'application/json' } })],
    ['a body too long to be one', json(403, { code: 'token_not_valid', detail: 'x'.repeat(20_000) })],
  ])('a 403 with %s passes through, readable', async (_, answer) => {
    const expected = await answer().text()
    const { apiFetch, sends, calls } = setup([answer])
    const response = await apiFetch('/api/v2/x/')
    expect([response.status, await response.text()]).toEqual([403, expected])
    expect(sends).toHaveLength(1)
    expect(calls).toEqual(['acquire'])
  })

  it('an endless 403 is not read to its end', async () => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024)) })
    const { apiFetch } = setup([reply(403, { 'content-type': 'application/json' }, endless)])
    const response = await apiFetch('/api/v2/x/')
    expect(response.status).toBe(403)
    await response.body?.cancel()
  })

  it.each([400, 404, 500, 502, 503, 504])('a %i passes through, and says nothing of the token', async (status) => {
    const { apiFetch, sends, calls } = setup([reply(status)])
    expect((await apiFetch('/api/v2/x/')).status).toBe(status)
    expect(sends).toHaveLength(1)
    expect(calls).toEqual(['acquire'])
  })
})

describe('bodies', () => {
  const form = new FormData()
  form.append('name', 'value')
  const CSV = new Blob(['a,b'], { type: 'text/csv' })

  it.each<[string, () => NonNullable<RequestInit['body']>, string]>([
    ['a string', () => 'whole body', 'whole body'],
    ['an ArrayBuffer', () => new TextEncoder().encode('whole body').buffer, 'whole body'],
    ['a view on a part of a buffer', () => new TextEncoder().encode('the whole body!').subarray(4, 14), 'whole body'],
    ['a DataView', () => new DataView(new TextEncoder().encode('the whole body!').buffer, 4, 10), 'whole body'],
    ['a Blob', () => CSV, 'a,b'],
    ['URLSearchParams', () => new URLSearchParams({ tin: '12-3', name: 'A & B' }), 'tin=12-3&name=A+%26+B'],
  ])('%s is replayed whole', async (_, body, text) => {
    const { apiFetch, sends } = setup([reply(401), reply(200)])
    expect((await apiFetch('/api/v2/x/', { method: 'POST', body: body() })).status).toBe(200)
    expect(sends.map((sent) => sent.text)).toEqual([text, text])
    expect(sends[1]?.contentType).toBe(sends[0]?.contentType)
  })

  it('form data is replayed whole', async () => {
    const { apiFetch, sends } = setup([reply(401), reply(200)])
    await apiFetch('/api/v2/x/', { method: 'POST', body: form })
    for (const { contentType, text } of sends) {
      expect(contentType).toMatch(/^multipart\/form-data; boundary=/)
      expect(text).toContain(`name="name"\r\n\r\nvalue`)
    }
    expect(sends).toHaveLength(2)
  })

  it('what is replayed is what was given, though the caller went on with the buffer', async () => {
    const bytes = new TextEncoder().encode('given')
    const params = new URLSearchParams({ a: 'given' })
    const formData = new FormData()
    formData.set('a', 'given')
    const cases: [NonNullable<RequestInit['body']>, () => void][] = [
      [bytes, () => bytes.fill(0)],
      [params, () => params.set('a', 'spoilt')],
      [formData, () => formData.set('a', 'spoilt')],
    ]
    for (const [body, spoil] of cases) {
      const acquireAgain = () => {
        spoil()
        return token(2)
      }
      const { apiFetch, sends } = setup([reply(401), reply(200)], { acquireAgain })
      await apiFetch('/api/v2/x/', { method: 'POST', body })
      expect(sends.map(({ text }) => text.includes('given'))).toEqual([true, true])
    }
  })

  it.each<[string, () => Request, string | RegExp]>([
    [
      'JSON',
      () =>
        new Request(`${BASE}/x`, { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }),
      '{"a":1}',
    ],
    [
      'URLSearchParams',
      () => new Request(`${BASE}/x`, { method: 'POST', body: new URLSearchParams({ a: '1' }) }),
      'a=1',
    ],
    ['form data', () => new Request(`${BASE}/x`, { method: 'POST', body: form }), /name="name"/],
    ['an empty body', () => new Request(`${BASE}/x`, { method: 'POST', body: '' }), ''],
    ['exactly 1 MiB', () => new Request(`${BASE}/x`, { method: 'POST', body: 'x'.repeat(MIB) }), 'x'.repeat(MIB)],
    [
      'a stream of 1 MiB',
      () => new Request(`${BASE}/x`, { method: 'POST', body: streamOf(16, MIB / 16), duplex: 'half' } as RequestInit),
      'x'.repeat(MIB),
    ],
  ])('a Request, as ky and openapi-fetch pass it, is replayed whole: %s', async (_, request, text) => {
    const given = request()
    const { apiFetch, sends } = setup([reply(401), reply(200)])
    expect((await apiFetch(given)).status).toBe(200)
    expect(sends).toHaveLength(2)
    for (const sent of sends) {
      if (typeof text === 'string') expect(sent.text === text).toBe(true)
      else expect(sent.text).toMatch(text)
      expect(sent.contentType).toBe(given.headers.get('content-type'))
    }
  })

  it.each<[string, () => [string | Request, RequestInit?], number]>([
    [
      'a Request of more than 1 MiB',
      () => [new Request(`${BASE}/x`, { method: 'POST', body: 'x'.repeat(MIB + 1) })],
      MIB + 1,
    ],
    [
      'a Request with a stream of more',
      () => [new Request(`${BASE}/x`, { method: 'POST', body: streamOf(3, MIB), duplex: 'half' } as RequestInit)],
      3 * MIB,
    ],
    ['a stream in init', () => ['/x', { method: 'POST', body: streamOf(2, 5), duplex: 'half' } as RequestInit], 10],
  ])('%s is sent once, whole; after a refusal the error says that the token is fresh', async (_, args, length) => {
    const accepted = setup([reply(200)])
    expect((await accepted.apiFetch(...args())).status).toBe(200)
    expect(accepted.sends.map(({ text }) => text.length)).toEqual([length])

    const { apiFetch, sends, calls } = setup([reply(401), reply(200)])
    const error = await authError(apiFetch(...args()))
    expect(error).toMatchObject({ code: 'BODY_NOT_REPLAYABLE', clause: 'D-one-shot-body', status: 401 })
    expect(error.message).toContain('fresh')
    expect(sends.map(({ text }) => text.length)).toEqual([length])
    expect(calls).toEqual(['acquire', 'rejected 1', 'acquire'])
  })

  it('where a Request has no `body` property, as in Firefox, it is replayed or sent whole all the same', async () => {
    using _ = vi.spyOn(Request.prototype, 'body', 'get').mockReturnValue(undefined as never)
    const { apiFetch, sends } = setup([reply(401), reply(200), reply(401), reply(200), reply(401)])
    await apiFetch(new Request(`${BASE}/x`))
    await apiFetch(new Request(`${BASE}/x`, { method: 'POST', body: 'whole' }))
    expect(sends.map(({ method, text }) => `${method} ${text}`)).toEqual(['GET ', 'GET ', 'POST whole', 'POST whole'])
    const large = new Request(`${BASE}/x`, { method: 'POST', body: 'x'.repeat(MIB + 1) })
    expect(await authError(apiFetch(large))).toMatchObject({ code: 'BODY_NOT_REPLAYABLE' })
    expect(sends[4]?.text).toHaveLength(MIB + 1)
  })

  it('a body that cannot be replayed, and no other token: the reason counts', async () => {
    const reason = new AuthError('UNAVAILABLE', 'the server is away')
    const { apiFetch } = setup([reply(401)], { acquireAgain: () => Promise.reject(reason) })
    const init = { method: 'POST', body: streamOf(1, 5), duplex: 'half' } as RequestInit
    expect(await authError(apiFetch('/x', init))).toMatchObject({ code: 'UNAVAILABLE', status: 401 })
  })

  it('a body that cannot be replayed and a young token: the 401 goes to the caller', async () => {
    const { apiFetch } = setup([reply(401)], { onRejected: () => 'ignore' })
    const init = { method: 'POST', body: streamOf(1, 5), duplex: 'half' } as RequestInit
    expect((await apiFetch('/x', init)).status).toBe(401)
  })
})

describe('an API 429', () => {
  it('goes to the caller, and further requests fail at once with the time to wait', async () => {
    const { apiFetch, sends, calls, clock } = setup([reply(429), reply(200)])
    expect((await apiFetch('/api/v2/x/')).status).toBe(429)
    expect(calls).toEqual(['acquire', 'apiThrottled 600000'])
    await clock.advance(48_000)
    const error = await authError(apiFetch('/api/v2/x/'))
    expect(error).toMatchObject({ code: 'API_THROTTLED', clause: 'D-api-429', retryAtMs: clock.now() + 552_000 })
    expect(error.message).toBe('API requests are throttled until 08:10:00Z (D-api-429): 9 min 12 s left')
    expect(calls).toHaveLength(2)
    await clock.advance(551_999)
    expect((await authError(apiFetch('/api/v2/x/'))).message).toContain('(D-api-429): 1 ms left')
    await clock.advance(1)
    expect((await apiFetch('/api/v2/x/')).status).toBe(200)
    expect(sends).toHaveLength(2)
  })

  it('pauses for the longer of ten minutes and Retry-After', async () => {
    const date = 'Mon, 05 Jan 2026 07:00:00 GMT'
    for (const [headers, pauseMs] of [
      [{ 'retry-after': '60' }, 600_000],
      [{ 'retry-after': '900' }, 900_000],
      [{ 'retry-after': 'Mon, 05 Jan 2026 07:20:00 GMT', date }, 1_200_000],
    ] as const) {
      const { apiFetch, calls } = setup([reply(429, headers)])
      await apiFetch('/api/v2/x/')
      expect(calls).toContain(`apiThrottled ${pauseMs}`)
    }
  })

  it('to a replay pauses too', async () => {
    const { apiFetch, calls } = setup([reply(401), reply(429)])
    expect((await apiFetch('/api/v2/x/')).status).toBe(429)
    expect(calls).toEqual(['acquire', 'rejected 1', 'acquire', 'apiThrottled 600000'])
  })

  it('to another request holds back one that was waiting for its token, first send and replay', async () => {
    const waiting = Promise.withResolvers<HeldToken>()
    const first = setup([reply(200)], { acquire: () => waiting.promise })
    const replayed = setup([reply(401), reply(200)], { acquireAgain: () => waiting.promise })
    const errors = [first, replayed].map(({ apiFetch }) => authError(apiFetch('/api/v2/x/')))
    await first.clock.settle()
    for (const { pauseUntil, clock } of [first, replayed]) pauseUntil(clock.now() + 60_000)
    waiting.resolve(token(2))
    expect(await Promise.all(errors)).toMatchObject([
      { code: 'API_THROTTLED', status: undefined },
      { code: 'API_THROTTLED', status: 401 },
    ])
    expect(first.sends).toHaveLength(0)
    expect(replayed.sends).toHaveLength(1)
  })

  it('changes nothing when the pause is switched off', async () => {
    const { apiFetch, sends, calls, pauseUntil, clock } = setup([reply(429)], {
      policy: { ...POLICY, apiPause: false },
    })
    pauseUntil(clock.now() + 60_000)
    expect((await apiFetch('/api/v2/x/')).status).toBe(429)
    expect((await apiFetch('/api/v2/x/')).status).toBe(429)
    expect(sends).toHaveLength(2)
    expect(calls).toEqual(['acquire', 'acquire'])
  })
})

describe('an abort rejects with its reason', () => {
  const reason = new Error('the user left')
  /** A token source that keeps its callers waiting until they leave. */
  const never = (signal?: AbortSignal) =>
    new Promise<HeldToken>((_, reject) => {
      const leave = () => reject(new AuthError('ABORTED', 'aborted'))
      signal?.addEventListener('abort', leave)
    })

  it('before the request: nothing is asked or sent', async () => {
    const { apiFetch, sends, calls } = setup([reply(200)])
    expect(await caught(apiFetch('/api/v2/x/', { signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect([...sends, ...calls]).toEqual([])
  })

  it.each<[string, (signal: AbortSignal) => [string | Request, RequestInit?]]>([
    ['of init', (signal) => ['/x', { signal }]],
    ['of the Request', (signal) => [new Request(`${BASE}/x`, { signal })]],
  ])('while it waits for a token: %s', async (_, args) => {
    const controller = new AbortController()
    const { apiFetch, sends, clock } = setup([reply(200)], { acquire: never })
    const error = caught(apiFetch(...args(controller.signal)))
    await clock.settle()
    controller.abort(reason)
    expect(await error).toBe(reason)
    expect(sends).toEqual([])
  })

  it('while it waits for the token of the replay', async () => {
    const controller = new AbortController()
    const { apiFetch, sends, clock } = setup([reply(401)], { acquireAgain: never })
    const error = caught(apiFetch('/x', { signal: controller.signal }))
    await clock.settle()
    controller.abort(reason)
    expect(await error).toBe(reason)
    expect(sends).toHaveLength(1)
  })

  it('between token and send', async () => {
    const controller = new AbortController()
    const { apiFetch, sends } = setup([reply(200)], {
      acquire: async () => {
        controller.abort(reason)
        return token(1)
      },
    })
    expect(await caught(apiFetch('/x', { signal: controller.signal }))).toBe(reason)
    expect(sends).toEqual([])
  })

  it('while the body of a Request is read ahead', async () => {
    const controller = new AbortController()
    let cancelled = 0
    const body = new ReadableStream({ cancel: () => void cancelled++ })
    const request = new Request(`${BASE}/x`, { method: 'POST', body, duplex: 'half' } as RequestInit)
    const { apiFetch, sends, calls, clock } = setup([reply(200)])
    const error = caught(apiFetch(request, { signal: controller.signal }))
    await clock.settle()
    controller.abort(reason)
    expect(await error).toBe(reason)
    expect([...sends, ...calls]).toEqual([])
    expect(cancelled).toBe(1)
  })

  it('in flight: the signal reaches the transport', async () => {
    const controller = new AbortController()
    const { apiFetch, clock } = setup([
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ])
    const error = caught(apiFetch('/x', { signal: controller.signal }))
    await clock.settle()
    controller.abort(reason)
    expect(await error).toBe(reason)
  })

  it('a signal of null takes that of the Request away', async () => {
    const { apiFetch } = setup([reply(200)])
    const request = new Request(`${BASE}/x`, { signal: AbortSignal.abort(reason) })
    expect((await apiFetch(request, { signal: null })).status).toBe(200)
  })
})

describe('what is told of each send', () => {
  it('both sends of a request, without query or token', async () => {
    const { apiFetch, events, clock } = setup([
      async () => {
        await clock.advance(40)
        return reply(401)()
      },
      reply(200),
    ])
    await apiFetch('/api/v2/x/?tin=123456789', { method: 'post' })
    const about = { id: 1, endpoint: 'api', method: 'POST', path: '/api/v2/x/' }
    const atMs = clock.now()
    expect(events).toEqual([
      { ...about, phase: 'sent', generation: 1, resendCount: 0, atMs: atMs - 40 },
      { ...about, phase: 'answered', generation: 1, resendCount: 0, atMs, status: 401, durationMs: 40 },
      { ...about, phase: 'sent', generation: 2, resendCount: 1, atMs },
      { ...about, phase: 'answered', generation: 2, resendCount: 1, atMs, status: 200, durationMs: 0 },
    ])
  })

  it('a failed one, and nothing of one that is refused', async () => {
    const { apiFetch, events } = setup([() => Promise.reject(new TypeError('fetch failed'))])
    await caught(apiFetch('/api/v2/x/'))
    await caught(apiFetch('//evil.example/'))
    expect(events).toMatchObject([{ phase: 'sent' }, { phase: 'failed', durationMs: 0 }])
    expect(events[1]).not.toHaveProperty('status')
  })
})

describe('invariant 6', () => {
  const answers = fc.constantFrom(200, 204, 400, 401, 401, 401, 403, 'token_not_valid', 404, 429, 500, 502, 503, 'down')
  const world = fc.record({
    statuses: fc.array(answers, { minLength: 1, maxLength: 6 }),
    verdicts: fc.array(fc.constantFrom<'replay' | 'ignore'>('replay', 'replay', 'ignore'), {
      minLength: 1,
      maxLength: 3,
    }),
    generations: fc.array(fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constant('fails' as const)), { minLength: 1 }),
    slow: fc.boolean(),
    apiPause: fc.boolean(),
    body: fc.constantFrom('none', 'text', 'request', 'stream'),
  })

  it('an API request is sent at most twice, the second time only after a refusal and with another token', () =>
    fc.assert(
      fc.asyncProperty(world, async ({ statuses, verdicts, generations, slow, apiPause, body }) => {
        let asked = 0
        let judged = 0
        const acquire = (): HeldToken | Promise<HeldToken> => {
          const next = generations[asked++ % generations.length] ?? 'fails'
          if (next === 'fails') return Promise.reject(new AuthError('UNAVAILABLE', 'away'))
          return slow ? Promise.resolve(token(next)) : token(next)
        }
        const given: (number | string)[] = []
        const answer = () => {
          const status = statuses[given.length % statuses.length] ?? 200
          given.push(status)
          if (status === 'down') throw new TypeError('fetch failed')
          if (status === 'token_not_valid') return json(403, { code: status })()
          return reply(Number(status))()
        }
        const { apiFetch, sends, events } = setup([answer], {
          acquire,
          acquireAgain: acquire,
          onRejected: () => verdicts[judged++ % verdicts.length] ?? 'ignore',
          policy: { ...POLICY, apiPause },
        })
        const target = body === 'request' ? new Request(`${BASE}/x`, { method: 'POST', body: 'b' }) : '/x'
        const init =
          body === 'text'
            ? { method: 'POST', body: 'b' }
            : body === 'stream'
              ? ({ method: 'POST', body: streamOf(1, 1), duplex: 'half' } as RequestInit)
              : undefined
        const end = await apiFetch(target, init).catch((error: unknown) => error)

        expect(sends.length).toBeLessThanOrEqual(2)
        if (sends.length === 2) {
          expect([401, 'token_not_valid']).toContain(given[0])
          expect(sends[1]?.authorization).not.toBe(sends[0]?.authorization)
          expect(sends[1]?.text).toBe(sends[0]?.text)
          expect(body).not.toBe('stream')
        }
        expect(events.filter(({ phase }) => phase === 'sent').map(({ resendCount }) => resendCount)).toEqual(
          sends.map((_, nth) => nth),
        )
        if (!(end instanceof Response)) expect(inspect(end, { showHidden: true, depth: null })).not.toContain('token-')
      }),
    ))
})
