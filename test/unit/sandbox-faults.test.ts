import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { AuthError } from '../../src/errors.ts'
import { type CallFault, createSandbox, type Fault, parseFault } from '../../src/sandbox/index.ts'
import { CREDENTIALS, ORIGIN, setUp } from './sandbox-harness.ts'

const statuses = async (count: number, ask: () => Promise<{ status: number }>) => {
  const seen: number[] = []
  for (let i = 0; i < count; i++) seen.push((await ask()).status)
  return seen
}

describe('which requests a fault befalls', () => {
  test('the next of its endpoint, as often as told, after those it lets pass', async () => {
    const { create, validate, sandbox } = setUp()
    sandbox.fail({ endpoint: 'create', status: 502, skip: 1, times: 2 })
    expect((await validate('x')).status).toBe(401)
    expect(await statuses(4, create)).toEqual([200, 502, 502, 200])
  })

  test('faults take their turns in the order they were planned', async () => {
    const { create, sandbox } = setUp()
    sandbox.fail({ endpoint: 'create', status: 502 })
    sandbox.fail({ endpoint: 'any', status: 503 })
    sandbox.fail({ endpoint: 'token', status: 504 })
    expect(await statuses(4, create)).toEqual([502, 503, 504, 200])
  })

  test('a path narrows it, a star at its end widens it again', async () => {
    const { post, get, sandbox } = setUp()
    sandbox.fail({ endpoint: 'create', path: '/api/v2/token/create', status: 404, times: Number.POSITIVE_INFINITY })
    expect((await post('/api/v2/token/', CREDENTIALS)).status).toBe(200)
    expect(await statuses(3, () => post('/api/v2/token/create', CREDENTIALS))).toEqual([404, 404, 404])
    sandbox.fail({ endpoint: 'api', path: '/api/v2/status/*', status: 418 })
    expect((await get('/api/v2/whoami/')).status).toBe(401)
    expect((await get('/api/v2/status/200/')).status).toBe(418)
  })

  test('"token" leaves API requests alone', async () => {
    const { whoAmI, validate, sandbox } = setUp()
    sandbox.fail({ endpoint: 'token', status: 500 })
    expect((await whoAmI()).status).toBe(401)
    expect((await validate('x')).status).toBe(500)
  })

  test('it can be taken back, alone or with all others', async () => {
    const { create, sandbox } = setUp()
    const takeBack = sandbox.fail({ endpoint: 'create', status: 502 })
    sandbox.fail({ endpoint: 'create', status: 504 })
    takeBack()
    expect((await create()).status).toBe(504)
    sandbox.fail({ endpoint: 'create', status: 504 })
    sandbox.clearFaults()
    expect((await create()).status).toBe(200)
  })

  test('faults can be there from the start', async () => {
    const { create } = setUp({ faults: [parseFault('create:status=502'), parseFault('server:names=guide')] })
    expect((await create()).status).toBe(502)
    expect((await create()).body).toHaveProperty('access_token')
  })
})

describe('what a fault does', () => {
  test('a status says what the server family says with it', async () => {
    const { create, refresh, whoAmI, sandbox } = setUp()
    const fail = (endpoint: CallFault['endpoint'], status: number) => sandbox.fail({ endpoint, status })
    fail('create', 401)
    expect((await create()).body).not.toHaveProperty('code')
    fail('refresh', 401)
    expect((await refresh('x')).body).toHaveProperty('code', 'token_not_valid')
    fail('api', 401)
    expect((await whoAmI()).body).toHaveProperty('messages')
    fail('create', 429)
    expect((await create()).body.detail).toContain('10 minutes')
    fail('create', 502)
    expect((await create()).body).toContain('502 Bad Gateway')
  })

  test('a status comes with the body and headers it is given', async () => {
    const { create, sandbox } = setUp()
    const headers = { 'Retry-After': '7' }
    sandbox.fail({ endpoint: 'create', status: 429, headers, body: { detail: 'later' } })
    const { status, body, headers: got } = await create()
    expect([status, body, got.get('Retry-After')]).toEqual([429, { detail: 'later' }, '7'])
  })

  test('the server has not acted behind a status, unless told to', async () => {
    const { create, refresh, sandbox } = setUp()
    const pair = (await create()).body
    sandbox.fail({ endpoint: 'refresh', status: 504 })
    expect((await refresh(pair.refresh)).status).toBe(504)
    sandbox.fail({ endpoint: 'refresh', status: 504, acts: true })
    expect((await refresh(pair.refresh)).status).toBe(504)
    expect((await refresh(pair.refresh)).status).toBe(401)
    expect(sandbox.log.map(({ acted }) => acted)).toEqual([true, false, true, true])
  })

  test('a dropped connection says what fetch says, and leaves the token unspent before, spent after acting', async () => {
    const { create, refresh, sandbox } = setUp()
    const pair = (await create()).body
    sandbox.fail({ endpoint: 'refresh', drop: 'before' })
    await expect(refresh(pair.refresh)).rejects.toThrow(new TypeError('fetch failed'))
    sandbox.fail({ endpoint: 'refresh', drop: 'after' })
    await expect(refresh(pair.refresh)).rejects.toThrow(new TypeError('fetch failed'))
    expect((await refresh(pair.refresh)).status).toBe(401)
    const [, before, after] = sandbox.log
    expect(before).toMatchObject({ status: 'dropped', acted: false, fault: 'drop=before' })
    expect(before).not.toHaveProperty('grantedRefreshJti')
    expect(after).toMatchObject({ status: 'dropped', acted: true, grantedRefreshJti: 'refresh-4' })
  })

  test.each(['truncated', 'text', 'html', 'empty'] as const)('a 200 garbled as %s is no JSON', async (garble) => {
    const { create, sandbox } = setUp()
    sandbox.fail({ endpoint: 'create', garble })
    const { status, body } = await create()
    expect([status, typeof body]).toEqual([200, 'string'])
  })

  test('a cut body breaks while it is read', async () => {
    const { sandbox, create } = setUp()
    sandbox.fail({ endpoint: 'create', garble: 'cut' })
    await expect(create()).rejects.toThrow('terminated')
    expect(sandbox.log[0]).toMatchObject({ status: 'dropped', acted: true })
  })

  test('the code of a reply that never arrived whole is not logged', async () => {
    const { sandbox, refresh } = setUp()
    sandbox.fail({ endpoint: 'refresh', garble: 'cut' })
    await expect(refresh('garbage')).rejects.toThrow('terminated')
    await refresh('garbage')
    expect(sandbox.log.map(({ code }) => code)).toEqual([undefined, 'token_not_valid'])
  })

  test('omitted fields are missing under whatever name they go', async () => {
    const { create, sandbox } = setUp()
    const omit = ['refresh', 'access_expiry_seconds']
    sandbox.fail({ endpoint: 'create', omit, times: 2 })
    expect(Object.keys((await create()).body)).toEqual(['access', 'refresh_expiry_seconds'])
    sandbox.set({ names: 'guide' })
    expect(Object.keys((await create()).body)).toEqual(['access_token', 'refresh_expiry_seconds'])
  })

  test('latency delays acting, reply latency the answer alone; Date is of the moment of acting', async () => {
    const { create, sandbox, clock } = setUp({ latencyMs: 1000, replyLatencyMs: 500 })
    sandbox.fail({ endpoint: 'create', latencyMs: 2000, replyLatencyMs: 250 })
    const startMs = clock.now()
    const answered = create()
    await clock.advance(3749)
    expect(sandbox.log).toHaveLength(0)
    await clock.advance(1)
    const { headers } = await answered
    expect(Date.parse(headers.get('Date') ?? '')).toBe(startMs + 3000)
    expect(sandbox.log[0]).toMatchObject({ atMs: startMs, answeredAtMs: startMs + 3750 })
    expect(clock.pendingTimers()).toBe(0)
  })

  test('a hanging request ends when its caller aborts, whatever was collected meanwhile', async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const { sandbox, clock } = setUp()
    for (const hang of ['before', 'after'] as const) {
      sandbox.fail({ endpoint: 'api', hang })
      const leaving = new AbortController()
      const answer = sandbox.fetch(`${ORIGIN}/api/v2/whoami/`, { signal: leaving.signal }).catch(() => 'ended')
      for (let round = 0; round < 3; round++) {
        await clock.settle()
        collect()
      }
      leaving.abort()
      await clock.settle()
      expect(sandbox.pending()).toBe(0)
      expect(await answer).toBe('ended')
    }
  })

  test('a hanging request ends when its caller aborts', async () => {
    const { create, sandbox, clock } = setUp()
    const pair = (await create()).body
    for (const hang of ['before', 'after'] as const) {
      sandbox.fail({ endpoint: 'refresh', hang })
      const controller = new AbortController()
      const answered = sandbox.fetch(`${ORIGIN}/api/v2/token/refresh/`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ refresh: pair.refresh }),
        signal: controller.signal,
      })
      await clock.advance(86_400_000)
      expect(sandbox.pending()).toBe(1)
      controller.abort()
      await expect(answered).rejects.toMatchObject({ name: 'AbortError' })
      expect(sandbox.pending()).toBe(0)
      expect(sandbox.log.at(-1)).toMatchObject({ status: 'dropped', acted: hang === 'after' })
    }
  })
})

describe('parseFault', () => {
  test.each<[string, Fault]>([
    ['create:status=502,times=3', { endpoint: 'create', status: 502, times: 3 }],
    ['token:status=429,retry-after=7', { endpoint: 'token', status: 429, headers: { 'Retry-After': '7' } }],
    ['refresh:drop=after,skip=2', { endpoint: 'refresh', drop: 'after', skip: 2 }],
    ['any:latency=1.5s,times=all', { endpoint: 'any', latencyMs: 1500, times: Number.POSITIVE_INFINITY }],
    ['api:hang=before,path=/api/v2/*', { endpoint: 'api', hang: 'before', path: '/api/v2/*' }],
    ['create:omit=access+refresh', { endpoint: 'create', omit: ['access', 'refresh'] }],
    ['validate:garble=cut,reply-latency=2m', { endpoint: 'validate', garble: 'cut', replyLatencyMs: 120_000 }],
    [
      'create:status=400,acts,body={"a":1,"b":2}',
      { endpoint: 'create', status: 400, acts: true, body: '{"a":1,"b":2}' },
    ],
    ['server:rotate=off,skew=-2m', { endpoint: 'server', rotate: false, skewMs: -120_000 }],
    ['server:access-lifetime=5m,forbidden-403', { endpoint: 'server', accessLifetimeS: 300, forbidden403: true }],
    ['server:rotation-race=10ms,names=new', { endpoint: 'server', rotationRaceMs: 10, names: 'new' }],
  ])('reads %s', (text, fault) => {
    expect(parseFault(text)).toEqual(fault)
  })

  test.each([
    ['status=502', 'one of create, refresh, validate, api, token, any, server'],
    ['signin:status=502', 'one of create, refresh'],
    ['create:', 'unknown key ""'],
    ['create:code=502', 'known: path, times, skip, latency'],
    ['create:toString=1', 'unknown key "toString"'],
    ['server:status=502', 'known: access-lifetime, refresh-lifetime, rotate'],
    ['create:status=abc', '"status" takes a whole number'],
    ['create:status=99', 'from 200 to 599'],
    ['create:status', '"status" of a fault needs a value'],
    ['create:status=500,status=502', '"status" appears twice'],
    ['create:times=3', 'needs one of status, drop'],
    ['create:times=0,status=500', 'times must be a whole number from 1'],
    ['create:status=500,drop=after', 'this one has status and drop'],
    ['create:drop=during', 'one of before, after'],
    ['create:garble=odd', 'one of truncated, text, html, empty, cut'],
    ['create:latency=5', 'takes a time such as 500ms, 5s'],
    ['create:drop=after,body=x', '"body" goes with "status" only'],
    ['server:rotate=maybe', '"rotate" takes on or off'],
    ['server:names=other', 'one of reference, guide, new'],
  ])('refuses %s and says what is allowed', (text, words) => {
    expect(() => parseFault(text)).toThrow(words)
    expect(() => parseFault(text)).toThrow(AuthError)
  })
})

test('an option, mode, throttle or fault that nobody knows is refused by name', () => {
  const refused = (options: object) => expect(() => createSandbox(options))
  refused({ retate: false }).toThrow('unknown option "retate", the nearest is "rotate"')
  refused({ throttle: { rpm: 3 } }).toThrow('unknown option of throttle "rpm"')
  refused({ throttle: { limit: 0 } }).toThrow('throttle.limit must be a whole number from 1')
  refused({ accessLifetimeS: 0 }).toThrow('accessLifetimeS must be a number from 1')
  refused({ rotate: 'no' }).toThrow('rotate must be true or false')
  refused({ faults: [{ endpoint: 'create', stats: 1 }] }).toThrow('unknown property of a fault "stats"')
  refused({ users: [{ username: 'a', password: '' }] }).toThrow('a user needs a password')
  expect(() => createSandbox().setActive('nobody', true)).toThrow('no user "nobody"; there are: demo')
})
