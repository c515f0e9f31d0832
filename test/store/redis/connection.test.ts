import { EventEmitter } from 'node:events'
import { createClient, createCluster, RESP_TYPES } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { storeFromUrl } from '../../../src/store/redis/from-url.ts'
import { type RedisStore, redisStore, redisStoreFromUrl } from '../../../src/store/redis/index.ts'
import { fullRecord, shown } from '../../support/records.ts'
import { describeWithRedis, freePort, type Server, startServer, until } from './server.ts'

const ME = 'https://api.example me'
const YOU = 'https://api.example you'
type Given = NonNullable<Parameters<typeof createClient>[0]>

describeWithRedis('connections to Redis', () => {
  let server: Server
  beforeAll(async () => {
    server = await startServer()
  })
  beforeEach(async () => {
    await server.start()
    await server.admin.flushAll()
  })
  afterAll(() => server.stop())

  /** Connections of a kind, the one that looks left out. */
  const connections = async (type: 'NORMAL' | 'PUBSUB') => {
    const all = (await server.admin.clientList({ TYPE: type })).length
    return type === 'NORMAL' ? all - 1 : all
  }
  const clientOf = (given: Given = {}) => {
    const client = createClient({ url: server.url, ...given })
    client.on('error', () => {})
    onTestFinished(() => client.destroy())
    return client
  }
  const storeOf = (store: RedisStore) => {
    onTestFinished(store.close)
    return store
  }

  describe("the user's client", () => {
    it('is connected where nobody has, and never closed', async () => {
      const client = clientOf()
      const store = storeOf(redisStore({ client }))
      await Promise.all([store.read(ME), store.read(YOU)])
      await store.close()
      expect(client.isReady).toBe(true)
      expect(['ready', 'node-ready', 'node-error'].map((name) => client.listenerCount(name))).toEqual([0, 0, 0])
      await expect(store.read(ME)).rejects.toMatchObject({
        code: 'UNREACHABLE',
        message: `the store in ${server.where} is closed: create a new one`,
      })
    })

    it('is not connected again once its owner has closed it', async () => {
      const client = clientOf()
      const store = storeOf(redisStore({ client }))
      await store.read(ME)
      await client.close()
      await expect(store.read(ME)).rejects.toMatchObject({
        code: 'UNREACHABLE',
        message: `the client of ${server.where} is closed: connect it again`,
      })
      expect(client.isOpen).toBe(false)
      await client.connect()
      await store.read(ME)
    })

    it('may turn replies into something else, in its own calls', async () => {
      const typeMapping = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.NUMBER]: String }
      const store = storeOf(redisStore({ client: clientOf({ commandOptions: { typeMapping } }) }))
      expect(await store.compareAndSet(ME, 0, fullRecord(1))).toBe(true)
      expect(shown((await store.read(ME)).record)).toEqual(shown(fullRecord(1)))
    })

    it('may queue nothing while it is offline: a call fails at once', async () => {
      const client = clientOf({ disableOfflineQueue: true })
      const store = storeOf(redisStore({ client, timeoutMs: 60_000 }))
      await store.read(ME)
      await server.kill()
      await until('the client to notice', () => !client.isReady)
      await expect(store.read(ME)).rejects.toMatchObject({ code: 'UNREACHABLE' })
      await server.start()
    })

    it('may give up connecting: the next call tries again', async () => {
      const client = clientOf({ socket: { reconnectStrategy: false } })
      const store = storeOf(redisStore({ client }))
      await server.kill()
      await expect(store.read(ME)).rejects.toMatchObject({ code: 'UNREACHABLE' })
      await server.start()
      expect((await store.read(ME)).record).toBeUndefined()
    })
  })

  it('to a cluster of which no node answers are tried anew with each call', async () => {
    const port = await freePort()
    const cluster = createCluster({ rootNodes: [{ url: `redis://CANARY:CANARY@127.0.0.1:${port}` }] })
    cluster.on('error', () => {})
    onTestFinished(() => cluster.destroy())
    const store = storeOf(redisStore({ client: cluster }))
    for (const reads of [[store.read(ME), store.read(YOU)], [store.read(ME)]])
      for (const read of reads)
        await expect(read).rejects.toMatchObject({
          code: 'UNREACHABLE',
          message: expect.stringContaining(`the Redis cluster cannot be reached (ECONNREFUSED 127.0.0.1:${port})`),
        })
  })

  describe('the connection that listens', () => {
    it('is there as long as somebody listens, and one for all', async () => {
      const store = storeOf(redisStore({ client: clientOf() }))
      await store.read(ME)
      expect(await connections('PUBSUB')).toBe(0)
      const stops = [ME, YOU, ME].map((account) => store.subscribe(account, () => {}))
      await until('the subscriptions', async () => (await server.admin.pubSubChannels()).length === 2)
      expect(await connections('PUBSUB')).toBe(1)
      stops.shift()?.()
      stops.shift()?.()
      await until('the end of one', async () => (await server.admin.pubSubChannels()).length === 1)
      stops.shift()?.()
      await until('the end of all', async () => (await connections('PUBSUB')) === 0)
      store.subscribe(YOU, () => {})
      await until('a new one', async () => (await connections('PUBSUB')) === 1)
      await store.close()
      await until('the end of the store', async () => (await connections('PUBSUB')) === 0)
    })

    it('is not opened for who stops at once', async () => {
      const store = storeOf(redisStore({ client: clientOf() }))
      store.subscribe(ME, () => {})()
      const stop = store.subscribe(YOU, () => {})
      await until('the other subscription', async () => (await server.admin.pubSubChannels()).length > 0)
      expect(await server.admin.pubSubChannels()).toHaveLength(1)
      stop()
    })

    it('comes back after the server was gone, which ends nothing', async () => {
      const store = storeOf(redisStore({ client: clientOf() }))
      const other = storeOf(redisStore({ client: clientOf() }))
      let heard = 0
      store.subscribe(ME, () => {
        heard++
      })
      await until('the subscription', async () => (await connections('PUBSUB')) === 1)
      await server.kill()
      await server.start()
      await until('the subscription', async () => (await server.admin.pubSubChannels()).length === 1)
      await other.compareAndSet(ME, 0, fullRecord(1))
      await until('the message', () => heard === 1)
    })

    it('that was refused is tried again, now and then, when Redis answers', async () => {
      const clock = { monotonic: () => atMs, setTimeout: () => undefined, clearTimeout: () => {} }
      let atMs = 0
      await server.admin.aclSetUser('deaf', ['reset', 'on', 'nopass', '~*', '&*', '+@all', '-subscribe'])
      const client = clientOf({ username: 'deaf', password: 'x' })
      const store = storeOf(redisStore({ client, clock: clock as never }))
      await store.read(ME)
      store.subscribe(ME, () => {})
      const refused = async () => Number(/rejected_calls=(\d+)/.exec(await statOf('subscribe'))?.[1] ?? 0)
      const statOf = async (command: string) =>
        (await server.admin.info('commandstats')).split('\n').find((line) => line.startsWith(`cmdstat_${command}:`)) ??
        ''
      await until('the refusal', async () => (await refused()) === 1)
      await until('its connection to end', async () => (await connections('NORMAL')) === 1)
      for (let reads = 0; reads < 20; reads++) await store.read(ME)
      expect(await refused()).toBe(1)
      await server.admin.aclSetUser('deaf', ['+subscribe'])
      atMs += 5_000
      await store.read(ME)
      await until('the subscription', async () => (await connections('PUBSUB')) === 1)
    })
  })

  describe('redisStoreFromUrl', () => {
    it('has a client of its own, which ends with the store', async () => {
      const store = await redisStoreFromUrl(`${server.url}/3`, { prefix: 'p:' })
      expect(await connections('NORMAL')).toBe(0)
      await store.compareAndSet(ME, 0, fullRecord(1))
      await store.subscribe(ME, () => {})
      await until('both connections', async () => (await connections('PUBSUB')) === 1)
      expect(await connections('NORMAL')).toBe(1)
      expect(await server.admin.info('keyspace')).toContain('db3:keys=1')
      await store.close()
      await store.close()
      await until('their end', async () => (await connections('NORMAL')) + (await connections('PUBSUB')) === 0)
      await expect(store.read(ME)).rejects.toMatchObject({
        message: `the store in Redis at 127.0.0.1:${server.port}/3 is closed: create a new one`,
      })
    })

    it('can be closed before its first call', async () => {
      const store = await redisStoreFromUrl(server.url)
      await store.close()
      expect(await connections('NORMAL')).toBe(0)
    })

    it('can be closed while it connects: a connection that comes later is destroyed, and holds no process open', async () => {
      let destroyed = 0
      const connected = Promise.withResolvers<void>()
      const client = Object.assign(new EventEmitter(), {
        ...{ isOpen: true, isReady: false, connect: () => connected.promise, destroy: () => void destroyed++ },
        ...{ duplicate: () => client, withCommandOptions: () => client, eval: () => {}, evalSha: () => {} },
      })
      const store = await storeFromUrl(server.url, {}, async () => ({ createClient: () => client as never }))
      const reading = store.read(ME).catch(() => {})
      await store.close()
      const before = destroyed
      client.emit('connect')
      expect(destroyed).toBe(before + 1)
      connected.resolve()
      await reading
    })

    it('outlives a server that goes and comes back', async () => {
      const store = storeOf(await redisStoreFromUrl(server.url, { timeoutMs: 300 }))
      await until('an answer', () => store.read(ME).then(Boolean, () => false))
      await server.kill()
      await expect(store.read(ME)).rejects.toMatchObject({ code: 'UNREACHABLE' })
      await server.start()
      await until('an answer', () => store.read(ME).then(Boolean, () => false))
    })

    it('makes a new connection after one that does not answer', async () => {
      const store = storeOf(await redisStoreFromUrl(server.url, { timeoutMs: 300 }))
      await until('an answer', () => store.read(ME).then(Boolean, () => false))
      const ids = async () => (await server.admin.clientList({ TYPE: 'NORMAL' })).map(({ id }) => id)
      const before = await ids()
      server.freeze()
      await expect(store.read(ME)).rejects.toMatchObject({ message: `${server.where} did not answer within 300 ms` })
      await expect(store.read(ME)).rejects.toMatchObject({ code: 'UNREACHABLE' })
      server.thaw()
      await until('an answer', () => store.read(ME).then(Boolean, () => false))
      const after = await ids()
      expect(after).toHaveLength(before.length)
      expect(after).not.toEqual(before)
    })

    it('names the address where nobody answers, never user or password', async () => {
      const port = await freePort()
      const store = storeOf(await redisStoreFromUrl(`redis://CANARY-me:CANARY@127.0.0.1:${port}/2`, { timeoutMs: 100 }))
      const message = () => store.read(ME).then(String, (thrown: Error) => thrown.message)
      const words = `Redis at 127.0.0.1:${port}/2 cannot be reached (ECONNREFUSED 127.0.0.1:${port})`
      await until('the reason', async () => (await message()).startsWith(words))
      expect(await message()).not.toContain('CANARY')
    })
  })
})
