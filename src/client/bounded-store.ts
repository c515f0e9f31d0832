import type { Clock } from '../clock.ts'
import { duration } from '../policy/words.ts'
import type { TokenStore } from '../store/store.ts'
import { StoreError } from '../store/store-error.ts'
import { StoreFailure } from './record-keeper.ts'

export interface BoundedStore extends TokenStore {
  /** What the last call failed for, as far as the store can say; `undefined` once it answers. */
  trouble(): StoreError | undefined
}

/**
 * A store that always answers: a call that hangs, throws or rejects ends in a {@link StoreFailure}, so that no queue
 * behind it stands still. A write that lands after all is found by its version. `D-store-down`
 */
export function boundedStore(store: TokenStore, clock: Clock, timeoutMs: number): BoundedStore {
  let trouble: StoreError | undefined
  const bounded = <T>(call: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const fails = (error?: unknown) => {
        // What else a store throws may name its address, password included: it goes no further.
        trouble = error instanceof StoreError ? error : undefined
        reject(new StoreFailure(trouble?.message ?? 'the store failed', { cause: trouble }))
      }
      const timer = clock.setTimeout(
        () => fails(new StoreError('UNREACHABLE', `it did not answer within ${duration(timeoutMs)}`)),
        timeoutMs,
      )
      const answers = (answer: T) => {
        trouble = undefined
        resolve(answer)
      }
      Promise.resolve()
        .then(call)
        .then(answers, fails)
        .finally(() => clock.clearTimeout(timer))
    })
  const { subscribe, close } = store
  return {
    trouble: () => trouble,
    read: (account) => bounded(() => store.read(account)),
    compareAndSet: (account, expectedVersion, record) =>
      bounded(() => store.compareAndSet(account, expectedVersion, record)),
    lease: (account, holder, leaseMs) => bounded(() => store.lease(account, holder, leaseMs)),
    release: (account, holder) => bounded(() => store.release(account, holder)),
    ...(subscribe && { subscribe: subscribe.bind(store) }),
    ...(close && { close: () => bounded(() => close.call(store)) }),
  }
}
