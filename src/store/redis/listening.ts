import type { Clock } from '../../clock.ts'
import type { RedisSubscriber } from './client.ts'

/** After a subscription failed, nobody tries again for this long, ms. */
const RETRY_MS = 5_000

/** Hears of writes on a connection of its own, open as long as somebody listens. What is lost is lost. */
export interface Listening {
  /** Calls `listener` for each message on a channel. Returns the end of it. */
  add(channel: string, listener: () => void): () => void
  /** Redis answers: whatever could not be subscribed to is tried again, now and then. */
  revive(): void
  close(): void
}

/** `open` makes a connection that is not connected yet. */
export function createListening(open: () => RedisSubscriber, clock: Clock): Listening {
  const wanted = new Map<string, Set<() => void>>()
  const live = new Set<string>()
  let subscriber: RedisSubscriber | undefined
  let turn: Promise<void> = Promise.resolve()
  let waiting = 0
  let retryAtMs = Number.NEGATIVE_INFINITY

  const drop = () => {
    subscriber?.destroy()
    subscriber = undefined
    live.clear()
  }
  const connected = async () => {
    if (subscriber?.isOpen) return subscriber
    drop()
    const opened = open()
    subscriber = opened
    // Without a listener, a broken connection would end the process; it connects again by itself.
    opened.on('error', () => {})
    await opened.connect()
    return opened
  }
  /** Makes what is subscribed to what is wanted. */
  const follow = async () => {
    if (wanted.size === 0) return drop()
    const connection = await connected()
    for (const channel of [...wanted.keys()].filter((each) => !live.has(each))) {
      await connection.subscribe(channel, () => {
        for (const listener of [...(wanted.get(channel) ?? [])]) listener()
      })
      live.add(channel)
    }
    for (const channel of [...live].filter((each) => !wanted.has(each))) {
      live.delete(channel)
      await connection.unsubscribe(channel)
    }
  }
  const followSoon = () => {
    waiting++
    turn = turn
      .then(follow)
      .catch(() => {
        drop()
        retryAtMs = clock.monotonic() + RETRY_MS
      })
      .finally(() => waiting--)
  }
  const close = () => {
    wanted.clear()
    // At once: a connection that waits for Redis to come back would hold up everything behind it.
    drop()
  }

  return {
    add(channel, listener) {
      const listeners = wanted.get(channel) ?? new Set()
      wanted.set(channel, listeners.add(listener))
      followSoon()
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0 || wanted.get(channel) !== listeners) return
        wanted.delete(channel)
        if (wanted.size === 0) close()
        else followSoon()
      }
    },
    revive() {
      const isWhole = live.size === wanted.size && subscriber?.isOpen === true
      if (wanted.size > 0 && !isWhole && waiting === 0 && clock.monotonic() >= retryAtMs) followSoon()
    },
    close,
  }
}
