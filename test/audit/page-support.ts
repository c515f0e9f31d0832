import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'
import { hasChromium, launch } from '../support/chromium.ts'

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
  describe(name, () => {
    if (!hasChromium('the audit page')) return
    let browser: Browser | undefined
    beforeAll(async () => {
      browser = await launch()
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
