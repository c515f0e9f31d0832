export type { RedisClient } from './client.ts'
export { redisStoreFromUrl } from './from-url.ts'
export type { RedisStoreOptions } from './options.ts'
export { type RedisStore, redisStore } from './redis-store.ts'
