import { describe, expect, it } from 'vitest'
import type { TokenStore } from '../../src/index.ts'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

/** The store as a process sees it that was stopped: its lease is never renewed. */
const withoutRenewal = (store: TokenStore): TokenStore => {
  let leased = false
  return {
    ...store,
    lease: async (account, holder, leaseMs) => {
      if (leased) return { granted: true }
      leased = true
      return store.lease(account, holder, leaseMs)
    },
  }
}

/** Tells the account's key, as the clients name it to the store. */
function keyOf() {
  const seen = { account: '' }
  const around = (memory: TokenStore): TokenStore => ({
    ...memory,
    read: (account) => {
      seen.account = account
      return memory.read(account)
    },
  })
  return { seen, around }
}

describe('D-one-at-a-time', () => {
  it('signs in once for two clients at a cold start', async () => {
    const { auth, client, clock, now, sandbox, tokenRequests } = createWorld()
    sandbox.set({ latencyMs: SECOND })
    const tokens = [auth, client(), client()].map((each) => each.getAccessToken())
    await clock.advance(5 * SECOND)
    expect(new Set(await now(Promise.all(tokens))).size).toBe(1)
    expect(tokenRequests()).toBe('create 200')
  })

  it('refreshes once for two clients whose refresh is due', async () => {
    const { auth, client, clock, log, now } = createWorld()
    const second = client()
    await now(auth.getAccessToken())
    await now(second.getAccessToken())
    for (let hour = 0; hour < 6; hour++) {
      await clock.advance(HOUR)
      expect(await now(second.getAccessToken())).toBe(await now(auth.getAccessToken()))
    }
    expect(log('create')).toHaveLength(1)
    expect(log('refresh').length).toBeLessThanOrEqual(8)
    expect(new Set(log('refresh').map(({ refreshJti }) => refreshJti)).size).toBe(log('refresh').length)
  })

  it('refreshes once when two clients meet a 401 at the same time', async () => {
    const world = createWorld()
    const { auth, client, clock, now, sandbox, tokenRequests } = world
    const second = client()
    await now(auth.getAccessToken())
    await now(second.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.revokeAll('access')
    const answers = [world.call(auth), world.call(second)]
    await clock.advance(SECOND)
    expect(await now(Promise.all(answers))).toEqual([200, 200])
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('renews its lease: a slow sign-in is not overtaken', async () => {
    const { auth, client, clock, now, peek, sandbox, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'create', replyLatencyMs: 28 * SECOND })
    const slow = auth.getAccessToken()
    await peek(slow)
    const waiting = client().getAccessToken()
    await clock.advance(29 * SECOND)
    expect(await now(waiting)).toBe(await now(slow))
    expect(tokenRequests()).toBe('create 200')
  })

  it('lets the next process recover within the lease when the holder is gone', async () => {
    const { seen, around } = keyOf()
    const { client, clock, now, peek, store, tokenRequests } = createWorld({ store: around })
    await clock.settle()
    await store.lease(seen.account, 'a process that was killed', 15 * SECOND)
    const token = client().getAccessToken()
    await clock.advance(14 * SECOND)
    expect(await peek(token)).toBeUndefined()
    expect(tokenRequests()).toBe('')
    await clock.advance(1.5 * SECOND)
    await now(token)
    expect(tokenRequests()).toBe('create 200')
  })

  it('lets the record decide when a holder outlived its lease: the old version loses and adopts', async () => {
    const { client, clock, now, peek, sandbox, store, log } = createWorld()
    const stopped = client({ store: withoutRenewal(store) })
    sandbox.fail({ endpoint: 'create', replyLatencyMs: 25 * SECOND })
    const late = stopped.getAccessToken()
    await peek(late)
    const second = client()
    const fresh = second.getAccessToken()
    await clock.advance(16 * SECOND)
    const token = await now(fresh)
    expect(await peek(late)).toBeUndefined()
    await clock.advance(10 * SECOND)
    expect(await now(late)).toBe(token)
    expect(log('create')).toHaveLength(2)
    // Nobody uses the pair that lost.
    await clock.advance(HOUR)
    await now(stopped.getAccessToken())
    await now(second.getAccessToken())
    const lost = log('create')[0]
    expect(log('refresh').some(({ refreshJti }) => refreshJti === lost?.grantedRefreshJti)).toBe(false)
  })

  it('does not let a late 401 latch what another process has replaced', async () => {
    const { client, clock, now, peek, sandbox, store, tokenRequests } = createWorld()
    const stopped = client({ store: { ...store, lease: async () => ({ granted: true }) } })
    const second = client()
    await now(stopped.getAccessToken())
    await now(second.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'refresh', status: 401, replyLatencyMs: 25 * SECOND })
    const late = stopped.getAccessToken({ forceRefresh: true })
    await peek(late)
    const token = await now(second.getAccessToken({ forceRefresh: true }))
    await clock.advance(30 * SECOND)
    expect(await now(late)).toBe(token)
    expect(stopped.status()).toMatchObject({ state: 'valid' })
    expect(second.status()).toMatchObject({ state: 'valid' })
    expect(tokenRequests()).toBe('create 200, refresh 401, refresh 200')
  })

  it('tells one who waits for a holder that does not end, within its time-out', async () => {
    const { seen, around } = keyOf()
    const { client, clock, log, refused, store } = createWorld({ store: around })
    await clock.settle()
    const renewed = () => store.lease(seen.account, 'a slow one', 15 * SECOND)
    await renewed()
    const token = client().getAccessToken({ timeoutMs: 40 * SECOND })
    token.catch(() => {})
    for (let seconds = 0; seconds < 40; seconds += 10) {
      await clock.advance(10 * SECOND)
      await renewed()
    }
    const error = await refused(token)
    expect(['LEASE_HELD', 'TIMEOUT']).toContain(error.code)
    expect(log()).toEqual([])
  })

  it('D-force: a process that has just started forces a pair newer than the stored one', async () => {
    const { auth, client, clock, now, tokenRequests } = createWorld()
    const token = await now(auth.getAccessToken())
    await now(auth.close())
    await clock.advance(MINUTE)
    expect(await now(client().getAccessToken({ forceRefresh: true }))).not.toBe(token)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })
})
