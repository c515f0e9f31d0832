import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { modeOf, openStore, temporaryFolder } from '../support/file-stores.ts'
import { fullRecord } from '../support/records.ts'

const ME = 'https://api.example me'
const NOBODY = 65_534
const isRoot = process.getuid?.() === 0

const umask = process.umask()
afterEach(() => void process.umask(umask))

/** The store refuses, and obeys once what it says is done. */
async function expectUnsafe(path: string, message: string) {
  const store = openStore({ path })
  await expect(store.read(ME)).rejects.toMatchObject({ name: 'StoreError', code: 'UNSAFE', message })
  await expect(store.compareAndSet(ME, 0, fullRecord(1))).rejects.toMatchObject({ code: 'UNSAFE' })
  return store
}

describe('store-securely: what the store makes', () => {
  it.each([0o000, 0o022, 0o077, 0o277])('is for its user alone under umask %o', async (mask) => {
    const folder = join(temporaryFolder(), 'ours')
    process.umask(mask)
    const store = openStore({ path: join(folder, 'tokens.db') })
    await store.compareAndSet(ME, 0, fullRecord(1))
    await store.compareAndSet(ME, 1, fullRecord(2))
    expect(modeOf(folder)).toBe('700')
    const names = readdirSync(folder)
    expect(names).toContain('tokens.db')
    for (const name of names) expect(modeOf(join(folder, name))).toBe('600')
  })

  it('is for its user alone in each of the folders it has to make', async () => {
    const folder = temporaryFolder()
    process.umask(0)
    await openStore({ path: join(folder, 'one', 'two', 'tokens.db') }).read(ME)
    expect([modeOf(join(folder, 'one')), modeOf(join(folder, 'one', 'two'))]).toEqual(['700', '700'])
  })

  it('stands in a folder of others, as long as they cannot write to that', async () => {
    const folder = temporaryFolder()
    chmodSync(folder, 0o755)
    const store = openStore({ path: join(folder, 'tokens.db') })
    expect(await store.compareAndSet(ME, 0, fullRecord(1))).toBe(true)
    expect(modeOf(folder)).toBe('755')
  })
})

describe('store-securely: what others can read or replace is UNSAFE', () => {
  it.each([0o644, 0o660, 0o606, 0o601])('a file of mode %o, with the command that mends it', async (mode) => {
    const path = join(temporaryFolder(), 'to kens.db')
    await openStore({ path }).compareAndSet(ME, 0, fullRecord(1))
    chmodSync(path, mode)
    const store = await expectUnsafe(path, `others may read or write ${path}: run: chmod 600 '${path}'`)
    chmodSync(path, 0o600)
    expect((await store.read(ME)).record?.version).toBe(1)
  })

  it('a file whose mode changes under a store that has it open', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    const store = openStore({ path })
    await store.read(ME)
    chmodSync(path, 0o644)
    await expect(store.compareAndSet(ME, 0, fullRecord(1))).rejects.toMatchObject({ code: 'UNSAFE' })
  })

  it.each([true, false])('a symbolic link, with something at its end: %s', async (exists) => {
    const folder = temporaryFolder()
    const path = join(folder, 'tokens.db')
    if (exists) writeFileSync(join(folder, 'elsewhere'), '', { mode: 0o600 })
    symlinkSync(join(folder, 'elsewhere'), path)
    await expectUnsafe(path, `${path} is a symbolic link: give the path it leads to, or run: rm ${path}`)
    expect(readdirSync(folder)).toHaveLength(exists ? 2 : 1)
  })

  it.each([0o775, 0o757, 0o1777])('a folder of mode %o, also before there is a file', async (mode) => {
    const folder = join(temporaryFolder(), 'shared')
    mkdirSync(folder)
    chmodSync(folder, mode)
    const path = join(folder, 'tokens.db')
    const store = await expectUnsafe(
      path,
      `others may write to the folder ${folder}, so that they could replace the file: run: chmod go-w ${folder} (or choose a folder of its own, where others need this one)`,
    )
    expect(readdirSync(folder)).toEqual([])
    chmodSync(folder, 0o700)
    expect((await store.read(ME)).record).toBeUndefined()
  })

  it('a file of another user', async () => {
    const path = isRoot ? join(temporaryFolder(), 'tokens.db') : '/etc/passwd'
    if (isRoot) {
      writeFileSync(path, '', { mode: 0o600 })
      chownSync(path, NOBODY, NOBODY)
    }
    const owner = isRoot ? NOBODY : 0
    await expectUnsafe(
      path,
      `${path} belongs to another user (${owner}): run: sudo chown ${process.getuid?.()} ${path}`,
    )
  })

  // Only root can make one.
  if (isRoot)
    it('a folder of another user', async () => {
      const folder = temporaryFolder()
      chownSync(folder, NOBODY, NOBODY)
      await expectUnsafe(
        join(folder, 'tokens.db'),
        `the folder ${folder} belongs to another user (${NOBODY}): choose another path`,
      )
    })
})
