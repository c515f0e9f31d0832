import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { askChild } from '../support/children.ts'
import { describeWithDisk, mountDisk, unmount } from '../support/disks.ts'
import { openStore, temporaryFolder } from '../support/file-stores.ts'
import { fullRecord } from '../support/records.ts'

const ME = 'https://api.example me'
const isRoot = process.getuid?.() === 0
/** Whoever may not do everything: root asks "nobody", everybody else themselves. */
const uid = isRoot ? 65_534 : (process.getuid?.() ?? 0)
const own = (path: string) => chownSync(path, uid, isRoot ? uid : (process.getgid?.() ?? 0))

/** A folder of theirs, with a file that has version 1. */
async function theirs() {
  const outer = temporaryFolder()
  const folder = join(outer, 'folder')
  mkdirSync(folder, { mode: 0o700 })
  for (const path of [outer, folder]) own(path)
  const path = join(folder, 'tokens.db')
  expect(await askChild({ path, uid, what: 'write' })).toEqual({ version: 1 })
  onTestFinished(() => chmodSync(folder, 0o700))
  return { outer, folder, path }
}

describe('D-store-down: a place that may not be written', () => {
  it('a folder, is READ_ONLY, and found once it is mended', async () => {
    const { folder, path } = await theirs()
    chmodSync(folder, 0o500)
    const places = [path, join(folder, 'new.db'), join(folder, 'new', 'new.db')]
    const answers = await Promise.all(places.map((place) => askChild({ path: place, uid, what: 'read' })))
    for (const [index, place] of places.entries())
      expect(answers[index]).toEqual({
        code: 'READ_ONLY',
        message: `${place} cannot be written: let this user write to the file and its folder`,
      })
    chmodSync(folder, 0o700)
    expect(await askChild({ path, uid, what: 'write' })).toEqual({ version: 2 })
  })

  it('a file, is READ_ONLY', async () => {
    const { path } = await theirs()
    chmodSync(path, 0o400)
    expect(await askChild({ path, uid, what: 'write' })).toMatchObject({ code: 'READ_ONLY' })
    chmodSync(path, 0o600)
    expect(await askChild({ path, uid, what: 'read' })).toEqual({ version: 1 })
  })
})

describe('D-store-down: a place that cannot be reached', () => {
  it('a folder that may not be entered, is UNREACHABLE', async () => {
    const { folder, path } = await theirs()
    chmodSync(folder, 0o000)
    expect(await askChild({ path, uid, what: 'read' })).toEqual({
      code: 'UNREACHABLE',
      message: `${path}: looking at it is not allowed to this user (EACCES): allow it`,
    })
  })

  it('a file that may not be read, is UNREACHABLE', async () => {
    const { path } = await theirs()
    chmodSync(path, 0o000)
    expect(await askChild({ path, uid, what: 'read' })).toMatchObject({ code: 'UNREACHABLE' })
  })

  it('below something that is no folder, is UNREACHABLE until it is one', async () => {
    const blocked = join(temporaryFolder(), 'blocked')
    writeFileSync(blocked, '')
    const store = openStore({ path: join(blocked, 'tokens.db') })
    await expect(store.read(ME)).rejects.toMatchObject({ code: 'UNREACHABLE' })
    rmSync(blocked)
    expect((await store.read(ME)).record).toBeUndefined()
  })
})

describeWithDisk('D-store-down: a disk without room', () => {
  const takesMore = async () => {
    const folder = temporaryFolder()
    expect(mountDisk(folder, 128)).toBe(true)
    onTestFinished(() => unmount(folder))
    const path = join(folder, 'tokens.db')
    const store = openStore({ path })
    await store.compareAndSet(ME, 0, fullRecord(1))
    const filler = join(folder, 'filler')
    expect(() => writeFileSync(filler, Buffer.alloc(200_000))).toThrow('ENOSPC')
    const larger = fullRecord(2, { salt: 'x'.repeat(30_000) })
    const refused = { code: 'FULL', message: `there is no room to write ${path}: make room on its disk` }
    await expect(store.compareAndSet(ME, 1, larger)).rejects.toMatchObject(refused)
    expect((await store.read(ME)).record?.version).toBe(1)
    const fresh = openStore({ path: join(folder, 'new.db') })
    await expect(fresh.read(ME)).rejects.toMatchObject({ code: 'FULL' })
    rmSync(filler)
    expect(await store.compareAndSet(ME, 1, larger)).toBe(true)
    expect((await fresh.read(ME)).record).toBeUndefined()
  }

  it('is FULL, keeps what it has, and takes more once there is room', takesMore)
})
