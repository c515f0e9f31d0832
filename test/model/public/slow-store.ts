import type { TokenStore } from '../../../src/index.ts'

/** A store as one client sees it: away, slow to answer reads, or silent about the writes of others. */
export function slowStore(memory: TokenStore, deaf: boolean) {
  const reads: { go(): void; fail(): void }[] = []
  let isDown = false
  let holdsReads = false
  const reached = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isDown) throw new Error('the store is away')
    return work()
  }
  const { subscribe, ...silent } = memory
  const store: TokenStore = {
    ...(deaf ? silent : memory),
    read: (account) =>
      reached(async () => {
        if (holdsReads) {
          const { promise, resolve, reject } = Promise.withResolvers<void>()
          reads.push({ go: resolve, fail: () => reject(new Error('the store is away')) })
          await promise
        }
        return memory.read(account)
      }),
    compareAndSet: (...args) => reached(() => memory.compareAndSet(...args)),
    lease: (...args) => reached(() => memory.lease(...args)),
  }
  return {
    store,
    /** Reads are not answered until `answerReads`. */
    holdReads() {
      holdsReads = true
    },
    answerReads() {
      holdsReads = false
      if (reads.length === 0) throw new Error('no read is held')
      for (const { go } of reads.splice(0)) go()
    },
    /** Away, reads that are held fail. */
    down(is: boolean) {
      isDown = is
      if (is) for (const { fail } of reads.splice(0)) fail()
    },
  }
}
