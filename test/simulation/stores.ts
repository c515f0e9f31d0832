import type { AccountRecord, TokenStore } from '../../src/index.ts'
import { STORE_LEG_MS } from './limits.ts'
import type { Process } from './process.ts'
import type { Setting } from './setting.ts'

const never = () => new Promise<never>(() => {})

/** The one store as each process reaches it: slow, down, or with a mishap just after a write. */
export function createStores(setting: Setting, mishap: (process: Process) => void) {
  const { clock, flavour, memory, storeNowMs, state, on, judge } = setting
  const storeOf = (process: Process): TokenStore => {
    const random = process.random.fork('store')
    const leg = () =>
      flavour === 'slow' && !state.calm && random.chance(0.25)
        ? new Promise<void>((done) => void clock.setTimeout(done, random.below(STORE_LEG_MS)))
        : undefined
    const through =
      <A extends unknown[], R>(work: (...args: A) => Promise<R>, isWrite = false) =>
      async (...args: A): Promise<R> => {
        if (!process.alive) return never()
        const arrive = async () => {
          await leg()
          if (state.storeDown && random.chance(0.5)) throw new Error('the store is down')
          const result = await work(...args)
          if (isWrite && result === true) judge.stored(process, args[2] as AccountRecord, storeNowMs())
          return result
        }
        const result = await (isWrite ? writing(process, arrive) : arrive())
        if (isWrite && on('chaos') && random.chance(0.002)) mishap(process)
        await leg()
        await process.slot.machine.awake()
        if (!process.alive) return never()
        if (state.storeDown) throw new Error('the store is down')
        return result
      }
    return {
      read: through(memory.read),
      compareAndSet: through(memory.compareAndSet, true),
      lease: through(memory.lease),
      release: through(memory.release),
      subscribe: (account, listener) =>
        memory.subscribe?.(account, () => process.alive && !process.slot.machine.suspended() && listener()) ??
        (() => {}),
    }
  }

  return storeOf
}

async function writing<T>(process: Process, write: () => Promise<T>): Promise<T> {
  process.writes++
  try {
    return await write()
  } finally {
    process.writes--
    if (process.writes === 0) process.onWritten?.()
  }
}
