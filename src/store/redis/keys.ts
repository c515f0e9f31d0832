import { accountKey } from '../account-key.ts'

/**
 * The key of an account: `compliancely-auth:{https://app1.compliancely.com#5e88…}`. What stands in braces is its hash tag,
 * so that a cluster keeps all that belongs to an account in one slot. `#` stands before the hash of the account's name, and
 * characters that a key or a shell could take amiss are percent-encoded. Two accounts never meet.
 */
export async function keyOf(prefix: string, account: string): Promise<string> {
  const name = await accountKey(account)
  return `${prefix}{${name.replace(' ', '#').replace(/[^!-z~]|%/gu, encodeURIComponent)}}`
}

/** The channel that tells of each write to a key. */
export const channelOf = (key: string): string => `${key}:written`
