import { describe, expect, it } from 'vitest'
import { sleep } from '../../src/clock.ts'
import type { AccountRecord, TokenStore } from '../../src/index.ts'
import { rewindableStore } from '../support/doubles.ts'
import { BASE_URL, createWorld, HOUR, MINUTE, SECOND, USERNAME, type World } from '../support/world.ts'

/** What goes wrong only when two things happen at once: in a fleet, between two steps, or in the middle of a store call. */

const KEY = `${BASE_URL} ${USERNAME}`
const quiet = { client: { random: () => 0 } }
const ignored = (promise: Promise<unknown>) => void promise.catch(() => {})

/** The world's store as seen over a slow line. */
function slow({ clock, store }: World, ms: { read?: number; compareAndSet?: number; release?: number }): TokenStore {
  return {
    ...store,
    async read(account) {
      const answer = await store.read(account)
      if (ms.read) await sleep(clock, ms.read)
      return answer
    },
    async compareAndSet(account, expectedVersion, next) {
      if (ms.compareAndSet) await sleep(clock, ms.compareAndSet)
      return store.compareAndSet(account, expectedVersion, next)
    },
    async release(account, holder) {
      if (ms.release) await sleep(clock, ms.release)
      return store.release(account, holder)
    },
  }
}

describe('an answer that arrives after another client signed out', () => {
  /** A request of `auth` is in flight for 5 s when `other` signs out. */
  async function signedOutMeanwhile(world: World, fail: () => void) {
    const { auth, client, clock, now } = world
    const other = client()
    await clock.settle()
    fail()
    ignored(auth.getAccessToken({ forceRefresh: true }))
    await clock.advance(SECOND)
    await now(other.signOut())
    await clock.advance(10 * SECOND)
    return other
  }

  it('leaves its pause to the account', async () => {
    const world = createWorld(quiet)
    const { auth, now, refused, sandbox, tokenRequests } = world
    await now(auth.getAccessToken())
    const other = await signedOutMeanwhile(world, () =>
      sandbox.fail({ endpoint: 'refresh', status: 429, latencyMs: 5 * SECOND }),
    )
    expect(await refused(other.signIn())).toMatchObject({ code: 'THROTTLED' })
    expect(tokenRequests()).toBe('create 200, refresh 429')
  })

  it('leaves its back-off to the account', async () => {
    const world = createWorld(quiet)
    const { auth, now, refused, sandbox, tokenRequests } = world
    await now(auth.getAccessToken())
    const other = await signedOutMeanwhile(world, () =>
      sandbox.fail({ endpoint: 'refresh', status: 502, latencyMs: 5 * SECOND }),
    )
    expect(await refused(other.signIn())).toMatchObject({ code: 'UNAVAILABLE' })
    expect(tokenRequests()).toBe('create 200, refresh 502')
  })

  it('leaves its latch to the account: the same wrong password is not sent again', async () => {
    const world = createWorld({ client: { random: () => 0, credentials: { username: USERNAME, password: 'wrong' } } })
    const { refused, sandbox, tokenRequests } = world
    const other = await signedOutMeanwhile(world, () => sandbox.fail({ endpoint: 'create', latencyMs: 5 * SECOND }))
    expect(await refused(other.signIn())).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect(tokenRequests()).toBe('create 401')
  })
})

describe('a fleet', () => {
  it('explains a 401 by the refresh of a process that was killed, and signs in once', async () => {
    const world = createWorld({ ...quiet, policy: { proactive: 'onDemand' } })
    const { auth, mortal, clock, now, within, sandbox, tokenRequests } = world
    await now(auth.getAccessToken())
    const doomed = mortal()
    await now(doomed.auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', replyLatencyMs: 5 * SECOND })
    ignored(doomed.auth.getAccessToken({ forceRefresh: true }))
    await clock.advance(SECOND)
    doomed.kill()
    await clock.advance(2 * HOUR)
    await within(MINUTE, auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200, refresh 200, refresh 401, create 200')
    expect(auth.status().state).toBe('valid')
  })

  it('obeys a pause that another process writes between the look and the send', async () => {
    const world = createWorld(quiet)
    const { client, store, now, refused, tokenRequests } = world
    let reads = Number.NEGATIVE_INFINITY
    const meddled: TokenStore = {
      ...store,
      async read(account) {
        const { record: found, nowMs } = await store.read(account)
        if (++reads === 2 && found !== undefined) {
          const paused: AccountRecord = {
            ...found,
            version: found.version + 1,
            pause: { startMs: nowMs, lengthMs: 600_000 },
          }
          await store.compareAndSet(account, found.version, paused)
        }
        return store.read(account)
      },
    }
    const meddledWith = client({ store: meddled })
    await now(meddledWith.getAccessToken())
    reads = 0
    expect(await refused(meddledWith.getAccessToken({ forceRefresh: true }))).toMatchObject({ code: 'THROTTLED' })
    expect(reads).toBeGreaterThanOrEqual(2)
    expect(tokenRequests()).toBe('create 200')
    // The slot that was taken for it is given back: only the create counts.
    expect(meddledWith.status().budgetLeft).toBe(9)
  })

  it.each(['pause', 'back-off'])('a running member obeys the %s of another', async (what) => {
    const world = createWorld(quiet)
    const { auth, client, clock, now, refused, sandbox, tokenRequests } = world
    const other = client()
    await now(auth.getAccessToken())
    await now(other.getAccessToken())
    const status = what === 'pause' ? 429 : 502
    sandbox.fail({ endpoint: 'refresh', status })
    await refused(auth.getAccessToken({ forceRefresh: true }))
    await clock.advance(SECOND)
    const code = what === 'pause' ? 'THROTTLED' : 'UNAVAILABLE'
    expect(await refused(other.getAccessToken({ forceRefresh: true }))).toMatchObject({ code })
    expect(tokenRequests()).toBe(`create 200, refresh ${status}`)
  })

  it.each([0, 2])('does not sign in for a demand %i ms after another was granted a pair', async (afterMs) => {
    const world = createWorld(quiet)
    const { auth, client, clock, now, tokenRequests } = world
    const late = client({ store: slow(world, { read: 5 }) })
    await clock.advance(SECOND)
    await now(auth.getAccessToken())
    await clock.advance(afterMs)
    ignored(late.getAccessToken())
    await clock.advance(SECOND)
    expect(tokenRequests()).toBe('create 200')
    expect(late.status().generation).toBe(auth.status().generation)
  })

  it('has one create in flight, though the lease of an aborted one is given back late', async () => {
    const world = createWorld(quiet)
    const { client, clock, now, sandbox, log } = world
    const [first, second] = [client({ store: slow(world, { release: 100 }) }), client()]
    await clock.advance(SECOND)
    sandbox.fail({ endpoint: 'create', hang: 'before' })
    ignored(first.getAccessToken())
    await clock.advance(SECOND)
    await now(first.signOut())
    sandbox.fail({ endpoint: 'create', replyLatencyMs: 10 * SECOND, times: 2 })
    ignored(first.signIn())
    await clock.advance(SECOND)
    ignored(second.getAccessToken())
    await clock.advance(30 * SECOND)
    const creates = log('create').filter(({ status }) => status === 200)
    expect(creates).toHaveLength(1)
  })

  it('follows a record that was lost and begun anew, and does not spin', async () => {
    const { around, replaceBy } = rewindableStore()
    const world = createWorld({ ...quiet, store: around })
    const { auth, client, clock, now, within } = world
    const survivor = client({ policy: { proactive: 'onDemand' } })
    await now(auth.getAccessToken())
    await now(auth.getAccessToken({ forceRefresh: true }))
    await now(survivor.getAccessToken())
    replaceBy(new Map())
    await clock.advance(30 * MINUTE)
    const fresh = client()
    const token = await now(fresh.getAccessToken())
    await clock.advance(16 * MINUTE)
    expect(await within(SECOND, survivor.getAccessToken())).toBe(token)
    await clock.advance(15 * MINUTE)
    expect(await within(SECOND, survivor.getAccessToken())).not.toBe('')
  })
})

describe('a command', () => {
  it('signs in once when a demand arrives while it is written', async () => {
    const world = createWorld(quiet)
    const { client, clock, sandbox, within, log } = world
    const store = slow(world, { compareAndSet: 20, read: 2 })
    // An account of its own: nobody else refreshes for it.
    const slowly = client({ account: 'alone', store, policy: { proactive: 'onDemand' } })
    await within(SECOND, slowly.getAccessToken())
    await clock.advance(25 * HOUR)
    sandbox.setPassword(USERNAME, 'new-password')
    const before = log('create').length
    const signedIn = slowly.signIn({ username: USERNAME, password: 'new-password' })
    await clock.advance(5)
    ignored(slowly.getAccessToken())
    await within(5 * SECOND, signedIn)
    expect(
      log('create', 'refresh')
        .slice(before)
        .map(({ endpoint, status }) => `${endpoint} ${status}`),
    ).toEqual(['create 200'])
  })

  it('reset and a demand in one tick: the pair that is granted stays', async () => {
    const { auth, clock, now, tokenRequests } = createWorld(quiet)
    await clock.settle()
    ignored(auth.reset())
    ignored(auth.getAccessToken())
    await clock.advance(MINUTE)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200')
  })

  it('sign-out and sign-in at once: the abort is not held against the server', async () => {
    const { auth, clock, sandbox, within } = createWorld(quiet)
    await clock.settle()
    sandbox.fail({ endpoint: 'create', hang: 'before' })
    ignored(auth.getAccessToken())
    await clock.advance(SECOND)
    ignored(auth.signOut())
    await within(SECOND, auth.signIn())
    expect(auth.status()).toMatchObject({ state: 'valid', gate: 'open' })
  })

  it('sign-out takes effect at once, though a grant is being stored', async () => {
    const world = createWorld(quiet)
    const { client, clock, log, peek } = world
    const slowly = client({ store: slow(world, { compareAndSet: 50 }) })
    await clock.advance(SECOND)
    ignored(slowly.getAccessToken())
    while (log('create').length === 0) await clock.advance(1)
    await clock.advance(70)
    ignored(slowly.signOut())
    for (let ms = 0; ms < 300; ms++) {
      expect((await peek(slowly.getAccessToken()))?.value).toBeUndefined()
      await clock.advance(1)
    }
  })

  it('a sign-in with half of the credentials is refused, and nothing is lost', async () => {
    const { auth, now, refused, tokenRequests } = createWorld(quiet)
    await now(auth.getAccessToken())
    expect(await refused(auth.signIn({ username: USERNAME, password: undefined as never }))).toMatchObject({
      code: 'CONFIG_INVALID',
    })
    expect(auth.status().usable).toBe(true)
    expect(tokenRequests()).toBe('create 200')
  })
})

describe('a store that misbehaves', () => {
  it('that loses one answer does not stop the client', async () => {
    const world = createWorld(quiet)
    const { client, store, clock, now, within } = world
    let hangs = false
    const patient = client({
      store: { ...store, read: (account) => (hangs ? new Promise(() => {}) : store.read(account)) },
    })
    await now(patient.getAccessToken())
    hangs = true
    ignored(patient.getAccessToken({ forceRefresh: true }))
    await clock.advance(SECOND)
    hangs = false
    await clock.advance(2 * HOUR)
    expect(await within(2 * MINUTE, patient.getAccessToken())).not.toBe('')
    await within(MINUTE, patient.signOut())
  })

  it('that fails while an answer is stored after another signed out: the client lives on, signed out', async () => {
    const world = createWorld(quiet)
    const { client, store, clock, now, refused, sandbox } = world
    let writes = Number.POSITIVE_INFINITY
    const failing: TokenStore = {
      ...store,
      async compareAndSet(account, expectedVersion, next) {
        if (writes-- <= 0) throw new Error('down')
        return store.compareAndSet(account, expectedVersion, next)
      },
    }
    const unlucky = client({ store: failing })
    const other = client()
    await now(unlucky.getAccessToken())
    await now(other.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', latencyMs: 5 * SECOND })
    const waiting = unlucky.getAccessToken({ forceRefresh: true })
    ignored(waiting)
    await clock.advance(SECOND)
    await now(other.signOut())
    writes = 1
    await clock.advance(10 * SECOND)
    expect(await refused(waiting)).toMatchObject({ code: 'SIGNED_OUT' })
    writes = Number.POSITIVE_INFINITY
    await clock.advance(2 * MINUTE)
    expect(await refused(unlucky.getAccessToken())).toMatchObject({ code: 'SIGNED_OUT' })
  })

  it('that hangs does not keep a validate beyond its signal', async () => {
    const world = createWorld(quiet)
    const { client, store, clock, now, peek } = world
    let hangs = false
    const patient = client({
      store: { ...store, read: (account) => (hangs ? new Promise(() => {}) : store.read(account)) },
    })
    await now(patient.getAccessToken())
    hangs = true
    const leaving = new AbortController()
    const validated = patient.validate({ signal: leaving.signal })
    ignored(validated)
    await clock.advance(500)
    leaving.abort()
    expect((await peek(validated))?.error).toMatchObject({ code: 'ABORTED' })
  })

  it.each(['lease', 'release'] as const)('that throws from %s is as one that is down', async (method) => {
    const world = createWorld(quiet)
    const { client, store, clock, within, peek } = world
    const broken: TokenStore = {
      ...store,
      [method]: () => {
        throw new Error('not connected to redis://:hunter2@host')
      },
    }
    const unlucky = client({ store: broken })
    await clock.settle()
    const end = await peek(unlucky.getAccessToken())
    if (method === 'lease') expect(end?.error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    else expect(end?.value).toBeTypeOf('string')
    expect(String(end?.error)).not.toContain('hunter2')
    await within(MINUTE, unlucky.close())
  })
})

describe('a latch', () => {
  it('holds for a demand that joined while a sign-in was told: the refused refresh token is not sent again', async () => {
    const { auth, clock, now, refused, sandbox, tokenRequests } = createWorld({
      ...quiet,
      policy: { proactive: 'onDemand' },
    })
    await now(auth.getAccessToken())
    await clock.advance(HOUR)
    sandbox.fail({ endpoint: 'refresh', status: 401, times: 3 })
    ignored(auth.signIn())
    await refused(auth.getAccessToken())
    await clock.advance(MINUTE)
    expect(tokenRequests()).toBe('create 200, refresh 401')
  })

  it('against a password survives the sign-in of others after a refused refresh', async () => {
    const wrong = { credentials: { username: USERNAME, password: 'wrong' } }
    const { auth, client, clock, now, refused, sandbox, log } = createWorld(quiet)
    await refused(client(wrong).getAccessToken())
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 401 })
    await refused(auth.getAccessToken({ forceRefresh: true }))
    await now(auth.signIn())
    await now(auth.signOut())
    const restarted = client(wrong)
    await clock.settle()
    expect(await refused(restarted.signIn())).toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect(log('create').map(({ status }) => status)).toEqual([401, 200, 200])
  })
})

describe('a lease', () => {
  it('that is renewed late does not lock its own client out', async () => {
    const world = createWorld(quiet)
    const { client, clock, store, sandbox, within } = world
    const delayed: TokenStore = {
      ...store,
      async lease(account, holder, leaseMs) {
        if (sandbox.pending() > 0) await sleep(clock, 200)
        return store.lease(account, holder, leaseMs)
      },
    }
    const slowly = client({ account: 'alone', store: delayed })
    await within(SECOND, slowly.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', latencyMs: 5_050 })
    await within(6 * SECOND, slowly.getAccessToken({ forceRefresh: true }))
    await within(SECOND, slowly.getAccessToken({ forceRefresh: true }))
  })
})

describe('time', () => {
  it('a machine that sleeps while a grant is on its way does not use the dead token', async () => {
    const { auth, call, clock, log, now, sandbox, within } = createWorld(quiet)
    sandbox.fail({ endpoint: 'create', replyLatencyMs: 5 * SECOND })
    ignored(auth.getAccessToken())
    await clock.advance(SECOND)
    clock.suspend(2 * HOUR)
    await clock.advance(10 * SECOND)
    expect(await within(MINUTE, call())).toBe(200)
    expect(log('api').map(({ status }) => status)).toEqual([200])
    await now(auth.close())
  })

  it('a caller leaves in time, though a credentials callback hangs behind a latch', async () => {
    let hangs = false
    const wrong = { username: USERNAME, password: 'wrong' }
    const credentials = () => (hangs ? new Promise<never>(() => {}) : wrong)
    const { auth, clock, peek, refused } = createWorld({ client: { random: () => 0, account: USERNAME, credentials } })
    await refused(auth.getAccessToken())
    hangs = true
    await clock.advance(HOUR)
    const waiting = auth.getAccessToken({ timeoutMs: SECOND })
    ignored(waiting)
    await clock.advance(SECOND)
    expect((await peek(waiting))?.error).toMatchObject({ code: 'TIMEOUT' })
  })

  it('a validate ends with its time-out, its signal and its client', async () => {
    const { auth, clock, now, peek, refused, sandbox } = createWorld(quiet)
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'validate', latencyMs: 20 * SECOND, times: 3 })
    expect(await refused(auth.validate({ timeoutMs: SECOND }), SECOND)).toMatchObject({ code: 'TIMEOUT' })
    const leaving = new AbortController()
    const aborted = auth.validate({ signal: leaving.signal })
    await clock.advance(SECOND)
    leaving.abort()
    expect((await peek(aborted))?.error).toMatchObject({ code: 'ABORTED' })
    const closedOver = auth.validate()
    await clock.advance(SECOND)
    ignored(auth.close())
    expect((await peek(closedOver))?.error).toMatchObject({ code: 'CLOSED' })
  })

  it('a validate does not send a token that expired while the store was read', async () => {
    const world = createWorld(quiet)
    const { client, clock, log, now, within } = world
    const pace = { read: 0 }
    const slowly = client({ account: 'alone', store: slow(world, pace), policy: { proactive: 'onDemand' } })
    await now(slowly.getAccessToken())
    await clock.advance((slowly.status().usableUntilMs ?? 0) - clock.now() - SECOND)
    pace.read = 4 * SECOND
    expect(await within(MINUTE, slowly.validate())).toEqual({ valid: false })
    expect(log('validate')).toEqual([])
  })

  it('close while another holds the lease sends nothing', async () => {
    const { auth, clock, store, tokenRequests, within } = createWorld(quiet)
    await store.lease(KEY, 'another', 5 * SECOND)
    ignored(auth.getAccessToken())
    await clock.advance(SECOND)
    await within(20 * SECOND, auth.close())
    expect(tokenRequests()).toBe('')
  })
})

describe('events', () => {
  it('number token and API requests with one counter', async () => {
    const { call, events, within } = createWorld(quiet)
    await within(SECOND, call())
    const sent = events.flatMap((event) => (event.type === 'request' && event.phase === 'sent' ? [event.id] : []))
    expect(sent).toHaveLength(2)
    expect(new Set(sent).size).toBe(2)
  })

  it('report a rejected refresh as what it is', async () => {
    const { auth, events, now, sandbox, within } = createWorld(quiet)
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 400 })
    await within(SECOND, auth.getAccessToken({ forceRefresh: true }))
    expect(events.flatMap((event) => (event.type === 'error' ? [event.error.code] : []))).toEqual(['REFRESH_REJECTED'])
  })

  it('a listener that rejects harms nobody', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const onEvent = async () => Promise.reject(new Error('a listener at fault'))
    const { auth, clock, now } = createWorld({ client: { random: () => 0, onEvent } })
    await now(auth.getAccessToken())
    await clock.settle()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('a signal that outlives its callers keeps none of their listeners', async () => {
    const { auth, clock, within, sandbox } = createWorld(quiet)
    const { signal } = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: unknown[]) => {
      listeners++
      return Reflect.apply(addEventListener, signal, args)
    }
    signal.removeEventListener = (...args: unknown[]) => {
      listeners--
      return Reflect.apply(removeEventListener, signal, args)
    }
    sandbox.set({ latencyMs: SECOND })
    await clock.settle()
    await within(MINUTE, Promise.all([auth.getAccessToken({ signal }), auth.getAccessToken({ signal })]))
    expect(listeners).toBe(0)
  })
})
