import type { TokenStore } from '../../src/store/store.ts'
import type { Transport } from '../support/world.ts'

/**
 * A process that can die at any of its steps: before a call leaves it, once it has been begun, and when its answer is
 * there. Steps are counted in the order in which they happen.
 */
export interface KillSwitch {
  around(store: TokenStore): TokenStore
  fetch: Transport
  /** Every step so far, by name. */
  readonly steps: readonly string[]
}

/** @param killAt number of the step at which `die` is called, with all steps so far; never, when there are fewer */
export function killSwitch(
  killAt: number,
  die: (steps: readonly string[]) => void,
  fetch: Transport = globalThis.fetch,
): KillSwitch {
  const steps: string[] = []
  const step = (name: string) => {
    steps.push(name)
    if (steps.length - 1 === killAt) die(steps)
  }
  const watched = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    step(`before ${name}`)
    const answer = call()
    step(`during ${name}`)
    const value = await answer
    step(`after ${name}`)
    return value
  }
  return {
    steps,
    around: (store) => ({
      read: (account) => watched('read', () => store.read(account)),
      compareAndSet: (account, version, record) =>
        watched('write', () => store.compareAndSet(account, version, record)),
      lease: (account, holder, leaseMs) => watched('lease', () => store.lease(account, holder, leaseMs)),
      release: (account, holder) => watched('release', () => store.release(account, holder)),
    }),
    fetch: (input, init) => {
      const request = new Request(input, init)
      return watched(`request to ${new URL(request.url).pathname}`, () => fetch(request))
    },
  }
}
