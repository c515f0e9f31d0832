import type { Clock } from '../clock.ts'
import type { AccountRecord } from './record.ts'
import type { TokenStore } from './store.ts'

/**
 * Keeps records in this process. Several clients may share one; nothing survives the process.
 * Its time is monotonic, so that a wall clock that is set moves nothing.
 */
export function memoryStore({ clock }: { clock: Clock }): TokenStore {
  const records = new Map<string, AccountRecord>()
  const leases = new Map<string, { holder: string; endsMs: number }>()
  const listeners = new Map<string, Set<() => void>>()
  const epochMs = clock.now() - clock.monotonic()
  const nowMs = () => Math.floor(epochMs + clock.monotonic())

  return {
    async read(account) {
      return { record: records.get(account), nowMs: nowMs() }
    },
    async compareAndSet(account, expectedVersion, record) {
      if ((records.get(account)?.version ?? 0) !== expectedVersion) return false
      records.set(account, record)
      for (const listener of [...(listeners.get(account) ?? [])]) listener()
      return true
    },
    async lease(account, holder, leaseMs) {
      const held = leases.get(account)
      if (held !== undefined && held.holder !== holder && held.endsMs > nowMs())
        return { granted: false, freeInMs: held.endsMs - nowMs() }
      leases.set(account, { holder, endsMs: nowMs() + leaseMs })
      return { granted: true }
    },
    async release(account, holder) {
      if (leases.get(account)?.holder === holder) leases.delete(account)
    },
    subscribe(account, listener) {
      const all = listeners.get(account) ?? new Set()
      listeners.set(account, all.add(listener))
      return () => void all.delete(listener)
    },
  }
}
