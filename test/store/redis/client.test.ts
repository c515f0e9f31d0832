import { createClient } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type AuthClientOptions, createAuthClient } from '../../../src/index.ts'
import { createSandbox } from '../../../src/sandbox/index.ts'
import { redisStore } from '../../../src/store/redis/index.ts'
import { channelOf, keyOf } from '../../../src/store/redis/keys.ts'
import { describeWithRedis, type Server, startServer, until } from './server.ts'

const BASE_URL = 'https://sandbox.test'
const CREDENTIALS = { username: 'demo', password: 'demo-password' }
const PREFIX = 'test:'

describeWithRedis('clients that share a Redis', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer({ appendOnly: true })
  })
  beforeEach(async () => {
    await server.start()
    await server.admin.flushAll()
  })
  afterAll(() => server.stop())

  /** A server, and clients in processes of their own as far as the store can tell. */
  async function world() {
    const sandbox = createSandbox({ clock: systemClock() })
    const account = `${BASE_URL} ${CREDENTIALS.username}`
    const store = () => {
      const client = createClient({ url: server.url })
      client.on('error', () => {})
      const opened = redisStore({ client, prefix: PREFIX })
      onTestFinished(async () => {
        await opened.close()
        client.destroy()
      })
      return opened
    }
    const looking = store()
    const key = await keyOf(PREFIX, account)
    const channel = channelOf(key)
    return {
      sandbox,
      client(options: Partial<AuthClientOptions> = {}) {
        const auth = createAuthClient({
          baseURL: BASE_URL,
          credentials: CREDENTIALS,
          fetch: sandbox.fetch,
          store: store(),
          policy: { fingerprintRounds: 1 },
          ...options,
        })
        onTestFinished(auth.close)
        return auth
      },
      tokenRequests: () => sandbox.log.map(({ endpoint, status }) => `${endpoint} ${status}`).join(', '),
      record: async () => (await looking.read(account)).record,
      leaseEnded: () =>
        until('the lease to be given back', async () => !(await server.admin.hExists(key, 'leaseHolder'))),
      listening: (clients: number) =>
        until(`${clients} subscriptions`, async () => {
          return (await server.admin.pubSubNumSub(channel))[channel] === clients
        }),
    }
  }

  it('D-one-at-a-time: sign in once for all of them at a cold start', async () => {
    const { client, sandbox, tokenRequests } = await world()
    sandbox.set({ latencyMs: 50 })
    const tokens = await Promise.all([client(), client(), client()].map((auth) => auth.getAccessToken()))
    expect(new Set(tokens).size).toBe(1)
    expect(tokenRequests()).toBe('create 200')
  })

  it('D-one-at-a-time: adopt what one of them refreshed, at once and unasked', async () => {
    const { client, listening, tokenRequests } = await world()
    const [one, other] = [client(), client()]
    await listening(2)
    await one.getAccessToken()
    await until('the first pair to be adopted', () => other.status().generation === 1)
    const refreshed = await one.getAccessToken({ forceRefresh: true })
    await until('the second pair to be adopted', () => other.status().generation === 2)
    expect(await other.getAccessToken()).toBe(refreshed)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('D-store-down: bring back what they knew when Redis goes back to an older copy', async () => {
    const { client, leaseEnded, listening, record, sandbox, tokenRequests } = await world()
    const [one, other] = [client(), client()]
    await listening(2)
    await one.getAccessToken()
    await until('the first pair to be adopted', () => other.status().generation === 1)
    // A copy with a lease in it would hold everybody up until that ends.
    await leaseEnded()
    const copy = server.backUp()

    // A latch against another password, a newer pair and a pause, none of which the copy has.
    const mistaken = client()
    await expect(mistaken.signIn({ ...CREDENTIALS, password: 'CANARY' })).rejects.toMatchObject({
      code: 'INVALID_CREDENTIALS',
    })
    await mistaken.close()
    await one.getAccessToken()
    await one.getAccessToken({ forceRefresh: true })
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    await expect(one.getAccessToken({ forceRefresh: true })).rejects.toMatchObject({ code: 'THROTTLED' })
    const before = await record()
    expect(before?.pause?.lengthMs).toBeGreaterThanOrEqual(600_000)
    expect(before?.latches).toMatchObject([{ kind: 'invalidCredentials' }])
    await until('the newer pair to be adopted', () => other.status().generation === before?.pair?.generation)
    const requests = tokenRequests()

    await server.kill()
    server.restore(copy)
    await server.start()
    await listening(2)
    expect(await record()).toMatchObject({ pair: { generation: 1 }, pause: null, latches: [] })

    // Somebody who knows only the copy says a word; then all know what the two knew.
    const newcomer = client()
    await newcomer.validate()
    const generation = before?.pair?.generation
    await until('the newer pair', () => newcomer.status().generation === generation)
    expect(newcomer.status().gate).toBe('paused')
    const after = await record()
    expect(after).toMatchObject({ pause: before?.pause, latches: before?.latches, restored: { times: 1 } })
    expect(after?.version).toBeGreaterThan(before?.version ?? 0)
    for (const auth of [one, other, newcomer]) {
      expect(await auth.getAccessToken()).toBe(before?.pair?.access.reveal())
      await expect(auth.getAccessToken({ forceRefresh: true })).rejects.toMatchObject({ code: 'THROTTLED' })
    }
    expect(tokenRequests()).toBe(`${requests}, validate 200`)
  })

  describe('D-store-down: while Redis is gone', () => {
    it('a token in memory is served, and no token request is sent', async () => {
      const { client, sandbox, tokenRequests } = await world()
      const auth = client({
        policy: { fingerprintRounds: 1, leaseMs: 3_000, leaseRenewMs: 1_000, callerTimeoutMs: 5_000 },
      })
      const token = await auth.getAccessToken()
      await server.kill()
      expect(await auth.getAccessToken()).toBe(token)
      await expect(auth.getAccessToken({ forceRefresh: true })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      expect(tokenRequests()).toBe('create 200')
      await server.start()
      expect(sandbox.log).toHaveLength(1)
    })
  })
})
