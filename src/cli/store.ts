import { systemClock } from '../clock.ts'
import { memoryStore } from '../store/memory.ts'
import type { TokenStore } from '../store/store.ts'
import { UsageError } from './usage.ts'

/** Where a command keeps tokens. */
export interface StoreSettings {
  /** `COMPLIANCELY_STORE`: a file path, `memory:`, `redis://…` or `rediss://…`; `undefined`: the file of the platform. */
  readonly store: string | undefined
  /** `COMPLIANCELY_STORE_KEY`: 32 bytes as base64 or hex; what is kept in a file is encrypted with it. */
  readonly storeKey: string | undefined
}

const isRedis = (store: string | undefined): store is string => /^rediss?:\/\//i.test(store ?? '')

/**
 * Opens the store of a command; each kind is loaded when it is asked for.
 *
 * @throws {UsageError} for any other address; it quotes nothing of it
 */
export async function openStore({ store, storeKey }: StoreSettings): Promise<TokenStore> {
  if (storeKey !== undefined && (store === 'memory:' || isRedis(store)))
    throw new UsageError('COMPLIANCELY_STORE_KEY encrypts a file; for Redis, use TLS and an ACL')
  if (store === 'memory:') return memoryStore({ clock: systemClock() })
  if (isRedis(store)) {
    const { redisStoreFromUrl } = await import('../store/redis/index.ts')
    return await redisStoreFromUrl(store)
  }
  // An address that was mistyped or quoted, password and all, must not become the name of a file. A drive is one letter.
  if (store !== undefined && (/^[^/\\]{2,}:/.test(store) || /\/\/|@[^/\\]*:\d+/.test(store)))
    throw new UsageError(
      'COMPLIANCELY_STORE looks like an address, but is a file path, memory:, redis://… or rediss://… (without quotes)',
    )
  const { fileStore } = await import('../store/file/index.ts')
  return fileStore({
    ...(store === undefined ? {} : { path: store }),
    ...(storeKey === undefined ? {} : { encryptionKey: storeKey }),
  })
}
