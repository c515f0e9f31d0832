import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND, USERNAME, WHO_AM_I } from '../support/world.ts'

const SIGNED_OUT = { code: 'SIGNED_OUT', clause: 'D-sign-out' }
const quiet = () => createWorld({ client: { random: () => 0 } })

describe('D-sign-out', () => {
  it('discards the pair: nothing is usable, nothing is refreshed', async () => {
    const { auth, store, clock, now, tokenRequests } = quiet()
    await now(auth.getAccessToken())
    await now(auth.signOut())
    expect(auth.status()).toMatchObject({ state: 'signedOut', usable: false, generation: 0 })
    expect((await store.read(`https://sandbox.test ${USERNAME}`)).record?.pair).toBeNull()
    await clock.advance(24 * HOUR)
    expect(tokenRequests()).toBe('create 200')
  })

  it('demands of every kind answer SIGNED_OUT until signIn()', async () => {
    const { auth, clock, now, refused, tokenRequests } = quiet()
    await now(auth.getAccessToken())
    await now(auth.signOut())
    for (let hour = 0; hour < 3; hour++) {
      expect(await refused(auth.getAccessToken())).toMatchObject(SIGNED_OUT)
      expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject(SIGNED_OUT)
      expect(await refused(auth.getAccessToken({ waitForPause: true }))).toMatchObject(SIGNED_OUT)
      expect(await refused(auth.fetchLike(WHO_AM_I))).toMatchObject(SIGNED_OUT)
      expect(await now(auth.validate())).toEqual({ valid: false })
      await clock.advance(HOUR)
    }
    await now(auth.signIn())
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200, create 200')
  })

  it.each(['create', 'refresh'] as const)('aborts the %s in flight and rejects those who wait', async (endpoint) => {
    const { auth, sandbox, clock, now, peek, refused, log } = quiet()
    if (endpoint === 'refresh') await now(auth.getAccessToken())
    sandbox.fail({ endpoint, latencyMs: 20 * SECOND })
    const waiting = [
      auth.getAccessToken({ forceRefresh: true }),
      auth.getAccessToken({ forceRefresh: true, timeoutMs: HOUR }),
    ]
    for (const each of waiting) await peek(each)
    await clock.advance(SECOND)
    expect(sandbox.pending()).toBe(1)
    await now(auth.signOut())
    for (const each of waiting) expect(await refused(each)).toMatchObject(SIGNED_OUT)
    expect(sandbox.pending()).toBe(0)
    expect(log(endpoint).at(-1)).toMatchObject({ status: 'dropped', acted: false })
    await clock.advance(HOUR)
    expect(auth.status().state).toBe('signedOut')
  })

  it.each(['create', 'refresh'] as const)(
    'a %s granted in the same moment does not bring the pair back',
    async (endpoint) => {
      const { auth, client, sandbox, clock, now, peek, refused } = quiet()
      if (endpoint === 'refresh') await now(auth.getAccessToken())
      sandbox.fail({ endpoint, replyLatencyMs: 5 * SECOND })
      const waiting = auth.getAccessToken({ forceRefresh: true })
      await peek(waiting)
      await clock.advance(5 * SECOND - 1)
      const out = auth.signOut()
      await clock.advance(1)
      await now(out)
      expect(await refused(waiting)).toMatchObject(SIGNED_OUT)
      await clock.advance(MINUTE)
      expect(auth.status()).toMatchObject({ state: 'signedOut', generation: 0 })
      expect(await refused(client().getAccessToken())).toMatchObject(SIGNED_OUT)
    },
  )

  it('a transport that ignores the abort does not bring the pair back either', async () => {
    const { client, sandbox, clock, now, peek, refused } = quiet()
    const deaf = client({ fetch: (input, init) => sandbox.fetch(input, { ...init, signal: null }) })
    sandbox.fail({ endpoint: 'create', latencyMs: 5 * SECOND })
    const waiting = deaf.getAccessToken()
    await peek(waiting)
    await now(deaf.signOut())
    expect(await refused(waiting)).toMatchObject(SIGNED_OUT)
    await clock.advance(MINUTE)
    expect(sandbox.log).toMatchObject([{ endpoint: 'create', status: 200 }])
    expect(deaf.status()).toMatchObject({ state: 'signedOut', generation: 0 })
    expect(await refused(deaf.getAccessToken())).toMatchObject(SIGNED_OUT)
  })

  it('the lease ends after it: a sign-in, here or elsewhere, goes out at once', async () => {
    const { auth, client, sandbox, clock, now, peek, within, log } = quiet()
    const other = client()
    await clock.settle()
    sandbox.fail({ endpoint: 'create', hang: 'before' })
    const waiting = auth.getAccessToken()
    await peek(waiting)
    await now(auth.signOut())
    await within(SECOND, other.signIn())
    const [first, second] = log('create')
    expect(first?.status).toBe('dropped')
    expect(second?.status).toBe(200)
    expect(second?.atMs).toBeGreaterThanOrEqual(first?.answeredAtMs ?? 0)
  })

  it('rejects those who wait for the budget too', async () => {
    const { auth, now, peek, refused } = quiet()
    await now(auth.getAccessToken())
    for (let i = 0; i < 9; i++) await now(auth.getAccessToken({ forceRefresh: true }))
    const waiting = auth.getAccessToken({ forceRefresh: true })
    await peek(waiting)
    await now(auth.signOut())
    expect(await refused(waiting)).toMatchObject(SIGNED_OUT)
  })

  it('takes effect at once: the next line is refused, before the store has written it', async () => {
    const { auth, now, peek, refused, log } = quiet()
    await now(auth.getAccessToken())
    const out = auth.signOut()
    const token = auth.getAccessToken()
    const answer = auth.fetchLike(WHO_AM_I)
    await Promise.all([peek(token), peek(answer)])
    expect(await refused(token)).toMatchObject(SIGNED_OUT)
    expect(await refused(answer)).toMatchObject(SIGNED_OUT)
    await now(out)
    expect(log('api')).toEqual([])
  })

  it('a signIn() right after it wins', async () => {
    const { auth, now, tokenRequests } = quiet()
    const old = await now(auth.getAccessToken())
    await now(Promise.all([auth.signOut(), auth.signIn()]))
    expect(await now(auth.getAccessToken())).not.toBe(old)
    expect(tokenRequests()).toBe('create 200, create 200')
  })

  describe('keeps everything else', () => {
    it('the sends', async () => {
      const { auth, now, peek, clock, within, times } = quiet()
      await now(auth.getAccessToken())
      for (let i = 0; i < 9; i++) await now(auth.getAccessToken({ forceRefresh: true }))
      await now(auth.signOut())
      expect(auth.status().budgetLeft).toBe(0)
      const signedIn = auth.signIn()
      expect(await peek(signedIn)).toBeUndefined()
      await clock.advance(MINUTE - 1)
      await within(1, signedIn)
      expect(times('create')).toEqual([0, MINUTE])
    })

    it('the pause', async () => {
      const { auth, sandbox, clock, now, refused, times } = quiet()
      sandbox.fail({ endpoint: 'create', status: 429 })
      await refused(auth.getAccessToken())
      await now(auth.signOut())
      expect(await refused(auth.signIn())).toMatchObject({ code: 'THROTTLED', retryAtMs: clock.now() + 10 * MINUTE })
      await clock.advance(10 * MINUTE)
      await now(auth.signIn())
      expect(times('create')).toEqual([0, 10 * MINUTE])
    })

    it('the latch', async () => {
      const { auth, sandbox, now, refused, tokenRequests } = quiet()
      sandbox.setPassword(USERNAME, 'changed')
      await refused(auth.getAccessToken())
      await now(auth.signOut())
      expect((await refused(auth.signIn())).code).toBe('INVALID_CREDENTIALS')
      expect(tokenRequests()).toBe('create 401')
    })

    it('the back-off', async () => {
      const { auth, sandbox, clock, now, refused, times } = quiet()
      sandbox.fail({ endpoint: 'create', status: 502 })
      const { retryAtMs } = await refused(auth.getAccessToken())
      await now(auth.signOut())
      expect(await refused(auth.signIn())).toMatchObject({ code: 'UNAVAILABLE', retryAtMs })
      await clock.advance(30 * SECOND)
      await now(auth.signIn())
      expect(times('create')).toEqual([0, 30 * SECOND])
    })
  })

  describe('on a shared store for all', () => {
    it('the others hold and send nothing any more', async () => {
      const { auth, client, clock, now, refused, tokenRequests } = quiet()
      const other = client()
      await now(auth.getAccessToken())
      await now(other.getAccessToken())
      await now(auth.signOut())
      await clock.advance(SECOND)
      expect(await refused(other.getAccessToken())).toMatchObject(SIGNED_OUT)
      expect(await refused(other.fetchLike(WHO_AM_I))).toMatchObject(SIGNED_OUT)
      await clock.advance(24 * HOUR)
      expect(tokenRequests()).toBe('create 200')
    })

    it('also one whose refresh is in flight', async () => {
      const { auth, client, sandbox, clock, now, peek, refused } = quiet()
      const other = client()
      await now(auth.getAccessToken())
      await now(other.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', latencyMs: 5 * SECOND })
      const forced = other.getAccessToken({ forceRefresh: true })
      await peek(forced)
      await now(auth.signOut())
      expect(await refused(forced, 5 * SECOND)).toMatchObject(SIGNED_OUT)
      await clock.advance(SECOND)
      for (const each of [auth, other, client()]) expect(await refused(each.getAccessToken())).toMatchObject(SIGNED_OUT)
    })

    it('a restart is signed out', async () => {
      const { auth, client, clock, now, refused, tokenRequests } = quiet()
      await now(auth.getAccessToken())
      await now(auth.signOut())
      await now(auth.close())
      await clock.advance(HOUR)
      expect(await refused(client().getAccessToken())).toMatchObject(SIGNED_OUT)
      expect(tokenRequests()).toBe('create 200')
    })

    it('a signIn() of one signs all in', async () => {
      const { auth, client, clock, now, tokenRequests } = quiet()
      const other = client()
      await now(auth.getAccessToken())
      await now(other.getAccessToken())
      await now(auth.signOut())
      await clock.advance(SECOND)
      await now(other.signIn())
      await clock.advance(SECOND)
      expect(await now(auth.getAccessToken())).toBe(await now(other.getAccessToken()))
      expect(tokenRequests()).toBe('create 200, create 200')
    })
  })

  it('a reset does not sign in, nor out of being signed out', async () => {
    const { auth, now, refused, tokenRequests } = quiet()
    await now(auth.getAccessToken())
    await now(auth.signOut())
    await now(auth.reset())
    expect(await refused(auth.getAccessToken())).toMatchObject(SIGNED_OUT)
    expect(tokenRequests()).toBe('create 200')
  })

  it('before anything was held it sticks too', async () => {
    const { auth, now, refused, log } = quiet()
    await now(auth.signOut())
    expect(await refused(auth.getAccessToken())).toMatchObject(SIGNED_OUT)
    expect(log()).toEqual([])
  })
})
