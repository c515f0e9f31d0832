/**
 * The one source of time and timers. Everything that waits or asks what time it is takes a
 * {@link Clock}; nothing else in the project may call `Date.now`, `performance.now` or `setTimeout`.
 */

/** What a {@link Clock} returns from `setTimeout`; opaque, only `clearTimeout` reads it. */
export type TimerHandle = unknown

/**
 * Time and timers, injected. Its shape is also what XState takes as an actor system's clock.
 *
 * @see decision `D-skew`
 */
export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch. May jump, forwards or back. */
  now(): number
  /** Monotonic time in milliseconds from an arbitrary origin. Never goes back; may stand still in suspend. */
  monotonic(): number
  /**
   * Calls `callback` once, never earlier than `delayMs` of monotonic time from now. Any finite delay ≥ 0.
   * Only with `keepsAlive` does the timer hold a Node process open: somebody waits for it.
   */
  setTimeout(callback: () => void, delayMs: number, options?: { keepsAlive?: boolean }): TimerHandle
  clearTimeout(handle: TimerHandle): void
  /**
   * Calls `listener` when the wall clock moved apart from the monotonic one (suspend and wake, clock set), before any late
   * timer fires. Returns the function that removes the listener.
   */
  onWake(listener: () => void): () => void
  /**
   * Marks work that takes real time off this thread (hashing, a socket). A virtual clock stands still until it has
   * settled; the system clock has no need of it.
   */
  hold?<T>(work: Promise<T>): Promise<T>
}

/** Longest single `setTimeout` the system clock arms, ms: bounds how late a jump of the wall clock is noticed. */
const CHUNK_MS = 30_000
/** Wall and monotonic clock may differ by this much, ms, between two looks before it counts as a jump. */
const JUMP_MS = 1_000

interface SystemTimer {
  callback: () => void
  keepsAlive: boolean
  dueAtMonotonicMs: number
  native: ReturnType<typeof setTimeout> | undefined
}

/**
 * The real clock. Its timers take delays of any length, never fire early,
 * and look for jumps of the wall clock at least every 30 s while one is armed.
 */
export function systemClock(): Clock {
  const wakeListeners = new Set<() => void>()
  let lastOffsetMs = Date.now() - performance.now()

  const noticeJump = () => {
    const offsetMs = Date.now() - performance.now()
    if (Math.abs(offsetMs - lastOffsetMs) < JUMP_MS) return
    lastOffsetMs = offsetMs
    for (const listener of [...wakeListeners]) listener()
  }

  const arm = (timer: SystemTimer) => {
    const remainingMs = timer.dueAtMonotonicMs - performance.now()
    timer.native = setTimeout(() => fire(timer), Math.min(Math.max(remainingMs, 0), CHUNK_MS))
    // A browser's timer is a number; Node's must not hold the process open.
    if (!timer.keepsAlive && typeof timer.native === 'object') timer.native.unref?.()
  }

  const fire = (timer: SystemTimer) => {
    timer.native = undefined
    noticeJump()
    // `noticeJump` may have cleared this very timer through a listener.
    if (!live.has(timer)) return
    if (performance.now() < timer.dueAtMonotonicMs) return arm(timer)
    live.delete(timer)
    timer.callback()
  }

  const live = new Set<SystemTimer>()

  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimeout(callback, delayMs, { keepsAlive = false } = {}) {
      const dueAtMonotonicMs = performance.now() + delayMs
      const timer: SystemTimer = { callback, keepsAlive, dueAtMonotonicMs, native: undefined }
      live.add(timer)
      arm(timer)
      return timer
    },
    clearTimeout(handle) {
      const timer = handle as SystemTimer | undefined
      if (timer === undefined || !live.delete(timer)) return
      clearTimeout(timer.native)
    },
    onWake(listener) {
      wakeListeners.add(listener)
      return () => void wakeListeners.delete(listener)
    },
  }
}

/** Resolves after one turn of the macrotask queue: every promise that could settle by itself has settled. */
export function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}

/** Waits for `delayMs` of monotonic time, or until `signal` fires; never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = () => {
      clock.clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.setTimeout(end, delayMs)
    signal?.addEventListener('abort', end, { once: true })
  })
}

/** The default source of chance, uniform in [0, 1): jitter and back-off, nothing secret. */
export const systemRandom = (): number => Math.random()
