import { macrotask } from '../../../src/clock.ts'
import type { TokenStore } from '../../../src/index.ts'
import { inMemory, inSession } from '../../../src/store/web/copy.ts'
import { createTabStore } from '../../../src/store/web/tab-store.ts'
import { type VirtualClock, virtualClock } from '../../../src/virtual-clock.ts'
import { until } from './until.ts'

export interface TabOptions {
  /** Its `sessionStorage`, where it has one. */
  session?: Storage
  /** Default: that of all tabs. A machine's tabs differ in where their monotonic time begins and what the wall clock said. */
  clock?: VirtualClock
  /** It dies just before its n-th use of what the browser gives it. Default: never. */
  diesAt?: number
}

/** A tab without a browser: Node's own Web Locks and BroadcastChannel, and a death like that of a browser's tab. */
export interface Tab {
  readonly store: TokenStore
  /** How often it has used what the browser gives it. */
  steps(): number
  /** It hears and says nothing, but its locks stay: a tab that hangs, until `hang(false)`. */
  hang(hangs?: boolean): void
  /** It ends between two steps; the browser frees its locks. */
  die(): void
}

export interface Browser {
  readonly clock: VirtualClock
  readonly prefix: string
  tab(options?: TabOptions): Tab
  /** What all tabs say to each other, as another script of the page would hear it. */
  readonly channel: BroadcastChannel
  /** The names of all locks of this browser's tabs. */
  locks(): Promise<string[]>
  /** Until every message that was sent has been heard. */
  heard(): Promise<void>
  /** Lets time pass until `promise` settles, at most `ms`. */
  within<T>(ms: number, promise: Promise<T>): Promise<T>
  close(): Promise<void>
}

const never = new Promise<never>(() => {})

export function openBrowser(): Browser {
  const clock = virtualClock()
  // The locks of a process are one: a browser of its own is a prefix of its own.
  const prefix = `test-${crypto.randomUUID()}:`
  const channelName = `${prefix}tabs`
  const channel = new BroadcastChannel(channelName)
  const opened: Tab[] = []

  const locks = async () => {
    const { held = [] } = await navigator.locks.query()
    return held.map(({ name = '' }) => name).filter((name) => name.startsWith(prefix))
  }

  const openTab = ({ session, clock: own = clock, diesAt = Number.POSITIVE_INFINITY }: TabOptions): Tab => {
    let used = 0
    let dead = false
    let hung = false
    const death = Promise.withResolvers<void>()
    const line = new BroadcastChannel(channelName)
    const die = () => {
      dead = true
      line.close()
      death.resolve()
    }
    /** Counts a use of the browser; whether the tab lives to see it. */
    const step = () => {
      if (++used >= diesAt && !dead) die()
      return !dead
    }
    const stepOr = <T>(work: () => Promise<T>): Promise<T> =>
      step() ? Promise.race([work(), death.promise.then(() => never)]) : never
    const manager = {
      query: () => stepOr(() => navigator.locks.query()),
      request: (name: string, options: LockOptions, work: (lock: Lock | null) => unknown) =>
        stepOr(() => navigator.locks.request(name, options, (lock) => Promise.race([work(lock), death.promise]))),
    } as LockManager
    const outward = {
      postMessage: (message: unknown) => {
        if (step() && !hung) line.postMessage(message)
      },
      close: () => line.close(),
      set onmessage(listener: (event: MessageEvent) => void) {
        line.onmessage = (event) => {
          if (!hung) listener(event as MessageEvent)
        }
      },
    } as BroadcastChannel
    const keeping = session === undefined ? inMemory : inSession(session)
    const save: typeof keeping.save = (key, copy) => {
      if (session === undefined || step()) keeping.save(key, copy)
    }
    const store = createTabStore({
      locks: manager,
      channel: outward,
      keeping: { ...keeping, save },
      clock: own,
      prefix,
    })
    const hang = (hangs = true) => {
      hung = hangs
    }
    return { store, steps: () => used, hang, die }
  }

  return {
    clock,
    prefix,
    channel,
    locks,
    tab(options = {}) {
      const tab = openTab(options)
      opened.push(tab)
      return tab
    },
    async heard() {
      const [from, to] = [new BroadcastChannel(channelName), new BroadcastChannel(channelName)]
      const mark = crypto.randomUUID()
      await new Promise<void>((resolve) => {
        to.onmessage = ({ data }: { data: unknown }) => {
          if (data === mark) resolve()
        }
        from.postMessage(mark)
      })
      from.close()
      to.close()
    },
    async within(ms, promise) {
      let open = true
      const ended = () => {
        open = false
      }
      promise.then(ended, ended)
      // The hash of an account takes a thread; from then on all that is waited for has a timer, and the rest is turns.
      await until(() => !open || clock.pendingTimers() > 0)
      for (let passedMs = 0; open && passedMs <= ms; passedMs += 125) {
        for (let turn = 0; turn < 50; turn++) await macrotask()
        await clock.advance(125)
      }
      if (open) throw new Error(`still open after ${ms} ms`)
      return promise
    },
    async close() {
      for (const tab of opened) tab.die()
      channel.close()
    },
  }
}

/** A `sessionStorage`; `room` is how many letters fit into it. */
export function sessionStorageOf(room = Number.POSITIVE_INFINITY, items = new Map<string, string>()): Storage {
  return {
    get length() {
      return items.size
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem(key, value) {
      if (key.length + value.length > room) throw new DOMException(`no room for ${value}`, 'QuotaExceededError')
      items.set(key, value)
    },
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
  }
}
