import { describe, expect, test } from 'vitest'
import type { AuthError } from '../../src/errors.ts'
import {
  assertSameOrigin,
  type Fetch,
  fetchFollowing,
  parseBaseURL,
  refuseForbidden,
  resolvePath,
} from '../../src/http/origin.ts'

const BASE = parseBaseURL('https://app1.compliancely.com')

describe('D-origin: the configured base', () => {
  test.each([
    'https://app1.compliancely.com',
    'https://proxy.example/compliancely/',
    'http://localhost:8080',
    'http://127.0.0.1',
    'http://127.8.9.10:1',
    'http://[::1]:8080',
    'http://2130706433',
  ])('%s is taken', (text) => {
    expect(parseBaseURL(text).href).toBe(new URL(text).href)
  })

  test.each([
    'http://app1.compliancely.com',
    'http://localhost.example',
    'http://127.0.0.1.example',
    'http://[::ffff:127.0.0.1]',
    'http://0.0.0.0',
    'ftp://localhost',
    'file:///etc/passwd',
    'blob:https://app1.compliancely.com/x',
    'app1.compliancely.com',
    '',
    'https://user:CANARY@app1.compliancely.com',
    'https://CANARY@app1.compliancely.com',
    'https://:CANARY@app1.compliancely.com',
    'https://app1.compliancely.com/?key=CANARY',
    'https://app1.compliancely.com/#CANARY',
  ])('%s is CONFIG_INVALID, and the message does not repeat it', (text) => {
    const error = thrown(() => parseBaseURL(text))
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', clause: 'D-origin' })
    expect(error.message).not.toContain('CANARY')
  })

  test('D-create-path: a path goes below the base, its slashes as configured', () => {
    const proxy = parseBaseURL('https://proxy.example/compliancely/')
    expect(resolvePath(BASE, '/api/v2/token/').href).toBe('https://app1.compliancely.com/api/v2/token/')
    expect(resolvePath(proxy, '/api/v2/token').href).toBe('https://proxy.example/compliancely/api/v2/token')
    expect(resolvePath(BASE, '//evil.example/').origin).toBe(BASE.origin)
    expect(resolvePath(parseBaseURL('https://proxy.example/a//'), '/b').href).toBe('https://proxy.example/a/b')
    const error = thrown(() => resolvePath(BASE, '@evil.example/'))
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', clause: 'D-create-path' })
  })
})

describe('D-origin: a request of another origin is refused', () => {
  test.each([
    'https://app1.compliancely.com/x?y',
    'https://app1.compliancely.com:443/',
    'https://APP1.compliancely.com',
  ])('%s is the same', (url) => expect(() => assertSameOrigin(url, BASE)).not.toThrow())

  test.each([
    'http://app1.compliancely.com/',
    'https://app1.compliancely.com:8443/',
    'https://app1.compliancely.com.evil.example/?CANARY',
    'https://app1.compliancely.com@evil.example/CANARY',
    'https://sandbox.compliancely.com/CANARY',
    'data:text/plain,CANARY',
    'blob:https://app1.compliancely.com/CANARY',
    '/relative/CANARY',
  ])('%s is not', (url) => {
    const error = thrown(() => assertSameOrigin(url, BASE))
    expect(error).toMatchObject({ code: 'ORIGIN_REFUSED', clause: 'D-origin' })
    expect(error.message).not.toContain('CANARY')
  })
})

describe('D-origin: the message names both origins, and nothing else of the URL', () => {
  test.each([
    ['https://evil.example/CANARY', 'https://evil.example'],
    ['data:text/plain,CANARY', 'data:'],
  ])('%s', (url, origin) => {
    const { message } = thrown(() => assertSameOrigin(url, BASE))
    expect(message).toContain(`${origin} is refused`)
    expect(message).toContain(BASE.origin)
    expect(message).not.toContain('CANARY')
  })
})

describe('refused requests', () => {
  test.each(['https://user@app1.compliancely.com/', 'https://:pass@app1.compliancely.com/'])(
    'no-basic-auth: %s, of which one part is enough',
    (url) => {
      expect(thrown(() => refuseForbidden(url, {}))).toMatchObject({ clause: 'no-basic-auth' })
    },
  )

  test('no-api-v1: with slashes doubled, with what is no escape, and below a base that ends in slashes', () => {
    const refused = (path: string, base?: URL) => thrown(() => refuseForbidden(`${BASE.origin}${path}`, {}, base))
    expect(refused('/api//v1/x')).toMatchObject({ clause: 'no-api-v1' })
    expect(refused('/api/v1/%zz')).toMatchObject({ clause: 'no-api-v1' })
    expect(refused('/proxy/api/v1/x', new URL('/proxy//', BASE))).toMatchObject({ clause: 'no-api-v1' })
  })

  const at = (path: string) => `https://app1.compliancely.com${path}`

  test.each(['Basic dXNlcjpwYXNz', ' basic x', 'BASIC'])('no-basic-auth: Authorization: %s', (authorization) => {
    const error = thrown(() => refuseForbidden(at('/api/v2/x'), { authorization }))
    expect(error).toMatchObject({ code: 'REQUEST_REFUSED', clause: 'no-basic-auth' })
    expect(error.message).not.toContain('dXNlcjpwYXNz')
  })

  test('no-basic-auth: credentials in the URL', () => {
    const error = thrown(() => refuseForbidden('https://user:CANARY@app1.compliancely.com/', undefined))
    expect(error).toMatchObject({ clause: 'no-basic-auth' })
    expect(error.message).not.toContain('CANARY')
  })

  test.each(['/api/v1/', '/api/v1/x?y', '/api/v2/../v1/x', '/api/%761/', '/api%2Fv1/x', '//api/v1/', '/api/v1'])(
    'no-api-v1: %s',
    (path) => {
      expect(thrown(() => refuseForbidden(at(path), {}))).toMatchObject({
        code: 'REQUEST_REFUSED',
        clause: 'no-api-v1',
      })
    },
  )

  test('no-api-v1: below a base with a path', () => {
    const base = parseBaseURL('https://proxy.example/compliancely/')
    const refused = () => refuseForbidden('https://proxy.example/compliancely/api/v1/x', {}, base)
    expect(thrown(refused)).toMatchObject({ clause: 'no-api-v1' })
  })

  test.each(['/api/v2/', '/api/v10/', '/api/v2/api/v1/', '/', '/%'])('%s passes', (path) => {
    expect(() => refuseForbidden(at(path), { authorization: 'Bearer basic' })).not.toThrow()
  })
})

describe('D-origin: redirects', () => {
  const START = 'https://app1.compliancely.com/start'
  type Sent = { url: string; init: RequestInit }

  /** A `fetch` that answers each send with the next reply: a status and a location, else 200. */
  const server = (...replies: [status: number, location?: string][]) => {
    const sent: Sent[] = []
    const fetch: Fetch = async (input, init = {}) => {
      sent.push({ url: input instanceof Request ? input.url : String(input), init })
      const [status, location] = replies[sent.length - 1] ?? [200]
      return new Response(status === 200 ? 'done' : 'moved', { status, headers: location ? { location } : {} })
    }
    return { sent, fetch }
  }
  const post = (body: RequestInit['body'] = '{}'): RequestInit => ({
    method: 'POST',
    body: body ?? null,
    headers: { authorization: 'Bearer a', 'content-type': 'application/json' },
  })
  const follow = (fetch: Fetch, init?: RequestInit) => fetchFollowing(fetch, START, init, { maxRedirects: 5 })

  test('within the origin are followed, relative ones too, and the token goes along', async () => {
    const { sent, fetch } = server([302, '/next?x=1'], [307, 'https://app1.compliancely.com/last'])
    const response = await follow(fetch, { headers: { authorization: 'Bearer a' } })
    expect(await response.text()).toBe('done')
    expect(sent.map(({ url }) => url)).toEqual([
      START,
      'https://app1.compliancely.com/next?x=1',
      'https://app1.compliancely.com/last',
    ])
    expect(sent.every(({ init }) => init.redirect === 'manual')).toBe(true)
    expect(new Headers(sent[2]?.init.headers).get('authorization')).toBe('Bearer a')
  })

  test('5 are followed, a sixth is refused', async () => {
    const five = server(...Array.from({ length: 5 }, (): [number, string] => [302, '/again']))
    expect((await follow(five.fetch)).status).toBe(200)
    const six = server(...Array.from({ length: 6 }, (): [number, string] => [302, '/again']))
    await expect(follow(six.fetch)).rejects.toMatchObject({ code: 'ORIGIN_REFUSED', status: 302 })
    expect(six.sent).toHaveLength(6)
  })

  test.each([
    'https://evil.example/CANARY?CANARY',
    '//evil.example/CANARY',
    'http://app1.compliancely.com/CANARY',
    'https://app1.compliancely.com:8443/CANARY',
    'data:text/plain,CANARY',
    'http://CANARY:-1/',
  ])('to %s are refused, and nothing goes there', async (location) => {
    const { sent, fetch } = server([307, location])
    const error: AuthError = await follow(fetch, post()).then(
      () => expect.unreachable(),
      (error) => error,
    )
    expect(error).toMatchObject({ code: 'ORIGIN_REFUSED', clause: 'D-origin', status: 307 })
    expect(error.message).not.toContain('CANARY')
    expect(sent).toHaveLength(1)
  })

  test('no-api-v1, no-basic-auth: to what no request may be are refused', async () => {
    const v1 = server([302, '/api/v1/x'])
    await expect(follow(v1.fetch)).rejects.toMatchObject({ code: 'REQUEST_REFUSED', clause: 'no-api-v1' })
    const basic = server([302, 'https://user:pass@app1.compliancely.com/'])
    await expect(follow(basic.fetch)).rejects.toMatchObject({ code: 'REQUEST_REFUSED', clause: 'no-basic-auth' })
  })

  test.each([301, 302, 303])('a POST becomes a GET without a body on %i', async (status) => {
    const { sent, fetch } = server([status, '/next'])
    await follow(fetch, post())
    const { method, body, headers } = sent[1]?.init ?? {}
    expect([method, body]).toEqual(['GET', undefined])
    expect([...new Headers(headers).keys()]).toEqual(['authorization'])
  })

  test.each([307, 308])('a POST is sent again as it was on %i', async (status) => {
    const { sent, fetch } = server([status, '/next'])
    await follow(fetch, post('{"tin":1}'))
    expect(sent[1]?.init).toMatchObject({ method: 'POST', body: '{"tin":1}' })
  })

  test('a `Request` that became a GET has no body at the next redirect either', async () => {
    const { sent, fetch } = server([303, '/next'], [302, '/last'])
    const request = new Request(START, { method: 'POST', body: '{"tin":1}' })
    await fetchFollowing(fetch, request, undefined, { maxRedirects: 5 })
    expect(sent.map(({ init }) => init.body)).toEqual([undefined, undefined, undefined])
  })

  test('a GET on 303 is no request that becomes one', async () => {
    for (const init of [{}, { method: 'get' }]) {
      const { sent, fetch } = server([303, '/next'])
      await fetchFollowing(fetch, START, init, { maxRedirects: 5, mayBecomeGet: false })
      expect(sent).toHaveLength(2)
    }
  })

  test('D-one-shot-body: what can be read once is not sent twice', async () => {
    const generator = (async function* () {})()
    const reader = { getReader: () => ({}) }
    for (const body of [generator, reader]) {
      const { sent, fetch } = server([307, '/next'])
      await expect(follow(fetch, { method: 'POST', body: body as unknown as BodyInit })).rejects.toMatchObject({
        code: 'BODY_NOT_REPLAYABLE',
        clause: 'D-one-shot-body',
      })
      expect(sent).toHaveLength(1)
    }
  })

  test('a PUT stays a PUT on 302, and becomes a GET on 303; a HEAD stays a HEAD', async () => {
    for (const [method, status, then] of [
      ['PUT', 302, 'PUT'],
      ['PUT', 303, 'GET'],
      ['HEAD', 303, 'HEAD'],
    ] as const) {
      const { sent, fetch } = server([status, '/next'])
      await follow(fetch, { method })
      expect(sent[1]?.init.method).toBe(then)
    }
  })

  test('D-one-shot-body: a stream is not sent twice', async () => {
    const { sent, fetch } = server([307, '/next'])
    const stream = new Response('x').body
    await expect(follow(fetch, post(stream))).rejects.toMatchObject({ code: 'BODY_NOT_REPLAYABLE', status: 307 })
    expect(sent).toHaveLength(1)
  })

  test('a Request keeps its method and headers', async () => {
    const { sent, fetch } = server([308, '/next'])
    const request = new Request(START, { method: 'DELETE', headers: { 'x-id': '7' } })
    await fetchFollowing(fetch, request, undefined, { maxRedirects: 5 })
    expect(sent[1]?.init.method).toBe('DELETE')
    expect(new Headers(sent[1]?.init.headers).get('x-id')).toBe('7')
  })

  test('one that would become a GET is returned when that is not wanted', async () => {
    const { sent, fetch } = server([302, '/next'])
    const response = await fetchFollowing(fetch, START, post(), { maxRedirects: 5, mayBecomeGet: false })
    expect([response.status, sent.length]).toEqual([302, 1])
  })

  test('one whose target the runtime hides is refused', async () => {
    const hidden = Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' })
    await expect(follow(async () => hidden)).rejects.toMatchObject({ code: 'ORIGIN_REFUSED' })
  })

  test('304 and a 302 without a location are answers', async () => {
    for (const status of [304, 302]) {
      const fetch: Fetch = async () => new Response(null, { status })
      expect((await follow(fetch)).status).toBe(status)
    }
  })
})

function thrown(act: () => unknown): AuthError {
  try {
    act()
  } catch (error) {
    return error as AuthError
  }
  return expect.unreachable('nothing was thrown')
}
