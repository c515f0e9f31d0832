import { type Clock, systemClock } from '../../clock.ts'
import { configError, unknownOptionError } from '../../policy/config-error.ts'
import type { RedisClient } from './client.ts'

/** Options of `redisStore`. */
export interface RedisStoreOptions {
  /**
   * What `createClient` or `createCluster` of the package `redis` gave, with TLS and ACL as configured there. It is
   * connected at the first call, if nobody has yet. Whoever made it closes it, and listens to its `error` event, without
   * which a broken connection ends the process.
   */
  client: RedisClient
  /**
   * Begins every key and channel: letters, digits and `:._/-`, 1–100. Default `compliancely-auth:`.
   */
  prefix?: string
  /**
   * How long a record is kept after its last write; longer than a refresh token lives.
   * Milliseconds, 86_400_000–315_360_000_000. Default 2_592_000_000 (30 days).
   */
  ttlMs?: number
  /**
   * How long one call may take, a lost connection included; less than the policy's `leaseRenewMs`, so that its error is the
   * one that is seen. Milliseconds, 10–60_000. Default 4_000.
   * @see decision `D-store-down`
   */
  timeoutMs?: number
  /** Timers of `timeoutMs`; the times that are stored are the server's. Default `systemClock()`. */
  clock?: Clock
}

export const DEFAULT_TIMEOUT_MS = 4_000

const DAY_MS = 86_400_000
const LIMITS = { ttlMs: [DAY_MS, 3_650 * DAY_MS], timeoutMs: [10, 60_000] } as const
const DEFAULTS = { prefix: 'compliancely-auth:', ttlMs: 30 * DAY_MS, timeoutMs: DEFAULT_TIMEOUT_MS }
const CLIENT_METHODS = ['connect', 'destroy', 'duplicate', 'withCommandOptions', 'eval', 'evalSha', 'on', 'off']
const CLOCK_METHODS = ['monotonic', 'setTimeout', 'clearTimeout']

/** @throws AuthError `CONFIG_INVALID` */
export function checkNames(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw configError('options', options, 'an object')
  for (const [name, value] of Object.entries(options))
    if (!known.includes(name)) throw unknownOptionError(name, value, known)
}

const hasMethods = (value: unknown, names: readonly string[]) =>
  typeof value === 'object' && value !== null && names.every((name) => typeof (value as never)[name] === 'function')
const grouped = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, '_')

/** The names of {@link RedisStoreOptions} but for the client. */
export const TUNING = ['prefix', 'ttlMs', 'timeoutMs', 'clock']

/** The options, checked and with the defaults filled in. @throws AuthError `CONFIG_INVALID` */
export function parseOptions(options: RedisStoreOptions): Required<RedisStoreOptions> {
  checkNames(options, ['client', ...TUNING])
  const { client, clock = systemClock() } = options
  const { prefix = DEFAULTS.prefix, ttlMs = DEFAULTS.ttlMs, timeoutMs = DEFAULTS.timeoutMs } = options
  if (!hasMethods(client, CLIENT_METHODS))
    throw configError('client', client, "what createClient() or createCluster() of the package 'redis' gives")
  if (!hasMethods(clock, CLOCK_METHODS)) throw configError('clock', clock, 'a Clock')
  if (typeof prefix !== 'string' || !/^[\w:./-]{1,100}$/.test(prefix))
    throw configError('prefix', prefix, '1 to 100 letters, digits and any of : . _ / -')
  for (const [name, value] of Object.entries({ ttlMs, timeoutMs })) {
    const [min, max] = LIMITS[name as keyof typeof LIMITS]
    if (!Number.isInteger(value) || value < min || value > max)
      throw configError(name, value, `a whole number of milliseconds from ${grouped(min)} to ${grouped(max)}`)
  }
  return { client, prefix, ttlMs, timeoutMs, clock }
}
