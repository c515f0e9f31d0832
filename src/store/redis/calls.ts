import { errorMonitor } from 'node:events'
import type { Clock } from '../../clock.ts'
import { duration } from '../../policy/words.ts'
import { StoreError } from '../store-error.ts'
import { addressOf, type RedisClient } from './client.ts'
import { runScript, type Script } from './scripts.ts'
import { type Place, storeErrorOf } from './trouble.ts'

/** Calls to Redis that end, one way or the other. */
export interface Calls {
  /**
   * Runs a script on one key and gives its answer. Rejects with a {@link StoreError}, after `timeoutMs` at the latest: what
   * was not sent until then is never sent; what was sent may still be carried out.
   */
  run(script: Script, key: string, args: readonly (string | number)[]): Promise<unknown>
  /** Where the calls go, in the words of messages. */
  place(key?: string): Place
  /** No more calls. */
  close(): void
}

export interface CallsOptions {
  client: RedisClient
  prefix: string
  clock: Clock
  timeoutMs: number
  /** The client was made for these calls: it may be connected anew, and is closed with them. */
  ownsClient: boolean
}

export function createCalls({ client, prefix, clock, timeoutMs, ownsClient }: CallsOptions): Calls {
  let connecting: Promise<void> | undefined
  let wasOpen = false
  let closed = false
  /** Why there is no connection. The client tries again by itself and tells nobody else. */
  let trouble: StoreError | undefined

  const place = (key?: string): Place => ({ where: addressOf(client), prefix, ...(key !== undefined && { key }) })
  const noteTrouble = (error: unknown) => {
    trouble = storeErrorOf(error, place())
  }
  const noteReady = () => {
    trouble = undefined
  }
  // The monitor looks on: an error that nobody listens to still ends the process, as the client's documentation says.
  const listeners = {
    [errorMonitor]: noteTrouble,
    'node-error': noteTrouble,
    ready: noteReady,
    'node-ready': noteReady,
  }
  const names = Reflect.ownKeys(listeners) as (keyof typeof listeners)[]
  for (const name of names) client.on(name, listeners[name])

  /** A client that nobody has connected yet is connected; one that was closed stays closed. */
  const open = async () => {
    if (closed) throw new StoreError('UNREACHABLE', `the store in ${addressOf(client)} is closed: create a new one`)
    wasOpen ||= client.isOpen && connecting === undefined
    if (wasOpen && !client.isOpen && !ownsClient)
      throw new StoreError('UNREACHABLE', `the client of ${addressOf(client)} is closed: connect it again`)
    if (wasOpen && client.isOpen) return
    connecting ??= client
      .connect()
      .then(
        () => {
          wasOpen = true
        },
        // A cluster says only that none of its nodes answered; what each one said was told before.
        (error) => Promise.reject(trouble ?? storeErrorOf(error, place())),
      )
      .finally(() => {
        connecting = undefined
      })
    await connecting
  }

  return {
    place,
    run(script, key, args) {
      const givenUp = new AbortController()
      return new Promise((resolve, reject) => {
        const timer = clock.setTimeout(() => {
          givenUp.abort()
          const unanswered = `${addressOf(client)} did not answer within ${duration(timeoutMs)}`
          reject(trouble ?? new StoreError('UNREACHABLE', unanswered))
          // A line that died without a word looks like this, and the system takes a quarter of an hour to say so: the next
          // call makes a new one.
          if (ownsClient && client.isReady) client.destroy()
        }, timeoutMs)
        const options = { keys: [key], arguments: args.map(String) }
        open()
          .then(() => {
            const commands = client.withCommandOptions({ abortSignal: givenUp.signal, typeMapping: {} })
            return runScript(commands, script, options)
          })
          .then(
            (answer) => {
              noteReady()
              resolve(answer)
            },
            (error) => reject(storeErrorOf(error, place(key))),
          )
          .finally(() => clock.clearTimeout(timer))
      })
    },
    close() {
      closed = true
      for (const name of names) client.off(name, listeners[name])
      if (!ownsClient) return
      // Not its `close()`, which waits for answers that a stopped server does not give. A connection that is just being made
      // does not hear of it, and would hold the process open: it is destroyed once it is there.
      client.destroy()
      for (const name of ['connect', 'ready'] as const) client.on(name, () => client.destroy())
    },
  }
}
