import { inspect } from 'node:util'
import { FetchError } from 'ofetch'
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { AuthError } from '../../src/errors.ts'
import { createApiFetch } from '../../src/http/api-fetch.ts'
import { createApiOfetch } from '../../src/http/api-ofetch.ts'
import { Secret } from '../../src/secret.ts'
import { virtualClock } from '../../src/virtual-clock.ts'

const BASE = 'https://app1.compliancely.com'
const CANARY = 'canary-access-token'

/** ofetch's face over the real adapter, a transport that answers by script, and a token that is always held. */
function setup(replies: (number | Error | ((request: Request) => Promise<Response>))[], baseURL = BASE) {
  const sends: Request[] = []
  const bodies: string[] = []
  let acquired = 0
  const apiFetch = createApiFetch({
    baseURL: new URL(baseURL),
    tokens: {
      acquire: () => ({ access: new Secret(`${CANARY}-${++acquired}`), generation: acquired }),
      rejected: () => 'ignore',
      accepted() {},
      replayRejected() {},
      apiPausedUntilMs: () => 0,
      apiThrottled() {},
    },
    fetch: async (input, init) => {
      const request = new Request(input, init)
      sends.push(request)
      bodies.push(await request.clone().text())
      const reply = replies[Math.min(sends.length, replies.length) - 1]
      if (typeof reply === 'function') return reply(request)
      if (typeof reply === 'number') return Response.json({ status: reply }, { status: reply })
      throw reply
    },
    clock: virtualClock(),
    policy: { replayBodyBytes: 1_048_576, maxRedirects: 5, apiPause: false, pauseMs: 600_000 },
  })
  const $fetch = createApiOfetch(apiFetch, { baseURL: new URL(baseURL) })
  return { $fetch, sends, bodies }
}

const caught = async (promise: Promise<unknown>): Promise<unknown> => {
  const nothing = Symbol()
  const error = await promise.then(
    () => nothing,
    (error: unknown) => error,
  )
  if (error === nothing) throw new Error('it did not reject')
  return error
}

afterEach(() => void vi.useRealTimers())

describe("ofetch's face", () => {
  it('gives the data, with the token on the request, and takes a type', async () => {
    const { $fetch, sends } = setup([200])
    const data = await $fetch<{ status: number }>('/api/v2/x/', { query: { page: 2 } })
    expectTypeOf(data).toEqualTypeOf<{ status: number }>()
    expectTypeOf($fetch<string, 'text'>).returns.toEqualTypeOf<Promise<string>>()
    expect(data).toEqual({ status: 200 })
    expect(sends[0]?.url).toBe(`${BASE}/api/v2/x/?page=2`)
    expect(sends[0]?.headers.get('authorization')).toBe(`Bearer ${CANARY}-1`)
  })

  it('sends a plain object as JSON', async () => {
    const { $fetch, sends, bodies } = setup([200])
    await $fetch('/api/v2/taxexempt/', { method: 'POST', body: { tin: '1' } })
    expect(bodies).toEqual(['{"tin":"1"}'])
    expect(sends[0]?.headers.get('content-type')).toBe('application/json')
  })

  it('has .raw and .native, both with the token', async () => {
    const { $fetch, sends } = setup([200])
    const raw = await $fetch.raw<{ status: number }>('/api/v2/x/')
    expect([raw.status, raw._data]).toEqual([200, { status: 200 }])
    expect((await $fetch.native('/api/v2/y/')).status).toBe(200)
    expect(sends.map(({ url, headers }) => `${url} ${headers.get('authorization')}`)).toEqual([
      `${BASE}/api/v2/x/ Bearer ${CANARY}-1`,
      `${BASE}/api/v2/y/ Bearer ${CANARY}-2`,
    ])
  })

  it('joins paths to a base with a path, as a plain fetch does', async () => {
    const { $fetch, sends } = setup([200], `${BASE}/gateway`)
    await $fetch('/api/v2/x/')
    await $fetch.native('/api/v2/x/')
    expect(sends.map(({ url }) => url)).toEqual(Array(2).fill(`${BASE}/gateway/api/v2/x/`))
  })

  it("runs the caller's hooks, and none of them sees the token", async () => {
    const { $fetch } = setup([503, 200])
    const seen: string[] = []
    const see = (name: string) => (context: object) => {
      seen.push(name)
      expect(inspect(context, { showHidden: true, depth: null })).not.toContain(CANARY)
    }
    await $fetch('/api/v2/x/', {
      retry: 1,
      onRequest: [see('onRequest'), ({ options }) => options.headers.set('x-trace', '7')],
      onResponse: see('onResponse'),
      onResponseError: see('onResponseError'),
    })
    expect(seen).toEqual(['onRequest', 'onResponse', 'onResponseError', 'onRequest', 'onResponse'])
  })

  it('a FetchError of the API is as ofetch makes it, without the token', async () => {
    const { $fetch } = setup([400])
    const error = await caught($fetch('/api/v2/x/', { headers: { 'x-trace': '7' } }))
    if (!(error instanceof FetchError)) throw error
    expect([error.status, error.data, error.request]).toEqual([400, { status: 400 }, `${BASE}/api/v2/x/`])
    expect([...new Headers(error.options?.headers)]).toEqual([['x-trace', '7']])
    for (const part of [error, error.options, error.response, error.request])
      expect(inspect(part, { showHidden: true, depth: null })).not.toContain(CANARY)
  })
})

describe("the caller's retry", () => {
  it.each(['GET', 'POST'])('without it, a failed %s is sent once', async (method) => {
    for (const reply of [503, 429, new TypeError('fetch failed')]) {
      for (const options of [{ method }, { method, retry: undefined }, { method, retry: false as const }]) {
        const { $fetch, sends } = setup([reply])
        expect(await caught($fetch('/api/v2/x/', options as { method: string }))).toBeInstanceOf(FetchError)
        expect(sends).toHaveLength(1)
      }
    }
  })

  it('a hook that takes the number away does not turn it on', async () => {
    const { $fetch, sends } = setup([503])
    await caught($fetch('/api/v2/x/', { onRequest: ({ options }) => void delete options.retry }))
    expect(sends).toHaveLength(1)
  })

  it('retry: 2 sends a 503 three times, each a new request with its own token', async () => {
    const { $fetch, sends, bodies } = setup([503])
    const error = await caught($fetch('/api/v2/x/', { method: 'POST', body: { a: 1 }, retry: 2 }))
    expect(error).toMatchObject({ status: 503 })
    expect(sends.map(({ headers }) => headers.get('authorization'))).toEqual(
      [1, 2, 3].map((n) => `Bearer ${CANARY}-${n}`),
    )
    expect(bodies).toEqual(Array(3).fill('{"a":1}'))
  })

  it('retries a network failure, and statuses the caller names', async () => {
    const lost = setup([new TypeError('fetch failed'), 200])
    expect(await lost.$fetch('/api/v2/x/', { retry: 1 })).toEqual({ status: 200 })
    const missing = setup([404, 200])
    expect(await missing.$fetch('/api/v2/x/', { retry: 1, retryStatusCodes: [404] })).toEqual({ status: 200 })
  })

  const refused = () => Promise.resolve(Response.json({ code: 'token_not_valid' }, { status: 403 }))

  it.each([
    ['401', 401],
    ['429', 429],
    ['403 that refuses the token', refused],
  ])('is never used on a %s, whatever the caller says', async (_, reply) => {
    const retryStatusCodes = [401, 403, 429, 503]
    const again = { retry: 3, retryStatusCodes }
    const setRetry = ({ options }: { options: object }) => void Object.assign(options, { retry: 3 })
    for (const options of [
      again,
      { ...again, onResponse: setRetry, onResponseError: [setRetry] },
      {
        ...again,
        onRequest: ({ options }: { options: object }) => void Object.assign(options, { onResponseError: setRetry }),
      },
    ]) {
      const { $fetch, sends } = setup([reply])
      await caught($fetch('/api/v2/x/', options as typeof again))
      await caught($fetch.raw('/api/v2/x/', options as typeof again))
      await caught($fetch.create(options as typeof again)('/api/v2/x/'))
      await caught($fetch.create({}, { defaults: options as typeof again })('/api/v2/x/', { method: 'GET' }))
      expect(sends).toHaveLength(4)
    }
  })

  it('is not used on the 401 that follows a 503', async () => {
    const { $fetch, sends } = setup([503, 401])
    await caught($fetch('/api/v2/x/', { retry: 5, retryStatusCodes: [401, 503] }))
    expect(sends).toHaveLength(2)
  })

  it('is not used on an AuthError, which arrives as itself, after the hooks of the caller', async () => {
    const reason = new AuthError('UNAVAILABLE', 'away')
    let asked = 0
    const $fetch = createApiOfetch(
      async () => {
        asked++
        throw reason
      },
      { baseURL: BASE },
    )
    const seen: unknown[] = []
    const onRequestError = ({ error }: { error: Error }) => void seen.push(error)
    expect(await caught($fetch('/api/v2/x/', { retry: 3, onRequestError }))).toBe(reason)
    expect(await caught($fetch.raw('/api/v2/x/', { retry: 3 }))).toBe(reason)
    expect(await caught($fetch.create({ retry: 3 })('/api/v2/x/'))).toBe(reason)
    expect(asked).toBe(3)
    expect(seen).toEqual([reason])
  })
})

describe('.create', () => {
  it("keeps the base, the token and the defaults' hooks, which a call's own hooks replace", async () => {
    const { $fetch, sends } = setup([200])
    const seen: string[] = []
    const see = (name: string) => () => void seen.push(name)
    const created = $fetch.create({ headers: { 'x-trace': '7' }, onRequest: see('default') }).create({ retry: 1 })
    await created('/api/v2/x/')
    await created('/api/v2/x/', { onRequest: see('own') })
    await created('/api/v2/x/', { onRequest: undefined } as object)
    await created.create({}, { defaults: { onRequest: see('global') } })('/api/v2/x/')
    expect(seen).toEqual(['default', 'own', 'global'])
    expect(sends).toHaveLength(4)
    expect(sends[0]?.url).toBe(`${BASE}/api/v2/x/`)
    expect(sends[0]?.headers.get('authorization')).toBe(`Bearer ${CANARY}-1`)
    expect(sends[0]?.headers.get('x-trace')).toBe('7')
  })

  it('does not bring back the retry of a GET', async () => {
    const { $fetch, sends } = setup([503])
    await caught($fetch.create({ retry: undefined } as object)('/api/v2/x/'))
    await caught($fetch.create({})('/api/v2/x/'))
    expect(sends).toHaveLength(2)
  })

  it('a base on another origin is refused', async () => {
    const { $fetch, sends } = setup([200])
    const error = await caught($fetch.create({ baseURL: 'https://evil.example' })('/api/v2/x/'))
    expect(error).toMatchObject({ name: 'AuthError', code: 'ORIGIN_REFUSED' })
    expect(sends).toEqual([])
  })

  it('another transport is refused: it would have no token', () => {
    const { $fetch } = setup([200])
    expect(() => $fetch.create({}, { fetch: globalThis.fetch })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})

describe('the guards hold through ofetch', () => {
  it.each([
    ['https://evil.example/api/v2/x/', 'ORIGIN_REFUSED'],
    ['http://app1.compliancely.com/api/v2/x/', 'ORIGIN_REFUSED'],
    ['/api/v1/tin/', 'REQUEST_REFUSED'],
  ])('%s', async (url, code) => {
    const { $fetch, sends } = setup([200])
    for (const face of [$fetch, $fetch.raw, $fetch.native, $fetch.create({})])
      expect(await caught(face(url))).toMatchObject({ name: 'AuthError', code })
    expect(sends).toEqual([])
  })

  it('a protocol-relative URL stays at home or is refused', async () => {
    const { $fetch, sends } = setup([200])
    await $fetch('//evil.example/api/v2/x/').catch(() => {})
    for (const { url } of sends) expect(new URL(url).origin).toBe(BASE)
    expect(await caught($fetch.native('//evil.example/'))).toMatchObject({ code: 'ORIGIN_REFUSED' })
  })

  it('a hook that turns the request elsewhere', async () => {
    const { $fetch, sends } = setup([200])
    const error = await caught(
      $fetch('/api/v2/x/', {
        onRequest: ({ options }) => void Object.assign(options, { baseURL: 'https://evil.example' }),
      }),
    )
    expect(error).toMatchObject({ code: 'ORIGIN_REFUSED' })
    expect(sends).toEqual([])
  })
})

describe('time-out and signal', () => {
  const hang = (request: Request) =>
    new Promise<Response>((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason)))

  it('timeout ends the request', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { $fetch, sends } = setup([hang])
    const error = caught($fetch('/api/v2/x/', { timeout: 5_000 }))
    await vi.advanceTimersByTimeAsync(4_999)
    expect(sends[0]?.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await error).toMatchObject({ name: 'FetchError', cause: { name: 'TimeoutError' } })
  })

  it('an abort ends the request, and is not retried', async () => {
    const controller = new AbortController()
    const { $fetch, sends } = setup([hang])
    const error = caught($fetch('/api/v2/x/', { signal: controller.signal, retry: 3 }))
    await vi.waitUntil(() => sends.length === 1)
    controller.abort()
    expect(await error).toMatchObject({ name: 'FetchError', cause: { name: 'AbortError' } })
    expect(sends).toHaveLength(1)
  })
})
