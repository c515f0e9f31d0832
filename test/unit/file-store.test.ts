import { existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { macrotask } from '../../src/clock.ts'
import { Secret } from '../../src/secret.ts'
import { fileStore } from '../../src/store/file/index.ts'
import { defaultPath } from '../../src/store/file/place.ts'
import { fakeMachine, fakeWatch, openStore, temporaryFolder } from '../support/file-stores.ts'
import { fullRecord, shown, storedPair } from '../support/records.ts'
import { storeContract } from '../support/store-contract.ts'

const ME = 'https://api.example me@mail.example'

/** The account that the contract listens to. */
const CONTRACT_ACCOUNT = 'https://api.example me'

storeContract('fileStore', async () => {
  const path = join(temporaryFolder(), 'tokens.db')
  const machine = fakeMachine()
  const { watch, touch } = fakeWatch()
  const one = openStore({ path }, { machine, watch })
  return {
    one,
    other: openStore({ path }, { machine }),
    elapse: async (ms) => machine.elapse(ms),
    settle: async () => {
      touch('tokens.db')
      await one.read(CONTRACT_ACCOUNT)
      await macrotask()
    },
    close: async () => {},
  }
})

describe('the default path', () => {
  it.each([
    ['linux', {}, '/home/me', '/home/me/.local/state/compliancely-auth/tokens.db'],
    ['linux', { XDG_STATE_HOME: '/state' }, '/home/me', '/state/compliancely-auth/tokens.db'],
    ['linux', { XDG_STATE_HOME: 'state' }, '/home/me', '/home/me/.local/state/compliancely-auth/tokens.db'],
    ['linux', { XDG_STATE_HOME: '' }, '/home/me', '/home/me/.local/state/compliancely-auth/tokens.db'],
    [
      'darwin',
      { XDG_STATE_HOME: '/state' },
      '/Users/me',
      '/Users/me/Library/Application Support/compliancely-auth/tokens.db',
    ],
    ['win32', { LOCALAPPDATA: 'D:\\Local' }, 'C:\\Users\\me', 'D:\\Local\\compliancely-auth\\tokens.db'],
    ['win32', {}, 'C:\\Users\\me', 'C:\\Users\\me\\AppData\\Local\\compliancely-auth\\tokens.db'],
  ] as const)('on %s with %o', (platform, env, home, path) => {
    expect(defaultPath({ platform, env, home })).toBe(path)
  })
})

describe('the options', () => {
  it.each([
    [{ path: '' }, /option 'path' is ''/],
    [{ path: 'a\0b' }, /option 'path'/],
    [{ path: 7 as never }, /option 'path' is 7/],
    [{ pth: '/x' } as never, /'pth' .* unknown; the nearest known one is 'path'/],
    [null as never, /option 'options' is null/],
  ])('%o is refused', (options, message) => {
    expect(() => fileStore(options)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    expect(() => fileStore(options)).toThrow(message)
  })
})

describe('the file', () => {
  it('is not touched before the first call', async () => {
    const path = join(temporaryFolder(), 'deep', 'er', 'tokens.db')
    const store = openStore({ path })
    expect(existsSync(join(path, '..'))).toBe(false)
    await store.read(ME)
    expect(existsSync(path)).toBe(true)
  })

  it('outlives its stores', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    const store = fileStore({ path })
    await store.compareAndSet(ME, 0, fullRecord(1))
    await store.close?.()
    expect(shown((await openStore({ path }).read(ME)).record)).toEqual(shown(fullRecord(1)))
  })

  it('store-securely: names the base URL and not the person', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    const store = openStore({ path })
    await store.compareAndSet(ME, 0, fullRecord(1))
    await store.lease(ME, 'holder', 1_000)
    const kept = readFileSync(path, 'latin1')
    expect(kept).toContain('https://api.example ')
    expect(kept).not.toContain('me@mail.example')
  })

  it('store-securely: keeps nothing of a pair that was replaced, in it or beside it', async () => {
    const folder = temporaryFolder()
    const store = openStore({ path: join(folder, 'tokens.db') })
    const held = () => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'))
    const access = new Secret('CANARY-access '.repeat(1_000))
    await store.compareAndSet(ME, 0, fullRecord(1, { pair: storedPair(3, 0, { access }) }))
    expect(held().join('')).toContain('CANARY-access')
    await store.compareAndSet(ME, 1, fullRecord(2, { pair: null }))
    expect(held().join('')).not.toContain('CANARY')
  })

  it('is found anew when another one stands in its place', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'tokens.db')
    const store = openStore({ path })
    await store.compareAndSet(ME, 0, fullRecord(1))
    const other = fileStore({ path: join(folder, 'other.db') })
    await other.compareAndSet(ME, 0, fullRecord(7))
    await other.close?.()
    renameSync(join(folder, 'other.db'), path)
    expect((await store.read(ME)).record?.version).toBe(7)
    rmSync(path)
    expect((await store.read(ME)).record).toBeUndefined()
    expect(await store.compareAndSet(ME, 0, fullRecord(1))).toBe(true)
  })

  it('D-store-down: is found again after it was emptied under a store that has it open', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    const store = openStore({ path })
    await store.compareAndSet(ME, 0, fullRecord(1))
    truncateSync(path)
    await expect(store.read(ME)).rejects.toMatchObject({ name: 'StoreError' })
    expect((await store.read(ME)).record).toBeUndefined()
    expect(await store.compareAndSet(ME, 0, fullRecord(1))).toBe(true)
  })

  it('answers nothing once it is closed, however often', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    const store = openStore({ path })
    await store.read(ME)
    await store.close?.()
    await store.close?.()
    await expect(store.read(ME)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: `the store of ${path} was closed`,
    })
  })

  it('D-store-down: is tried again while another process writes, then given up, and found again', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    const waits: number[] = []
    let afterWait = () => {}
    const wait = async (delayMs: number) => {
      waits.push(delayMs)
      afterWait()
    }
    const store = openStore({ path }, { wait })
    await store.compareAndSet(ME, 0, fullRecord(1))
    const writer = new DatabaseSync(path)
    writer.exec('BEGIN EXCLUSIVE')
    await expect(store.read(ME)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining(`${path} is in use`),
    })
    expect(waits.reduce((sum, delayMs) => sum + delayMs, 0)).toBe(2_047)
    waits.length = 0
    afterWait = () => {
      if (waits.length === 3) writer.exec('ROLLBACK')
    }
    expect(await store.compareAndSet(ME, 1, fullRecord(2))).toBe(true)
    expect(waits).toEqual([1, 2, 4])
    writer.close()
  })

  it('shows nothing of what it holds', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    const store = openStore({ path, encryptionKey: 'CANARY-key-'.padEnd(43, 'A') })
    await store.compareAndSet(ME, 0, fullRecord(1))
    expect(inspect(store, { showHidden: true, depth: 9 })).not.toMatch(/CANARY/)
  })
})
