import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { StoreError, type TokenStore } from '../../src/index.ts'
import { faultyStore, rewindableStore } from '../support/doubles.ts'
import { BASE_URL, createWorld, HOUR, MINUTE, SECOND, USERNAME, WHO_AM_I } from '../support/world.ts'

const DOWN = { code: 'STORE_UNAVAILABLE', clause: 'D-store-down' }
const force = { forceRefresh: true } as const

/** A world whose store fails on command, and can be made to fail from the next answer of the server on. */
function faultyWorld(options: Parameters<typeof createWorld>[0] = {}) {
  const { around, calls, down, faults } = faultyStore()
  const world = createWorld({ store: around, ...options })
  const loseWhat = (endpoint: string) => {
    const stop = world.sandbox.onRequest((entry) => {
      if (entry.endpoint !== endpoint) return
      down()
      stop()
    })
  }
  return { ...world, calls, down, faults, loseWhat }
}

describe('D-store-down', () => {
  it('serves the usable token in memory', async () => {
    const { auth, clock, down, now } = faultyWorld()
    const token = await now(auth.getAccessToken())
    down()
    await clock.advance(30 * MINUTE)
    expect(await now(auth.getAccessToken())).toBe(token)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
  })

  it('sends no sign-in when the record cannot be read, and says so', async () => {
    const { auth, clock, down, log, refused } = faultyWorld()
    down()
    await clock.settle()
    const error = await refused(auth.getAccessToken(), MINUTE)
    expect(error).toMatchObject({ ...DOWN, retryAtMs: expect.any(Number) })
    expect(log()).toEqual([])
  })

  it.each(['reads', 'writes', 'leases'] as const)('sends no refresh when its %s fail, and says so', async (part) => {
    const { auth, clock, faults, log, now, refused } = faultyWorld()
    await now(auth.getAccessToken())
    faults[part] = true
    const error = await refused(auth.getAccessToken(force))
    expect(error).toMatchObject(DOWN)
    expect(error.retryAtMs).toBeGreaterThan(clock.now())
    expect(log()).toHaveLength(1)
  })

  it('sends no validate either', async () => {
    const { auth, down, log, now, refused } = faultyWorld()
    await now(auth.getAccessToken())
    down()
    expect(await refused(auth.validate())).toMatchObject(DOWN)
    expect(log('validate')).toEqual([])
  })

  it('tries the store again with back-off, at the start too', async () => {
    const { auth, calls, clock, down, now, refused, tokenRequests } = faultyWorld({ draws: Array(99).fill(0) })
    down()
    auth.getAccessToken().catch(() => {})
    await clock.advance(HOUR)
    expect(calls.length).toBeLessThan(20)
    expect(tokenRequests()).toBe('')
    down(false)
    await refused(auth.getAccessToken())
    await clock.advance(10 * MINUTE)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200')
  })

  it('refreshes once the store is back', async () => {
    const { auth, clock, down, now, refused, tokenRequests } = faultyWorld()
    await now(auth.getAccessToken())
    down()
    const { retryAtMs = 0 } = await refused(auth.getAccessToken(force))
    down(false)
    await clock.advanceTo(retryAtMs)
    await now(auth.getAccessToken(force))
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('serves a granted pair that could not be written, and sends no token request until it is', async () => {
    const { auth, client, clock, down, loseWhat, now, refused, tokenRequests } = faultyWorld()
    loseWhat('create')
    const token = await now(auth.getAccessToken())
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    expect(await refused(auth.getAccessToken(force))).toMatchObject(DOWN)
    await clock.advance(5 * MINUTE)
    expect(await now(auth.getAccessToken())).toBe(token)
    expect(tokenRequests()).toBe('create 200')
    down(false)
    await clock.advance(10 * MINUTE)
    // Now it is there for the others.
    expect(await now(client().getAccessToken())).toBe(token)
    await now(auth.getAccessToken(force))
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('writes it with back-off', async () => {
    const { auth, calls, clock, loseWhat, now } = faultyWorld()
    loseWhat('create')
    await now(auth.getAccessToken())
    const before = calls.length
    await clock.advance(45 * MINUTE)
    expect(calls.length - before).toBeGreaterThan(3)
    expect(calls.length - before).toBeLessThan(20)
  })

  it('sends none either in the time from when the store is back until it is written', async () => {
    const { auth, clock, down, loseWhat, now, refused, tokenRequests } = faultyWorld()
    loseWhat('create')
    await now(auth.getAccessToken())
    down(false)
    const refresh = await refused(auth.getAccessToken(force))
    const validate = await refused(auth.validate())
    expect([refresh, validate]).toMatchObject([DOWN, DOWN])
    expect(tokenRequests()).toBe('create 200')
    await clock.advanceTo(refresh.retryAtMs ?? 0)
    await now(auth.validate())
    await now(auth.getAccessToken(force))
    expect(tokenRequests()).toBe('create 200, validate 200, refresh 200')
  })

  it('is not asked for a token request each millisecond while it stands still', async () => {
    let standsStill = false
    const still = <A extends unknown[], R>(act: (...args: A) => Promise<R>) => {
      return (...args: A): Promise<R> => (standsStill ? new Promise(() => {}) : act(...args))
    }
    const { auth, clock, events, now, sandbox } = createWorld({
      store: (memory) => ({ ...memory, read: still(memory.read), compareAndSet: still(memory.compareAndSet) }),
      client: { random: () => 0 },
    })
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    sandbox.onRequest(() => {
      standsStill = true
    })
    // The refresh is due at 45 minutes; 5 s later its outcome is kept, and 30 s after that the store is tried again.
    await clock.advance(45 * MINUTE + 45 * SECOND)
    expect(events.filter(({ type }) => type === 'transition').length).toBeLessThan(200)
  })

  it('writes it on close', async () => {
    const { auth, client, down, loseWhat, now, tokenRequests } = faultyWorld()
    loseWhat('create')
    const token = await now(auth.getAccessToken())
    down(false)
    await now(auth.close())
    expect(await now(client().getAccessToken())).toBe(token)
    expect(tokenRequests()).toBe('create 200')
  })

  it('keeps a rotated pair: the next refresh uses the new refresh token', async () => {
    const { auth, clock, down, log, loseWhat, now } = faultyWorld()
    await now(auth.getAccessToken())
    loseWhat('refresh')
    await now(auth.getAccessToken(force))
    down(false)
    await clock.advance(2 * MINUTE)
    await now(auth.getAccessToken(force))
    const [first, second] = log('refresh')
    expect(second?.refreshJti).toBe(first?.grantedRefreshJti)
  })

  it('keeps a pause: it is obeyed, and written when the store is back', async () => {
    const { auth, client, clock, down, log, loseWhat, refused, sandbox } = faultyWorld()
    sandbox.fail({ endpoint: 'create', status: 429 })
    loseWhat('create')
    const retryAtMs = clock.now() + 10 * MINUTE
    expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'THROTTLED', retryAtMs })
    await clock.advance(2 * MINUTE)
    await refused(auth.getAccessToken())
    down(false)
    await clock.advance(5 * MINUTE)
    expect(await refused(client().getAccessToken())).toMatchObject({ code: 'THROTTLED', retryAtMs })
    expect(log()).toHaveLength(1)
  })

  it('keeps a latch: it is obeyed, and written when the store is back', async () => {
    const { auth, client, clock, down, log, loseWhat, refused, sandbox } = faultyWorld()
    sandbox.setPassword('demo', 'another')
    loseWhat('create')
    expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    await clock.advance(2 * MINUTE)
    expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    down(false)
    await clock.advance(5 * MINUTE)
    expect(await refused(client().getAccessToken())).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect(log()).toHaveLength(1)
  })

  it('keeps a discard: nothing is sent until it is written, then one sign-in', async () => {
    const { auth, clock, down, loseWhat, now, refused, sandbox, tokenRequests } = faultyWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 400 })
    loseWhat('refresh')
    expect(await refused(auth.getAccessToken(force))).toMatchObject(DOWN)
    expect(auth.status()).toMatchObject({ usable: false })
    await clock.advance(2 * MINUTE)
    expect(await refused(auth.getAccessToken())).toMatchObject(DOWN)
    expect(tokenRequests()).toBe('create 200, refresh 400')
    down(false)
    await clock.advance(10 * MINUTE)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200, refresh 400, create 200')
  })

  it('keeps a back-off, from the failure on: another process obeys it too', async () => {
    const { auth, client, clock, down, log, loseWhat, now, refused, sandbox } = faultyWorld()
    sandbox.fail({ endpoint: 'create', status: 502, times: 9 })
    loseWhat('create')
    expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'UNAVAILABLE' })
    const { retryAtMs } = await refused(auth.getAccessToken())
    await clock.advance(20 * SECOND)
    down(false)
    await now(auth.close())
    expect(await refused(client().getAccessToken())).toMatchObject({ code: 'UNAVAILABLE', retryAtMs })
    expect(log()).toHaveLength(1)
  })

  it('gives up its own outcome when a newer version is read', async () => {
    const { auth, client, clock, down, loseWhat, now, log, store } = faultyWorld()
    const stopped = client({ store: { ...store, lease: async () => ({ granted: true }) } })
    await now(stopped.getAccessToken())
    loseWhat('refresh')
    await now(stopped.getAccessToken(force))
    down(false)
    // Another process knows nothing of that refresh, and signs in.
    await now(auth.reset())
    const token = await now(auth.getAccessToken())
    await clock.advance(5 * MINUTE)
    expect(await now(stopped.getAccessToken())).toBe(token)
    expect(log('create')).toHaveLength(2)
  })

  it('causes no unhandled rejection when it fails for good', async () => {
    const { auth, clock, down, loseWhat, now } = faultyWorld()
    loseWhat('create')
    await now(auth.getAccessToken())
    down()
    await clock.advance(2 * HOUR)
    await now(auth.close())
  })

  describe('a write that lands, though its answer is lost, is not repeated', () => {
    /** A world whose store loses the answer of the next writes. */
    const losing = () => {
      let lost = 0
      const store = (memory: TokenStore): TokenStore => ({
        ...memory,
        async compareAndSet(account, version, record) {
          const stored = await memory.compareAndSet(account, version, record)
          if (lost === 0) return stored
          lost--
          throw new Error('the line went dead')
        },
      })
      const world = createWorld({ store, client: { random: () => 0 } })
      const loseNext = (writes: number) => {
        lost = writes
      }
      return { ...world, loseNext, patient: world.client({ store: world.store }) }
    }

    it('a sign-out does not undo the sign-in that followed', async () => {
      const { auth, patient, clock, now, loseNext, tokenRequests } = losing()
      await now(auth.getAccessToken())
      loseNext(1)
      await now(auth.signOut())
      await now(patient.signIn())
      const token = await now(patient.getAccessToken())
      await clock.advance(2 * MINUTE)
      expect(await now(patient.getAccessToken())).toBe(token)
      expect(await now(auth.getAccessToken())).toBe(token)
      expect(tokenRequests()).toBe('create 200, create 200')
    })

    it('a back-off grows by one step for one failure', async () => {
      const { auth, clock, loseNext, refused, sandbox, store } = losing()
      sandbox.fail({ endpoint: 'create', status: 502 })
      // The slot of the budget, then the outcome.
      sandbox.onRequest(() => loseNext(2))
      await refused(auth.getAccessToken())
      await clock.advance(3 * MINUTE)
      const { record } = await store.read(`${BASE_URL} ${USERNAME}`)
      expect(record?.backOff?.step).toBe(1)
    })
  })

  describe('a store that went back to an older copy', () => {
    const rewindable = (options: Parameters<typeof createWorld>[0] = {}) => {
      const { around, ...rewind } = rewindableStore()
      return { ...createWorld({ store: around, ...options }), ...rewind }
    }
    const NOTHING = new Map()

    it.each(['the pair before', 'nothing'])('the newer pair wins, for all: over %s', async (what) => {
      const { auth, client, clock, copy, log, now, replaceBy } = rewindable()
      await now(auth.getAccessToken())
      const older = what === 'nothing' ? NOTHING : copy()
      await now(auth.getAccessToken(force))
      const token = await now(auth.getAccessToken(force))
      replaceBy(older)
      await clock.advance(20 * MINUTE)
      await now(auth.validate())
      expect(await now(client().getAccessToken())).toBe(token)
      await now(auth.getAccessToken(force))
      const [, second, third] = log('refresh')
      expect(third?.refreshJti).toBe(second?.grantedRefreshJti)
      expect(log('create')).toHaveLength(1)
    })

    it('the pause wins', async () => {
      const { auth, client, clock, copy, log, now, refused, replaceBy, sandbox } = rewindable()
      await now(auth.getAccessToken())
      const older = copy()
      sandbox.fail({ endpoint: 'validate', status: 429 })
      const { retryAtMs } = await refused(auth.validate())
      replaceBy(older)
      await clock.advance(MINUTE)
      await refused(auth.validate())
      expect(await refused(client().getAccessToken(force))).toMatchObject({ code: 'THROTTLED', retryAtMs })
      expect(log('validate', 'refresh')).toHaveLength(1)
    })

    it('the latch wins', async () => {
      const { auth, client, clock, copy, log, refused, replaceBy, sandbox } = rewindable()
      const older = copy()
      sandbox.setPassword('demo', 'another')
      expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'INVALID_CREDENTIALS' })
      replaceBy(older)
      await clock.advance(MINUTE)
      // Whoever looks puts it right.
      await auth.signIn({ username: USERNAME, password: 'a third' }).catch(() => {})
      await clock.advance(MINUTE)
      expect(await refused(client().getAccessToken())).toMatchObject({ code: 'INVALID_CREDENTIALS' })
      expect(log('create')).toHaveLength(2)
    })

    it('a pair that another process was granted since wins over both', async () => {
      const { auth, client, clock, log, now, replaceBy } = rewindable({ policy: { proactive: 'onDemand' } })
      await now(auth.getAccessToken())
      await now(auth.getAccessToken(force))
      replaceBy(NOTHING)
      await clock.advance(10 * MINUTE)
      const token = await now(client().getAccessToken())
      await now(auth.validate())
      // A pair that is newer than the one it had is what a forced caller asked for.
      expect(await now(auth.getAccessToken(force))).toBe(token)
      await now(auth.getAccessToken(force))
      expect(log('refresh').at(-1)?.refreshJti).toBe(log('create').at(-1)?.grantedRefreshJti)
      expect(log('create').length + log('refresh').length).toBe(4)
    })

    it('what another process was refused there is forgotten where a newer pair is known', async () => {
      const { auth, client, copy, clock, log, now, refused, replaceBy } = rewindable()
      await now(auth.getAccessToken())
      const older = copy()
      const token = await now(auth.getAccessToken(force))
      replaceBy(older)
      await clock.advance(MINUTE)
      const other = client()
      expect(await refused(other.getAccessToken(force))).toMatchObject({ code: 'REFRESH_UNAUTHORIZED' })
      await now(auth.validate())
      await clock.advance(SECOND)
      expect(await now(client().getAccessToken())).toBe(token)
      expect(log('create')).toHaveLength(1)
    })
  })

  describe('what the store says of itself', () => {
    const failing = (error: Error) =>
      createWorld({ store: (memory) => ({ ...memory, read: () => Promise.reject(error) }) })

    it('reaches those who wait: what is wrong, and what to do', async () => {
      const { auth, refused } = failing(new StoreError('READ_ONLY', '/var/tokens.db cannot be written: run chmod'))
      const error = await refused(auth.getAccessToken(), MINUTE)
      expect(error).toMatchObject({ ...DOWN, cause: { code: 'READ_ONLY' } })
      expect(error.message).toMatch(/without it: \/var\/tokens\.db cannot be written: run chmod \(D-store-down\)/)
    })

    it('is an error event and the last error of the status, once for each try', async () => {
      const { auth, clock, events } = failing(new StoreError('READ_ONLY', '/var/tokens.db cannot be written'))
      await clock.settle()
      expect(events.filter(({ type }) => type === 'error')).toMatchObject([
        { error: { ...DOWN, cause: { code: 'READ_ONLY' } } },
      ])
      expect(auth.status().lastError).toMatchObject(DOWN)
      await clock.advance(HOUR)
      expect(events.filter(({ type }) => type === 'error').length).toBeLessThan(20)
    })

    it('reaches nobody where it may hold a secret', async () => {
      const { auth, refused } = failing(new Error('redis://:CANARY@host'))
      const error = await refused(auth.getAccessToken(), MINUTE)
      expect(error).toMatchObject(DOWN)
      expect(error.cause).toBeUndefined()
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('CANARY')
    })

    it('tells how long it was waited for', async () => {
      const { auth, refused } = createWorld({ store: (memory) => ({ ...memory, read: () => new Promise(() => {}) }) })
      const error = await refused(auth.getAccessToken(), MINUTE)
      expect(error).toMatchObject({ ...DOWN, cause: { code: 'UNREACHABLE' } })
      expect(error.message).toContain('it did not answer within 5 s')
    })
  })
})
