import { inspect } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { StoreError } from '../../../src/index.ts'
import { accountKey } from '../../../src/store/account-key.ts'
import { type Browser, openBrowser } from './tabs.ts'

export const ME = 'https://api.example me'
export const HOUR = 3_600_000

export function opened() {
  const browser = openBrowser()
  onTestFinished(browser.close)
  return browser
}

/** What a rejection says, all of it. */
export async function refusal(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StoreError)
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('CANARY')
  return error as StoreError
}

/** What the one account is called in this browser. */
export const keyIn = async ({ prefix }: Browser) => prefix + (await accountKey(ME))

/** What the tabs say to each other from now on. */
export function overhear({ channel }: Browser) {
  const said: { want?: string; copy?: string }[] = []
  channel.onmessage = ({ data }: { data: unknown }) => void said.push(data as { want?: string; copy?: string })
  return said
}
