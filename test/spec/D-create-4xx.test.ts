import { describe, expect, it } from 'vitest'
import type { Credentials } from '../../src/index.ts'
import { createWorld, HOUR, MINUTE, PASSWORD, SECOND, USERNAME } from '../support/world.ts'

const INVALID = { code: 'INVALID_CREDENTIALS', clause: 'no-retry-on-invalid-credentials' }
const NEW_PASSWORD = 'new-password'

describe('D-create-4xx', () => {
  const latchedWorld = async () => {
    const world = createWorld({ client: { random: () => 0 } })
    world.sandbox.setPassword(USERNAME, NEW_PASSWORD)
    expect(await world.refused(world.auth.getAccessToken())).toMatchObject(INVALID)
    return world
  }

  it.each([400, 403, 404, 405, 415, 422])('%i latches as rejected', async (status) => {
    const { auth, sandbox, clock, refused, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'create', status })
    const rejected = { code: 'SIGN_IN_REJECTED', clause: 'D-create-4xx' }
    expect(await refused(auth.getAccessToken())).toMatchObject(rejected)
    expect(auth.status()).toMatchObject({ state: 'failed.rejected', lastError: { code: 'SIGN_IN_REJECTED' } })
    await clock.advance(24 * HOUR)
    expect(await refused(auth.getAccessToken())).toMatchObject(rejected)
    expect(await refused(auth.signIn())).toMatchObject(rejected)
    expect(tokenRequests()).toBe(`create ${status}`)
  })

  it.each([
    [401, INVALID],
    [400, { code: 'SIGN_IN_REJECTED' }],
  ])('a latch after %i holds across restarts, for the account', async (status, expected) => {
    const { auth, client, sandbox, clock, now, refused, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'create', status })
    await refused(auth.getAccessToken())
    await now(auth.close())
    for (let restart = 0; restart < 5; restart++) {
      const restarted = client()
      expect(await refused(restarted.getAccessToken())).toMatchObject(expected)
      await clock.advance(HOUR)
      expect(await refused(restarted.getAccessToken())).toMatchObject(expected)
      await now(restarted.close())
    }
    expect(tokenRequests()).toBe(`create ${status}`)
  })

  it('another client of the store obeys it at once', async () => {
    const { auth, client, sandbox, clock, refused, tokenRequests } = createWorld()
    const other = client()
    await clock.settle()
    sandbox.fail({ endpoint: 'create', status: 401 })
    await refused(auth.getAccessToken())
    expect(await refused(other.getAccessToken())).toMatchObject(INVALID)
    expect(tokenRequests()).toBe('create 401')
  })

  it.each([
    [401, 'INVALID_CREDENTIALS'],
    [400, 'SIGN_IN_REJECTED'],
  ])('two clients that both wait, %i: one create, and both get the error', async (status, code) => {
    const { auth, client, sandbox, clock, peek, refused, tokenRequests } = createWorld()
    const other = client()
    sandbox.fail({ endpoint: 'create', status, latencyMs: 2 * SECOND })
    const waiting = [auth.getAccessToken(), other.getAccessToken()]
    for (const each of waiting) await peek(each)
    await clock.advance(3 * SECOND)
    for (const each of waiting) expect((await refused(each)).code).toBe(code)
    expect(tokenRequests()).toBe(`create ${status}`)
  })

  it('another account of the store is not touched', async () => {
    const { client, sandbox, now, refused } = createWorld({
      sandbox: { users: [{ username: 'other', password: 'other-password' }] },
    })
    await refused(client().getAccessToken())
    await now(client({ credentials: { username: 'other', password: 'other-password' } }).getAccessToken())
    expect(sandbox.log.map(({ status }) => status)).toEqual([401, 200])
  })

  it('a restart with new credentials signs in', async () => {
    const { auth, client, now, tokenRequests } = await latchedWorld()
    await now(auth.close())
    await now(client({ credentials: { username: USERNAME, password: NEW_PASSWORD } }).getAccessToken())
    expect(tokenRequests()).toBe('create 401, create 200')
  })

  it('signIn() with new credentials signs in', async () => {
    const { auth, now, tokenRequests } = await latchedWorld()
    await now(auth.signIn({ username: USERNAME, password: NEW_PASSWORD }))
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 401, create 200')
  })

  it('an operator resets: the next demand may try the same ones, once', async () => {
    const { auth, clock, now, refused, tokenRequests } = await latchedWorld()
    await now(auth.reset())
    expect(tokenRequests()).toBe('create 401')
    expect(await refused(auth.getAccessToken())).toMatchObject(INVALID)
    await clock.advance(HOUR)
    expect(await refused(auth.getAccessToken())).toMatchObject(INVALID)
    expect(tokenRequests()).toBe('create 401, create 401')
  })

  describe('a grant to other credentials', () => {
    const granted = async () => {
      const world = await latchedWorld()
      const other = world.client({ credentials: { username: USERNAME, password: NEW_PASSWORD } })
      const token = await world.now(other.getAccessToken())
      await world.clock.advance(SECOND)
      return { ...world, other, token }
    }

    it('is served to all, those with the latched ones too', async () => {
      const { auth, now, token, tokenRequests } = await granted()
      expect(await now(auth.getAccessToken())).toBe(token)
      expect(tokenRequests()).toBe('create 401, create 200')
    })

    it('does not clear the latch: the latched ones are not sent again', async () => {
      const { auth, other, clock, now, refused, tokenRequests } = await granted()
      await now(other.close())
      clock.suspend(25 * HOUR)
      expect(await refused(auth.getAccessToken())).toMatchObject(INVALID)
      await clock.advance(HOUR)
      expect(await refused(auth.getAccessToken())).toMatchObject(INVALID)
      expect(tokenRequests()).toBe('create 401, create 200')
    })

    it('nor after a restart', async () => {
      const { auth, other, client, clock, now, refused, tokenRequests } = await granted()
      await now(auth.close())
      await now(other.close())
      await clock.advance(25 * HOUR)
      const restarted = client()
      expect(await refused(restarted.getAccessToken())).toMatchObject(INVALID)
      expect(tokenRequests()).toBe('create 401, create 200')
    })

    it('blocks creates only: the latched ones may refresh the newer pair', async () => {
      const { auth, other, clock, now, tokenRequests } = await granted()
      await now(other.close())
      clock.suspend(2 * HOUR)
      await now(auth.getAccessToken())
      expect(tokenRequests()).toBe('create 401, create 200, refresh 200')
    })

    it('does not block those others', async () => {
      const { other, clock, now, tokenRequests } = await granted()
      clock.suspend(25 * HOUR)
      await now(other.getAccessToken())
      expect(tokenRequests()).toBe('create 401, create 200, create 200')
    })
  })

  it('two clients with two wrong passwords: each is refused once, whoever was refused since', async () => {
    const { client, clock, log, refused } = createWorld({ client: { random: () => 0 } })
    const wrong = ['wrong', 'wrong-too'].map((password) => client({ credentials: { username: USERNAME, password } }))
    for (let hour = 0; hour < 5; hour++) {
      for (const each of wrong) expect(await refused(each.getAccessToken())).toMatchObject(INVALID)
      await clock.advance(HOUR)
    }
    expect(log('create')).toHaveLength(2)
  })

  it('a sign-in with another password leaves the latch to those who still have the refused one', async () => {
    const { auth, client, clock, log, now, refused } = createWorld({ client: { random: () => 0 } })
    const stale = client({ credentials: { username: USERNAME, password: 'wrong' } })
    await refused(stale.getAccessToken())
    await now(auth.signIn({ username: USERNAME, password: 'wrong-too' }).catch(() => {}))
    await now(auth.signIn({ username: USERNAME, password: PASSWORD }))
    await now(auth.signOut())
    expect(await refused(stale.signIn())).toMatchObject(INVALID)
    await clock.advance(HOUR)
    expect(await refused(stale.getAccessToken())).toMatchObject(INVALID)
    expect(log('create').map(({ status }) => status)).toEqual([401, 401, 200])
  })

  it('no refresh follows invalid credentials before a newer grant', async () => {
    const { auth, sandbox, clock, now, refused, tokenRequests } = createWorld({ client: { random: () => 0 } })
    await now(auth.getAccessToken())
    sandbox.setPassword(USERNAME, NEW_PASSWORD)
    expect(await refused(auth.signIn({ username: USERNAME, password: 'wrong-too' }))).toMatchObject(INVALID)
    await clock.advance(3 * HOUR)
    expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject(INVALID)
    expect(tokenRequests()).toBe('create 200, create 401')
  })

  describe('a credentials callback', () => {
    const withCallback = () => {
      const world = createWorld({ client: { random: () => 0 } })
      const given: Credentials = { username: USERNAME, password: PASSWORD }
      const state = { asked: 0, given }
      const callback = async () => {
        state.asked++
        return state.given
      }
      const open = () => world.client({ credentials: callback, account: USERNAME })
      return { ...world, state, open }
    }

    it('while latched is asked at most once per back-off', async () => {
      const { open, state, sandbox, clock, refused, tokenRequests } = withCallback()
      const auth = open()
      sandbox.setPassword(USERNAME, NEW_PASSWORD)
      expect(await refused(auth.getAccessToken())).toMatchObject(INVALID)
      const askedBefore = state.asked
      for (let second = 0; second < 300; second++) {
        expect(await refused(auth.getAccessToken())).toMatchObject(INVALID)
        await clock.advance(SECOND)
      }
      expect(state.asked - askedBefore).toBeLessThanOrEqual(10)
      expect(state.asked - askedBefore).toBeGreaterThanOrEqual(2)
      expect(tokenRequests()).toBe('create 401')
    })

    it('that gives the same again: nothing is sent', async () => {
      const { open, sandbox, clock, refused, tokenRequests } = withCallback()
      const auth = open()
      sandbox.setPassword(USERNAME, NEW_PASSWORD)
      await refused(auth.getAccessToken())
      await clock.advance(HOUR)
      expect(await refused(auth.getAccessToken())).toMatchObject(INVALID)
      expect(tokenRequests()).toBe('create 401')
    })

    it('that gives others: signs in, without a restart', async () => {
      const { open, state, sandbox, clock, now, refused, tokenRequests } = withCallback()
      const auth = open()
      sandbox.setPassword(USERNAME, NEW_PASSWORD)
      await refused(auth.getAccessToken())
      state.given = { username: USERNAME, password: NEW_PASSWORD }
      await clock.advance(MINUTE)
      await now(auth.getAccessToken())
      expect(tokenRequests()).toBe('create 401, create 200')
    })

    it('that gives others at a restart: signs in', async () => {
      const { open, state, sandbox, now, refused, tokenRequests } = withCallback()
      const auth = open()
      sandbox.setPassword(USERNAME, NEW_PASSWORD)
      await refused(auth.getAccessToken())
      await now(auth.close())
      state.given = { username: USERNAME, password: NEW_PASSWORD }
      await now(open().getAccessToken())
      expect(tokenRequests()).toBe('create 401, create 200')
    })

    it('is not asked by anything but a demand', async () => {
      const { open, state, sandbox, clock, refused } = withCallback()
      const auth = open()
      sandbox.setPassword(USERNAME, NEW_PASSWORD)
      await refused(auth.getAccessToken())
      const { asked } = state
      await clock.advance(24 * HOUR)
      expect(state.asked).toBe(asked)
    })
  })
})
