import { inspect } from 'node:util'
import { createClient } from 'redis'
import { describe, expect, it } from 'vitest'
import { AuthError } from '../../../src/errors.ts'
import { storeFromUrl } from '../../../src/store/redis/from-url.ts'
import { type RedisStoreOptions, redisStore, redisStoreFromUrl } from '../../../src/store/redis/index.ts'
import { keyOf } from '../../../src/store/redis/keys.ts'

/** What an option was refused with. */
async function refusal(make: () => unknown): Promise<AuthError> {
  const error = await Promise.resolve()
    .then(make)
    .catch((thrown: unknown) => thrown)
  if (!(error instanceof AuthError)) throw new Error(`expected an AuthError, got ${inspect(error)}`)
  expect(error.code).toBe('CONFIG_INVALID')
  expect(inspect(error, { showHidden: true, depth: 10 })).not.toContain('CANARY')
  return error
}

const client = createClient()
const withOptions = (options: object) => refusal(() => redisStore({ client, ...options } as RedisStoreOptions))

describe('options of redisStore', () => {
  it.each<[string, object, string]>([
    ['an unknown one', { ttl: 1 }, "option 'ttl' (1) is unknown; the nearest known one is 'ttlMs'"],
    ['a URL', { url: 'redis://:CANARY@host' }, "option 'url' (a string) is unknown"],
    ['no client', { client: undefined }, "option 'client' is missing, but must be what createClient()"],
    ['an empty prefix', { prefix: '' }, "option 'prefix' is ''"],
    ['a prefix that moves the hash tag', { prefix: 'a{b}:' }, "option 'prefix' is 'a{b}:'"],
    ['a prefix that is a pattern', { prefix: 'a*' }, "option 'prefix' is 'a*'"],
    ['a time to live of less than a day', { ttlMs: 86_399_999 }, 'from 86_400_000 to 315_360_000_000'],
    ['a time to live of more than ten years', { ttlMs: 315_360_000_001 }, "option 'ttlMs' is 315360000001"],
    ['a time to live with a fraction', { ttlMs: 86_400_000.5 }, "option 'ttlMs' is 86400000.5"],
    [
      'a time-out of no length',
      { timeoutMs: 0 },
      "option 'timeoutMs' is 0, but must be a whole number of milliseconds",
    ],
    ['a clock that is none', { clock: {} }, "option 'clock' is an object"],
  ])('%s is refused', async (_, options, message) => {
    expect((await withOptions(options)).message).toContain(message)
  })

  it('none at all are refused', async () => {
    expect((await refusal(() => redisStore(undefined as never))).message).toContain("option 'options' is missing")
  })
})

describe('the key of an account', () => {
  it('shows the base URL, and a hash of who it is', async () => {
    const hash = '2744ccd10c7533bd736ad890f9dd5cab2adb27b07d500b9493f29cdc420cb2e0'
    expect(await keyOf('p:', 'https://app1.compliancely.com me')).toBe(`p:{https://app1.compliancely.com#${hash}}`)
    expect(await keyOf('p:', 'https://x.example/{a}%7B me')).toBe(`p:{https://x.example/%7Ba%7D%257B#${hash}}`)
  })
})

describe('redisStoreFromUrl', () => {
  it.each([
    'CANARY',
    'http://me:CANARY@host',
    'redis://me:CANARY/CANARY@host',
    'redis://me:CANARY@host:port',
    'redis://me:CANARY@host/CANARY',
    'redis://me:CANARY%@host/0',
    'redis://:CANARY',
    'redis:///0',
  ])('refuses %s, and does not show it', async (url) => {
    expect((await refusal(() => redisStoreFromUrl(url))).message).toContain('but must be redis:// or rediss://')
  })

  it('refuses an option that it does not know, and a client', async () => {
    const options = { client } as Omit<RedisStoreOptions, 'client'>
    expect((await refusal(() => redisStoreFromUrl('redis://host', options))).message).toContain("option 'client'")
  })

  it('says what to install where the package is missing', async () => {
    const load = async () => {
      throw Object.assign(new Error("Cannot find package 'redis' imported from CANARY"), {
        code: 'ERR_MODULE_NOT_FOUND',
      })
    }
    const { message } = await refusal(() => storeFromUrl('redis://host', {}, load))
    expect(message).toContain('npm install redis@6')
  })
})
