import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { macrotask } from '../../src/clock.ts'
import { fileStore } from '../../src/store/file/index.ts'
import { startChild } from '../support/children.ts'
import { fakeMachine, fakeWatch, openStore, temporaryFolder } from '../support/file-stores.ts'
import { fullRecord } from '../support/records.ts'

const ME = 'https://api.example me'

function make(path = join(temporaryFolder(), 'tokens.db')) {
  const machine = fakeMachine()
  const watched = fakeWatch()
  const store = openStore({ path }, { machine, watch: watched.watch })
  const other = openStore({ path }, { machine })
  const heard: string[] = []
  const listen = (name: string) => store.subscribe?.(ME, () => heard.push(name))
  /** Every look that can have begun has ended. */
  const settle = async () => {
    await store.read(ME).catch(() => {})
    await macrotask()
  }
  return { path, ...watched, store, other, heard, listen, settle }
}

describe('those who listen to a file', () => {
  it('hear once of a write, however often the file is touched, whatever the system calls it', async () => {
    const { other, touch, heard, listen, settle } = make()
    listen('first')
    await settle()
    await other.compareAndSet(ME, 0, fullRecord(1))
    for (const name of ['tokens.db-journal', 'tokens.db', null]) touch(name)
    await settle()
    expect(heard).toEqual(['first'])
    await other.compareAndSet(ME, 1, fullRecord(2))
    touch(null)
    await settle()
    expect(heard).toEqual(['first', 'first'])
  })

  it('hear nothing of other files, of leases, or of what was there before', async () => {
    const { other, touch, heard, listen, settle } = make()
    await other.compareAndSet(ME, 0, fullRecord(1))
    listen('first')
    await settle()
    await other.lease(ME, 'a', 1_000)
    touch('tokens.db')
    await settle()
    expect(heard).toEqual([])
    await other.compareAndSet(ME, 1, fullRecord(2))
    touch('else.db')
    await settle()
    expect(heard).toEqual([])
    touch('tokens.db')
    await settle()
    expect(heard).toEqual(['first'])
  })

  it('share one watcher, which ends with the last of them', async () => {
    const { listen, settle, watchers, store } = make()
    const stops = [listen('first'), listen('second')]
    await settle()
    expect(watchers()).toBe(1)
    stops[0]?.()
    stops[0]?.()
    expect(watchers()).toBe(1)
    stops[1]?.()
    expect(watchers()).toBe(0)
    await store.read(ME)
    expect(watchers()).toBe(0)
    listen('third')
    await settle()
    expect(watchers()).toBe(1)
    await store.close?.()
    expect(watchers()).toBe(0)
  })

  it('D-store-down: hear again once a file that could not be reached, or a watcher that failed, is back', async () => {
    const folder = join(temporaryFolder(), 'blocked')
    writeFileSync(folder, '')
    const { other, fail, touch, heard, listen, settle, watchers } = make(join(folder, 'tokens.db'))
    listen('first')
    await settle()
    expect(watchers()).toBe(0)
    rmSync(folder)
    mkdirSync(folder)
    await settle()
    expect(watchers()).toBe(1)
    fail()
    await other.compareAndSet(ME, 0, fullRecord(1))
    await settle()
    expect(heard).toEqual(['first'])
    await other.compareAndSet(ME, 1, fullRecord(2))
    touch('tokens.db')
    await settle()
    expect(heard).toEqual(['first', 'first'])
  })

  it('hear of another process, for real', async () => {
    const path = join(temporaryFolder(), 'made', 'tokens.db')
    const store = fileStore({ path })
    onTestFinished(() => store.close?.())
    const heard = vi.fn()
    store.subscribe?.(ME, heard)
    await store.read(ME)
    const child = startChild({ path, what: 'write' })
    expect(await child.ended).toBe('')
    await vi.waitFor(() => expect(heard).toHaveBeenCalled(), 10_000)
    expect((await store.read(ME)).record?.version).toBe(1)
  })

  it('hold no process open', async () => {
    const path = join(temporaryFolder(), 'tokens.db')
    const child = startChild({ path, what: 'listen' })
    expect(await child.ended).toBe('')
    expect(child.said).toEqual([{ version: 0 }])
    expect(child.process.exitCode).toBe(0)
  })
})
