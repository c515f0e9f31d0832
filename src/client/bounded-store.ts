import type { Clock } from '../clock.ts'
import type { TokenStore } from '../store/store.ts'
import { StoreFailure } from './record-keeper.ts'

/**
 * A store that always answers: a call that hangs, throws or rejects ends in a {@link StoreFailure}, so that no queue
 * behind it stands still. A write that lands after all is found by its version. `D-store-down`
 */
export function boundedStore(store: TokenStore, clock: Clock, timeoutMs: number): TokenStore {
  const bounded = <T>(call: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = clock.setTimeout(
        () => reject(new StoreFailure(`the store did not answer within ${timeoutMs} ms`)),
        timeoutMs,
      )
      // What a store throws may name its address, password included: it goes no further.
      const failed = () => reject(new StoreFailure('the store failed'))
      Promise.resolve()
        .then(call)
        .then(resolve, failed)
        .finally(() => clock.clearTimeout(timer))
    })
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
