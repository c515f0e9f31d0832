import { decodeRecord, encodeRecord } from '../codec.ts'
import type { TokenStore } from '../store.ts'
import { StoreError } from '../store-error.ts'
import { createCalls } from './calls.ts'
import { channelOf, keyOf } from './keys.ts'
import { createListening } from './listening.ts'
import { parseOptions, type RedisStoreOptions } from './options.ts'
import { COMPARE_AND_SET, LEASE, READ, RELEASE, type Script } from './scripts.ts'

/** A store in Redis: of all its methods, none is missing. */
export type RedisStore = Required<TokenStore>

/**
 * Keeps records in Redis 6 or later, alone or a cluster, for all processes that reach it. Times are the server's. Tokens
 * are stored as they are: who may read these keys may use the account. Redis must not evict them: `maxmemory-policy
 * noeviction`.
 *
 * Calls reject with a {@link StoreError}. A call that could not be sent within `timeoutMs` is never sent. One that was sent
 * and not answered may still be carried out, when a stopped server goes on: a record is then found by its version, a lease
 * ends by itself.
 *
 * @throws {AuthError} `CONFIG_INVALID`
 * @see clause `store-securely`, decision `D-one-at-a-time`, `D-store-down`, `D-skew`
 */
export function redisStore(options: RedisStoreOptions): RedisStore {
  return storeOn(options, false)
}

/** As {@link redisStore}; `ownsClient`: the client was made for this store and ends with it. */
export function storeOn(options: RedisStoreOptions, ownsClient: boolean): RedisStore {
  const { client, prefix, ttlMs, timeoutMs, clock } = parseOptions(options)
  const calls = createCalls({ client, prefix, clock, timeoutMs, ownsClient })
  const listening = createListening(() => client.duplicate(), clock)

  const run = async (script: Script, key: string, ...args: (string | number)[]) => {
    const answer = await calls.run(script, key, args)
    listening.revive()
    return answer
  }
  const whole = (answer: unknown, key: string): number => {
    if (Number.isSafeInteger(answer)) return answer as number
    const { where } = calls.place()
    throw new StoreError('UNREADABLE', `${where} answered for ${key} what no script of compliancely-auth answers`)
  }

  return {
    async read(account) {
      const key = await keyOf(prefix, account)
      const answer = await run(READ, key)
      const [nowMs, text] = Array.isArray(answer) ? answer : []
      const record = typeof text === 'string' ? decodeRecord(text, `${key} in ${calls.place().where}`) : undefined
      return { record, nowMs: whole(nowMs, key) }
    },
    async compareAndSet(account, expectedVersion, record) {
      const key = await keyOf(prefix, account)
      const args = [expectedVersion, record.version, encodeRecord(record), ttlMs, channelOf(key)]
      return whole(await run(COMPARE_AND_SET, key, ...args), key) === 1
    },
    async lease(account, holder, leaseMs) {
      const key = await keyOf(prefix, account)
      const freeInMs = whole(await run(LEASE, key, holder, leaseMs, ttlMs), key)
      return freeInMs === 0 ? { granted: true } : { granted: false, freeInMs }
    },
    async release(account, holder) {
      await run(RELEASE, await keyOf(prefix, account), holder)
    },
    subscribe(account, listener) {
      let stopped = false
      let stop = () => {
        stopped = true
      }
      void keyOf(prefix, account).then((key) => {
        if (!stopped) stop = listening.add(channelOf(key), listener)
      })
      return () => stop()
    },
    async close() {
      listening.close()
      calls.close()
    },
  }
}
