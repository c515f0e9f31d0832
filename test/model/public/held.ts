import type { TokenStore } from '../../../src/index.ts'

/** What a client waits for, held back until a path lets it go: answers of the server, of the store, of a callback. */

/** A token request that waits for its answer. */
export interface InFlight {
  readonly endpoint: 'create' | 'refresh'
  /** Lets it through to the server. */
  go(): void
}

export function createHeldRequests() {
  const waiting: InFlight[] = []
  return {
    waiting: waiting as readonly InFlight[],
    /** Resolves when the path lets a token request through; at once for any other. */
    async pass(request: Request): Promise<void> {
      const { pathname } = new URL(request.url)
      const endpoint = pathname.endsWith('/token/') ? 'create' : pathname.endsWith('/refresh/') ? 'refresh' : undefined
      if (endpoint === undefined) return
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const entry: InFlight = { endpoint, go: resolve }
      waiting.push(entry)
      request.signal.addEventListener('abort', () => reject(request.signal.reason), { once: true })
      await promise.finally(() => void waiting.splice(waiting.indexOf(entry), 1))
    },
  }
}

/** A store that can be away and that holds reads back. `deaf`: it does not tell of writes by others. */
export function createHeldStore(memory: TokenStore, deaf: boolean) {
  let isDown = false
  let holdsReads = false
  const reads: { go(): void; fail(): void }[] = []
  const away = () => new Error('the store is away')
  const reached = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isDown) throw away()
    return work()
  }
  const { subscribe: _, ...silent } = memory
  const store: TokenStore = {
    ...(deaf ? silent : memory),
    read: (account) =>
      reached(async () => {
        if (holdsReads) {
          const { promise, resolve, reject } = Promise.withResolvers<void>()
          reads.push({ go: resolve, fail: () => reject(away()) })
          await promise
        }
        return memory.read(account)
      }),
    compareAndSet: (...args) => reached(() => memory.compareAndSet(...args)),
    lease: (...args) => reached(() => memory.lease(...args)),
  }
  return {
    store,
    holdReads() {
      holdsReads = true
    },
    /** Answers the reads that wait, and holds no more. */
    answerReads() {
      holdsReads = false
      if (reads.length === 0) throw new Error('no read is held')
      for (const { go } of reads.splice(0)) go()
    },
    /** A store that goes away fails the reads that wait. */
    set(is: 'up' | 'down') {
      isDown = is === 'down'
      if (isDown) for (const { fail } of reads.splice(0)) fail()
    },
    end() {
      holdsReads = false
      isDown = false
      for (const { fail } of reads.splice(0)) fail()
    },
  }
}

/**
 * What a credentials callback does: it does not answer yet, gives the password that the server knows by then, or one that
 * it does not know.
 */
export type Callback = 'held' | 'right' | 'wrong'

export function createHeldCredentials(username: string, passwordNow: () => string) {
  let mode: Callback = 'right'
  const asked: (() => void)[] = []
  return {
    async give() {
      if (mode === 'held') {
        const { promise, resolve } = Promise.withResolvers<void>()
        asked.push(resolve)
        await promise
      }
      return { username, password: mode === 'wrong' ? 'not this one' : passwordNow() }
    },
    set(is: Callback) {
      mode = is
      if (is !== 'held') for (const go of asked.splice(0)) go()
    },
  }
}
