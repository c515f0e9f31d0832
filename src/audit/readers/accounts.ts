import type { Item } from '../exchange.ts'
import type { Batches } from './batches.ts'

/** How many tokens are remembered: those of the past day of thousands of accounts. */
const REMEMBERED_TOKENS = 50_000

/**
 * Tells whose traffic each request is: a token that was granted to an account belongs to it. Requests with a token whose
 * grant was not recorded stay without an account.
 *
 * @param batches in the order of time
 */
export async function* withAccounts(batches: Batches<Item>): AsyncGenerator<readonly Item[]> {
  const owners = new Map<string, string>()
  const remember = (tokenId: string | undefined, account: string) => {
    if (tokenId === undefined) return
    // What is used goes to the end; the first of the map is what was not used for longest.
    owners.delete(tokenId)
    owners.set(tokenId, account)
    if (owners.size > REMEMBERED_TOKENS) owners.delete(owners.keys().next().value as string)
  }
  const known = (item: Item): Item => {
    // A journal tells by itself, and its tokens are in no other recording by the same fingerprint.
    if (item.kind !== 'exchange' || item.client !== undefined) return item
    const { accessId, refreshId, grantedAccessId, grantedRefreshId } = item.request
    const account = item.account ?? owners.get(refreshId ?? '') ?? owners.get(accessId ?? '')
    if (account === undefined) return item
    for (const id of [accessId, refreshId, grantedAccessId, grantedRefreshId]) remember(id, account)
    return item.account === account ? item : { ...item, account }
  }
  for await (const batch of batches) yield batch.map(known)
}
