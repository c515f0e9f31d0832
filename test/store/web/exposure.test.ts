import { describe, expect, it } from 'vitest'
import { encodeRecord } from '../../../src/store/codec.ts'
import { fullRecord } from '../../support/records.ts'
import { keyIn, ME, opened, refusal } from './support.ts'
import { until } from './until.ts'

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
