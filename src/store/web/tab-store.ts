import type { Clock } from '../../clock.ts'
import { accountKey } from '../account-key.ts'
import type { AccountRecord } from '../record.ts'
import type { TokenStore } from '../store.ts'
import { StoreError } from '../store-error.ts'
import { createAsking } from './ask.ts'
import { type Copy, type Keeping, newCopy, readCopy, type Stamp, stampOf } from './copy.ts'
import { createLeases } from './leases.ts'
import { closedStore, createTabLocks } from './locks.ts'
import { createTabTime } from './tab-time.ts'

/** How long a tab waits for the copy of another one, ms. */
const COPY_MS = 2_000

/** What tabs say to each other: `of` is an account's key, `want` and `copy` are the name of a stamp. */
type Message =
  | { readonly of: string; readonly want: string }
  | { readonly of: string; readonly copy: string; readonly text: string }
  | { readonly time: number | 'asked' }

export interface TabStoreOptions {
  locks: LockManager
  channel: BroadcastChannel
  keeping: Keeping
  clock: Clock
  /** Begins every name. */
  prefix: string
}

/** One account, as this tab knows it. */
interface Account {
  readonly key: string
  readonly listeners: Set<() => void>
  /** The copy that this tab says it has, and what takes that back. */
  kept?: Copy & { letGo(): Promise<void> }
  /** The last copy that another tab sent. */
  heard?: { readonly stamp: string; readonly text: string }
}

/**
 * A store that is nothing but tabs. Each has a copy of the record and holds, beside others, a lock whose name is the stamp of
 * that copy: so the browser itself knows which copies there are, also after a crash. The newest is the record. Whatever looks
 * or writes does so in the account's turn, which one tab has at a time:
 *
 * - A look takes over the newest copy, by message, before it answers: what a tab has read stays as long as that tab does.
 * - A write has landed when its stamp is held; the older one goes afterwards. A tab that dies before leaves the old record.
 * - A copy is taken over only while somebody holds its stamp: what died with its writer does not come back behind a later write.
 */
export function createTabStore({ locks: manager, channel, keeping, clock, prefix }: TabStoreOptions): TokenStore {
  const locks = createTabLocks(manager, clock)
  const leases = createLeases(locks)
  const asking = createAsking(clock)
  const post = (message: Message) => {
    if (!closed) channel.postMessage(message)
  }
  const time = createTabTime({ locks, clock, prefix, asking, tell: (told) => post({ time: told }) })
  const accounts = new Map<string, Promise<Account>>()
  const byKey = new Map<string, Account>()
  let closed = false

  const accountOf = (name: string): Promise<Account> => {
    const known = accounts.get(name)
    if (known !== undefined) return known
    const made = accountKey(name).then((hashed) => {
      const account = { key: prefix + hashed, listeners: new Set<() => void>() }
      byKey.set(account.key, account)
      return account
    })
    accounts.set(name, made)
    return made
  }

  const stampsOf = async ({ key }: Account): Promise<Stamp[]> => {
    const names = await locks.heldUnder(`${key} has `)
    return names.map(stampOf).filter((stamp) => stamp !== undefined)
  }

  /** Makes `copy` this tab's; `isNew` to all others too. */
  const keep = async (account: Account, copy: Copy, isNew: boolean) => {
    const letGo = await locks.hold(`${account.key} has ${copy.stamp.name}`)
    const before = account.kept
    account.kept = { ...copy, letGo }
    delete account.heard
    if (isNew) post({ of: account.key, copy: copy.stamp.name, text: copy.text })
    await before?.letGo()
    for (const listener of [...account.listeners]) listener()
  }

  /** The copy of a tab that has it; `undefined` when that one has gone. */
  const copyOf = async (account: Account, stamp: Stamp): Promise<Copy | undefined> => {
    const asked = await asking.ask({
      post: () => post({ of: account.key, want: stamp.name }),
      answer: () => (account.heard?.stamp === stamp.name ? account.heard.text : undefined),
      anybody: async () => (await stampsOf(account)).some(({ name }) => name === stamp.name),
      boundMs: COPY_MS,
    })
    if (asked === 'silent')
      throw new StoreError(
        'UNREACHABLE',
        'the tab that has the record does not answer: bring it to the front or close it',
      )
    if (asked === 'nobody') return undefined
    // Not a second time, if it cannot be read.
    delete account.heard
    return readCopy(stamp, asked.answer)
  }

  /** Takes over the newest copy there is. In turn only. */
  const look = async (account: Account): Promise<AccountRecord | undefined> => {
    for (;;) {
      const stamps = await stampsOf(account)
      const newest = stamps.reduce<Stamp | undefined>((a, b) => (a && a.version >= b.version ? a : b), undefined)
      const own = account.kept ?? keeping.load(account.key)
      if (newest !== undefined) time.isAtLeast(newest.atMs)
      if (own !== undefined && own.stamp.version > (newest?.version ?? 0)) {
        // Back from a reload, or bereft of its lock: nobody has written since.
        time.isAtLeast(own.stamp.atMs)
        await keep(account, own, true)
      } else if (newest !== undefined && account.kept?.stamp.name !== newest.name) {
        const copy = own?.stamp.name === newest.name ? own : await copyOf(account, newest)
        if (copy === undefined) continue
        saveIfRoom(account, copy)
        await keep(account, copy, false)
      }
      return account.kept?.record
    }
  }

  /** A copy that cannot be kept beside the memory is in other tabs; an old one would be worth less than none. */
  const saveIfRoom = ({ key }: Account, copy: Copy) => {
    try {
      keeping.save(key, copy)
    } catch {
      keeping.drop(key)
    }
  }

  const inTurn = async <T>(name: string, work: (account: Account) => Promise<T>): Promise<T> => {
    const account = await accountOf(name)
    if (closed) throw closedStore()
    await time.join()
    return locks.inTurn(account.key, () => work(account))
  }

  channel.onmessage = ({ data }: MessageEvent<Partial<Record<'of' | 'want' | 'copy' | 'text' | 'time', unknown>>>) => {
    const { of, want, copy, text, time: told } = data ?? {}
    if (told !== undefined) return time.hear(told)
    const account = byKey.get(String(of))
    if (account === undefined) return
    if (account.kept !== undefined && want === account.kept.stamp.name)
      return post({ of: account.key, copy: want, text: account.kept.text })
    if (typeof copy !== 'string' || typeof text !== 'string' || copy === account.kept?.stamp.name) return
    account.heard = { stamp: copy, text }
    asking.heard()
    // What cannot be taken over now is at the next read.
    void locks.inTurn(account.key, () => look(account)).catch(() => {})
  }

  return {
    read: (name) => inTurn(name, async (account) => ({ record: await look(account), nowMs: time.nowMs() })),
    compareAndSet: (name, expectedVersion, record) =>
      inTurn(name, async (account) => {
        const found = await look(account)
        if ((found?.version ?? 0) !== expectedVersion) return false
        const copy = newCopy(record, time.nowMs())
        // First, for it may have no room: then nothing has changed.
        keeping.save(account.key, copy)
        await keep(account, copy, true)
        return true
      }),
    lease: (name, holder, leaseMs) => inTurn(name, ({ key }) => leases.take(key, holder, leaseMs, time.nowMs())),
    release: (name, holder) => inTurn(name, ({ key }) => leases.release(key, holder)),
    subscribe(name, listener) {
      // One listener may be given twice.
      const own = () => listener()
      const listening = accountOf(name)
      void listening.then(({ listeners }) => listeners.add(own))
      return () => void listening.then(({ listeners }) => listeners.delete(own))
    },
    async close() {
      closed = true
      channel.close()
      await locks.close()
    },
  }
}
