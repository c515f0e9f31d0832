import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { SandboxOptions } from '../../../src/sandbox/index.ts'
import { hasChromium, launch } from '../../support/chromium.ts'
import { bundle, openSite, type Tab } from './chromium.ts'
import { until } from './until.ts'

let browser: Browser
let code: string
let sizes: { minifiedBytes: number; gzipBytes: number }

async function site(options: SandboxOptions = {}) {
  const opened = await openSite(browser, code, options)
  onTestFinished(opened.close)
  return opened
}

const holds = (tab: Tab, token: string) => async () => {
  const outcome = await tab.token()
  return 'token' in outcome && outcome.token === token
}

function realTabs() {
  beforeAll(async () => {
    ;[browser, { code, ...sizes }] = await Promise.all([launch(), bundle()])
  }, 60_000)
  afterAll(() => browser?.close())

  it('take a bundle of client and store that asks for nothing of Node', () => {
    expect(code).not.toMatch(/["'`]node:/)
    expect(code).toContain('navigator')
    // The whole client, its chart and its store; a guard against a package that slips in.
    expect(sizes.gzipBytes).toBeLessThan(80_000)
  })

  it('D-one-at-a-time: sign in once, whoever asks', async () => {
    const { tab, tokenRequests } = await site()
    const [one, other] = await Promise.all([tab(), tab()])
    const outcomes = (await Promise.all([one.tokens(20), other.tokens(20)])).flat()
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1)
    expect(outcomes[0]).toHaveProperty('token')
    expect(outcomes).toHaveLength(40)
    expect(tokenRequests()).toBe('create 200')
  })

  it('replace-both: have the pair that one of them refreshed', async () => {
    const { tab, tokenRequests } = await site()
    const [one, other] = [await tab(), await tab()]
    const before = await one.token()
    expect(await other.token()).toEqual(before)
    const after = (await one.token({ forceRefresh: true })) as { token: string }
    expect(after).not.toEqual(before)
    await until(holds(other, after.token))
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it.each(['close', 'kill'] as const)('cache-tokens: keep the pair of one that ends (%s)', async (end) => {
    const { tab, tokenRequests } = await site()
    const [one, other] = [await tab(), await tab()]
    const first = await one.token()
    await other.token()
    const { token } = (await one.token({ forceRefresh: true })) as { token: string }
    await until(holds(other, token))
    await one[end]()
    expect(await other.token()).toEqual({ token })
    expect(await (await tab()).token()).toEqual({ token })
    expect(first).not.toEqual({ token })
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('D-one-at-a-time: have the lease of one that is killed in the middle of its sign-in', async () => {
    const { sandbox, tab } = await site({ faults: [{ endpoint: 'create', hang: 'before' }] })
    const [one, other] = [await tab(), await tab()]
    void one.token().catch(() => {})
    await until(() => sandbox.pending() === 1)
    const asking = other.token()
    await one.kill()
    expect(await asking).toHaveProperty('token')
    const creates = sandbox.log.filter(({ endpoint }) => endpoint === 'create')
    expect(creates.map(({ status }) => status).sort()).toEqual([200, 'dropped'])
  })

  it('D-one-at-a-time: give one lease an account, which ends by itself or with its tab', async () => {
    const { tab } = await site()
    const [one, other] = [await tab(), await tab()]
    expect(await one.lease('a', 200)).toEqual({ granted: true })
    await until(async () => (await other.lease('b', 60_000)).granted)
    const refused = { granted: false, freeInMs: expect.toSatisfy((ms: number) => ms > 30_000 && ms <= 60_000) }
    expect(await one.lease('a', 200)).toEqual(refused)
    await other.kill()
    await until(async () => (await one.lease('a', 200)).granted)
  })

  it('D-skew: agree on a time that no setting of the clock moves', async () => {
    const { tab } = await site()
    const one = await tab()
    const beforeMs = await one.storeMs()
    const otherMs = await (await tab('memory', { wallAheadMs: 7_200_000 })).storeMs()
    expect(otherMs).toBeGreaterThan(beforeMs - 1_000)
    expect(otherMs).toBeLessThan(beforeMs + 3_600_000)
    const againMs = await one.storeMs()
    expect(againMs).toBeLessThan(otherMs + 60_000)
    expect(againMs).toBeGreaterThan(beforeMs)
  })

  it('cache-tokens: keep the pair over a reload, in the session', async () => {
    const { tab, tokenRequests } = await site()
    const one = await tab('session')
    const before = await one.token()
    await one.reload()
    expect(await one.token()).toEqual(before)
    expect(tokenRequests()).toBe('create 200')
  })

  it('store-securely: one tab that keeps in memory signs in again after a reload, and nothing is left behind', async () => {
    const { tab, tokenRequests } = await site()
    const one = await tab('memory')
    const before = await one.token()
    const kept = await one.page.evaluate(async () => ({
      items: sessionStorage.length + localStorage.length,
      databases: (await indexedDB.databases()).length,
      cookies: document.cookie,
      caches: (await caches.keys()).length,
    }))
    expect(kept).toEqual({ items: 0, databases: 0, cookies: '', caches: 0 })
    await one.reload()
    expect(await one.token()).not.toEqual(before)
    expect(tokenRequests()).toBe('create 200, create 200')
  })

  it('store-securely: one of two that keep in memory gets the pair back from the other', async () => {
    const { tab, tokenRequests } = await site()
    const [one, other] = [await tab(), await tab()]
    const before = await one.token()
    expect(await other.token()).toEqual(before)
    await one.reload()
    expect(await one.token()).toEqual(before)
    expect(tokenRequests()).toBe('create 200')
  })

  it('D-sign-out: are signed out together', async () => {
    const { tab, tokenRequests } = await site()
    const [one, other] = [await tab('session'), await tab()]
    await one.token()
    await other.token()
    await other.signOut()
    await until(async () => JSON.stringify(await one.token()) === '{"code":"SIGNED_OUT"}')
    await one.reload()
    expect(await one.token()).toEqual({ code: 'SIGNED_OUT' })
    expect(tokenRequests()).toBe('create 200')
  })

  it('pause-after-429: pause together', async () => {
    const { tab, tokenRequests } = await site({ faults: [{ endpoint: 'create', status: 429, times: 9 }] })
    const [one, other] = [await tab(), await tab()]
    expect(await one.token()).toEqual({ code: 'THROTTLED' })
    expect(await other.token()).toEqual({ code: 'THROTTLED' })
    expect(await (await tab()).token()).toEqual({ code: 'THROTTLED' })
    expect(tokenRequests()).toBe('create 429')
  })
}

// Registered only where it can run: a test that is skipped is one that nobody misses.
describe('real tabs of Chromium', () => {
  if (hasChromium('the browser store')) realTabs()
})
