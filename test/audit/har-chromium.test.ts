import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Exchange } from '../../src/audit/exchange.ts'
import { createSandbox } from '../../src/sandbox/index.ts'
import { hasChromium, launch } from '../support/chromium.ts'
import { read } from './har-support.ts'

/** What the page does: signs in, asks the API, refreshes, is refused, gives up. Returns how often it was answered. */
async function visit(): Promise<number> {
  const post = async (path: string, body: object, headers?: object) =>
    fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const ask = (access: string) =>
    post('/api/v2/taxexempt/', { tin: '123456789', name: 'n', webhook_urls: [] }, { authorization: `Bearer ${access}` })
  const first = await (await post('/api/v2/token/', { username: 'demo', password: 'demo-password' })).json()
  await (await ask(first.access)).text()
  await (await post('/api/v2/token/refresh/', { refresh: first.refresh })).json()
  await (await ask('canary-wrong')).text()
  const gaveUp = await fetch('/api/v2/hangs/', { signal: AbortSignal.timeout(1) }).catch(() => undefined)
  return gaveUp === undefined ? 4 : 5
}

async function record(content: 'embed' | 'omit'): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'har-'))
  const sandbox = createSandbox()
  const listening = await sandbox.listen()
  const browser = await launch()
  onTestFinished(async () => {
    await browser.close()
    await listening.close()
    rmSync(folder, { recursive: true })
  })
  const path = join(folder, 'real.har')
  const context = await browser.newContext({ recordHar: { path, content } })
  const page = await context.newPage()
  await page.route('**/page.html', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
  await page.route('**/api/v2/hangs/', () => {})
  await page.goto(`${listening.url}/page.html`)
  // The browser tells of a request that was given up a little after the page knows.
  const gaveUp = page.waitForEvent('requestfailed')
  expect(await page.evaluate(visit)).toBe(4)
  await gaveUp
  await context.close()
  return readFileSync(path)
}

describe('a HAR of a real browser', () => {
  if (!hasChromium('real HARs')) return

  it('tells what the page did', async () => {
    const { recording, exchanges, error } = await read(await record('embed'))
    expect(error).toBeUndefined()
    expect(recording?.producer).toBe('Playwright')
    expect(recording?.abilities().tells).toEqual(['tokens', 'credentials'])
    const [create, api, refresh, refused, gaveUp] = exchanges.map(({ request }) => request)
    expect(create).toMatchObject({ endpoint: 'create', status: 200 })
    expect(create?.grantedAccessExpAtMs).toBeGreaterThan(exchanges[0]?.sent.earliestMs as number)
    expect(api).toMatchObject({ endpoint: 'api', authScheme: 'Bearer', status: 200, accessId: create?.grantedAccessId })
    expect(refresh).toMatchObject({ endpoint: 'refresh', status: 200, refreshId: create?.grantedRefreshId })
    expect(refresh?.grantedAccessId).toMatch(/^[0-9a-f]{16}$/)
    expect(refused).toMatchObject({ endpoint: 'api', status: 401, code: 'token_not_valid' })
    expect(gaveUp).toMatchObject({ endpoint: 'api', status: 'dropped', abandoned: true })
    expect(exchanges).toHaveLength(5)
    const isAfter = (later: Exchange, earlier: Exchange) => later.sent.latestMs >= earlier.answered.earliestMs
    for (const [n, exchange] of exchanges.slice(1, 4).entries())
      expect(isAfter(exchange, exchanges[n] as Exchange)).toBe(true)
    expect(JSON.stringify(exchanges)).not.toMatch(/demo-password|eyJ|canary/)
  }, 60_000)

  it('without bodies: says what is missing', async () => {
    const { recording } = await read(await record('omit'))
    expect(recording?.abilities().tells).not.toContain('tokens')
    expect(recording?.abilities().lacks.tokens).toMatch(/^2 requests without the token/)
  }, 60_000)
})
