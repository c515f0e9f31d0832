import type { Clock } from '../../clock.ts'
import { StoreError } from '../store-error.ts'

/** How long a tab waits for its turn, ms: longer than another one may wait for an answer in its own, shorter than a client does. */
const TURN_MS = 4_000

/** The Web Locks of the origin: what all its tabs see alike, and the browser frees when one is closed or dies. */
export interface TabLocks {
  /**
   * Runs `work` while no tab runs any other under this name.
   *
   * @throws {StoreError} `UNREACHABLE` when another tab does not come to an end, or the browser refuses
   */
  inTurn<T>(name: string, work: () => Promise<T>): Promise<T>
  /** What is held by any tab and begins with `prefix`, without it. */
  heldUnder(prefix: string): Promise<string[]>
  /** Holds `name`, beside others who do; gives what lets it go. */
  hold(name: string): Promise<() => Promise<void>>
  /** Ends `name`, whoever holds it. */
  end(name: string): Promise<void>
  /** Lets go of all that this tab holds. */
  close(): Promise<void>
}

export const closedStore = () => new StoreError('UNREACHABLE', 'the store of this tab was closed: create another one')

export function createTabLocks(manager: LockManager, clock: Clock): TabLocks {
  const holds = new Set<() => Promise<void>>()
  let closed = false

  return {
    async inTurn(name, work) {
      const waiting = new AbortController()
      const timer = clock.setTimeout(() => waiting.abort(), TURN_MS)
      try {
        return await manager.request(name, { signal: waiting.signal }, work)
      } catch (error) {
        if (!(error instanceof DOMException)) throw error
        // What a browser says of a lock may name it; nobody needs more than this.
        throw waiting.signal.aborted
          ? new StoreError('UNREACHABLE', 'another tab keeps the record locked: close or reload the tabs that hang')
          : new StoreError('UNREACHABLE', 'the browser refuses its locks to this page: open it in a tab of its own')
      } finally {
        clock.clearTimeout(timer)
      }
    },
    async heldUnder(prefix) {
      const { held = [] } = await manager.query()
      const names = held.map(({ name = '' }) => name).filter((name) => name.startsWith(prefix))
      return names.map((name) => name.slice(prefix.length))
    },
    async hold(name) {
      if (closed) throw closedStore()
      const granted = Promise.withResolvers<void>()
      const over = Promise.withResolvers<void>()
      const ended = manager
        .request(name, { mode: 'shared' }, () => {
          granted.resolve()
          return over.promise
        })
        // It was not to be had; or, later and heard by nobody, another tab ended it.
        .catch(granted.reject)
      const letGo = () => {
        over.resolve()
        return ended
      }
      holds.add(letGo)
      void ended.finally(() => holds.delete(letGo))
      await granted.promise
      return letGo
    },
    async end(name) {
      await manager.request(name, { steal: true }, () => {})
    },
    async close() {
      closed = true
      await Promise.all([...holds].map((letGo) => letGo()))
    },
  }
}
