import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { emptyRecord } from '../../src/store/record.ts'
import { virtualClock } from '../../src/virtual-clock.ts'
import { storeContract } from '../support/store-contract.ts'

const ME = 'me@api.example'
const YOU = 'you@api.example'

function make() {
  const clock = virtualClock()
  return { clock, store: memoryStore({ clock }) }
}
const record = (version: number) => ({ ...emptyRecord('salt'), version })

storeContract('memoryStore', async () => {
  const { clock, store } = make()
  return { one: store, other: store, elapse: clock.advance, settle: clock.settle, close: async () => {} }
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
