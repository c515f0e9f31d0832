import type { TokenStore } from '../store.ts'
import { parseOptions, type WebStoreOptions } from './options.ts'
import { createTabStore } from './tab-store.ts'

export type { WebStoreOptions }

/**
 * Keeps records in the tabs of one origin, so that all of them act as one: one sign-in, one refresh, one pause. A record
 * lives as long as a tab that has read it; with `keep: 'session'` it also outlives a reload. Nothing is put into
 * `localStorage` or IndexedDB. A tab that is closed or dies gives its lease back at once.
 *
 * What it protects from: other origins, other profiles. What it does not: **any script of the page can read the tokens**,
 * from memory, `sessionStorage` or the channel. Against such scripts (XSS) only tokens that no page has are safe.
 * A browser may write `sessionStorage` to its own profile, to bring tabs back: a tab that comes back so, when all others
 * have gone, brings its last copy, and its refresh token may have been used since (`D-refresh-401`).
 *
 * In a tab that is suspended the copy is out of reach; if no awake tab has it, reads fail with `UNREACHABLE`. Chromium
 * suspends no tab that holds a lock, as these do. In a tab that is hidden for long, timers are late and so are the renewals
 * of its lease: then the record's version decides (`D-one-at-a-time`).
 *
 * @throws AuthError `CONFIG_INVALID` for an option, and where Web Locks or BroadcastChannel are missing (no https)
 * @see clause `store-securely`, decisions `D-one-at-a-time`, `D-skew`, `D-store-down`
 */
export function webStore(options: WebStoreOptions = {}): TokenStore {
  const { Channel, prefix, ...parsed } = parseOptions(options, globalThis)
  return createTabStore({ ...parsed, prefix, channel: new Channel(`${prefix}tabs`) })
}
