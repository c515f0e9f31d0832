import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createSealer, type EncryptionKey } from '../../src/store/seal.ts'

const bytes = (fill: number) => new Uint8Array(32).fill(fill)
const hex = (fill: number) => Buffer.from(bytes(fill)).toString('hex')
const base64 = (fill: number) => Buffer.from(bytes(fill)).toString('base64')
const ACCOUNT = 'https://api.example 0123'
const TEXT = '{"CANARY":"text ✓"}'

const seal = (key: EncryptionKey | undefined, version = 1) => createSealer(key).seal(TEXT, ACCOUNT, version)
const open = (key: EncryptionKey | undefined, kept: string, account = ACCOUNT, version = 1) =>
  createSealer(key).open(kept, account, version, '/a/file')

describe('store-securely: what is sealed', () => {
  it('is opened with the same key, however that is written', async () => {
    const kept = await seal(bytes(250))
    expect(kept).toMatch(/^sealed:1:/)
    const url = base64(250).replaceAll('+', '-').replaceAll('/', '_').replace('=', '')
    for (const key of [bytes(250), hex(250), hex(250).toUpperCase(), base64(250), url, ` ${hex(250)}\n`])
      expect(await open(key, kept)).toBe(TEXT)
    for (const key of [() => bytes(250), async () => hex(250)]) expect(await open(key, kept)).toBe(TEXT)
  })

  it('shows nothing, and looks different each time', async () => {
    const [one, other] = [await seal(bytes(1)), await seal(bytes(1))]
    expect(Buffer.from(one.slice(9), 'base64').toString('latin1')).not.toContain('CANARY')
    expect(one.slice(0, 25)).not.toBe(other.slice(0, 25))
  })

  it.each([
    ['with another key', { key: bytes(2) }, 'WRONG_KEY'],
    ['without a key', { key: undefined }, 'WRONG_KEY'],
    ['under another account', { account: 'https://api.example 4567' }, 'WRONG_KEY'],
    ['under another version', { version: 2 }, 'WRONG_KEY'],
    ['altered', { change: (kept: string) => kept.replace(/.(.{4})$/, (_, end) => `!${end}`) }, 'UNREADABLE'],
    [
      'altered by a letter',
      { change: (kept: string) => kept.replace(/(?<=^.{30})./, (letter) => (letter === 'A' ? 'B' : 'A')) },
      'WRONG_KEY',
    ],
    ['cut short', { change: (kept: string) => kept.slice(0, 17) }, 'UNREADABLE'],
    ['of a later format', { change: (kept: string) => kept.replace(':1:', ':2:') }, 'NEWER'],
  ] as const)('is not opened %s', async (_, how, code) => {
    const { key, account, version, change } = { key: bytes(1), account: ACCOUNT, version: 1, change: String, ...how }
    const failed = open(key, change(await seal(bytes(1))), account, version)
    await expect(failed).rejects.toMatchObject({
      name: 'StoreError',
      code,
      message: expect.stringContaining('/a/file'),
    })
  })
})

describe('plain text', () => {
  it('is kept as it is without a key, and read with one', async () => {
    expect(await seal(undefined)).toBe(TEXT)
    expect(await open(undefined, TEXT)).toBe(TEXT)
    expect(await open(bytes(1), TEXT)).toBe(TEXT)
  })
})

describe('an encryptionKey', () => {
  it.each(['CANARY-not-a-key', 'CANARY', '', hex(1).slice(2), new Uint8Array(31), 7 as never, null as never])(
    'of %o is refused at once',
    (key) => {
      let error: unknown
      try {
        createSealer(key)
      } catch (thrown) {
        error = thrown
      }
      expect(error).toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining("option 'encryptionKey'"),
      })
      expect(inspect(error, { showHidden: true, depth: 9 })).not.toMatch(/CANARY-not|'CANARY'|0101/)
    },
  )

  it.each([
    ['fails', () => Promise.reject(new Error('CANARY-secret'))],
    [
      'throws',
      () => {
        throw new Error('CANARY-secret')
      },
    ],
    ['gives something else', () => 'CANARY-secret'],
  ])('from a function that %s is WRONG_KEY, and says nothing of it', async (_, key) => {
    const error = await seal(key as () => string).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'StoreError', code: 'WRONG_KEY' })
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('CANARY')
  })

  it('from a function is asked for once, and again only after it failed', async () => {
    let calls = 0
    const sealer = createSealer(async () => {
      if (++calls === 1) throw new Error('not yet')
      return bytes(1)
    })
    await expect(sealer.seal(TEXT, ACCOUNT, 1)).rejects.toMatchObject({ code: 'WRONG_KEY' })
    const kept = await Promise.all([sealer.seal(TEXT, ACCOUNT, 1), sealer.seal(TEXT, ACCOUNT, 1)])
    expect(await sealer.open(kept[1], ACCOUNT, 1, '/a/file')).toBe(TEXT)
    expect(calls).toBe(2)
  })

  it('is copied: what its owner does to the bytes afterwards changes nothing', async () => {
    const key = bytes(1)
    const sealer = createSealer(key)
    key.fill(0)
    expect(await open(bytes(1), await sealer.seal(TEXT, ACCOUNT, 1))).toBe(TEXT)
  })
})
