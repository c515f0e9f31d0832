/**
 * The name under which a store that outlives the process keeps an account: the base URL as it is, so that people know what
 * they look at, and a hash of the account's name, which may be somebody's address. Two accounts never meet. `store-securely`
 *
 * @param account what the client calls it: base URL, a space, the name
 */
export async function accountKey(account: string): Promise<string> {
  const space = account.indexOf(' ')
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(account.slice(space + 1)))
  const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${account.slice(0, space + 1)}${hash}`
}
