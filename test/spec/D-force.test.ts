import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND, USERNAME } from '../support/world.ts'

const force = { forceRefresh: true }
const signedIn = async () => {
  const world = createWorld({ client: { random: () => 0 } })
  const first = await world.now(world.auth.getAccessToken())
  return { ...world, first }
}

describe('D-force', () => {
  it('resolves only with a generation newer than at the call', async () => {
    const { auth, now, first, tokenRequests } = await signedIn()
    const second = await now(auth.getAccessToken(force))
    const third = await now(auth.getAccessToken(force))
    expect(new Set([first, second, third]).size).toBe(3)
    expect(tokenRequests()).toBe('create 200, refresh 200, refresh 200')
  })

  it('many at once share one refresh', async () => {
    const { auth, now, first, tokenRequests } = await signedIn()
    const tokens = await now(Promise.all(Array.from({ length: 20 }, () => auth.getAccessToken(force))))
    expect(new Set(tokens).size).toBe(1)
    expect(tokens).not.toContain(first)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('others are served the old token meanwhile', async () => {
    const { auth, sandbox, now, peek, within, first } = await signedIn()
    sandbox.fail({ endpoint: 'refresh', latencyMs: 5 * SECOND })
    const forced = auth.getAccessToken(force)
    await peek(forced)
    expect(await now(auth.getAccessToken())).toBe(first)
    expect(await within(5 * SECOND, forced)).not.toBe(first)
  })

  it('where nothing is held it signs in, once', async () => {
    const { auth, now, tokenRequests } = createWorld()
    await now(auth.getAccessToken(force))
    expect(tokenRequests()).toBe('create 200')
  })

  it('at a restart the stored pair is the one at the call: it is refreshed', async () => {
    const { auth, client, now, first, tokenRequests } = await signedIn()
    await now(auth.close())
    expect(await now(client().getAccessToken(force))).not.toBe(first)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('where both tokens have expired it signs in', async () => {
    const { auth, clock, now, tokenRequests } = await signedIn()
    clock.suspend(25 * HOUR)
    await now(auth.getAccessToken(force))
    expect(tokenRequests()).toBe('create 200, create 200')
  })

  describe('joins a request in flight', () => {
    it('the proactive refresh', async () => {
      const { auth, sandbox, clock, peek, within, first, tokenRequests } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', latencyMs: 10 * SECOND })
      await clock.advance(45 * MINUTE + SECOND)
      const forced = auth.getAccessToken(force)
      expect(await peek(forced)).toBeUndefined()
      expect(await within(9 * SECOND, forced)).not.toBe(first)
      await clock.advance(MINUTE)
      expect(tokenRequests()).toBe('create 200, refresh 200')
    })

    it('the first sign-in', async () => {
      const { auth, sandbox, clock, peek, within, now, tokenRequests } = createWorld()
      sandbox.fail({ endpoint: 'create', latencyMs: 10 * SECOND })
      const plain = auth.getAccessToken()
      await peek(plain)
      await clock.advance(SECOND)
      const forced = auth.getAccessToken(force)
      await peek(forced)
      expect(await within(9 * SECOND, forced)).toBe(await now(plain))
      expect(tokenRequests()).toBe('create 200')
    })

    it("another client's refresh: what it brings is newer too", async () => {
      const { auth, client, sandbox, now, peek, within, tokenRequests } = await signedIn()
      const other = client()
      await now(other.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', latencyMs: 3 * SECOND })
      const theirs = other.getAccessToken(force)
      await peek(theirs)
      const ours = auth.getAccessToken(force)
      await peek(ours)
      const token = await within(3 * SECOND, theirs)
      expect(await within(SECOND, ours)).toBe(token)
      expect(tokenRequests()).toBe('create 200, refresh 200')
    })
  })

  it('survives a wait for the budget', async () => {
    const { auth, now, clock, peek, within, times } = await signedIn()
    const tokens = new Set<string>()
    for (let i = 0; i < 9; i++) tokens.add(await now(auth.getAccessToken(force)))
    const forced = auth.getAccessToken(force)
    await clock.advance(MINUTE - 1)
    expect(await peek(forced)).toBeUndefined()
    expect(tokens).not.toContain(await within(1, forced))
    expect(times('refresh').at(-1)).toBe(MINUTE)
  })

  it('a wait for the budget that does not fit its time-out: throws with the time', async () => {
    const { auth, now, refused, clock } = await signedIn()
    for (let i = 0; i < 9; i++) await now(auth.getAccessToken(force))
    const error = await refused(auth.getAccessToken({ ...force, timeoutMs: 30 * SECOND }))
    expect(error).toMatchObject({ code: 'BUDGET_EXHAUSTED', clause: 'ten-per-minute', retryAtMs: clock.now() + MINUTE })
  })

  describe('throws, and never gives the old token', () => {
    it('during a pause, with the time', async () => {
      const { auth, sandbox, clock, now, refused, first } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', status: 429 })
      const throttled = { code: 'THROTTLED', clause: 'pause-after-429', retryAtMs: clock.now() + 10 * MINUTE }
      expect(await refused(auth.getAccessToken(force))).toMatchObject(throttled)
      await clock.advance(5 * MINUTE)
      expect(await refused(auth.getAccessToken(force))).toMatchObject(throttled)
      expect(await refused(auth.getAccessToken({ ...force, waitForPause: true, timeoutMs: HOUR }))).toMatchObject(
        throttled,
      )
      expect(await now(auth.getAccessToken())).toBe(first)
    })

    it('during a back-off, with the time', async () => {
      const { auth, sandbox, clock, now, refused, first } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', status: 502 })
      const backingOff = { code: 'UNAVAILABLE', retryAtMs: clock.now() + 30 * SECOND }
      expect(await refused(auth.getAccessToken(force))).toMatchObject(backingOff)
      await clock.advance(10 * SECOND)
      expect(await refused(auth.getAccessToken(force))).toMatchObject(backingOff)
      expect(await now(auth.getAccessToken())).toBe(first)
    })

    it('during the latch of a refused refresh', async () => {
      const { auth, sandbox, now, refused, first, tokenRequests } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', status: 401 })
      for (let i = 0; i < 3; i++) expect((await refused(auth.getAccessToken(force))).code).toBe('REFRESH_UNAUTHORIZED')
      expect(await now(auth.getAccessToken())).toBe(first)
      expect(tokenRequests()).toBe('create 200, refresh 401')
    })

    it('during the latch of refused credentials', async () => {
      const { auth, sandbox, refused, tokenRequests } = createWorld()
      sandbox.setPassword(USERNAME, 'changed')
      for (let i = 0; i < 3; i++) expect((await refused(auth.getAccessToken(force))).code).toBe('INVALID_CREDENTIALS')
      expect(tokenRequests()).toBe('create 401')
    })

    it('after a sign-in that failed while the old token lives; after its back-off it signs in', async () => {
      const { auth, sandbox, clock, now, refused } = createWorld({
        sandbox: { rotate: false },
        client: { random: () => 0 },
      })
      await now(auth.getAccessToken())
      await clock.advance(24 * HOUR - SECOND)
      sandbox.fail({ endpoint: 'create', status: 502 })
      await clock.advance(2 * SECOND)
      const old = await now(auth.getAccessToken())
      expect((await refused(auth.getAccessToken(force))).code).toBe('UNAVAILABLE')
      await clock.advance(30 * SECOND)
      expect(await now(auth.getAccessToken(force))).not.toBe(old)
    })

    it.each([{ drop: 'before' }, { garble: 'html' }, { status: 500 }] as const)(
      'when its refresh ends in %o',
      async (fault) => {
        const { auth, sandbox, refused } = await signedIn()
        sandbox.fail({ endpoint: 'refresh', ...fault })
        expect((await refused(auth.getAccessToken(force))).code).toBe('UNAVAILABLE')
      },
    )

    it('when its own time is up', async () => {
      const { auth, sandbox, refused } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', latencyMs: 10 * SECOND })
      expect((await refused(auth.getAccessToken({ ...force, timeoutMs: SECOND }), SECOND)).code).toBe('TIMEOUT')
    })
  })

  it('a refresh 4xx meanwhile: the sign-in that follows is newer', async () => {
    const { auth, sandbox, now, first, tokenRequests } = await signedIn()
    sandbox.fail({ endpoint: 'refresh', status: 400 })
    expect(await now(auth.getAccessToken(force))).not.toBe(first)
    expect(tokenRequests()).toBe('create 200, refresh 400, create 200')
  })

  it('nobody is refreshed for when another caller leaves while the forced one is served', async () => {
    const leaving = new AbortController()
    const { auth, clock, now, tokenRequests } = createWorld({
      client: { onEvent: (event) => event.type === 'transition' && event.to === 'valid' && leaving.abort() },
    })
    await clock.settle()
    const left = auth.getAccessToken({ signal: leaving.signal }).catch(({ code }) => code)
    const forced = auth.getAccessToken({ forceRefresh: true })
    await clock.settle()
    expect([await now(left), typeof (await now(forced))]).toEqual(['ABORTED', 'string'])
    expect(tokenRequests()).toBe('create 200')
  })
})
