import { describe, expect, it } from 'vitest'
import { fullRecord, shown } from '../../support/records.ts'
import { HOUR, ME, opened, refusal } from './support.ts'
import { sessionStorageOf } from './tabs.ts'
import { until } from './until.ts'

describe("store-securely: a tab's sessionStorage", () => {
  it('brings the record back after a reload', async () => {
    const browser = opened()
    const session = sessionStorageOf()
    const before = browser.tab({ session })
    await before.store.compareAndSet(ME, 0, fullRecord(1))
    await before.store.compareAndSet(ME, 1, fullRecord(2))
    before.die()
    const after = browser.tab({ session })
    expect(shown((await after.store.read(ME)).record)).toEqual(shown(fullRecord(2)))
    expect(await after.store.compareAndSet(ME, 2, fullRecord(3))).toBe(true)
  })

  it('has what other tabs wrote, too, and goes no further back in time', async () => {
    const browser = opened()
    const session = sessionStorageOf()
    const [one, other] = [browser.tab({ session }), browser.tab()]
    await one.store.compareAndSet(ME, 0, fullRecord(1))
    await other.store.compareAndSet(ME, 1, fullRecord(2))
    const { nowMs } = await one.store.read(ME)
    one.die()
    other.die()
    browser.clock.jumpWall(-HOUR)
    const after = await browser.tab({ session }).store.read(ME)
    expect(after.record?.version).toBe(2)
    expect(after.nowMs).toBe(nowMs)
  })

  it.each([
    ['a later version', 2, 3],
    ['the same version, written by them', 1, 2],
  ])('gives way to what other tabs have: %s', async (_, mine, theirs) => {
    const browser = opened()
    const session = sessionStorageOf()
    const gone = browser.tab({ session })
    await gone.store.compareAndSet(ME, 0, fullRecord(mine, { lastGeneration: 50 }))
    gone.die()
    const other = browser.tab().store
    await other.compareAndSet(ME, 0, fullRecord(mine, { lastGeneration: 60 }))
    if (theirs > 2) await other.compareAndSet(ME, mine, fullRecord(theirs, { lastGeneration: 60 }))
    const back = browser.tab({ session }).store
    expect((await back.read(ME)).record?.lastGeneration).toBe(60)
    expect((await other.read(ME)).record?.lastGeneration).toBe(60)
  })

  it('brings back what the tab wrote just before, though no other had seen it: all have it then', async () => {
    const browser = opened()
    const session = sessionStorageOf()
    const [one, other] = [browser.tab({ session }), browser.tab()]
    await one.store.compareAndSet(ME, 0, fullRecord(1))
    await other.store.read(ME)
    other.hang()
    await one.store.compareAndSet(ME, 1, fullRecord(2))
    one.die()
    await browser.heard()
    other.hang(false)
    const back = browser.tab({ session })
    expect((await browser.within(2_000, back.store.read(ME))).record?.version).toBe(2)
    await until(async () => (await browser.locks()).filter((name) => name.includes(' has 2 ')).length === 2)
  })

  it('a duplicated tab has the same copy', async () => {
    const browser = opened()
    const session = sessionStorageOf()
    const first = browser.tab({ session })
    await first.store.compareAndSet(ME, 0, fullRecord(1))
    const copied = sessionStorageOf()
    for (let index = 0; index < session.length; index++) {
      const key = session.key(index) ?? ''
      copied.setItem(key, session.getItem(key) ?? '')
    }
    const second = browser.tab({ session: copied }).store
    // It asks for what it has not.
    first.hang()
    expect((await browser.within(1_500, second.read(ME))).record?.version).toBe(1)
    first.hang(false)
    expect(await second.compareAndSet(ME, 1, fullRecord(2))).toBe(true)
    expect((await first.store.read(ME)).record?.version).toBe(2)
  })

  /** A storage with one item, spoilt in some way. */
  const spoilt = async (spoil: (text: string) => string) => {
    const browser = opened()
    const session = sessionStorageOf()
    const tab = browser.tab({ session })
    await tab.store.compareAndSet(ME, 0, fullRecord(1))
    tab.die()
    const key = session.key(0) ?? ''
    session.setItem(key, spoil(session.getItem(key) ?? ''))
    return { browser, session, key, store: browser.tab({ session }).store }
  }

  it.each([
    ['cut off', (text: string) => text.slice(0, text.length / 2)],
    ['not ours', () => 'CANARY'],
    ['without a stamp', (text: string) => text.slice(text.indexOf('\n'))],
    ['empty', () => ''],
  ])('is dropped when damaged (%s): the copies of others decide', async (_, spoil) => {
    const { session, store } = await spoilt(spoil)
    expect((await store.read(ME)).record).toBeUndefined()
    expect(session.length).toBe(0)
    expect(await store.compareAndSet(ME, 0, fullRecord(1))).toBe(true)
  })

  it('is left as it is when a later version of the package wrote it: NEWER', async () => {
    const { session, key, store } = await spoilt((text) => text.replace('"format":1', '"format":2'))
    const before = session.getItem(key)
    expect((await refusal(store.read(ME))).code).toBe('NEWER')
    expect((await refusal(store.compareAndSet(ME, 0, fullRecord(1)))).code).toBe('NEWER')
    expect(session.getItem(key)).toBe(before)
  })

  it('that has no room refuses a write and changes nothing: FULL', async () => {
    const browser = opened()
    const items = new Map<string, string>()
    const tab = browser.tab({ session: sessionStorageOf(undefined, items) })
    await tab.store.compareAndSet(ME, 0, fullRecord(1))
    const full = browser.tab({ session: sessionStorageOf(10) }).store
    expect((await full.read(ME)).record?.version).toBe(1)
    expect((await refusal(full.compareAndSet(ME, 1, fullRecord(2)))).code).toBe('FULL')
    expect((await full.read(ME)).record?.version).toBe(1)
    expect((await tab.store.read(ME)).record?.version).toBe(1)
  })

  it('holds no old copy when there is no room for the new one', async () => {
    const browser = opened()
    const items = new Map<string, string>()
    const other = browser.tab().store
    const small = browser.tab({ session: sessionStorageOf(3_000, items) }).store
    await small.compareAndSet(ME, 0, fullRecord(1))
    expect(items.size).toBe(1)
    const sends = Array.from({ length: 1_000 }, (_, index) => index)
    await other.compareAndSet(ME, 1, fullRecord(2, { sends }))
    expect((await small.read(ME)).record?.version).toBe(2)
    expect(items.size).toBe(0)
  })
})
