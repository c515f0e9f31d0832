import { describe, expect, it } from 'vitest'
import { accountKey } from '../../../src/store/account-key.ts'
import { virtualClock } from '../../../src/virtual-clock.ts'
import { fullRecord } from '../../support/records.ts'
import { HOUR, ME, opened, refusal } from './support.ts'
import { until } from './until.ts'

describe('D-skew: the time of the tabs', () => {
  it('begins at the wall clock, and a wall clock that is set moves nothing, for those who come later neither', async () => {
    const browser = opened()
    const { nowMs } = await browser.tab().store.read(ME)
    expect(nowMs).toBe(browser.clock.now())
    browser.clock.jumpWall(2 * HOUR)
    expect((await browser.tab().store.read(ME)).nowMs).toBe(nowMs)
    await browser.clock.advance(1_000)
    expect((await browser.tab().store.read(ME)).nowMs).toBe(nowMs + 1_000)
  })

  it('is told to a tab whose monotonic time begins elsewhere', async () => {
    const browser = opened()
    const { nowMs } = await browser.tab().store.read(ME)
    const clock = virtualClock({ startAtMs: browser.clock.now() - 3 * HOUR })
    await clock.advance(777)
    expect((await browser.tab({ clock }).store.read(ME)).nowMs).toBe(nowMs)
  })

  it('begins anew where nobody is left', async () => {
    const browser = opened()
    const first = browser.tab()
    await first.store.read(ME)
    first.die()
    browser.clock.jumpWall(2 * HOUR)
    expect((await browser.tab().store.read(ME)).nowMs).toBe(browser.clock.now())
  })

  it('is the wall clock where those who know it do not answer', async () => {
    const browser = opened()
    const silent = browser.tab()
    await silent.store.read(ME)
    silent.hang()
    browser.clock.jumpWall(-HOUR)
    expect((await browser.within(2_000, browser.tab().store.read(ME))).nowMs).toBe(browser.clock.now())
  })

  it('is not what somebody was told when others were there', async () => {
    const browser = opened()
    const [first, listening] = [browser.tab(), browser.tab()]
    await first.store.read(ME)
    const second = browser.tab()
    await second.store.read(ME)
    await browser.heard()
    first.die()
    second.die()
    browser.clock.jumpWall(2 * HOUR)
    const { nowMs } = await browser.tab().store.read(ME)
    expect(nowMs).toBe(browser.clock.now())
    browser.clock.jumpWall(2 * HOUR)
    expect((await listening.store.read(ME)).nowMs).toBe(nowMs)
  })

  it('is told by those alone who know it, and in numbers', async () => {
    const browser = opened()
    const [silent, listening] = [browser.tab(), browser.tab()]
    listening.store.subscribe?.(ME, () => {})
    await silent.store.compareAndSet(ME, 0, fullRecord(1))
    await until(async () => (await browser.locks()).filter((name) => name.includes(' has ')).length === 2)
    silent.hang()
    browser.channel.onmessage = ({ data }: { data: unknown }) => {
      if ((data as { time?: unknown }).time === 'asked') browser.channel.postMessage({ time: Number.NaN })
    }
    browser.clock.jumpWall(HOUR)
    const { nowMs } = await browser.within(3_000, browser.tab().store.read(ME))
    expect(nowMs).toBe(browser.clock.now())
  })

  it('is never before what was written, and does not go back to it', async () => {
    const browser = opened()
    const ahead = virtualClock({ startAtMs: browser.clock.now() })
    const [one, other] = [browser.tab(), browser.tab({ clock: ahead })]
    await one.store.read(ME)
    await other.store.read(ME)
    await ahead.advance(40)
    await other.store.compareAndSet(ME, 0, fullRecord(1))
    expect((await one.store.read(ME)).nowMs).toBe(ahead.now())
    await browser.clock.advance(1_000)
    expect((await one.store.read(ME)).nowMs).toBe(ahead.now() + 1_000)
  })

  it('is not before what a tab heard of that had only listened', async () => {
    const browser = opened()
    const early = browser.tab({ clock: virtualClock({ startAtMs: 5_000 }) }).store
    early.subscribe?.(ME, () => {})
    const writer = browser.tab()
    await writer.store.compareAndSet(ME, 0, fullRecord(1))
    await until(async () => (await browser.locks()).filter((name) => name.includes(' has ')).length === 2)
    writer.die()
    await early.lease(ME, 'a', 15_000)
    expect((await browser.locks()).join()).toContain(` lease ${browser.clock.now() + 15_000} a`)
    expect(await early.read(ME)).toMatchObject({ nowMs: browser.clock.now(), record: { version: 1 } })
  })

  it('is learned later where it could not be at first', async () => {
    const browser = opened()
    const { promise, resolve } = Promise.withResolvers<void>()
    void navigator.locks.request(`${browser.prefix}join`, () => promise)
    const { store } = browser.tab()
    expect((await refusal(browser.within(6_000, store.read(ME)))).code).toBe('UNREACHABLE')
    resolve()
    expect((await store.read(ME)).nowMs).toBe(browser.clock.now())
  })

  it('two tabs that come at once begin together', async () => {
    const browser = opened()
    const slow = virtualClock({ startAtMs: browser.clock.now() + HOUR })
    const tabs = [browser.tab(), browser.tab({ clock: slow })]
    // What they do first takes a thread, and would put one before the other.
    for (const { store } of tabs) store.subscribe?.(ME, () => {})
    await accountKey(ME)
    await browser.clock.settle()
    const [one, other] = await Promise.all(tabs.map(({ store }) => store.read(ME)))
    expect(one?.nowMs).toBe(other?.nowMs)
  })
})
