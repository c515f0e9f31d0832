import { describe, expect, it } from 'vitest'
import { createAuthClient } from '../../src/index.ts'
import { createSandbox, joseSigner } from '../../src/sandbox/index.ts'
import { recorder, unhandledRejections } from '../support/doubles.ts'
import {
  BASE_URL,
  createWorld,
  HOUR,
  MINUTE,
  PASSWORD,
  SECOND,
  USERNAME,
  WHO_AM_I,
  type World,
} from '../support/world.ts'

const DAY = 24 * HOUR

/** A world with a token of two minutes that the server has just revoked. */
async function revokedWorld(options: Parameters<typeof createWorld>[0] = {}) {
  const world = createWorld(options)
  await world.now(world.auth.getAccessToken())
  await world.clock.advance(2 * MINUTE)
  world.sandbox.revokeAll('access')
  return world
}

const busiestMinute = ({ times }: World) => {
  const sends = times('create', 'refresh', 'validate')
  return Math.max(0, ...sends.map((from) => sends.filter((at) => at >= from && at < from + MINUTE).length))
}

describe('prior art', () => {
  it('5 staggered 401s cost one refresh, and all five are answered 200', async () => {
    const { auth, clock, log, now, sandbox, tokenRequests } = await revokedWorld()
    sandbox.set({ latencyMs: 100, replyLatencyMs: 200 })
    const answers: Promise<Response>[] = []
    for (let caller = 0; caller < 5; caller++) {
      answers.push(auth.fetchLike(WHO_AM_I))
      await clock.advance(130)
    }
    await clock.advance(5 * SECOND)
    expect((await now(Promise.all(answers))).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(tokenRequests()).toBe('create 200, refresh 200')
    expect(log('api').length).toBeLessThanOrEqual(10)
  })

  it('5 simultaneous 401s cost one refresh, and all five are answered 200', async () => {
    const { auth, clock, now, sandbox, tokenRequests } = await revokedWorld()
    sandbox.set({ latencyMs: 100 })
    const answers = Array.from({ length: 5 }, () => auth.fetchLike(WHO_AM_I))
    await clock.advance(5 * SECOND)
    expect((await now(Promise.all(answers))).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('a 429 at the token endpoint is followed by ten minutes of silence, and both tokens are kept', async () => {
    const { auth, clock, now, sandbox, times } = createWorld()
    const token = await now(auth.getAccessToken())
    const { refreshUsableUntilMs } = auth.status()
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    auth.getAccessToken({ forceRefresh: true }).catch(() => {})
    for (let second = 0; second < 599; second++) {
      expect(await now(auth.getAccessToken())).toBe(token)
      auth.getAccessToken({ forceRefresh: true }).catch(() => {})
      await clock.advance(SECOND)
    }
    expect(times('create', 'refresh', 'validate')).toEqual([0, 2 * MINUTE])
    expect(auth.status()).toMatchObject({ usable: true, refreshUsableUntilMs })
    await clock.advance(SECOND)
    await now(auth.getAccessToken({ forceRefresh: true }))
    expect(times('create')).toEqual([0])
  })

  it('5 cold calls cost one sign-in', async () => {
    const { auth, clock, now, sandbox, tokenRequests } = createWorld()
    sandbox.set({ latencyMs: 50 })
    const tokens = Array.from({ length: 5 }, () => auth.getAccessToken())
    await clock.advance(SECOND)
    expect(new Set(await now(Promise.all(tokens))).size).toBe(1)
    expect(tokenRequests()).toBe('create 200')
  })

  it('a token of 30 days is not refreshed in the first hours, though its timer is longer than 2³¹ ms', async () => {
    const { auth, clock, log, now } = createWorld({
      sandbox: { accessLifetimeS: (30 * DAY) / SECOND, refreshLifetimeS: (90 * DAY) / SECOND },
      policy: { refreshLifetimeMs: 90 * DAY, rotateWithinMs: 45 * DAY },
    })
    await now(auth.getAccessToken())
    await clock.advance(29 * DAY)
    expect(log()).toHaveLength(1)
  })

  it('the first caller aborts, and the second is served by the same sign-in', async () => {
    const { auth, clock, now, sandbox, tokenRequests } = createWorld()
    sandbox.set({ latencyMs: SECOND })
    const leaving = new AbortController()
    const first = auth.getAccessToken({ signal: leaving.signal })
    const second = auth.getAccessToken()
    await clock.advance(500)
    leaving.abort()
    await expect(now(first)).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(SECOND)
    await now(second)
    expect(tokenRequests()).toBe('create 200')
  })

  it('the first API request aborts in mid-refresh, and the second is answered', async () => {
    const { auth, clock, now, sandbox, tokenRequests } = await revokedWorld()
    sandbox.set({ latencyMs: SECOND })
    const leaving = new AbortController()
    const first = auth.fetchLike(WHO_AM_I, { signal: leaving.signal })
    const second = auth.fetchLike(WHO_AM_I)
    await clock.advance(1500)
    leaving.abort()
    await expect(now(first)).rejects.toMatchObject({ name: 'AbortError' })
    await clock.advance(3 * SECOND)
    expect((await now(second)).status).toBe(200)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('a failed background refresh takes nothing away, and rejects into nowhere', async () => {
    const unhandled = unhandledRejections()
    const { auth, clock, now, sandbox } = createWorld()
    const token = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502, times: 99 })
    for (let minute = 1; minute < 59; minute++) {
      await clock.advance(MINUTE)
      expect(await now(auth.getAccessToken())).toBe(token)
    }
    await clock.advance(2 * HOUR)
    unhandled.stop()
    expect(unhandled.seen).toEqual([])
  })

  it('nobody listens to any failure, and nothing is left unhandled', async () => {
    const unhandled = unhandledRejections()
    const { auth, clock, client, now, peek, sandbox } = createWorld()
    const gone = new AbortController()
    for (const fault of [{ status: 500 }, { drop: 'after' }, { garble: 'truncated' }, { status: 401 }] as const) {
      const each = client({ account: `account of ${JSON.stringify(fault)}` })
      sandbox.fail({ endpoint: 'create', ...fault })
      await peek(each.getAccessToken({ signal: gone.signal }))
      await clock.advance(MINUTE)
      await peek(each.close())
    }
    sandbox.fail({ endpoint: 'create', hang: 'after' })
    const waiting = auth.getAccessToken({ signal: gone.signal })
    await peek(waiting)
    gone.abort()
    await peek(waiting)
    await clock.advance(MINUTE)
    await now(auth.close())
    unhandled.stop()
    expect(unhandled.seen).toEqual([])
  })

  it('a lifetime shorter than any window costs one refresh per lifetime, not one per use', async () => {
    const { auth, clock, log, now } = createWorld({ sandbox: { accessLifetimeS: 30 } })
    for (let tenths = 0; tenths < 3000; tenths++) {
      await now(auth.getAccessToken())
      await clock.advance(100)
    }
    expect(log('create')).toHaveLength(1)
    expect(log('refresh').length).toBeLessThanOrEqual(300 / 22)
  })

  it('no more than ten token requests leave in any 60 s, however they are asked for', async () => {
    const world = createWorld()
    const { auth, clock, sandbox } = world
    for (let steps = 0; steps < 1500; steps++) {
      auth.getAccessToken({ forceRefresh: true, timeoutMs: SECOND }).catch(() => {})
      auth.validate({ timeoutMs: SECOND }).catch(() => {})
      await clock.advance(100)
    }
    expect(busiestMinute(world)).toBe(10)
    expect(sandbox.log.filter(({ status }) => status === 429)).toEqual([])
  })

  it('a rotated refresh token is stored before it is served', async () => {
    const stored: number[] = []
    const { auth, now } = createWorld({
      store: (memory) => ({
        ...memory,
        compareAndSet: async (account, version, record) => {
          const done = await memory.compareAndSet(account, version, record)
          if (done && record.pair !== null) stored.push(record.pair.generation)
          return done
        },
      }),
    })
    await now(auth.getAccessToken())
    const storedWhenServed = auth.getAccessToken({ forceRefresh: true }).then(() => Math.max(...stored))
    expect(await now(storedWhenServed)).toBe(auth.status().generation)
    expect(auth.status().generation).toBe(2)
  })

  it('a lost refresh reply is recognised: the old token is tried, then one sign-in', async () => {
    const { auth, clock, now, sandbox, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', drop: 'after' })
    await clock.advance(48 * MINUTE)
    expect(tokenRequests()).toBe('create 200, refresh dropped')
    await clock.advance(10 * MINUTE)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200, refresh dropped, refresh 401, create 200')
    await clock.advance(10 * HOUR)
    expect(tokenRequests()).not.toMatch(/create 200.*create 200.*create/)
  })

  it('a crash between the rotation and the save is recognised at the next start, and costs one sign-in', async () => {
    const { client, clock, mortal, now, peek, sandbox, tokenRequests } = createWorld()
    const { auth, kill } = mortal()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'refresh', replyLatencyMs: SECOND })
    await peek(auth.getAccessToken({ forceRefresh: true }))
    kill()
    await clock.advance(HOUR)
    const restarted = client()
    await now(restarted.getAccessToken())
    expect(tokenRequests()).toMatch(/^create 200, refresh (200|dropped), refresh 401, create 200$/)
  })

  it('a restart in a pause leaves it at the original deadline', async () => {
    const { auth, client, clock, now, refused, sandbox, times } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 429 })
    await refused(auth.getAccessToken())
    await clock.advance(4 * MINUTE)
    await now(auth.close())
    const restarted = client()
    const waiting = restarted.getAccessToken({ waitForPause: true, timeoutMs: 10 * MINUTE })
    await clock.advance(6 * MINUTE)
    await now(waiting)
    expect(times('create')).toEqual([0, 10 * MINUTE])
  })

  it('a restart in a back-off leaves it at the original deadline', async () => {
    const { auth, client, clock, now, refused, sandbox } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 502 })
    await refused(auth.getAccessToken())
    const { retryAtMs = 0 } = await refused(auth.getAccessToken())
    await clock.advance(10 * SECOND)
    await now(auth.close())
    const restarted = client()
    expect((await refused(restarted.getAccessToken())).retryAtMs).toBe(retryAtMs)
    await clock.advanceTo(retryAtMs)
    await now(restarted.getAccessToken())
  })

  it('a laptop that sleeps past the expiry refreshes with the first demand after waking', async () => {
    const { auth, clock, log, now, tokenRequests } = createWorld()
    await now(auth.fetchLike(WHO_AM_I))
    clock.suspend(3 * HOUR)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    expect(log('api').map(({ status }) => status)).toEqual([200, 200])
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('a browser that throttles timers refreshes with the next demand', async () => {
    const world = createWorld()
    const { clock, log, now, auth } = world
    await now(auth.close())
    const asleep = world.client({
      clock: { ...clock, setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs + 5 * HOUR) },
    })
    await now(world.call(asleep))
    await clock.advance(2 * HOUR)
    expect(await now(world.call(asleep))).toBe(200)
    expect(log('api').map(({ status }) => status)).toEqual([200, 200])
  })

  it.each([7 * MINUTE, -7 * MINUTE])('a server whose clock is %d ms ahead costs no extra request', async (skewMs) => {
    const { auth, clock, log, now } = createWorld({ sandbox: { skewMs, copyRefreshIat: true } })
    for (let minute = 0; minute < 240; minute++) {
      expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
      await clock.advance(MINUTE)
    }
    expect(log('create')).toHaveLength(1)
    expect(log('refresh').length).toBeLessThanOrEqual(6)
  })

  it('a bad password costs one sign-in, however often it is tried, and after a restart', async () => {
    const { auth, client, clock, log, now, refused, sandbox } = createWorld()
    sandbox.setPassword(USERNAME, 'changed')
    for (let tries = 0; tries < 50; tries++) {
      expect((await refused(auth.getAccessToken())).code).toBe('INVALID_CREDENTIALS')
      await clock.advance(MINUTE)
    }
    await now(auth.close())
    const restarted = client()
    for (let tries = 0; tries < 50; tries++) {
      expect((await refused(restarted.getAccessToken())).code).toBe('INVALID_CREDENTIALS')
      await clock.advance(MINUTE)
    }
    expect(log('create')).toHaveLength(1)
  })

  it('a stream is not replayed empty, and the error says so', async () => {
    const { sent, transport } = recorder()
    const { auth, refused } = await revokedWorld({ transport })
    const init = { method: 'POST', body: new Blob(['whole']).stream(), duplex: 'half' } as RequestInit
    expect(await refused(auth.fetchLike('/api/v2/taxexempt/', init))).toMatchObject({ code: 'BODY_NOT_REPLAYABLE' })
    expect(sent.filter(({ url }) => url.includes('taxexempt')).map(({ body }) => body)).toEqual(['whole'])
  })

  it.each<[string, (text: string) => [Request, RequestInit?]]>([
    [
      'ky',
      (text) => [
        new Request(`${BASE_URL}/api/v2/taxexempt/`, {
          method: 'POST',
          body: text,
          headers: { 'content-type': 'application/json' },
        }),
        {},
      ],
    ],
    [
      "axios' fetch adapter",
      (text) => [
        new Request(`${BASE_URL}/api/v2/taxexempt/`, {
          method: 'POST',
          body: new TextEncoder().encode(text),
          headers: new Headers({ 'content-type': 'application/json' }),
          credentials: 'same-origin',
          signal: new AbortController().signal,
        }),
      ],
    ],
    [
      'openapi-fetch',
      (text) => {
        const init = {
          method: 'POST',
          redirect: 'follow',
          body: text,
          headers: { 'content-type': 'application/json' },
        } as const
        return [new Request(new Request(`${BASE_URL}/api/v2/taxexempt/`, init))]
      },
    ],
  ])('a POST through %s, which passes a Request, is replayed whole', async (_, argumentsOf) => {
    const { sent, transport } = recorder()
    const { auth, now } = await revokedWorld({ transport })
    const text = JSON.stringify({ tin: '12-3456789', name: 'Acme' })
    const answer = await now(auth.fetchLike(...argumentsOf(text)))
    expect(answer.status).toBe(200)
    const posts = sent.filter(({ url }) => url.includes('taxexempt'))
    expect(posts.map(({ body, method }) => [method, body])).toEqual([
      ['POST', text],
      ['POST', text],
    ])
    expect(posts.map(({ headers }) => headers.get('content-type'))).toEqual(['application/json', 'application/json'])
  })

  it('a server that does not rotate, over 25 h: no refresh storm', async () => {
    const { auth, clock, now, log } = createWorld({ sandbox: { rotate: false } })
    await now(auth.getAccessToken())
    for (let hour = 0; hour < 25; hour++) {
      await clock.advance(HOUR)
      await now(auth.getAccessToken())
    }
    expect(log('refresh').length).toBeGreaterThanOrEqual(30)
    expect(log('refresh').length).toBeLessThanOrEqual(33)
    expect(log('create').length).toBeLessThanOrEqual(2)
  })

  it('one forbidden endpoint polled each minute: rejections back off', async () => {
    const { auth, clock, now, log, sandbox } = createWorld()
    sandbox.fail({ endpoint: 'api', path: '/api/v2/taxexempt/', status: 401, times: Number.POSITIVE_INFINITY })
    for (let minute = 0; minute < 120; minute++) {
      expect((await now(auth.fetchLike('/api/v2/taxexempt/'))).status).toBe(401)
      await clock.advance(MINUTE)
    }
    expect(log('refresh').length).toBeLessThanOrEqual(18)
    expect(log('create')).toHaveLength(1)
  })

  it.each([2 * HOUR, -2 * HOUR])('a clock set by %d ms moves neither refresh nor pause nor budget', async (jumpMs) => {
    const { auth, clock, log, now, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'validate', status: 429 })
    await refused(auth.validate())
    const { budgetLeft } = auth.status()
    clock.jumpWall(jumpMs)
    expect(auth.status()).toMatchObject({ budgetLeft, gate: 'paused', pausedUntilMs: clock.now() + 10 * MINUTE })
    sandbox.resetThrottle()
    await clock.advance(10 * MINUTE - 1)
    expect(log()).toHaveLength(2)
    await clock.advance(40 * MINUTE)
    await now(auth.getAccessToken())
    expect(log('refresh')).toHaveLength(1)
  })

  it('the token is not sent to another host, by an absolute URL or a redirect', async () => {
    const { sent, transport } = recorder()
    const { auth, refused } = createWorld({ transport })
    expect(await refused(auth.fetchLike('https://evil.test/'))).toMatchObject({ code: 'ORIGIN_REFUSED' })
    const redirect = `/api/v2/redirect/?to=${encodeURIComponent('https://evil.test/')}`
    expect(await refused(auth.fetchLike(redirect))).toMatchObject({ code: 'ORIGIN_REFUSED' })
    expect(sent.filter(({ url }) => url.startsWith('https://evil.test'))).toEqual([])
  })

  it('an access token that outlives a pause is served through it, and refreshed when the pause ends', async () => {
    const { auth, clock, log, now, sandbox, tokenRequests } = createWorld()
    const token = await now(auth.getAccessToken())
    await clock.advance(55 * MINUTE - 1)
    // The proactive refresh went well at 47.5 min; this pair is 7.5 min old.
    const second = await now(auth.getAccessToken())
    expect(second).not.toBe(token)
    await clock.advance(38 * MINUTE)
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    await clock.advance(3 * MINUTE)
    expect(tokenRequests()).toBe('create 200, refresh 200, refresh 429')
    const pausedAtMs = log('refresh')[1]?.atMs ?? 0
    await clock.advanceTo(pausedAtMs + 10 * MINUTE - 1)
    expect(await now(auth.getAccessToken())).toBe(second)
    await clock.advance(1)
    expect(await now(auth.getAccessToken())).not.toBe(second)
  })

  it('an access token that expires during a pause is not sent: the request fails with the time, and the pause is kept', async () => {
    const { auth, clock, log, now, refused, sandbox, tokenRequests } = createWorld()
    await now(auth.fetchLike(WHO_AM_I))
    sandbox.fail({ endpoint: 'refresh', status: 429, headers: { 'retry-after': '3600' } })
    await clock.advance(48 * MINUTE)
    const retryAtMs = (log('refresh')[0]?.atMs ?? 0) + HOUR
    await clock.advance(12 * MINUTE)
    expect(await refused(auth.fetchLike(WHO_AM_I))).toMatchObject({
      code: 'THROTTLED',
      clause: 'pause-after-429',
      retryAtMs,
    })
    expect(log('api')).toHaveLength(1)
    await clock.advanceTo(retryAtMs)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    expect(tokenRequests()).toBe('create 200, refresh 429, refresh 200')
  })

  it('three proactive 502s are survived without a caller noticing', async () => {
    const { auth, clock, log, now, sandbox, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'refresh', status: 502, times: 3 })
    for (let minute = 0; minute < 70; minute++) {
      expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
      await clock.advance(MINUTE)
    }
    expect(tokenRequests()).toBe('create 200, refresh 502, refresh 502, refresh 502, refresh 200')
    expect(log('api').every(({ status }) => status === 200)).toBe(true)
  })

  it('the real signer and the real clock do as well', async () => {
    const sandbox = createSandbox({ signer: joseSigner })
    await using auth = createAuthClient({
      baseURL: BASE_URL,
      credentials: { username: USERNAME, password: PASSWORD },
      fetch: sandbox.fetch,
    })
    const tokens = await Promise.all(Array.from({ length: 20 }, () => auth.getAccessToken()))
    expect(new Set(tokens).size).toBe(1)
    expect(sandbox.log).toHaveLength(1)
  })
})
