import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { emptyRecord } from '../../src/store/record.ts'
import { virtualClock } from '../../src/virtual-clock.ts'

const ME = 'me@api.example'
const YOU = 'you@api.example'
const LEASE_MS = 15_000

function make() {
  const clock = virtualClock()
  return { clock, store: memoryStore({ clock }) }
}
const record = (version: number) => ({ ...emptyRecord('salt'), version })

describe('D-one-at-a-time: a stale writer loses', () => {
  it('keeps what was written over the version it has, for that account alone', async () => {
    const { store } = make()
    expect((await store.read(ME)).record).toBeUndefined()
    expect(await store.compareAndSet(ME, 0, record(1))).toBe(true)
    expect(await store.compareAndSet(ME, 1, record(2))).toBe(true)
    expect((await store.read(ME)).record).toEqual(record(2))
    expect((await store.read(YOU)).record).toBeUndefined()
  })

  it('refuses what was written over another version', async () => {
    const { store } = make()
    expect(await store.compareAndSet(ME, 1, record(2))).toBe(false)
    await store.compareAndSet(ME, 0, record(1))
    expect(await store.compareAndSet(ME, 0, { ...record(1), signedOut: true })).toBe(false)
    expect((await store.read(ME)).record).toEqual(record(1))
  })
})

describe('D-one-at-a-time: one lease an account', () => {
  it('is refused to another until it ends, with the time that is left', async () => {
    const { clock, store } = make()
    expect(await store.lease(ME, 'a', LEASE_MS)).toEqual({ granted: true })
    await clock.advance(5_000)
    expect(await store.lease(ME, 'b', LEASE_MS)).toEqual({ granted: false, freeInMs: 10_000 })
    expect(await store.lease(YOU, 'b', LEASE_MS)).toEqual({ granted: true })
    await clock.advance(9_999)
    expect(await store.lease(ME, 'b', LEASE_MS)).toEqual({ granted: false, freeInMs: 1 })
    await clock.advance(1)
    expect(await store.lease(ME, 'b', LEASE_MS)).toEqual({ granted: true })
  })

  it('is renewed by its holder, for the whole length from then', async () => {
    const { clock, store } = make()
    await store.lease(ME, 'a', LEASE_MS)
    await clock.advance(10_000)
    expect(await store.lease(ME, 'a', LEASE_MS)).toEqual({ granted: true })
    await clock.advance(10_000)
    expect(await store.lease(ME, 'b', LEASE_MS)).toEqual({ granted: false, freeInMs: 5_000 })
  })

  it('is given back by its holder alone', async () => {
    const { store } = make()
    await store.release(ME, 'a')
    await store.lease(ME, 'a', LEASE_MS)
    await store.release(ME, 'b')
    expect(await store.lease(ME, 'b', LEASE_MS)).toMatchObject({ granted: false })
    await store.release(ME, 'a')
    expect(await store.lease(ME, 'b', LEASE_MS)).toEqual({ granted: true })
  })
})

describe('those who listen', () => {
  it('hear of each write to their account, until they stop', async () => {
    const { store } = make()
    const heard: string[] = []
    const stop = store.subscribe?.(ME, () => heard.push('first'))
    store.subscribe?.(ME, () => heard.push('second'))
    await store.compareAndSet(ME, 0, record(1))
    expect(heard).toEqual(['first', 'second'])
    await store.compareAndSet(YOU, 0, record(1))
    await store.compareAndSet(ME, 0, record(1))
    expect(heard).toHaveLength(2)
    stop?.()
    await store.compareAndSet(ME, 1, record(2))
    expect(heard).toEqual(['first', 'second', 'second'])
  })

  it('may stop while they are told', async () => {
    const { store } = make()
    const heard: string[] = []
    const stop = store.subscribe?.(ME, () => {
      heard.push('first')
      stop?.()
    })
    store.subscribe?.(ME, () => heard.push('second'))
    await store.compareAndSet(ME, 0, record(1))
    expect(heard).toEqual(['first', 'second'])
  })
})

describe('D-skew: the time of the store', () => {
  it('begins at the wall clock and moves with the monotonic one, in whole milliseconds', async () => {
    const { clock, store } = make()
    await clock.advance(250.5)
    const { nowMs } = await store.read(ME)
    expect(nowMs).toBe(Math.floor(clock.now()))
    clock.jumpWall(3_600_000)
    expect((await store.read(ME)).nowMs).toBe(nowMs)
    await clock.advance(1_000)
    expect((await store.read(ME)).nowMs).toBe(nowMs + 1_000)
  })

  it('begins there however long the process has run', async () => {
    const clock = virtualClock()
    await clock.advance(7_000)
    expect((await memoryStore({ clock }).read(ME)).nowMs).toBe(clock.now())
  })
})
