import type { AccountRecord } from './record.ts'

/** What a store answers to a read. */
export interface StoreRead {
  /** `undefined`: nothing is kept for this account yet. */
  readonly record: AccountRecord | undefined
  /** The store's own time, ms; every time in the record is on it. `D-skew` */
  readonly nowMs: number
}

/** What a store answers to a request for the lease. */
export type LeaseAnswer = { readonly granted: true } | { readonly granted: false; readonly freeInMs: number }

/**
 * Storage for the records of accounts, and nothing more: no policy lives here. Any method may reject; the client turns
 * that into `STORE_UNAVAILABLE` and tries again (`D-store-down`). What a `StoreError` says reaches the caller; of anything
 * else nothing does, for it may hold a secret.
 *
 * The lease is efficiency, the version is correctness: a stale writer loses its compare-and-set and adopts.
 */
export interface TokenStore {
  /** The record of `account` and the store's time. */
  read(account: string): Promise<StoreRead>
  /**
   * Stores `record` if the stored one still has version `expectedVersion` (0: none is stored), all or nothing.
   * `record.version` is later than `expectedVersion`. Resolves with whether it was stored.
   */
  compareAndSet(account: string, expectedVersion: number, record: AccountRecord): Promise<boolean>
  /** Takes or renews the account's one lease for `holder`, for `leaseMs` from now. It ends by itself. */
  lease(account: string, holder: string, leaseMs: number): Promise<LeaseAnswer>
  /** Gives the lease back; nothing happens if `holder` no longer has it. */
  release(account: string, holder: string): Promise<void>
  /** Calls `listener` after each write, at least of others, where the store can tell. Returns the end of it. */
  subscribe?(account: string, listener: () => void): () => void
  /** Frees what the store holds open. */
  close?(): Promise<void>
}
