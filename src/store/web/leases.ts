import type { LeaseAnswer } from '../store.ts'
import type { TabLocks } from './locks.ts'

/**
 * The lease of an account is a lock whose name says who has it and until when. It ends at that time, or as soon as the tab
 * that took it is closed or dies, for then the browser lets go of the lock. Each call has to be in the account's turn.
 */
export interface Leases {
  take(key: string, holder: string, leaseMs: number, nowMs: number): Promise<LeaseAnswer>
  release(key: string, holder: string): Promise<void>
}

export function createLeases(locks: TabLocks): Leases {
  const under = (key: string) => `${key} lease `
  const all = async (key: string) =>
    (await locks.heldUnder(under(key))).map((rest) => {
      const space = rest.indexOf(' ')
      return { name: under(key) + rest, endsMs: Number(rest.slice(0, space)), holder: rest.slice(space + 1) }
    })

  return {
    async take(key, holder, leaseMs, nowMs) {
      const leases = await all(key)
      const others = leases.filter((lease) => lease.holder !== holder && lease.endsMs > nowMs)
      if (others.length > 0)
        return { granted: false, freeInMs: Math.max(...others.map(({ endsMs }) => endsMs)) - nowMs }
      const name = `${under(key)}${nowMs + leaseMs} ${holder}`
      await locks.hold(name)
      // Those before go last, so that there is one at any moment.
      for (const lease of leases) if (lease.name !== name) await locks.end(lease.name)
      return { granted: true }
    },
    async release(key, holder) {
      for (const lease of await all(key)) if (lease.holder === holder) await locks.end(lease.name)
    },
  }
}
