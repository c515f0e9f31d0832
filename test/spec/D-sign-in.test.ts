import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, PASSWORD, SECOND, USERNAME, type World } from '../support/world.ts'

const SAME = { username: USERNAME, password: PASSWORD }
const OTHER = { username: USERNAME, password: 'another-password' }

const quiet = () => createWorld({ client: { random: () => 0 } })

describe('D-sign-in', () => {
  it('signs in where nothing is held', async () => {
    const { auth, now, tokenRequests } = quiet()
    await now(auth.signIn())
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200')
  })

  it('with a usable access token and the same credentials: sends nothing', async () => {
    const { auth, clock, now, tokenRequests } = quiet()
    const token = await now(auth.getAccessToken())
    await clock.advance(30 * MINUTE)
    await now(auth.signIn())
    await now(auth.signIn(SAME))
    expect(await now(auth.getAccessToken())).toBe(token)
    expect(tokenRequests()).toBe('create 200')
  })

  it('also at a restart, before the record is read', async () => {
    const { auth, client, now, tokenRequests } = quiet()
    await now(auth.getAccessToken())
    await now(auth.close())
    const restarted = client()
    await now(Promise.all([restarted.signIn(), restarted.signIn(SAME)]))
    expect(tokenRequests()).toBe('create 200')
  })

  it('also while paused or backing off', async () => {
    const { auth, sandbox, clock, now, refused, tokenRequests } = quiet()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    await refused(auth.getAccessToken({ forceRefresh: true }))
    await now(auth.signIn())
    await clock.advance(30 * SECOND)
    await refused(auth.getAccessToken({ forceRefresh: true }))
    await now(auth.signIn())
    expect(tokenRequests()).toBe('create 200, refresh 502, refresh 429')
  })

  it('with a pair whose access token has expired: refreshes, for a usable refresh token is held', async () => {
    const { auth, clock, now, tokenRequests } = quiet()
    await now(auth.getAccessToken())
    clock.suspend(2 * HOUR)
    await now(auth.signIn())
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('the same credentials do not leave a latch against them', async () => {
    const { auth, sandbox, refused, tokenRequests } = quiet()
    sandbox.setPassword(USERNAME, OTHER.password)
    await refused(auth.getAccessToken())
    expect((await refused(auth.signIn())).code).toBe('INVALID_CREDENTIALS')
    expect((await refused(auth.signIn(SAME))).code).toBe('INVALID_CREDENTIALS')
    expect(tokenRequests()).toBe('create 401')
  })

  describe('another password, in every state: discards the pair, its latch and back-off, and signs in', () => {
    const states: Record<string, (world: World) => Promise<unknown>> = {
      loading: async () => {},
      unauthenticated: ({ clock }) => clock.settle(),
      valid: ({ auth, now }) => now(auth.getAccessToken()),
      stale: async ({ auth, clock, now }) => {
        await now(auth.getAccessToken())
        clock.suspend(2 * HOUR)
        await clock.settle()
      },
      'valid, backing off': async ({ auth, sandbox, now, refused }) => {
        await now(auth.getAccessToken())
        sandbox.fail({ endpoint: 'refresh', status: 502 })
        await refused(auth.getAccessToken({ forceRefresh: true }))
      },
      'failed.unavailable': async ({ auth, sandbox, refused }) => {
        sandbox.fail({ endpoint: 'create', status: 502 })
        await refused(auth.getAccessToken())
      },
      'failed.invalidCredentials': async ({ auth, sandbox, refused }) => {
        sandbox.fail({ endpoint: 'create', status: 401 })
        await refused(auth.getAccessToken())
      },
      'failed.rejected': async ({ auth, sandbox, refused }) => {
        sandbox.fail({ endpoint: 'create', status: 400 })
        await refused(auth.getAccessToken())
      },
      'failed.refreshUnauthorized': async ({ auth, sandbox, now, refused }) => {
        await now(auth.getAccessToken())
        sandbox.fail({ endpoint: 'refresh', status: 401 })
        await refused(auth.getAccessToken({ forceRefresh: true }))
      },
      signedOut: async ({ auth, now }) => {
        await now(auth.getAccessToken())
        await now(auth.signOut())
      },
    }

    it.each(Object.keys(states))('%s', async (state) => {
      const world = quiet()
      const { auth, sandbox, now, call, log } = world
      await states[state]?.(world)
      expect(state).toContain(auth.status().state)
      sandbox.setPassword(USERNAME, OTHER.password)
      const sentBefore = log('create', 'refresh').length
      await now(auth.signIn(OTHER))
      const sent = log('create', 'refresh').slice(sentBefore)
      expect(sent).toMatchObject([{ endpoint: 'create', status: 200 }])
      expect(auth.status()).toMatchObject({ state: 'valid', gate: 'open' })
      await now(call())
      expect(log('api').at(-1)?.accessJti).toBe(sent[0]?.grantedAccessJti)
    })

    it('from then on those credentials are the ones that are used', async () => {
      const { auth, sandbox, clock, now, log } = quiet()
      await now(auth.getAccessToken())
      sandbox.setPassword(USERNAME, OTHER.password)
      await now(auth.signIn(OTHER))
      clock.suspend(25 * HOUR)
      await now(auth.getAccessToken())
      const [first, second, third] = log('create').map(({ credentialsFingerprint }) => credentialsFingerprint)
      expect(second).not.toBe(first)
      expect(third).toBe(second)
    })

    it('that is wrong: the old pair is gone all the same, and the new latch holds', async () => {
      const { auth, sandbox, clock, now, refused, tokenRequests } = quiet()
      await now(auth.getAccessToken())
      const error = await refused(auth.signIn({ username: USERNAME, password: 'wrong' }))
      expect(error.code).toBe('INVALID_CREDENTIALS')
      expect(auth.status()).toMatchObject({ usable: false, generation: 0 })
      await clock.advance(HOUR)
      expect((await refused(auth.getAccessToken())).code).toBe('INVALID_CREDENTIALS')
      expect(tokenRequests()).toBe('create 200, create 401')
      expect(sandbox.pending()).toBe(0)
    })
  })

  describe('another password with a request in flight: when that has ended, whatever its outcome', () => {
    it.each([
      ['create', 200],
      ['create', 400],
      ['create', 401],
      ['create', 502],
      ['refresh', 200],
      ['refresh', 401],
      ['refresh', 502],
    ] as const)('%s %i', async (endpoint, status) => {
      const { auth, sandbox, clock, now, peek, within, call, log } = quiet()
      if (endpoint === 'refresh') await now(auth.getAccessToken())
      sandbox.fail({ endpoint, latencyMs: 10 * SECOND, ...(status === 200 ? {} : { status }) })
      auth.getAccessToken({ forceRefresh: true }).catch(() => {})
      await clock.advance(SECOND)
      const sentBefore = log('create', 'refresh').length
      const signedIn = auth.signIn(OTHER)
      expect(await peek(signedIn)).toBeUndefined()
      expect(log('create', 'refresh')).toHaveLength(sentBefore)
      await clock.advance(8 * SECOND)
      sandbox.fail({ endpoint: 'create', latencyMs: 0 })
      expect(await peek(signedIn)).toBeUndefined()
      await clock.advance(SECOND)
      sandbox.setPassword(USERNAME, OTHER.password)
      await peek(signedIn)
      await within(SECOND, signedIn).catch(() => {})
      const sent = log('create', 'refresh').slice(sentBefore)
      expect(sent.map((entry) => entry.endpoint)).toEqual([endpoint, 'create'])
      expect(sent[1]?.atMs).toBeGreaterThanOrEqual(sent[0]?.answeredAtMs ?? 0)
      expect(sent[1]?.credentialsFingerprint).not.toBe(log('create')[0]?.credentialsFingerprint)
      expect(auth.status().state).not.toMatch(/^sending/)
      expect(await peek(call())).toBeDefined()
    })

    it('a 429 to it pauses the sign-in too', async () => {
      const { auth, sandbox, clock, now, refused, peek, tokenRequests } = quiet()
      await now(auth.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', status: 429, latencyMs: 10 * SECOND })
      sandbox.setPassword(USERNAME, OTHER.password)
      auth.getAccessToken({ forceRefresh: true }).catch(() => {})
      await clock.advance(SECOND)
      const signedIn = auth.signIn(OTHER)
      await peek(signedIn)
      expect((await refused(signedIn, 10 * SECOND)).code).toBe('THROTTLED')
      expect(tokenRequests()).toBe('create 200, refresh 429')
      await clock.advance(10 * MINUTE)
      await now(auth.getAccessToken())
      expect(tokenRequests()).toBe('create 200, refresh 429, create 200')
    })
  })

  it('another user name: CONFIG_INVALID, and nothing changes', async () => {
    const { auth, now, refused, tokenRequests } = quiet()
    const token = await now(auth.getAccessToken())
    const error = await refused(auth.signIn({ username: 'somebody', password: PASSWORD }))
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', clause: 'D-sign-in' })
    expect(await now(auth.getAccessToken())).toBe(token)
    expect(tokenRequests()).toBe('create 200')
  })

  describe.each([
    ['the same credentials', SAME],
    ['other credentials', OTHER],
  ])('%s', (_which, credentials) => {
    it('obey the pause', async () => {
      const { auth, sandbox, clock, now, refused, tokenRequests } = quiet()
      sandbox.fail({ endpoint: 'create', status: 429 })
      const retryAtMs = clock.now() + 10 * MINUTE
      await refused(auth.getAccessToken())
      sandbox.setPassword(USERNAME, credentials.password)
      expect(await refused(auth.signIn(credentials))).toMatchObject({ code: 'THROTTLED', retryAtMs })
      await clock.advance(10 * MINUTE)
      await now(auth.signIn(credentials))
      expect(tokenRequests()).toBe('create 429, create 200')
    })

    it('obey the budget: they wait for the slot', async () => {
      const { auth, sandbox, clock, now, peek, within, times } = quiet()
      await now(auth.getAccessToken())
      for (let i = 0; i < 9; i++) await now(auth.getAccessToken({ forceRefresh: true }))
      await now(auth.signOut())
      sandbox.setPassword(USERNAME, credentials.password)
      const signedIn = auth.signIn(credentials)
      await clock.advance(MINUTE - 1)
      expect(await peek(signedIn)).toBeUndefined()
      await within(1, signedIn)
      expect(times('create')).toEqual([0, MINUTE])
    })

    it('obey the lease: one request at a time', async () => {
      const { auth, client, sandbox, clock, peek, within, log } = quiet()
      const other = client()
      await clock.settle()
      sandbox.fail({ endpoint: 'create', latencyMs: 5 * SECOND })
      const first = other.getAccessToken()
      await peek(first)
      const signedIn = auth.signIn(credentials)
      await peek(signedIn)
      expect(sandbox.pending()).toBe(1)
      await within(5 * SECOND, first)
      sandbox.setPassword(USERNAME, credentials.password)
      await within(10 * SECOND, signedIn).catch(() => {})
      const creates = log('create')
      for (const [i, entry] of creates.entries())
        expect(entry.atMs).toBeGreaterThanOrEqual(creates[i - 1]?.answeredAtMs ?? 0)
    })
  })

  it('the same credentials obey the back-off, others do not', async () => {
    const { auth, sandbox, refused, now, tokenRequests } = quiet()
    sandbox.fail({ endpoint: 'create', status: 502 })
    const { retryAtMs } = await refused(auth.getAccessToken())
    expect(await refused(auth.signIn(SAME))).toMatchObject({ code: 'UNAVAILABLE', retryAtMs })
    sandbox.setPassword(USERNAME, OTHER.password)
    await now(auth.signIn(OTHER))
    expect(tokenRequests()).toBe('create 502, create 200')
  })

  it('the fleet adopts what it brought', async () => {
    const { auth, client, sandbox, clock, now, tokenRequests } = quiet()
    const other = client()
    await now(other.getAccessToken())
    sandbox.setPassword(USERNAME, OTHER.password)
    await now(auth.signIn(OTHER))
    await clock.advance(SECOND)
    expect(await now(other.getAccessToken())).toBe(await now(auth.getAccessToken()))
    expect(tokenRequests()).toBe('create 200, create 200')
  })

  it('settles within the time-out of a caller also while the store does not answer', async () => {
    const { client, refused, log } = quiet()
    const silent = client({
      store: {
        read: () => Promise.reject(new Error('down')),
        compareAndSet: () => Promise.reject(new Error('down')),
        lease: () => Promise.reject(new Error('down')),
        release: () => Promise.reject(new Error('down')),
      },
    })
    expect((await refused(silent.signIn(), 90 * SECOND)).code).toBe('STORE_UNAVAILABLE')
    expect(log()).toEqual([])
  })

  it('two at once with another password send one create', async () => {
    const { auth, sandbox, now, tokenRequests } = quiet()
    const old = await now(auth.getAccessToken())
    sandbox.setPassword(USERNAME, OTHER.password)
    await now(Promise.all([auth.signIn(OTHER), auth.signIn(OTHER)]))
    expect(await now(auth.getAccessToken())).not.toBe(old)
    expect(tokenRequests()).toBe('create 200, create 200')
  })

  it('a password that was refused too early is tried when it is given again, after another one', async () => {
    const { auth, sandbox, clock, now, refused, tokenRequests } = quiet()
    await now(auth.getAccessToken())
    expect((await refused(auth.signIn(OTHER))).code).toBe('INVALID_CREDENTIALS')
    await now(auth.signIn({ username: USERNAME, password: PASSWORD }))
    sandbox.setPassword(USERNAME, OTHER.password)
    await clock.advance(MINUTE)
    await now(auth.signIn(OTHER))
    expect(tokenRequests()).toBe('create 200, create 401, create 200, create 200')
  })
})
