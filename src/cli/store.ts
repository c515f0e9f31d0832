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

const SCHEME = /^([a-z][a-z0-9+.-]+):/i

/**
 * Opens the store of a command; each kind is loaded when it is asked for.
 *
 * @throws {UsageError} for another scheme
 */
export async function openStore({ store, storeKey }: StoreSettings): Promise<TokenStore> {
  if (store === 'memory:') return memoryStore({ clock: systemClock() })
  const scheme = SCHEME.exec(store ?? '')?.[1]?.toLowerCase()
  if (scheme === 'redis' || scheme === 'rediss') {
    if (storeKey !== undefined)
      throw new UsageError('COMPLIANCELY_STORE_KEY encrypts a file; in Redis, use TLS and an ACL')
    const { redisStoreFromUrl } = await import('../store/redis/index.ts')
    return await redisStoreFromUrl(store ?? '')
  }
  // A letter and a colon is a drive.
  if (scheme !== undefined && scheme.length > 1)
    throw new UsageError(
      `COMPLIANCELY_STORE begins with '${scheme}:', but is a file path, memory:, redis:// or rediss://`,
    )
  const { fileStore } = await import('../store/file/index.ts')
  return fileStore({
    ...(store === undefined ? {} : { path: store }),
    ...(storeKey === undefined ? {} : { encryptionKey: storeKey }),
  })
}
