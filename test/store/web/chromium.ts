import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { build } from 'vite'
import type { LeaseAnswer, TokenStore } from '../../../src/index.ts'
import { createSandbox, type Sandbox, type SandboxOptions } from '../../../src/sandbox/index.ts'
import { listen } from '../../../src/sandbox/listener.ts'

/** The script of the page, as a bundler makes it. */
export async function bundle(): Promise<{ code: string; minifiedBytes: number; gzipBytes: number }> {
  const built = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: true, rollupOptions: { input: join(import.meta.dirname, 'page.ts') } },
  })
  const [chunk] = (Array.isArray(built) ? built : [built]).flatMap((result) =>
    'output' in result ? result.output : [],
  )
  if (chunk?.type !== 'chunk') throw new Error('the bundler made no script')
  return { code: chunk.code, minifiedBytes: chunk.code.length, gzipBytes: gzipSync(chunk.code).length }
}

/** What a call in a page came to; errors do not cross over by themselves. */
export type Outcome = { readonly token: string } | { readonly code: string }

export interface Tab {
  readonly page: Page
  /** A usable token, or the code of the error. */
  token(options?: { forceRefresh?: boolean }): Promise<Outcome>
  /** The same for several callers at once. */
  tokens(callers: number): Promise<Outcome[]>
  signOut(): Promise<void>
  /** Asks the tab's store for the lease of an account. */
  lease(holder: string, leaseMs: number): Promise<LeaseAnswer>
  /** The time of the tab's store, ms. */
  storeMs(): Promise<number>
  reload(): Promise<void>
  /** Its process ends, as if the system had killed it. */
  kill(): Promise<void>
  close(): Promise<void>
}

/** One origin that serves a page and the API, and the tabs that have it open. */
export interface Site {
  readonly sandbox: Sandbox
  /** Opens a tab with one client of the sandbox's user; the machine's clock may have been set before. */
  tab(keep?: 'memory' | 'session', options?: { wallAheadMs?: number }): Promise<Tab>
  /** `create 200, refresh 200`: the token requests that have ended. */
  tokenRequests(): string
  close(): Promise<void>
}

const HTML = '<!doctype html><title>tabs</title><script type="module" src="/page.js"></script>'

/** What `page.ts` puts there, and the one client of the page. */
interface PageWindow {
  createAuthClient(options: object): {
    getAccessToken(options?: object): Promise<string>
    signOut(): Promise<void>
  }
  webStore(options: object): TokenStore
  store: TokenStore
  auth: ReturnType<PageWindow['createAuthClient']>
}

export async function openSite(browser: Browser, code: string, options: SandboxOptions = {}): Promise<Site> {
  const sandbox = createSandbox(options)
  const server = await listen(async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/') return new Response(HTML, { headers: { 'Content-Type': 'text/html' } })
    if (pathname === '/page.js') return new Response(code, { headers: { 'Content-Type': 'text/javascript' } })
    if (pathname === '/favicon.ico') return new Response(null, { status: 204 })
    return sandbox.fetch(request)
  })
  const context: BrowserContext = await browser.newContext()

  const begin = async (page: Page, keep: 'memory' | 'session') => {
    await page.waitForFunction(() => 'webStore' in window)
    await page.evaluate((keep) => {
      const page = window as unknown as PageWindow
      page.store = page.webStore({ keep })
      page.auth = page.createAuthClient({
        baseURL: location.origin,
        credentials: { username: 'demo', password: 'demo-password' },
        store: page.store,
        policy: { fingerprintRounds: 1 },
      })
    }, keep)
  }

  return {
    sandbox,
    async tab(keep = 'memory', { wallAheadMs = 0 } = {}) {
      const page = await context.newPage()
      await page.addInitScript((aheadMs) => {
        const { now } = Date
        Date.now = () => now() + aheadMs
      }, wallAheadMs)
      await page.goto(server.url)
      await begin(page, keep)
      const tokens = (callers: number, options: object): Promise<Outcome[]> =>
        page.evaluate(
          ([callers, options]) => {
            const { auth } = window as unknown as PageWindow
            const ask = () =>
              auth.getAccessToken(options).then(
                (token) => ({ token }),
                (error: { code: string }) => ({ code: error.code }),
              )
            return Promise.all(Array.from({ length: callers }, ask))
          },
          [callers, options] as const,
        )
      return {
        page,
        token: async (options = {}) => (await tokens(1, options))[0] as Outcome,
        tokens: (callers) => tokens(callers, {}),
        signOut: () => page.evaluate(() => (window as unknown as PageWindow).auth.signOut()),
        lease: (holder, leaseMs) =>
          page.evaluate(
            ([holder, leaseMs]) =>
              (window as unknown as PageWindow).store.lease('http://lease.test me', holder, leaseMs),
            [holder, leaseMs] as const,
          ),
        storeMs: () =>
          page.evaluate(async () => {
            const { nowMs } = await (window as unknown as PageWindow).store.read('http://time.test me')
            return nowMs
          }),
        async reload() {
          await page.reload()
          await begin(page, keep)
        },
        async kill() {
          const session = await context.newCDPSession(page)
          const crashed = page.waitForEvent('crash')
          void session.send('Page.crash').catch(() => {})
          await crashed
        },
        close: () => page.close(),
      }
    },
    tokenRequests: () =>
      sandbox.log
        .filter(({ endpoint }) => endpoint !== 'api')
        .map(({ endpoint, status }) => `${endpoint} ${status}`)
        .join(', '),
    async close() {
      await context.close()
      await server.close()
    },
  }
}
