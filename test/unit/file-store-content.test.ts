import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { fileStore } from '../../src/store/file/index.ts'
import { databaseTrouble } from '../../src/store/file/trouble.ts'
import { fakeMachine, openStore, temporaryFolder } from '../support/file-stores.ts'
import { fullRecord, shown } from '../support/records.ts'

const ME = 'https://api.example me'
const KEY = new Uint8Array(32).fill(7)
// One boot, so that nobody has the time to bring up to date.
const machine = fakeMachine()
const LONG = { salt: 'x'.repeat(3_000) }

/** A file with several pages of records. */
async function filled(encryptionKey?: Uint8Array) {
  const path = join(temporaryFolder(), 'tokens.db')
  const store = openStore({ path, encryptionKey }, { machine })
  await store.compareAndSet(ME, 0, fullRecord(1, LONG))
  for (const name of ['a', 'b', 'c']) await store.compareAndSet(`https://api.example ${name}`, 0, fullRecord(1, LONG))
  await store.close?.()
  return path
}

function change(path: string, sql: string) {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}

/** Every method answers `code` and names the file, which stays as it is. */
async function expectRefused(path: string, code: string, encryptionKey?: Uint8Array) {
  const before = readFileSync(path)
  const store = openStore({ path, encryptionKey }, { machine })
  const refused = { name: 'StoreError', code, message: expect.stringContaining(path) }
  await expect(store.read(ME)).rejects.toMatchObject(refused)
  for (const version of [0, 1])
    await expect(store.compareAndSet(ME, version, fullRecord(2))).rejects.toMatchObject(refused)
  expect(readFileSync(path).equals(before)).toBe(true)
  return store
}

describe('D-store-down: a file that is not as it was written', () => {
  it('cut off anywhere, is UNREADABLE and stays as it is', async () => {
    const whole = await filled()
    const bytes = readFileSync(whole)
    const path = join(temporaryFolder(), 'tokens.db')
    const lengths = Array.from({ length: Math.floor(bytes.length / 101) }, (_, index) => 101 * index + 1)
    const edges = Array.from({ length: bytes.length / 4096 - 1 }, (_, page) => 4096 * (page + 1))
    for (const length of [...lengths, ...edges, 15, 16, 99, 100, 511, 512, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, length), { mode: 0o600 })
      const store = fileStore({ path })
      await expect(store.read(ME), `${length} bytes`).rejects.toMatchObject({ code: 'UNREADABLE' })
      await expect(store.lease(ME, 'a', 1_000), `${length} bytes`).rejects.toMatchObject({ code: 'UNREADABLE' })
      await store.close?.()
      expect(readFileSync(path).equals(bytes.subarray(0, length))).toBe(true)
    }
    await expectRefused(path, 'UNREADABLE')
  })

  it('damaged inside, is UNREADABLE', async () => {
    const path = await filled()
    const bytes = readFileSync(path)
    bytes.fill(0, 4096 + 8, 4096 + 64)
    writeFileSync(path, bytes)
    await expectRefused(path, 'UNREADABLE')
  })

  it.each([
    ['text', Buffer.from('CANARY, something that somebody wrote\n'.repeat(50))],
    ['a byte', Buffer.from('x')],
  ])('%s, is UNREADABLE', async (_, content) => {
    const path = join(temporaryFolder(), 'tokens.db')
    writeFileSync(path, content, { mode: 0o600 })
    await expectRefused(path, 'UNREADABLE')
  })

  it.each(['DELETE', 'WAL'])('the database of another program (%s), is UNREADABLE', async (mode) => {
    const path = join(temporaryFolder(), 'tokens.db')
    writeFileSync(path, '', { mode: 0o600 })
    change(path, `PRAGMA journal_mode = ${mode}; CREATE TABLE theirs (x); INSERT INTO theirs VALUES ('kept')`)
    const store = await expectRefused(path, 'UNREADABLE')
    await expect(store.read(ME)).rejects.toThrow('a database of another program')
    const theirs = new DatabaseSync(path)
    expect(theirs.prepare('SELECT x FROM theirs').get()).toEqual({ x: 'kept' })
    theirs.close()
  })

  it('a folder, is UNREADABLE', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    mkdirSync(path)
    await expect(openStore({ path }).read(ME)).rejects.toMatchObject({ code: 'UNREADABLE' })
  })

  it('with a record that is none, is UNREADABLE for that account alone', async () => {
    const path = await filled()
    change(path, `UPDATE record SET text = 'CANARY' WHERE account LIKE '%'`)
    const store = await expectRefused(path, 'UNREADABLE')
    expect((await store.read('https://api.example new')).record).toBeUndefined()
  })

  it('of a later format, is NEWER', async () => {
    const path = await filled()
    change(path, 'PRAGMA user_version = 2')
    await expectRefused(path, 'NEWER')
  })

  it('with a record of a later format, is NEWER', async () => {
    const path = await filled()
    change(path, `UPDATE record SET text = replace(text, '"format":1', '"format":2')`)
    await expectRefused(path, 'NEWER')
  })

  it('is found by the store that missed it, once it is mended', async () => {
    const whole = await filled()
    const path = join(temporaryFolder(), 'tokens.db')
    writeFileSync(path, 'x', { mode: 0o600 })
    const store = await expectRefused(path, 'UNREADABLE')
    copyFileSync(whole, path)
    expect((await store.read(ME)).record?.version).toBe(1)
  })
})

describe('D-store-down: what SQLite says of a disk', () => {
  it('without room, is FULL', () => {
    const database = new DatabaseSync(':memory:')
    database.exec('CREATE TABLE t (x); PRAGMA max_page_count = 3')
    let error: unknown
    try {
      database.exec(`INSERT INTO t VALUES ('CANARY' || zeroblob(20000))`)
    } catch (thrown) {
      error = thrown
    }
    database.close()
    expect(databaseTrouble(error, '/a/file')).toMatchObject({ code: 'FULL' })
    expect(databaseTrouble(error, '/a/file').message).toBe('there is no room to write /a/file: make room on its disk')
  })
})

describe('store-securely: encryption at rest', () => {
  it('keeps nothing in the clear, and is read with its key', async () => {
    const path = await filled(KEY)
    expect(readFileSync(path, 'latin1')).not.toContain('CANARY')
    expect(shown((await openStore({ path, encryptionKey: KEY }).read(ME)).record)).toEqual(shown(fullRecord(1, LONG)))
  })

  it('with another key, or without one, is WRONG_KEY and destroys nothing', async () => {
    const path = await filled(KEY)
    await expectRefused(path, 'WRONG_KEY', new Uint8Array(32).fill(8))
    await expectRefused(path, 'WRONG_KEY')
    expect((await openStore({ path, encryptionKey: KEY }).read(ME)).record?.version).toBe(1)
  })

  it('does not open the row of another account, nor an old one under a new version', async () => {
    const path = await filled(KEY)
    change(
      path,
      `UPDATE record SET text = (SELECT text FROM record AS other WHERE other.account > record.account)`.concat(
        ` WHERE account = (SELECT min(account) FROM record)`,
      ),
    )
    const moved = openStore({ path, encryptionKey: KEY })
    const names = ['me', 'a', 'b', 'c'].map((name) => `https://api.example ${name}`)
    const codes = await Promise.all(
      names.map((name) =>
        moved.read(name).then(
          () => 'read',
          (error) => error.code,
        ),
      ),
    )
    expect(codes.toSorted()).toEqual(['WRONG_KEY', 'read', 'read', 'read'])
    change(path, 'UPDATE record SET version = 2')
    for (const name of names) await expect(moved.read(name)).rejects.toMatchObject({ code: 'WRONG_KEY' })
  })

  it('begins with the next write where a record was plain', async () => {
    const path = await filled()
    const store = openStore({ path, encryptionKey: KEY })
    expect((await store.read(ME)).record?.version).toBe(1)
    for (const name of ['me', 'a', 'b', 'c'])
      expect(await store.compareAndSet(`https://api.example ${name}`, 1, fullRecord(2))).toBe(true)
    expect(readFileSync(path, 'latin1')).not.toContain('CANARY')
    expect((await store.read(ME)).record?.version).toBe(2)
  })
})
