import { describe, expect, it } from 'vitest'
import { type CredentialsOption, createAuthClient } from '../../src/index.ts'
import { faultyStore } from '../support/doubles.ts'
import { createWorld, MINUTE, PASSWORD, SECOND, USERNAME } from '../support/world.ts'

const GOOD = { username: USERNAME, password: PASSWORD }
const UNAVAILABLE = { code: 'CREDENTIALS_UNAVAILABLE', clause: 'D-credentials' }

const withCallback = (credentials: CredentialsOption) => ({ client: { account: USERNAME, credentials } })

describe('D-credentials', () => {
  it('asks a callback, and only when a sign-in is due', async () => {
    let asked = 0
    const { auth, clock, now, tokenRequests } = createWorld(
      withCallback(async () => {
        asked++
        return GOOD
      }),
    )
    await clock.advance(MINUTE)
    expect(asked).toBe(0)
    await now(auth.getAccessToken())
    await now(auth.getAccessToken({ forceRefresh: true }))
    expect(asked).toBe(1)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('asks before it takes the lease', async () => {
    const { around, calls } = faultyStore()
    const credentials = () => {
      calls.push('credentials')
      return GOOD
    }
    const { auth, now } = createWorld({ store: around, ...withCallback(credentials) })
    await now(auth.getAccessToken())
    expect(calls).toContain('lease')
    expect(calls.indexOf('credentials')).toBeLessThan(calls.indexOf('lease'))
  })

  it.each<[string, () => unknown]>([
    ['rejects', () => Promise.reject(new Error('the vault is sealed'))],
    [
      'throws',
      () => {
        throw new Error('the vault is sealed')
      },
    ],
    ['gives nothing', () => undefined],
    ['gives no password', () => ({ username: USERNAME })],
    ['gives an empty password', () => ({ username: USERNAME, password: '' })],
    ['gives a number', () => ({ username: USERNAME, password: 12_345 })],
    ['gives a string', () => `${USERNAME}:${PASSWORD}`],
  ])('sends nothing when the callback %s', async (_, callback) => {
    const { auth, log, refused } = createWorld(withCallback(callback as () => typeof GOOD))
    const error = await refused(auth.getAccessToken())
    expect(error).toMatchObject(UNAVAILABLE)
    expect(`${error.message} ${error.cause}`).not.toMatch(/sealed|12345|demo-password/)
    expect(log()).toEqual([])
  })

  it('gives a callback that hangs the token time-out of 30 s', async () => {
    const { auth, clock, log, peek, refused } = createWorld(withCallback(() => new Promise(() => {})))
    const token = auth.getAccessToken()
    token.catch(() => {})
    await clock.advance(30 * SECOND - 1)
    expect(await peek(token)).toBeUndefined()
    expect(await refused(token, 1)).toMatchObject(UNAVAILABLE)
    expect(log()).toEqual([])
  })

  it('signs in once the callback answers again', async () => {
    let sealed = true
    const credentials = async () => {
      if (sealed) throw new Error('sealed')
      return GOOD
    }
    const { auth, clock, now, refused, tokenRequests } = createWorld(withCallback(credentials))
    const { retryAtMs = 0 } = await refused(auth.getAccessToken())
    sealed = false
    expect(retryAtMs).toBeGreaterThan(clock.now())
    await clock.advanceTo(retryAtMs)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200')
  })

  it('serves a usable token while the callback fails', async () => {
    let asked = 0
    const credentials = () => (++asked > 1 ? Promise.reject(new Error('sealed')) : GOOD)
    const { auth, clock, now, sandbox, log } = createWorld({
      sandbox: { refreshLifetimeS: 30 * 60 },
      ...withCallback(credentials),
    })
    const token = await now(auth.getAccessToken())
    // No refresh succeeds until the refresh token is dead; then a sign-in is due while the access token lives.
    sandbox.fail({ endpoint: 'refresh', status: 502, times: Number.POSITIVE_INFINITY })
    await clock.advance(40 * MINUTE)
    expect(asked).toBeGreaterThan(1)
    expect(await now(auth.getAccessToken())).toBe(token)
    expect(log('create')).toHaveLength(1)
  })

  it('requires an account with a callback', () => {
    expect(() => createAuthClient({ credentials: () => GOOD })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('account') }),
    )
  })

  it('keys the record by the account, which is the static user name by default', async () => {
    const { auth, client, now, tokenRequests } = createWorld()
    const token = await now(auth.getAccessToken())
    const named = client({ account: USERNAME, credentials: () => GOOD })
    expect(await now(named.getAccessToken())).toBe(token)
    const another = client({ account: 'another', credentials: () => GOOD })
    expect(await now(another.getAccessToken())).not.toBe(token)
    expect(tokenRequests()).toBe('create 200, create 200')
  })
})
