import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/index.ts'
import { hasChromium, launch } from '../support/chromium.ts'
import { audited, rulesThat } from './renderings.ts'

/** Clients that break a rule within a second, as pages of a real browser that records them, each judged by its HAR. */

interface Pair {
  readonly access: string
  readonly refresh: string
}
/** What a page can do: it is put into each page, so that it may use nothing of this file. */
const client = {
  post: (path: string, body: object, headers: object = {}) =>
    fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }),
  async signIn(password = 'demo-password'): Promise<Pair> {
    return (await client.post('/api/v2/token/', { username: 'demo', password })).json()
  },
  async refresh(refresh: string): Promise<Pair> {
    return (await client.post('/api/v2/token/refresh/', { refresh })).json()
  },
  async validate(token: string) {
    await (await client.post('/api/v2/token/validate/', { token })).text()
  },
  async ask(access: string, scheme = 'Bearer') {
    const body = { tin: '123456789', name: 'n', webhook_urls: [] }
    await (await client.post('/api/v2/taxexempt/', body, { authorization: `${scheme} ${access}` })).text()
  },
}
type Client = typeof client

interface Bad {
  readonly what: string
  readonly breaks: readonly string[]
  readonly server?: Partial<SandboxOptions>
  readonly trouble?: (sandbox: Sandbox) => void
  readonly live: (client: Client) => Promise<unknown>
}

const BAD: readonly Bad[] = [
  {
    what: 'signs in twice at once',
    breaks: ['invariant-1'],
    live: ({ signIn }) => Promise.all([signIn(), signIn()]),
  },
  {
    what: 'sends eleven token requests in a minute',
    breaks: ['invariant-2'],
    server: { throttle: false },
    live: async ({ signIn, validate }) => {
      const { access } = await signIn()
      for (let sent = 0; sent < 10; sent++) await validate(access)
    },
  },
  {
    what: 'tries again at once after a 429',
    breaks: ['invariant-3'],
    trouble: (sandbox) => sandbox.fail({ endpoint: 'refresh', status: 429 }),
    live: async ({ signIn, refresh }) => {
      const pair = await signIn()
      await refresh(pair.refresh)
      await refresh(pair.refresh)
    },
  },
  {
    what: 'goes on with a token that it has replaced',
    breaks: ['invariant-4'],
    live: async ({ signIn, refresh, ask }) => {
      const pair = await signIn()
      await ask((await refresh(pair.refresh)).access)
      await ask(pair.access)
    },
  },
  {
    what: 'refreshes twice with one refresh token',
    breaks: ['invariant-5'],
    server: { blacklist: false },
    live: async ({ signIn, refresh }) => {
      const pair = await signIn()
      await refresh(pair.refresh)
      await refresh(pair.refresh)
    },
  },
  {
    what: 'sends a request again that the server failed at',
    breaks: ['invariant-6'],
    trouble: (sandbox) => sandbox.fail({ endpoint: 'api', status: 502 }),
    live: async ({ signIn, ask }) => {
      const { access } = await signIn()
      await ask(access)
      await ask(access)
    },
  },
  {
    what: 'tries a wrong password again',
    breaks: ['invariant-7'],
    live: async ({ signIn }) => {
      await signIn('wrong')
      await signIn('wrong')
    },
  },
  {
    what: 'keeps the pair that a refresh 400 takes from it',
    breaks: ['invariant-8'],
    trouble: (sandbox) => sandbox.fail({ endpoint: 'refresh', status: 400 }),
    live: async ({ signIn, refresh }) => {
      const pair = await signIn()
      await refresh(pair.refresh)
      await refresh(pair.refresh)
    },
  },
  {
    what: 'signs in for each request',
    breaks: ['invariant-10'],
    live: async ({ signIn, ask }) => {
      for (let requests = 0; requests < 2; requests++) await ask((await signIn()).access)
    },
  },
  {
    what: 'refreshes for each 401',
    // Each token is some ms old when it is refused: that says nothing of it.
    breaks: ['refresh-once', 'D-young-rejection'],
    trouble: (sandbox) => sandbox.fail({ endpoint: 'api', status: 401, times: 2 }),
    live: async ({ signIn, refresh, ask }) => {
      let pair = await signIn()
      for (let requests = 0; requests < 2; requests++) {
        await ask(pair.access)
        pair = await refresh(pair.refresh)
      }
    },
  },
  {
    what: 'signs in when a refresh is answered 401 without a reason',
    breaks: ['D-refresh-401'],
    trouble: (sandbox) => sandbox.fail({ endpoint: 'refresh', status: 401 }),
    live: async ({ signIn, refresh }) => {
      const pair = await signIn()
      await refresh(pair.refresh)
      await signIn()
    },
  },
  {
    what: 'says who it is by password',
    breaks: ['no-basic-auth'],
    live: ({ ask }) => ask('ZGVtbzpkZW1vLXBhc3N3b3Jk', 'Basic'),
  },
  {
    what: 'asks the API of before',
    breaks: ['no-api-v1'],
    live: async ({ signIn, post }) => {
      const { access } = await signIn()
      await (await post('/api/v1/taxexempt/', {}, { authorization: `Bearer ${access}` })).text()
    },
  },
  {
    what: 'leaves the token out',
    breaks: ['bearer-on-every-request'],
    live: async ({ signIn, ask, post }) => {
      const { access } = await signIn()
      await ask(access)
      await (await post('/api/v2/taxexempt/', {})).text()
    },
  },
]

const CLEAN: Bad['live'] = async ({ signIn, refresh, ask }) => {
  const pair = await signIn()
  await ask(pair.access)
  await ask((await refresh(pair.refresh)).access)
}

const AT_MOST_MS = 60_000

describe('a HAR that a browser recorded of a page that', () => {
  if (!hasChromium('real HARs')) return
  const folder = mkdtempSync(join(tmpdir(), 'known-bad-'))
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  }, AT_MOST_MS)
  afterAll(async () => {
    await browser.close()
    rmSync(folder, { recursive: true })
  })

  async function recorded({ server, trouble, live }: Pick<Bad, 'server' | 'trouble' | 'live'>): Promise<string> {
    const sandbox = createSandbox(server)
    trouble?.(sandbox)
    const listening = await sandbox.listen()
    const path = join(folder, 'page.har')
    const context = await browser.newContext({ recordHar: { path, content: 'embed' } })
    const page = await context.newPage()
    await page.route('**/page.html', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
    await page.goto(`${listening.url}/page.html`)
    const methods = Object.entries(client).map(([name, method]) => {
      const text = String(method)
      return text.startsWith('async ') ? text : `${name}: ${text}`
    })
    await page.evaluate(`(async () => { const client = { ${methods.join(', ')} }; await (${live})(client) })()`)
    await context.close()
    await listening.close()
    return readFileSync(path, 'utf8')
  }

  test.each(BAD)(
    '$what: $breaks, and nothing else',
    async (bad) => {
      const report = await audited(await recorded(bad))
      expect(rulesThat('fail', report)).toEqual(bad.breaks)
      expect(JSON.stringify(report)).not.toMatch(/eyJ|demo-password/)
    },
    AT_MOST_MS,
  )

  test(
    'keeps the rules fails none',
    async () => {
      const report = await audited(await recorded({ live: CLEAN }))
      expect(report.exchanges).toBe(4)
      expect(report.findings).toEqual([])
    },
    AT_MOST_MS,
  )
})
