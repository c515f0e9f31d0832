import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Tells of changes in a folder: calls `onChange` with a file's name, or `null`. Injected. Throws where it cannot. */
export type Watch = (folder: string, onChange: (name: string | null) => void, onError: () => void) => { close(): void }

/** Those who want to hear when the record of an account changes. */
export interface Changes {
  subscribe(account: string, listener: () => void): () => void
  /** The file was reached: whoever could not be heard of before is now. */
  reached(): void
  close(): void
}

interface Account {
  readonly listeners: Set<() => void>
  /** The latest that listeners know of; `undefined` until the first look. */
  version: number | undefined
}

/**
 * Looks at the versions whenever the file or its journal is touched. It may miss a write, where the folder cannot be
 * watched or is replaced: clients read again before they send anything, so hearing of it early is a gain and no more.
 */
export function createChanges(
  path: string,
  versionOf: (account: string) => Promise<number>,
  watchFolder: Watch,
): Changes {
  const accounts = new Map<string, Account>()
  const file = basename(path)
  let watcher: { close(): void } | undefined
  let looking = false
  let again = false

  const look = async (name: string, account: Account) => {
    const version = await versionOf(name)
    const isNews = account.version !== undefined && account.version !== version
    account.version = version
    if (isNews) for (const listener of [...account.listeners]) listener()
  }

  /** One look at a time; what is touched meanwhile is looked at afterwards. */
  const lookAtAll = async () => {
    again = true
    if (looking) return
    looking = true
    while (again) {
      again = false
      for (const [name, account] of accounts) await look(name, account).catch(() => {})
    }
    looking = false
  }

  const stop = () => {
    watcher?.close()
    watcher = undefined
  }

  const start = () => {
    try {
      watcher = watchFolder(
        dirname(path),
        (name) => {
          if (name === null || name.startsWith(file)) void lookAtAll()
        },
        stop,
      )
      // What was written between the last look and this.
      void lookAtAll()
    } catch {
      // The next call that reaches the file tries again.
    }
  }

  return {
    subscribe(name, listener) {
      const account = accounts.get(name) ?? { listeners: new Set(), version: undefined }
      accounts.set(name, account)
      account.listeners.add(listener)
      void lookAtAll()
      return () => {
        account.listeners.delete(listener)
        if (account.listeners.size > 0 || accounts.get(name) !== account) return
        accounts.delete(name)
        if (accounts.size === 0) stop()
      }
    },
    reached() {
      if (watcher === undefined && accounts.size > 0) start()
    },
    close() {
      accounts.clear()
      stop()
    },
  }
}

/** Node's own; it keeps no process alive. */
export const systemWatch: Watch = (folder, onChange, onError) => {
  const watcher: FSWatcher = watch(folder, { persistent: false }, (_, name) => onChange(name))
  watcher.on('error', () => {
    watcher.close()
    onError()
  })
  return watcher
}
