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
const MISSING = 'chromium is not installed: the tests of real HARs DID NOT RUN'

/** Where Chromium is, if it is on the PATH. */
const executablePath = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'chromium'))
  .find((file) => existsSync(file))

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: executablePath ?? '', args: ARGUMENTS, headless: true })

/** Whether there is a Chromium; says loudly that there is none, and fails where there has to be one. */
export function hasChromium(): boolean {
  if (executablePath !== undefined) return true
  process.stderr.write(`\n${MISSING}\n`)
  it('DID NOT RUN: chromium is not installed', () => {
    expect(process.env.CI, MISSING).toBeFalsy()
  })
  return false
}
