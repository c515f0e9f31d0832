import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { expect, it } from 'vitest'

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Where Chromium is, if it is on the PATH. */
export const chromiumPath = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'chromium'))
  .find((file) => existsSync(file))

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath ?? '', args: ARGUMENTS, headless: true })

/**
 * Whether there is a Chromium. Where there is none it says loudly which tests did not run, and fails if CI is set. To be called
 * among tests.
 */
export function hasChromium(tests: string): boolean {
  if (chromiumPath !== undefined) return true
  const missing = `chromium is not installed: the tests of ${tests} DID NOT RUN`
  process.stderr.write(`\n${missing}\n`)
  it('DID NOT RUN: chromium is not installed', () => {
    expect(process.env.CI, missing).toBeFalsy()
  })
  return false
}
