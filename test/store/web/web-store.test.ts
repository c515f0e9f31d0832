import { describe, expect, it } from 'vitest'
import { fullRecord, shown } from '../../support/records.ts'
import { storeContract } from '../../support/store-contract.ts'
import { keyIn, ME, opened, overhear, refusal } from './support.ts'
import { openBrowser, sessionStorageOf } from './tabs.ts'
import { until } from './until.ts'

storeContract('webStore in two tabs', async () => {
  const browser = openBrowser()
  const [one, other] = [browser.tab().store, browser.tab().store]
  return {
    one,
    other,
    elapse: browser.clock.advance,
    async settle() {
      // A message is heard, then its look takes its turn: the reads come after it.
      await browser.heard()
      await one.read(ME)
      await other.read(ME)
      await browser.clock.settle()
    },
    close: browser.close,
  }
})

describe('the record lives in tabs', () => {
  it('is in a tab that came later', async () => {
    const { tab } = opened()
    await tab().store.compareAndSet(ME, 0, fullRecord(1))
    expect(shown((await tab().store.read(ME)).record)).toEqual(shown(fullRecord(1)))
  })

  it('outlives the tab that wrote it, without a read', async () => {
    const browser = opened()
    const [one, other] = [browser.tab(), browser.tab()]
    await other.store.read(ME)
    await one.store.compareAndSet(ME, 0, fullRecord(1))
    await until(async () => (await browser.locks()).filter((name) => name.includes(' has ')).length === 2)
    one.die()
    expect(shown((await other.store.read(ME)).record)).toEqual(shown(fullRecord(1)))
  })

  it('is gone with the last tab', async () => {
    const browser = opened()
    const last = browser.tab()
    await last.store.compareAndSet(ME, 0, fullRecord(1))
    last.die()
    expect((await browser.tab().store.read(ME)).record).toBeUndefined()
  })

  it('has one stamp a tab, however often it is written', async () => {
    const browser = opened()
    const [one, other] = [browser.tab().store, browser.tab().store]
    for (let version = 0; version < 6; version++)
      expect(await (version % 2 === 0 ? one : other).compareAndSet(ME, version, fullRecord(version + 1))).toBe(true)
    await one.read(ME)
    const stamps = (await browser.locks()).filter((name) => name.includes(' has '))
    expect(stamps.map((name) => / has (\d+) /.exec(name)?.[1])).toEqual(['6', '6'])
  })

  it('is taken from no tab that has not answered for two seconds: UNREACHABLE, and no lease is in the way', async () => {
    const browser = opened()
    const silent = browser.tab()
    await silent.store.compareAndSet(ME, 0, fullRecord(1))
    const { store } = browser.tab()
    silent.hang()
    const error = await refusal(browser.within(4_000, store.read(ME)))
    expect(error.code).toBe('UNREACHABLE')
    expect(error.message).toContain('bring it to the front or close it')
    silent.die()
    expect((await store.read(ME)).record).toBeUndefined()
  })

  it('is what the others have when the tab that was asked dies', async () => {
    const browser = opened()
    const [one, dying] = [browser.tab(), browser.tab()]
    await one.store.compareAndSet(ME, 0, fullRecord(1))
    await dying.store.read(ME)
    one.hang()
    await dying.store.compareAndSet(ME, 1, fullRecord(2))
    await browser.heard()
    dying.hang()
    const said = overhear(browser)
    const reading = one.store.read(ME)
    one.hang(false)
    await until(async () => said.some(({ want }) => want?.startsWith('2 ')))
    dying.die()
    expect((await browser.within(1_000, reading)).record?.version).toBe(1)
  })

  it('does not come back from the dead: not before a later write, nor behind it, nor in its place', async () => {
    const browser = opened()
    const [one, other, dying] = [browser.tab(), browser.tab(), browser.tab()]
    for (const { store } of [one, other]) await store.read(ME)
    await one.store.compareAndSet(ME, 0, fullRecord(1))
    await other.store.read(ME)
    await dying.store.read(ME)
    for (const tab of [one, other]) tab.hang()
    const said = overhear(browser)
    await dying.store.compareAndSet(ME, 1, fullRecord(2, { lastGeneration: 77 }))
    await browser.heard()
    dying.die()
    for (const tab of [one, other]) tab.hang(false)
    // Messages may be late: this is what the dead tab said of its write.
    const late = async () => {
      browser.channel.postMessage(said.find(({ copy }) => copy?.startsWith('2 ')))
      await browser.heard()
    }
    await late()
    expect(await one.store.compareAndSet(ME, 1, fullRecord(2, { lastGeneration: 5 }))).toBe(true)
    await late()
    expect((await one.store.read(ME)).record?.lastGeneration).toBe(5)
    const newcomer = browser.tab().store
    const reading = newcomer.read(ME)
    await late()
    expect((await browser.within(1_000, reading)).record?.lastGeneration).toBe(5)
    await late()
    expect((await other.store.read(ME)).record?.lastGeneration).toBe(5)
  })

  it('waits for no tab that hangs in its turn: UNREACHABLE', async () => {
    const browser = opened()
    const { store } = browser.tab()
    await store.compareAndSet(ME, 0, fullRecord(1))
    const key = await keyIn(browser)
    const { promise, resolve } = Promise.withResolvers<void>()
    void navigator.locks.request(key, () => promise)
    const error = await refusal(browser.within(6_000, store.read(ME)))
    expect(error.code).toBe('UNREACHABLE')
    resolve()
    expect((await store.read(ME)).record?.version).toBe(1)
  })
})

describe('D-one-at-a-time: a tab that dies', () => {
  /** Writes version 2 in a tab that dies at one step; gives what another tab finds then. */
  const dyingAt = async (diesAt: number) => {
    const browser = openBrowser()
    const session = sessionStorageOf()
    try {
      const other = browser.tab().store
      await other.compareAndSet(ME, 0, fullRecord(1))
      const writer = browser.tab({ session, diesAt })
      const writing = writer.store.compareAndSet(ME, 1, fullRecord(2, { lastGeneration: 9 }))
      const ended = await Promise.race([
        writing.catch(() => 'dead'),
        until(async () => writer.steps() >= diesAt).then(() => 'dead'),
      ])
      const found = (await browser.within(3_000, other.read(ME))).record
      expect(shown(found)).toEqual(shown(found?.version === 2 ? fullRecord(2, { lastGeneration: 9 }) : fullRecord(1)))
      const version = found?.version ?? 0
      expect(await other.compareAndSet(ME, version, fullRecord(version + 1))).toBe(true)
      return { ended, version, steps: writer.steps() }
    } finally {
      await browser.close()
    }
  }

  it('in the middle of a write leaves the old record or the new one, at each step, and nobody waits for it', async () => {
    const { ended, version, steps } = await dyingAt(Number.POSITIVE_INFINITY)
    expect({ ended, version }).toEqual({ ended: true, version: 2 })
    expect(steps).toBeGreaterThan(8)
    const versions: number[] = []
    for (let step = 1; step <= steps; step++) versions.push((await dyingAt(step)).version)
    expect(new Set(versions).has(1)).toBe(true)
    // Once it is new, no later death makes it old.
    expect(versions).toEqual(versions.toSorted())
  })

  it('gives its lease back at once', async () => {
    const browser = opened()
    const [one, other] = [browser.tab(), browser.tab()]
    expect(await one.store.lease(ME, 'a', 15_000)).toEqual({ granted: true })
    expect(await other.store.lease(ME, 'b', 15_000)).toEqual({ granted: false, freeInMs: 15_000 })
    one.die()
    expect(await other.store.lease(ME, 'b', 15_000)).toEqual({ granted: true })
  })

  it('a lease that ended by itself leaves no lock behind once another is taken', async () => {
    const browser = opened()
    const { store } = browser.tab()
    for (const holder of ['a', 'b', 'c']) {
      expect(await store.lease(ME, holder, 15_000)).toEqual({ granted: true })
      await browser.clock.advance(15_000)
    }
    const leases = (await browser.locks()).filter((name) => name.includes(' lease '))
    expect(leases.map((name) => name.slice(-1))).toEqual(['c'])
  })
})

describe('a store that was closed', () => {
  it('frees its locks and answers nothing more', async () => {
    const browser = opened()
    const [one, other] = [browser.tab().store, browser.tab().store]
    await one.compareAndSet(ME, 0, fullRecord(1))
    await one.lease(ME, 'a', 15_000)
    await one.close?.()
    expect(await browser.locks()).toEqual([])
    for (const account of [ME, 'https://api.example you'])
      expect((await refusal(one.read(account))).message).toContain('closed')
    expect((await other.read(ME)).record).toBeUndefined()
  })
  it('lets what waits for its turn write nothing', async () => {
    const browser = opened()
    const { store } = browser.tab()
    await store.compareAndSet(ME, 0, fullRecord(1))
    const { promise, resolve } = Promise.withResolvers<void>()
    const key = await keyIn(browser)
    void navigator.locks.request(key, () => promise)
    const writing = refusal(store.compareAndSet(ME, 1, fullRecord(2)))
    await until(async () => (await navigator.locks.query()).pending?.some(({ name }) => name === key) ?? false)
    await store.close?.()
    resolve()
    expect((await writing).message).toContain('closed')
    expect(await browser.locks()).toEqual([])
  })
})
