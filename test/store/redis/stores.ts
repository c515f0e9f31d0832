import { channelOf, keyOf } from '../../../src/store/redis/keys.ts'
import type { RedisStore } from '../../../src/store/redis/redis-store.ts'
import { fullRecord } from '../../support/records.ts'
import type { OpenStores } from '../../support/store-contract.ts'
import { type Server, until } from './server.ts'

/**
 * Two stores of one server for the contract. `settle` waits until the server knows all subscriptions and `one` has heard
 * of a write that came after all others, on the same connection.
 */
export function openStores(server: Server, prefix: string, one: RedisStore, other: RedisStore): OpenStores {
  const listening = new Map<symbol, string>()
  let barriers = 0
  const numSub = async (account: string) => {
    const channel = channelOf(await keyOf(prefix, account))
    return (await server.admin.pubSubNumSub(channel))[channel] ?? 0
  }
  return {
    one: {
      ...one,
      subscribe(account, listener) {
        const id = Symbol(account)
        listening.set(id, account)
        const stop = one.subscribe(account, listener)
        return () => {
          listening.delete(id)
          stop()
        }
      },
    },
    other,
    elapse: server.elapse,
    async settle() {
      for (const account of listening.values())
        await until('the subscription that was asked for', () => numSub(account))
      const barrier = `https://barrier.example ${++barriers}`
      let heard = false
      const stop = one.subscribe(barrier, () => {
        heard = true
      })
      await until('the subscription of the barrier', () => numSub(barrier))
      await other.compareAndSet(barrier, 0, fullRecord(1))
      await until('the barrier to be heard of', () => heard)
      stop()
    },
    async close() {
      await one.close()
      await other.close()
    },
  }
}
