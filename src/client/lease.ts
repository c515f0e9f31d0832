import { type Clock, sleep } from '../clock.ts'
import type { Policy } from '../policy/schema.ts'
import type { TokenStore } from '../store/store.ts'
import type { Timeline } from './timeline.ts'

/** How often a client that waits for the lease looks again, ms. */
export const LEASE_POLL_MS = 250

/** One create or refresh in flight per account. `D-one-at-a-time` */
export interface Lease {
  /**
   * Runs `work` under the account's lease, renewed while it runs. Waits for another holder, but no longer than a lease
   * lasts: then it gives how long that one still has, ms.
   */
  under<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | { readonly heldForMs: number }>
  /** Resolves when every lease is given back. */
  released(): Promise<void>
}

export interface LeaseOptions {
  store: TokenStore
  account: string
  /** Names this client to the store. */
  holder: string
  clock: Clock
  timeline: Timeline
  policy: Pick<Policy, 'leaseMs' | 'leaseRenewMs'>
}

export function createLease({ store, account, holder: client, clock, timeline, policy }: LeaseOptions): Lease {
  let requests = 0
  let releasing: Promise<void> = Promise.resolve()

  const renew = async (holder: string, ended: AbortSignal) => {
    for (;;) {
      await sleep(clock, policy.leaseRenewMs, ended)
      if (ended.aborted) return
      await store.lease(account, holder, policy.leaseMs).catch(() => {})
    }
  }

  return {
    released: () => releasing,
    async under(signal, work) {
      // A holder a request: the late release of an aborted one does not end the lease of the next.
      const holder = `${client}/${++requests}`
      const giveUpAtMs = timeline.nowMs() + policy.leaseMs
      for (;;) {
        if (signal.aborted) return { heldForMs: LEASE_POLL_MS }
        const answer = await store.lease(account, holder, policy.leaseMs)
        if (answer.granted) break
        if (timeline.nowMs() >= giveUpAtMs) return { heldForMs: Math.max(answer.freeInMs, LEASE_POLL_MS) }
        await sleep(clock, Math.min(answer.freeInMs, LEASE_POLL_MS), signal)
      }
      const renewing = new AbortController()
      const renewed = renew(holder, renewing.signal)
      try {
        return await work()
      } finally {
        renewing.abort()
        // The outcome does not wait for it; the client's end does.
        // After a renewal on its way, which would take the lease again for a holder that is gone.
        const released = renewed.then(() => store.release(account, holder)).catch(() => {})
        releasing = Promise.all([releasing, released]).then(() => {})
      }
    },
  }
}
