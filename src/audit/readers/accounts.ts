import type { Exchange, Item } from '../exchange.ts'
import type { Batches } from './batches.ts'

/** How many tokens are remembered: those of the past day of thousands of accounts. As many of whom they are for. */
const REMEMBERED = 50_000

/**
 * Tells whose traffic each request is: a token that was granted to an account belongs to it, and so does every token that is
 * for the same subject. Requests with a token whose grant was not recorded, and which does not say for whom it is, stay without
 * an account: they may be anybody's, also where a single account is known.
 *
 * @param batches in the order of time
 */
export async function* withAccounts(batches: Batches<Item>): AsyncGenerator<readonly Item[]> {
  const owners = remembering<string>()
  const accountOf = accountsBySubject()
  const known = (item: Item): Item => {
    // A journal tells by itself, and its tokens are in no other recording by the same fingerprint.
    if (item.kind !== 'exchange' || item.client !== undefined) return item
    const { accessId, refreshId, grantedAccessId, grantedRefreshId } = item.request
    // An address is nobody's name: a token tells better.
    const own = item.accountGuessed === true ? { ...item, account: undefined } : item
    const account = accountOf(own, owners.get(refreshId) ?? owners.get(accessId))
    if (account === undefined) return item
    for (const id of [accessId, refreshId, grantedAccessId, grantedRefreshId]) owners.put(id, account)
    return item.account === account ? item : { ...item, account, accountGuessed: undefined }
  }
  for await (const batch of batches) yield batch.map(known)
}

interface Subject {
  readonly account: string
  /** Who signed in with it, at which host. */
  readonly name?: string | undefined
  /** Several did: its tokens say nothing. */
  readonly shared?: true
}

/**
 * A subject is an account's from the first request that names both. One that came before any name is an account by itself,
 * which then has that name's traffic too: what was judged before stays with what follows.
 */
function accountsBySubject() {
  const subjects = remembering<Subject>()
  const renamed = remembering<string>()
  return ({ account: name, subject, request: { origin } }: Exchange, ofToken: string | undefined) => {
    // One user name may be another account at another host.
    const nameThere = name === undefined ? undefined : `${origin} ${name}`
    const account = renamed.get(nameThere) ?? name ?? ofToken
    if (subject === undefined) return account
    const known = subjects.get(subject) ?? { account: account ?? subject }
    if (nameThere === undefined || known.name === nameThere) {
      subjects.put(subject, known)
      return account ?? (known.shared ? undefined : known.account)
    }
    if (known.name !== undefined) {
      subjects.put(subject, { ...known, shared: true })
      return account
    }
    subjects.put(subject, { ...known, name: nameThere })
    if (known.account !== name) renamed.put(nameThere, known.account)
    return known.account
  }
}

function remembering<Value>() {
  const map = new Map<string, Value>()
  return {
    get: (key: string | undefined) => (key === undefined ? undefined : map.get(key)),
    put(key: string | undefined, value: Value) {
      if (key === undefined) return
      // What is used goes to the end; the first of the map is what was not used for longest.
      map.delete(key)
      map.set(key, value)
      if (map.size > REMEMBERED) map.delete(map.keys().next().value as string)
    },
  }
}
