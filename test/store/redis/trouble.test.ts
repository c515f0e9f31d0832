import { inspect } from 'node:util'
import { createClient } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type RedisStoreOptions, redisStore } from '../../../src/store/redis/index.ts'
import { keyOf } from '../../../src/store/redis/keys.ts'
import { StoreError } from '../../../src/store/store-error.ts'
import { fullRecord, shown } from '../../support/records.ts'
import { describeWithRedis, type Server, startServer, tookMs, until } from './server.ts'

const ME = 'https://api.example me'
const PREFIX = 'test:'

/** What a call was refused with. Whatever it is, it holds no secret. */
async function refusal(call: Promise<unknown>): Promise<StoreError> {
  const error = await call.then(
    (value) => new Error(`expected a refusal, got ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof StoreError)) throw error
  expect(inspect(error, { showHidden: true, depth: 10 })).not.toContain('CANARY')
  expect(error.cause).toBeUndefined()
  return error
}

type ClientOptions = NonNullable<Parameters<typeof createClient>[0]>

function open(
  server: Server,
  { client: given = {}, ...options }: Partial<Omit<RedisStoreOptions, 'client'>> & { client?: ClientOptions } = {},
) {
  const client = createClient({ url: server.url, ...given })
  client.on('error', () => {})
  const store = redisStore({ client, prefix: PREFIX, timeoutMs: 2_000, ...options })
  onTestFinished(async () => {
    await store.close()
    client.destroy()
  })
  return { client, store }
}

describeWithRedis('Redis in trouble', () => {
  let server: Server
  let key: string
  beforeAll(async () => {
    server = await startServer({ appendOnly: true })
    key = await keyOf(PREFIX, ME)
  })
  beforeEach(async () => {
    await server.start()
    await server.admin.flushAll()
  })
  afterAll(() => server.stop())

  /** Every method, as a call. */
  const callsOf = (store: ReturnType<typeof redisStore>) => ({
    read: () => store.read(ME),
    compareAndSet: () => store.compareAndSet(ME, 1, fullRecord(2)),
    lease: () => store.lease(ME, 'CANARY-holder', 1_000),
    release: () => store.release(ME, 'CANARY-holder'),
  })

  describe('the server', () => {
    it('D-store-down: restarted with its data: nothing is lost, and the connection comes back by itself', async () => {
      const { store } = open(server)
      await store.compareAndSet(ME, 0, fullRecord(1))
      await store.lease(ME, 'a', 60_000)
      await server.kill()
      await server.start()
      expect(shown((await store.read(ME)).record)).toEqual(shown(fullRecord(1)))
      expect(await store.lease(ME, 'b', 60_000)).toMatchObject({ granted: false })
    })

    it('D-store-down: restarted empty: nothing is kept, and writing begins anew', async () => {
      const { store } = open(server)
      const empty = server.backUp()
      await store.compareAndSet(ME, 0, fullRecord(1))
      await server.kill()
      server.restore(empty)
      await server.start()
      expect((await store.read(ME)).record).toBeUndefined()
      expect(await store.compareAndSet(ME, 1, fullRecord(2))).toBe(false)
      expect(await store.compareAndSet(ME, 0, fullRecord(2))).toBe(true)
    })

    it('D-store-down: gone: each call says so within its time, and is not made up for later', async () => {
      const { store } = open(server, { timeoutMs: 200 })
      await store.compareAndSet(ME, 0, fullRecord(1))
      await server.kill()
      const noticed = `cannot be reached (ECONNREFUSED 127.0.0.1:${server.port})`
      await until('the client to notice', async () => (await refusal(store.read(ME))).message.includes(noticed))
      for (const call of Object.values(callsOf(store))) {
        const ms = await tookMs(async () => {
          const { code, message } = await refusal(call())
          expect(code).toBe('UNREACHABLE')
          expect(message).toContain(`${server.where} ${noticed}`)
        })
        // A busy machine may take long to say it, but not for ever.
        expect(ms).toBeLessThan(5_000)
      }
      await server.start()
      await until('the connection', () => store.read(ME).then(Boolean, () => false))
      expect((await store.read(ME)).record?.version).toBe(1)
      expect(await server.admin.hExists(key, 'leaseHolder')).toBe(0)
    })

    it('D-store-down: that stands still: each call ends in its time, and all is well once it goes on', async () => {
      const { store } = open(server, { timeoutMs: 200 })
      await store.compareAndSet(ME, 0, fullRecord(1))
      server.freeze()
      onTestFinished(() => server.thaw())
      const { code, message } = await refusal(store.read(ME))
      expect(code).toBe('UNREACHABLE')
      expect(message).toBe(`${server.where} did not answer within 200 ms`)
      await refusal(store.compareAndSet(ME, 1, fullRecord(2)))
      server.thaw()
      await until('an answer', () => store.read(ME).then(Boolean, () => false))
      // It was sent, so it landed: whoever reads finds it by its version.
      expect((await store.read(ME)).record?.version).toBe(2)
      expect(await store.compareAndSet(ME, 1, fullRecord(2))).toBe(false)
      expect(await store.compareAndSet(ME, 2, fullRecord(3))).toBe(true)
    })

    it('D-store-down: out of memory: what was stored stays, and can be read', async () => {
      const { store } = open(server)
      await store.compareAndSet(ME, 0, fullRecord(1))
      await server.admin.configSet({ maxmemory: '1mb', 'maxmemory-policy': 'noeviction' })
      onTestFinished(() => server.admin.configSet('maxmemory', '0').then(() => {}))
      for (const call of ['compareAndSet', 'lease'] as const) {
        const { code, message } = await refusal(callsOf(store)[call]())
        expect(code).toBe('FULL')
        expect(message).toContain(`${server.where} has no memory left`)
      }
      expect(shown((await store.read(ME)).record)).toEqual(shown(fullRecord(1)))
      expect((await server.admin.hKeys(key)).sort()).toEqual(['layout', 'record', 'version'])
      await store.release(ME, 'a')
    })

    it('a replica: it can be read and not written', async () => {
      const { store } = open(server)
      await store.compareAndSet(ME, 0, fullRecord(1))
      // A primary that does not exist: it keeps its data.
      await server.admin.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
      onTestFinished(() => server.admin.sendCommand(['REPLICAOF', 'NO', 'ONE']).then(() => {}))
      expect((await store.read(ME)).record?.version).toBe(1)
      const { code, message } = await refusal(store.compareAndSet(ME, 1, fullRecord(2)))
      expect(code).toBe('READ_ONLY')
      expect(message).toContain('connect to the primary')
    })

    it('that has forgotten the scripts is told them again', async () => {
      const { store } = open(server)
      await store.compareAndSet(ME, 0, fullRecord(1))
      await server.admin.scriptFlush()
      for (const call of Object.values(callsOf(store))) {
        await server.admin.scriptFlush()
        await call()
      }
      expect((await store.read(ME)).record?.version).toBe(2)
    })
  })

  describe('the user', () => {
    it('store-securely: refused: says what to correct, and shows neither user nor password', async () => {
      await server.admin.aclSetUser('CANARY-user', ['reset', 'on', '>CANARY-right'])
      const { store } = open(server, { client: { username: 'CANARY-user', password: 'CANARY-wrong' }, timeoutMs: 300 })
      const words = `${server.where} refuses the user or the password of the client: correct them (WRONGPASS)`
      await until('the refusal', async () => (await refusal(store.read(ME))).message === words)
      expect((await refusal(store.read(ME))).code).toBe('UNREACHABLE')
    })

    it('without the rights: names the rights', async () => {
      await server.admin.aclSetUser('CANARY-user', ['reset', 'on', '>CANARY-right'])
      const { store } = open(server, { client: { username: 'CANARY-user', password: 'CANARY-right' } })
      for (const call of Object.values(callsOf(store))) {
        const { code, message } = await refusal(call())
        expect(code).toBe('UNREACHABLE')
        expect(message).toContain('its ACL needs ~test:* &test:* +evalsha')
      }
    })

    it('who may not publish stores all the same', async () => {
      const rights = ['~test:*', '+@all', '-publish', '-subscribe']
      await server.admin.aclSetUser('quiet', ['reset', 'on', '>CANARY-right', ...rights])
      const { store } = open(server, { client: { username: 'quiet', password: 'CANARY-right' } })
      store.subscribe(ME, () => {})
      expect(await store.compareAndSet(ME, 0, fullRecord(1))).toBe(true)
    })
  })

  describe('what is kept', () => {
    const damages: [string, string, () => Promise<unknown>][] = [
      ['another type', 'UNREADABLE', () => server.admin.set(key, 'CANARY')],
      ['a hash of others', 'UNREADABLE', () => server.admin.hSet(key, { version: '1', record: 'CANARY' })],
      ['a layout of others', 'UNREADABLE', () => server.admin.hSet(key, { layout: 'CANARY' })],
      ['a later layout', 'NEWER', () => server.admin.hSet(key, { layout: '2', all: 'CANARY' })],
      [
        'a version that is none',
        'UNREADABLE',
        () => server.admin.hSet(key, { layout: '1', version: 'x', record: 'CANARY' }),
      ],
      ['a version without a record', 'UNREADABLE', () => server.admin.hSet(key, { layout: '1', version: '1' })],
    ]
    it.each(damages)('%s is left as it is: %s', async (_, expected, damage) => {
      const { store } = open(server)
      await damage()
      const before = await server.admin.dump(key)
      for (const call of Object.values(callsOf(store))) {
        const { code, message } = await refusal(call())
        expect(code).toBe(expected)
        expect(message).toContain(`${key} in ${server.where}`)
      }
      expect(await server.admin.dump(key)).toEqual(before)
    })

    const texts: [string, string, string][] = [
      ['a damaged text', 'UNREADABLE', '{"format":1,"version":1,"pair":"CANARY'],
      ['a later format', 'NEWER', '{"format":99,"version":1,"pair":"CANARY"}'],
    ]
    it.each(texts)('%s is not taken for a record: %s', async (_, expected, text) => {
      const { store } = open(server)
      await server.admin.hSet(key, { layout: '1', version: '1', record: text })
      const { code, message } = await refusal(store.read(ME))
      expect(code).toBe(expected)
      expect(message).toContain(`${key} in ${server.where}`)
      // Nothing was known of it, so nothing can be written over it.
      expect(await store.compareAndSet(ME, 0, fullRecord(1))).toBe(false)
      expect(await server.admin.hGet(key, 'record')).toBe(text)
    })
  })

  describe('D-skew: a server whose clock is behind the one before', () => {
    it('lets a lease that begins in the future begin now, so that it ends', async () => {
      const { store } = open(server)
      await store.lease(ME, 'a', 300)
      await server.admin.hSet(key, 'leaseStartMs', String(Math.floor(await server.nowMs()) + 3_600_000))
      expect(await store.lease(ME, 'b', 5_000)).toEqual({ granted: false, freeInMs: 300 })
      await server.elapse(300)
      expect(await store.lease(ME, 'b', 5_000)).toEqual({ granted: true })
    })
  })

  describe('a record', () => {
    it('is kept for its time, from the last write on', async () => {
      const { store } = open(server, { ttlMs: 86_400_000 })
      for (const call of [callsOf(store).lease, () => store.compareAndSet(ME, 0, fullRecord(1))]) {
        await call()
        expect(await server.admin.pTTL(key)).toBeGreaterThan(86_300_000)
        await server.admin.pExpire(key, 60_000)
      }
      expect(await server.admin.pTTL(key)).toBeLessThan(60_001)
    })
  })
})
