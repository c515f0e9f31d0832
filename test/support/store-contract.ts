import { describe, expect, it, onTestFinished } from 'vitest'
import type { TokenStore } from '../../src/store/store.ts'
import { fullRecord, shown } from './records.ts'

/** Two clients' views of one place where records are kept. */
export interface OpenStores {
  readonly one: TokenStore
  readonly other: TokenStore
  /** Lets the store's time pass. */
  elapse(ms: number): Promise<void>
  /** Lets those who listen hear. */
  settle(): Promise<void>
  close(): Promise<void>
}

export interface ContractOptions {
  /** How long a lease of these tests lasts, ms: a store whose time cannot be moved wants short ones. Default 15_000. */
  leaseMs?: number
  /** By how much what is left of a lease may be off, ms. Default 0. */
  toleranceMs?: number
}

const ME = 'https://api.example me'
const YOU = 'https://api.example you'

/** What every store promises, whatever it is made of: the contract of `TokenStore`. */
export function storeContract(name: string, open: () => Promise<OpenStores>, options: ContractOptions = {}): void {
  const { leaseMs = 15_000, toleranceMs = 0 } = options
  const opened = async () => {
    const stores = await open()
    onTestFinished(stores.close)
    return stores
  }
  const refusedFor = (ms: number) => ({
    granted: false,
    freeInMs: toleranceMs === 0 ? ms : expect.toSatisfy((left: number) => left > 0 && left <= ms + toleranceMs),
  })

  describe(`${name} keeps the contract of a store`, () => {
    it('knows nothing at first', async () => {
      const { one } = await opened()
      expect((await one.read(ME)).record).toBeUndefined()
    })

    it('D-one-at-a-time: keeps what was written over the version it has, whole, for that account alone', async () => {
      const { one, other } = await opened()
      expect(await one.compareAndSet(ME, 0, fullRecord(1))).toBe(true)
      expect(shown((await other.read(ME)).record)).toEqual(shown(fullRecord(1)))
      expect(await other.compareAndSet(ME, 1, fullRecord(2, { pair: null, pause: null, signedOut: false }))).toBe(true)
      expect((await one.read(ME)).record).toMatchObject({ version: 2, pair: null, pause: null, signedOut: false })
      expect((await one.read(YOU)).record).toBeUndefined()
    })

    it('D-one-at-a-time: refuses what was written over another version', async () => {
      const { one, other } = await opened()
      expect(await one.compareAndSet(ME, 1, fullRecord(2))).toBe(false)
      expect((await one.read(ME)).record).toBeUndefined()
      await one.compareAndSet(ME, 0, fullRecord(1))
      expect(await other.compareAndSet(ME, 0, fullRecord(1, { lastGeneration: 9 }))).toBe(false)
      expect(await other.compareAndSet(ME, 2, fullRecord(3, { lastGeneration: 9 }))).toBe(false)
      expect((await other.read(ME)).record).toMatchObject({ version: 1, lastGeneration: 4 })
    })

    it('D-store-down: takes a version that is later by more than one, as a restored record has', async () => {
      const { one, other } = await opened()
      expect(await one.compareAndSet(ME, 0, fullRecord(8))).toBe(true)
      expect(await other.compareAndSet(ME, 1, fullRecord(9))).toBe(false)
      expect(await other.compareAndSet(ME, 8, fullRecord(9))).toBe(true)
    })

    it('D-one-at-a-time: lets one of many writers win', async () => {
      const { one, other } = await opened()
      const written = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? one : other).compareAndSet(ME, 0, fullRecord(1, { lastGeneration: index })),
        ),
      )
      expect(written.filter(Boolean)).toHaveLength(1)
      expect((await one.read(ME)).record?.lastGeneration).toBe(written.indexOf(true))
    })

    it('D-one-at-a-time: gives one lease an account, until it ends by itself', async () => {
      const { one, other, elapse } = await opened()
      expect(await one.lease(ME, 'a', leaseMs)).toEqual({ granted: true })
      expect(await other.lease(ME, 'b', leaseMs)).toEqual(refusedFor(leaseMs))
      expect(await other.lease(YOU, 'b', leaseMs)).toEqual({ granted: true })
      await elapse(leaseMs)
      expect(await other.lease(ME, 'b', leaseMs)).toEqual({ granted: true })
      expect(await one.lease(ME, 'a', leaseMs)).toEqual(refusedFor(leaseMs))
    })

    it('D-one-at-a-time: renews a lease for its holder, for the whole length from then', async () => {
      const { one, other, elapse } = await opened()
      await one.lease(ME, 'a', leaseMs)
      await elapse(leaseMs / 2)
      expect(await one.lease(ME, 'a', 4 * leaseMs)).toEqual({ granted: true })
      await elapse(leaseMs)
      expect(await other.lease(ME, 'b', leaseMs)).toMatchObject({ granted: false })
    })

    it('D-one-at-a-time: takes a lease back from its holder alone', async () => {
      const { one, other } = await opened()
      await one.release(ME, 'a')
      await one.lease(ME, 'a', 10 * leaseMs)
      await other.release(ME, 'b')
      expect(await other.lease(ME, 'b', leaseMs)).toMatchObject({ granted: false })
      await other.release(ME, 'a')
      expect(await other.lease(ME, 'b', leaseMs)).toEqual({ granted: true })
    })

    it('D-skew: tells a time in whole milliseconds that never goes back', async () => {
      const { one, other, elapse } = await opened()
      const { nowMs } = await one.read(ME)
      expect(Number.isInteger(nowMs)).toBe(true)
      await elapse(5)
      const later = await other.read(ME)
      expect(later.nowMs).toBeGreaterThanOrEqual(nowMs + 5)
      await one.compareAndSet(ME, 0, fullRecord(1))
      expect((await one.read(ME)).nowMs).toBeGreaterThanOrEqual(later.nowMs)
    })

    it('tells those who listen of each write to their account, until they stop', async () => {
      const { one, other, settle } = await opened()
      if (one.subscribe === undefined) return
      let heard = 0
      const stop = one.subscribe(ME, () => {
        heard++
      })
      await settle()
      await other.compareAndSet(YOU, 0, fullRecord(1))
      await other.compareAndSet(ME, 5, fullRecord(6))
      await settle()
      expect(heard).toBe(0)
      await other.compareAndSet(ME, 0, fullRecord(1))
      await settle()
      expect(heard).toBe(1)
      stop()
      await other.compareAndSet(ME, 1, fullRecord(2))
      await settle()
      expect(heard).toBe(1)
    })
  })
}
