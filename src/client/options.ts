import { type Clock, systemClock, systemRandom } from '../clock.ts'
import { type Fetch, parseBaseURL } from '../http/origin.ts'
import { configError, unknownOptionError } from '../policy/config-error.ts'
import { type Policy, parsePolicy } from '../policy/schema.ts'
import { memoryStore } from '../store/memory.ts'
import type { TokenStore } from '../store/store.ts'
import type { Credentials, CredentialsOption } from './credentials.ts'
import type { AuthClientOptions } from './face.ts'

/** Production, by the vendor's API reference. */
export const DEFAULT_BASE_URL = 'https://app1.compliancely.com'

/** The options of a client, all of them, checked. */
export interface ParsedOptions {
  readonly baseURL: string
  /** Key of the account's record: base URL + account name. */
  readonly account: string
  /** The user name that `signIn(credentials)` must repeat; `undefined` when a callback may give any. */
  readonly username: string | undefined
  readonly credentials: CredentialsOption
  readonly store: TokenStore
  /** The store was made here, so it is closed here. */
  readonly ownsStore: boolean
  readonly policy: Policy
  readonly clock: Clock
  readonly fetch: Fetch
  readonly random: () => number
  readonly onEvent: AuthClientOptions['onEvent']
  readonly inspect: AuthClientOptions['inspect']
  readonly journal: AuthClientOptions['journal']
}

const KNOWN = {
  baseURL: true,
  credentials: true,
  account: true,
  store: true,
  policy: true,
  clock: true,
  fetch: true,
  random: true,
  onEvent: true,
  inspect: true,
  journal: true,
} as const satisfies Record<keyof AuthClientOptions, true>

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const hasMethods = (value: unknown, names: readonly string[]) =>
  typeof value === 'object' && value !== null && names.every((name) => typeof (value as never)[name] === 'function')

/** @throws AuthError `CONFIG_INVALID` */
export function parseOptions(options: AuthClientOptions): ParsedOptions {
  if (typeof options !== 'object' || options === null)
    throw configError('options', options, 'an object with credentials')
  for (const name of Object.keys(options))
    if (!Object.hasOwn(KNOWN, name)) throw unknownOptionError(name, options[name as never], Object.keys(KNOWN))

  const { credentials, onEvent, inspect, journal, clock = systemClock(), random = systemRandom } = options
  const baseURL = parseBaseURL(String(options.baseURL ?? DEFAULT_BASE_URL)).href.replace(/\/+$/, '')
  const username = usernameOf(credentials)
  const account = options.account ?? username
  if (!isText(account))
    throw configError(
      'account',
      account,
      'a non-empty string when credentials come from a callback: it names the record',
    )
  const functions = { fetch: options.fetch, random: options.random, onEvent, inspect }
  for (const [name, value] of Object.entries(functions))
    if (value !== undefined && typeof value !== 'function') throw configError(name, value, 'a function')
  if (!hasMethods(clock, ['now', 'monotonic', 'setTimeout', 'clearTimeout', 'onWake']))
    throw configError('clock', clock, 'a Clock: now, monotonic, setTimeout, clearTimeout, onWake')
  if (options.store !== undefined && !hasMethods(options.store, ['read', 'compareAndSet', 'lease', 'release']))
    throw configError('store', options.store, 'a TokenStore: read, compareAndSet, lease, release')
  if (journal !== undefined && (!hasMethods(journal, ['getWriter']) || journal.locked))
    throw configError('journal', journal, 'a WritableStream of strings that nobody else writes to')

  return {
    baseURL,
    account: `${baseURL} ${account}`,
    username,
    credentials,
    store: options.store ?? memoryStore({ clock }),
    ownsStore: options.store === undefined,
    policy: parsePolicy(options.policy),
    clock,
    // Looked up at each call, so that a later replacement of the global one is honoured.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    random,
    onEvent,
    inspect,
    journal,
  }
}

function usernameOf(credentials: CredentialsOption): string | undefined {
  if (typeof credentials === 'function') return undefined
  checkCredentials(credentials)
  return credentials.username
}

/** @throws AuthError `CONFIG_INVALID` */
export function checkCredentials(credentials: Credentials): void {
  if (typeof credentials !== 'object' || credentials === null)
    throw configError('credentials', credentials, '{ username, password } or a function that gives them')
  for (const name of Object.keys(credentials))
    if (name !== 'username' && name !== 'password')
      throw unknownOptionError(`credentials.${name}`, undefined, ['username', 'password'])
  for (const name of ['username', 'password'] as const)
    if (!isText(credentials[name])) throw configError(`credentials.${name}`, credentials[name], 'a non-empty string')
}
