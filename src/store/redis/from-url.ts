import { AuthError } from '../../errors.ts'
import { configError } from '../../policy/config-error.ts'
import type { RedisClient } from './client.ts'
import { checkNames, DEFAULT_TIMEOUT_MS, type RedisStoreOptions, TUNING } from './options.ts'
import { type RedisStore, storeOn } from './redis-store.ts'

/** As much of the package `redis` as is used here. */
interface RedisPackage {
  createClient(options: { url: string; socket: { connectTimeout: number } }): RedisClient
}

const ALLOWED = 'redis:// or rediss://, then user:password@ if needed, host, :port and /database'

/**
 * A store of one Redis server, with a client of its own: `rediss://user:password@host:6380/0`. `rediss:` is TLS; user and
 * password are percent-encoded. `close()` ends the client too. Nothing is sent before the first call.
 *
 * @param options as for `redisStore`, without the client
 * @throws {AuthError} `CONFIG_INVALID`, which never shows the URL; also when the package `redis` is not installed
 * @see clause `store-securely`
 */
export async function redisStoreFromUrl(
  url: string,
  options: Omit<RedisStoreOptions, 'client'> = {},
): Promise<RedisStore> {
  return storeFromUrl(url, options, () => import('redis'))
}

/** As {@link redisStoreFromUrl}; `load` brings the package. */
export async function storeFromUrl(
  url: string,
  options: Omit<RedisStoreOptions, 'client'>,
  load: () => Promise<RedisPackage>,
): Promise<RedisStore> {
  checkNames(options, TUNING)
  if (!isRedisUrl(url)) throw urlError(url)
  const client = clientOf(await loaded(load), url, options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  // Without a listener, a broken connection would end the process; each call says what is wrong.
  client.on('error', () => {})
  return storeOn({ ...options, client }, true)
}

async function loaded(load: () => Promise<RedisPackage>): Promise<RedisPackage> {
  try {
    return await load()
  } catch {
    throw new AuthError('CONFIG_INVALID', "a store in Redis needs the package 'redis', version 6: npm install redis@6")
  }
}

function clientOf({ createClient }: RedisPackage, url: string, connectTimeout: number): RedisClient {
  try {
    return createClient({ url, socket: { connectTimeout } })
  } catch {
    // Its error may show the URL.
    throw urlError(url)
  }
}

function isRedisUrl(url: unknown): url is string {
  if (typeof url !== 'string' || !URL.canParse(url)) return false
  const { protocol, hostname, pathname } = new URL(url)
  return /^rediss?:$/.test(protocol) && hostname !== '' && /^(\/\d*)?$/.test(pathname)
}

/** Its password may stand anywhere in it, so only its scheme is shown. */
const urlError = (url: unknown) =>
  configError('url', typeof url === 'string' ? (/^[a-z]+:\/\//.exec(url)?.[0] ?? '') : url, ALLOWED)
