import { type Clock, sleep } from '../clock.ts'
import type { TokenStore } from '../store/store.ts'
import { StoreFailure } from './record-keeper.ts'

/**
 * A store that always answers: a call that hangs, throws or rejects ends in a {@link StoreFailure}, so that no queue
 * behind it stands still. A write that lands after all is found by its version. `D-store-down`
 */
export function boundedStore(store: TokenStore, clock: Clock, timeoutMs: number): TokenStore {
  const bounded = async <T>(call: () => Promise<T>): Promise<T> => {
    const over = new AbortController()
    const late = sleep(clock, timeoutMs, over.signal).then(() => {
      throw new StoreFailure(`the store did not answer within ${timeoutMs} ms`)
    })
    late.catch(() => {})
    try {
      return await Promise.race([Promise.resolve().then(call), late])
    } catch (error) {
      // What a store throws may name its address, password included: it goes no further.
      throw error instanceof StoreFailure ? error : new StoreFailure('the store failed')
    } finally {
      over.abort()
    }
  }
  const { subscribe, close } = store
  return {
    read: (account) => bounded(() => store.read(account)),
    compareAndSet: (account, expectedVersion, record) =>
      bounded(() => store.compareAndSet(account, expectedVersion, record)),
    lease: (account, holder, leaseMs) => bounded(() => store.lease(account, holder, leaseMs)),
    release: (account, holder) => bounded(() => store.release(account, holder)),
    ...(subscribe && { subscribe: subscribe.bind(store) }),
    ...(close && { close: () => bounded(() => close.call(store)) }),
  }
}
