import { type Clock, systemClock } from '../../clock.ts'
import { AuthError } from '../../errors.ts'
import { configError, unknownOptionError } from '../../policy/config-error.ts'
import { inMemory, inSession, type Keeping } from './copy.ts'

/** What `webStore` takes. Anything else is `CONFIG_INVALID`. */
export interface WebStoreOptions {
  /**
   * Where each tab keeps its copy of the record. `'memory'`: nowhere else, and it is gone with the last tab or its reload.
   * `'session'`: in the tab's `sessionStorage` too, so that a reload keeps it. Default `'memory'`. `store-securely`
   */
  keep?: 'memory' | 'session'
  /**
   * Begins the names of locks, channel and items; tabs with the same one share their records. 1–64 letters, digits, `.`,
   * `_`, `:` and `-`, the first a letter or digit. Default `'compliancely-auth:'`.
   */
  prefix?: string
  /** Time and timers. Default: the system's. */
  clock?: Clock
}

const KNOWN = { keep: true, prefix: true, clock: true } as const satisfies Record<keyof WebStoreOptions, true>
const CLOCK = ['now', 'monotonic', 'setTimeout', 'clearTimeout', 'onWake']

/** What of a window the store needs. */
export type Scope = Partial<Pick<typeof globalThis, 'BroadcastChannel' | 'sessionStorage'>> & {
  readonly navigator?: { readonly locks?: LockManager }
}

export interface ParsedOptions {
  readonly clock: Clock
  readonly prefix: string
  readonly keeping: Keeping
  readonly locks: LockManager
  readonly Channel: typeof BroadcastChannel
}

/** @throws AuthError `CONFIG_INVALID`, also where the browser lacks something */
export function parseOptions(options: WebStoreOptions, scope: Scope): ParsedOptions {
  if (typeof options !== 'object' || options === null) throw configError('options', options, 'an object')
  for (const name of Object.keys(options))
    if (!Object.hasOwn(KNOWN, name)) throw unknownOptionError(name, options[name as never], Object.keys(KNOWN))
  const { keep = 'memory', prefix = 'compliancely-auth:', clock = systemClock() } = options
  if (keep !== 'memory' && keep !== 'session') throw configError('keep', keep, "'memory' or 'session'")
  if (typeof prefix !== 'string' || !/^[a-z\d][\w.:-]{0,63}$/i.test(prefix))
    throw configError('prefix', prefix, "1–64 letters, digits, '.', '_', ':' and '-', the first a letter or digit")
  if (typeof clock !== 'object' || clock === null || CLOCK.some((name) => typeof clock[name as never] !== 'function'))
    throw configError('clock', clock, `a Clock: ${CLOCK.join(', ')}`)

  const locks = scope.navigator?.locks
  const Channel = scope.BroadcastChannel
  if (locks === undefined || Channel === undefined) {
    const lacking = locks === undefined ? 'Web Locks' : 'BroadcastChannel'
    throw new AuthError(
      'CONFIG_INVALID',
      `webStore needs ${lacking}, which this page does not have: serve it over https or from localhost, to a browser of 2022 or later`,
    )
  }
  return { clock, prefix, locks, Channel, keeping: keep === 'memory' ? inMemory : inSession(sessionOf(scope)) }
}

function sessionOf(scope: Scope): Storage {
  try {
    if (scope.sessionStorage !== undefined) return scope.sessionStorage
  } catch {
    // Blocked with the cookies: it throws when looked at.
  }
  throw configError('keep', 'session', "'memory' where the browser gives the page no sessionStorage")
}
