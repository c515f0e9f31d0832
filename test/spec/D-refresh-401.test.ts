import { describe, expect, it } from 'vitest'
import type { AuthClientOptions } from '../../src/index.ts'
import { createWorld, HOUR, MINUTE, SECOND, type WorldOptions } from '../support/world.ts'

const REFUSED = { code: 'REFRESH_UNAUTHORIZED', clause: 'D-refresh-401' }

/** A pair is held, its timer refreshes at 45 minutes, and nothing else is drawn. */
const signedIn = async (options: WorldOptions = {}) => {
  const world = createWorld({ ...options, client: { random: () => 0 } })
  await world.now(world.auth.getAccessToken())
  return world
}

describe('D-refresh-401', () => {
  describe('a newer version is in the store', () => {
    it('is adopted: somebody else has rotated the token', async () => {
      const { auth, client, store, sandbox, clock, now, peek, within, tokenRequests } = await signedIn()
      // Does not wait for the lease, as a process that was stopped past its own.
      const rash: AuthClientOptions['store'] = { ...store, lease: async () => ({ granted: true }) }
      const other = client({ store: rash })
      await now(other.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', latencyMs: 5 * SECOND })
      const slow = auth.getAccessToken({ forceRefresh: true })
      await peek(slow)
      const token = await now(other.getAccessToken({ forceRefresh: true }))
      expect(await within(5 * SECOND, slow)).toBe(token)
      await clock.advance(MINUTE)
      expect(tokenRequests()).toBe('create 200, refresh 401, refresh 200')
      expect(auth.status().state).toBe('valid')
    })
  })

  describe('the refresh token is expired by our count', () => {
    it('is dropped: the usable access token stays, a sign-in follows', async () => {
      const { auth, sandbox, clock, now, peek, within, log } = await signedIn({ sandbox: { rotate: false } })
      await clock.advance(24 * HOUR - 31 * SECOND)
      const before = await now(auth.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', status: 401, latencyMs: 5 * SECOND })
      sandbox.fail({ endpoint: 'create', latencyMs: 5 * SECOND })
      const forced = auth.getAccessToken({ forceRefresh: true })
      await clock.advance(6 * SECOND)
      expect(await peek(forced)).toBeUndefined()
      expect(await now(auth.getAccessToken())).toBe(before)
      expect(await within(5 * SECOND, forced)).not.toBe(before)
      expect(
        log('create', 'refresh')
          .slice(-2)
          .map(({ endpoint, status }) => `${endpoint} ${status}`),
      ).toEqual(['refresh 401', 'create 200'])
    })
  })

  describe('the refresh is unfinished', () => {
    it.each([
      ['a lost reply', { drop: 'after' }, 'refresh dropped'],
      ['a time-out', { hang: 'after' }, 'refresh dropped'],
      ['a 5xx', { status: 502, acts: true }, 'refresh 502'],
      ['an unusable 200', { garble: 'truncated' }, 'refresh 200'],
      ['a 200 cut off', { garble: 'cut' }, 'refresh dropped'],
    ] as const)(
      'after %s: the 401 to the next attempt signs in, once; callers are served throughout',
      async (_how, fault, sent) => {
        const { sandbox, clock, now, call, tokenRequests } = await signedIn()
        sandbox.fail({ endpoint: 'refresh', ...fault })
        for (let minute = 0; minute < 59; minute++) {
          await clock.advance(MINUTE)
          expect(await now(call())).toBe(200)
        }
        expect(tokenRequests()).toBe(`create 200, ${sent}, refresh 401, create 200`)
      },
    )

    it('after a kill: recognised at the next start, one sign-in', async () => {
      const world = createWorld({ client: { random: () => 0 } })
      const { mortal, client, sandbox, clock, within, now, log } = world
      await now(world.auth.close())
      const { auth, kill } = mortal()
      await within(0, auth.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', hang: 'after' })
      await clock.advance(45 * MINUTE + SECOND)
      kill()
      const restarted = client()
      expect(await now(restarted.fetchLike('/api/v2/whoami/'))).toMatchObject({ status: 200 })
      await clock.advance(MINUTE)
      const sent = log('create', 'refresh').map(({ endpoint, status }) => `${endpoint} ${status}`)
      expect(sent).toEqual(['create 200', 'refresh dropped', 'refresh 401', 'create 200'])
      expect(restarted.status().state).toBe('valid')
    })

    it('after an abort by signOut() and close() the mark does not outlive the pair', async () => {
      const { auth, sandbox, clock, now, refused } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', hang: 'before' })
      await clock.advance(45 * MINUTE)
      await now(auth.signOut())
      await now(auth.signIn())
      sandbox.fail({ endpoint: 'refresh', status: 401 })
      expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject(REFUSED)
    })

    it('a definite answer restores the mark as it was: still unfinished after a 429', async () => {
      const { sandbox, clock, tokenRequests } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', drop: 'after' })
      sandbox.fail({ endpoint: 'refresh', status: 429 })
      await clock.advance(59 * MINUTE)
      expect(tokenRequests()).toBe('create 200, refresh dropped, refresh 429, refresh 401, create 200')
    })

    it('a definite answer restores the mark as it was: a lone 429 leaves none', async () => {
      const { auth, sandbox, clock, tokenRequests } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', status: 429 })
      sandbox.fail({ endpoint: 'refresh', status: 401 })
      await clock.advance(59 * MINUTE)
      expect(tokenRequests()).toBe('create 200, refresh 429, refresh 401')
      expect(auth.status().state).toBe('failed.refreshUnauthorized')
    })

    it('survives a restart before the next attempt', async () => {
      const { auth, client, sandbox, clock, now, tokenRequests } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', drop: 'after' })
      await clock.advance(45 * MINUTE)
      await now(auth.close())
      client()
      await clock.advance(MINUTE)
      expect(tokenRequests()).toBe('create 200, refresh dropped, refresh 401, create 200')
    })

    it('a restart after a lone 429 finds none', async () => {
      const { auth, client, sandbox, clock, now, tokenRequests } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', status: 429 })
      sandbox.fail({ endpoint: 'refresh', status: 401 })
      await clock.advance(45 * MINUTE)
      await now(auth.close())
      const restarted = client()
      await clock.advance(14 * MINUTE)
      expect(tokenRequests()).toBe('create 200, refresh 429, refresh 401')
      expect(restarted.status().state).toBe('failed.refreshUnauthorized')
    })

    it('a restart after a refused refresh does not find it unfinished', async () => {
      const { auth, client, sandbox, clock, now, refused, tokenRequests } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', status: 429 })
      sandbox.fail({ endpoint: 'refresh', status: 401 })
      await clock.advance(59 * MINUTE)
      await now(auth.close())
      await clock.advance(HOUR)
      expect(await refused(client().getAccessToken())).toMatchObject(REFUSED)
      expect(tokenRequests()).toBe('create 200, refresh 429, refresh 401')
    })

    it('a grant clears it', async () => {
      const { auth, sandbox, clock, refused, tokenRequests } = await signedIn()
      sandbox.fail({ endpoint: 'refresh', drop: 'before' })
      await clock.advance(46 * MINUTE)
      expect(tokenRequests()).toBe('create 200, refresh dropped, refresh 200')
      sandbox.fail({ endpoint: 'refresh', status: 401 })
      expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject(REFUSED)
    })

    it('while its access token is not usable: those who wait get the token of the sign-in', async () => {
      const { auth, sandbox, clock, now, refused, tokenRequests } = await signedIn({
        policy: { proactive: 'onDemand' },
      })
      await clock.advance(2 * HOUR)
      sandbox.fail({ endpoint: 'refresh', drop: 'after' })
      expect((await refused(auth.getAccessToken())).code).toBe('UNAVAILABLE')
      await clock.advance(30 * SECOND)
      await now(auth.getAccessToken())
      expect(tokenRequests()).toBe('create 200, refresh dropped, refresh 401, create 200')
    })
  })

  describe('nothing explains it', () => {
    const refusedWorld = async () => {
      const world = await signedIn()
      world.sandbox.fail({ endpoint: 'refresh', status: 401 })
      await world.clock.advance(45 * MINUTE)
      expect(world.tokenRequests()).toBe('create 200, refresh 401')
      return world
    }

    it('is surfaced and latched; the usable access token is served', async () => {
      const { auth, events, clock, now, call, refused, tokenRequests } = await refusedWorld()
      expect(auth.status()).toMatchObject({ state: 'failed.refreshUnauthorized', lastError: REFUSED })
      expect(events.filter(({ type }) => type === 'error')).toMatchObject([{ error: REFUSED }])
      expect(await now(call())).toBe(200)
      expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject(REFUSED)
      await clock.advance(30 * HOUR)
      expect(await refused(auth.getAccessToken())).toMatchObject(REFUSED)
      expect(tokenRequests()).toBe('create 200, refresh 401')
    })

    it('those who wait for that refresh get the error', async () => {
      const { auth, sandbox, clock, refused, tokenRequests } = await signedIn({ policy: { proactive: 'onDemand' } })
      await clock.advance(2 * HOUR)
      sandbox.fail({ endpoint: 'refresh', status: 401 })
      expect(await refused(auth.getAccessToken())).toMatchObject(REFUSED)
      expect(tokenRequests()).toBe('create 200, refresh 401')
    })

    it('an API 401 whose refresh is refused says so, with the status', async () => {
      const { sandbox, clock, call, refused } = await signedIn()
      await clock.advance(2 * MINUTE)
      sandbox.revokeAll()
      expect(await refused(call())).toMatchObject({ ...REFUSED, status: 401 })
    })

    it('holds across a restart, without asking the server again', async () => {
      const { auth, client, clock, now, refused, tokenRequests } = await refusedWorld()
      await now(auth.close())
      await clock.advance(HOUR)
      expect(await refused(client().getAccessToken())).toMatchObject(REFUSED)
      expect(tokenRequests()).toBe('create 200, refresh 401')
    })

    it('is left by signIn() with the same credentials, also while the access token is usable', async () => {
      const { auth, now, tokenRequests } = await refusedWorld()
      expect(auth.status().usable).toBe(true)
      const before = await now(auth.getAccessToken())
      await now(auth.signIn())
      expect(await now(auth.getAccessToken())).not.toBe(before)
      expect(auth.status().state).toBe('valid')
      expect(tokenRequests()).toBe('create 200, refresh 401, create 200')
    })

    it('a sign-in that fails then does not bring the refused refresh token back', async () => {
      const { auth, sandbox, clock, now, call, refused, tokenRequests } = await refusedWorld()
      sandbox.fail({ endpoint: 'create', status: 502 })
      expect((await refused(auth.signIn())).code).toBe('UNAVAILABLE')
      expect(await now(call())).toBe(200)
      await clock.advance(HOUR)
      await now(auth.getAccessToken())
      expect(tokenRequests()).toBe('create 200, refresh 401, create 502, create 200')
    })

    it('two clients that both wait: one refresh, and both get the error', async () => {
      const { auth, client, sandbox, clock, now, peek, refused, tokenRequests } = await signedIn()
      const other = client()
      await now(other.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', status: 401, latencyMs: 2 * SECOND })
      const waiting = [auth, other].map((each) => each.getAccessToken({ forceRefresh: true }))
      for (const each of waiting) await peek(each)
      await clock.advance(3 * SECOND)
      for (const each of waiting) expect(await refused(each)).toMatchObject(REFUSED)
      expect(tokenRequests()).toBe('create 200, refresh 401')
    })

    it('is left by adoption: another client signs in', async () => {
      const { auth, client, clock, now, within, tokenRequests } = await refusedWorld()
      const other = client()
      await within(SECOND, other.signIn())
      await clock.advance(SECOND)
      expect(auth.status().state).toBe('valid')
      expect(await now(auth.getAccessToken())).toBe(await now(other.getAccessToken()))
      expect(tokenRequests()).toBe('create 200, refresh 401, create 200')
    })

    it('is left by reset, which drops the pair: the next demand signs in', async () => {
      const { auth, now, tokenRequests } = await refusedWorld()
      await now(auth.reset())
      expect(auth.status()).toMatchObject({ usable: false, generation: 0 })
      expect(tokenRequests()).toBe('create 200, refresh 401')
      await now(auth.getAccessToken())
      expect(tokenRequests()).toBe('create 200, refresh 401, create 200')
    })

    it('latches the generation, not the account: the next one is refreshed as ever', async () => {
      const { auth, clock, now, tokenRequests } = await refusedWorld()
      await now(auth.signIn())
      await clock.advance(45 * MINUTE)
      expect(tokenRequests()).toBe('create 200, refresh 401, create 200, refresh 200')
    })
  })

  describe("with refreshUnauthorized: 'recreate'", () => {
    it('signs in again; the usable access token is served meanwhile', async () => {
      const { auth, sandbox, clock, now, call, tokenRequests } = await signedIn({
        policy: { refreshUnauthorized: 'recreate' },
      })
      const before = await now(auth.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', status: 401 })
      sandbox.fail({ endpoint: 'create', latencyMs: 5 * SECOND })
      await clock.advance(45 * MINUTE + SECOND)
      expect(await now(auth.getAccessToken())).toBe(before)
      expect(await now(call())).toBe(200)
      await clock.advance(5 * SECOND)
      expect(await now(auth.getAccessToken())).not.toBe(before)
      expect(tokenRequests()).toBe('create 200, refresh 401, create 200')
    })

    it('a sign-in that fails then stops', async () => {
      const { sandbox, clock, tokenRequests } = await signedIn({ policy: { refreshUnauthorized: 'recreate' } })
      sandbox.fail({ endpoint: 'refresh', status: 401 })
      sandbox.fail({ endpoint: 'create', status: 401 })
      await clock.advance(24 * HOUR)
      expect(tokenRequests()).toBe('create 200, refresh 401, create 401')
    })
  })
})
