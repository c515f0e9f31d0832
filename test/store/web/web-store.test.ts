import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { StoreError } from '../../../src/index.ts'
import { accountKey } from '../../../src/store/account-key.ts'
import { encodeRecord } from '../../../src/store/codec.ts'
import { virtualClock } from '../../../src/virtual-clock.ts'
import { fullRecord, shown } from '../../support/records.ts'
import { storeContract } from '../../support/store-contract.ts'
import { type Browser, openBrowser, sessionStorageOf } from './tabs.ts'
import { until } from './until.ts'

const ME = 'https://api.example me'
const HOUR = 3_600_000

function opened() {
  const browser = openBrowser()
  onTestFinished(browser.close)
  return browser
}

/** What a rejection says, all of it. */
async function refusal(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StoreError)
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('CANARY')
  return error as StoreError
}

/** What the one account is called in this browser. */
const keyIn = async ({ prefix }: Browser) => prefix + (await accountKey(ME))

/** What the tabs say to each other from now on. */
function overhear({ channel }: Browser) {
  const said: { want?: string; copy?: string }[] = []
  channel.onmessage = ({ data }: { data: unknown }) => void said.push(data as { want?: string; copy?: string })
  return said
}

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

describe('store-securely: what others of the page are told', () => {
  it('names of locks hold no secret, and are short', async () => {
    const browser = opened()
    const { store } = browser.tab()
    await store.compareAndSet(ME, 0, fullRecord(1))
    await store.lease(ME, 'holder', 15_000)
    const names = await browser.locks()
    expect(names.some((name) => name.includes(' has 1 '))).toBe(true)
    expect(names.join()).not.toContain('CANARY')
    // WebKit refuses longer ones than some hundred.
    expect(Math.max(...names.map((name) => name.length))).toBeLessThan(256)
  })

  it('what is no record is not taken for one, nor quoted', async () => {
    const browser = opened()
    const { store } = browser.tab()
    await store.compareAndSet(ME, 0, fullRecord(1))
    const key = await keyIn(browser)
    const stamp = '9 5 junk'
    const { promise, resolve } = Promise.withResolvers<void>()
    void navigator.locks.request(`${key} has ${stamp}`, { mode: 'shared' }, () => promise)
    let text: unknown = 5
    browser.channel.onmessage = ({ data }: { data: unknown }) => {
      if ((data as { want?: string }).want === stamp) browser.channel.postMessage({ of: key, copy: stamp, text })
    }
    expect((await refusal(browser.within(4_000, store.read(ME)))).code).toBe('UNREACHABLE')
    text = '{"version":"CANARY-text"}'
    expect((await refusal(browser.within(4_000, store.read(ME)))).code).toBe('UNREADABLE')
    text = encodeRecord(fullRecord(9))
    await until(async () => (await store.read(ME).catch(() => undefined))?.record?.version === 9)
    resolve()
  })

  it.each([null, 'text', 5, {}, { of: 7 }, { time: 'CANARY' }, { of: ME, copy: {}, text: {} }])(
    'a message of somebody else changes nothing: %j',
    async (message) => {
      const browser = opened()
      const { store } = browser.tab()
      await store.compareAndSet(ME, 0, fullRecord(1))
      const { nowMs } = await store.read(ME)
      browser.channel.postMessage(message)
      await browser.heard()
      expect(await store.read(ME)).toMatchObject({ nowMs, record: { version: 1 } })
    },
  )
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
