import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Watch } from '../../src/store/file/changes.ts'
import { createFileStore, type FileStoreParts } from '../../src/store/file/file-store.ts'
import type { Machine } from '../../src/store/file/machine-time.ts'
import { type FileStoreOptions, parseFileOptions } from '../../src/store/file/options.ts'
import type { TokenStore } from '../../src/store/store.ts'

/** A machine whose clocks stand still until they are moved. */
export interface FakeMachine extends Machine {
  elapse(ms: number): void
  setWall(byMs: number): void
  suspend(ms: number): void
  reboot(boot: string, offMs: number): void
}

export function fakeMachine(): FakeMachine {
  let wallMs = Date.UTC(2026, 0, 5, 8)
  let tickMs = 50_000.25
  let sleptMs = 0
  let boot = 'boot-1'
  return {
    wallMs: () => wallMs,
    tickMs: () => tickMs,
    // As coarse as Linux tells it.
    uptimeMs: () => Math.floor((tickMs + sleptMs) / 10) * 10,
    boot: () => boot,
    elapse(ms) {
      wallMs += ms
      tickMs += ms
    },
    setWall(byMs) {
      wallMs += byMs
    },
    suspend(ms) {
      wallMs += ms
      sleptMs += ms
    },
    reboot(name, offMs) {
      wallMs += offMs
      boot = name
      tickMs = 12_345.5
      sleptMs = 0
    },
  }
}

/** A folder that is gone after the test; realistic rights whatever the umask. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'file-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A watch that tells what a test says. */
export function fakeWatch() {
  const watchers = new Set<{ onChange: (name: string | null) => void; onError: () => void }>()
  const watch: Watch = (_, onChange, onError) => {
    const watcher = { onChange, onError, close: () => void watchers.delete(watcher) }
    watchers.add(watcher)
    return watcher
  }
  return {
    watch,
    watchers: () => watchers.size,
    touch(name: string | null) {
      for (const { onChange } of watchers) onChange(name)
    },
    fail() {
      for (const { onError } of watchers) onError()
    },
  }
}

/** A store that is closed after the test. A busy file is tried again at once, without a wait. */
export function openStore(options: FileStoreOptions, parts: Partial<FileStoreParts> = {}): TokenStore {
  const store = createFileStore(parseFileOptions(options), {
    machine: fakeMachine(),
    wait: async () => {},
    watch: fakeWatch().watch,
    ...parts,
  })
  onTestFinished(() => store.close?.())
  return store
}

export const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
