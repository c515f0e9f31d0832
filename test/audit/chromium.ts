import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]
const MISSING = 'chromium is not installed: the tests of the audit page DID NOT RUN'

const isExecutable = (path: string) => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
const executablePath = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'chromium'))
  .find(isExecutable)

/** A page in a real browser, and what it did that was not asked of it. */
export interface Opened {
  readonly page: Page
  /** What it wrote to the console, what it threw, and what it asked the network for. */
  readonly complaints: readonly string[]
}

/** Opens a page as a file is opened: nothing is behind it. */
export type Open = (html: string, options?: BrowserContextOptions) => Promise<Opened>

const ADDRESS = 'http://report.example/'

/** The tests of a page, where there is a browser to run them with; where CI is set, there has to be one. */
export function describeWithChromium(name: string, tests: (open: Open) => void): void {
  if (executablePath === undefined) {
    process.stderr.write(`\n${MISSING}\n`)
    describe(name, () => {
      it('DID NOT RUN: chromium is not installed', () => {
        expect(process.env.CI, MISSING).toBeUndefined()
      })
    })
    return
  }
  describe(name, () => {
    let browser: Browser | undefined
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath, args: FLAGS })
    }, 60_000)
    afterAll(async () => {
      await browser?.close()
    })
    tests(async (html, options = {}) => {
      if (browser === undefined) throw new Error('the browser did not start')
      for (const context of browser.contexts()) await context.close()
      const page = await (await browser.newContext(options)).newPage()
      const complaints: string[] = []
      page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
      page.on('pageerror', (error) => complaints.push(`threw: ${error.message}`))
      await page.route('**/*', (route) => {
        const url = route.request().url()
        if (url === ADDRESS) return route.fulfill({ contentType: 'text/html; charset=utf-8', body: html })
        complaints.push(`asked for ${url}`)
        return route.abort()
      })
      await page.goto(ADDRESS)
      return { page, complaints }
    })
  })
}
