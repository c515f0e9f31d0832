import { type Clock, macrotask } from './clock.ts'

interface VirtualTimer {
  callback: () => void
  dueAtMonotonicMs: number
  sequence: number
}

/** A {@link Clock} that stands still until told to move; for tests, simulation and the demo. */
export interface VirtualClock extends Clock {
  /**
   * Moves both clocks on by `ms`, firing each timer at its own time, oldest first, and letting pending promises
   * settle before the clock starts, after every timer, and at the end.
   */
  advance(ms: number): Promise<void>
  /** As {@link VirtualClock.advance}, to the given wall-clock time. */
  advanceTo(atMs: number): Promise<void>
  /** Wall-clock time, whole ms, at which the next timer has fired; `undefined` when none is armed. */
  nextTimerAtMs(): number | undefined
  /** Sets the wall clock on (or back) by `ms` without moving monotonic time or firing timers; then wakes. */
  jumpWall(ms: number): void
  /** Suspends the machine: the wall clock moves by `ms`, monotonic time stands still, nothing fires; then wakes. */
  suspend(ms: number): void
  /** Lets everything that can happen at this instant happen: promises settle, held work ends. */
  settle(): Promise<void>
  hold<T>(work: Promise<T>): Promise<T>
  /** How many timers are armed. */
  pendingTimers(): number
}

export interface VirtualClockOptions {
  /** Wall-clock time to start at, ms since the epoch. Default 2026-01-05T08:00:00Z. */
  startAtMs?: number
}

/** Turns of the macrotask queue after which in-process work (no sockets, no threads) has settled. */
const SETTLE_TURNS = 6

const DEFAULT_START_AT_MS = Date.UTC(2026, 0, 5, 8)

/** Creates a {@link VirtualClock}. */
export function virtualClock({ startAtMs = DEFAULT_START_AT_MS }: VirtualClockOptions = {}): VirtualClock {
  let monotonicMs = 0
  let wallOffsetMs = startAtMs
  let sequence = 0
  const held = new Set<Promise<unknown>>()
  const timers = new Set<VirtualTimer>()
  const wakeListeners = new Set<() => void>()

  const next = (): VirtualTimer | undefined => {
    let first: VirtualTimer | undefined
    for (const timer of timers) {
      if (
        first === undefined ||
        timer.dueAtMonotonicMs < first.dueAtMonotonicMs ||
        (timer.dueAtMonotonicMs === first.dueAtMonotonicMs && timer.sequence < first.sequence)
      )
        first = timer
    }
    return first
  }
  const settle = async () => {
    do {
      await Promise.allSettled(held)
      for (let turn = 0; turn < SETTLE_TURNS; turn++) await macrotask()
    } while (held.size > 0)
  }
  const wake = () => {
    for (const listener of [...wakeListeners]) listener()
  }

  const clock: VirtualClock = {
    now: () => wallOffsetMs + monotonicMs,
    monotonic: () => monotonicMs,
    setTimeout(callback, delayMs) {
      if (!Number.isFinite(delayMs)) throw new RangeError(`virtualClock: a delay of ${delayMs} ms`)
      const timer = { callback, dueAtMonotonicMs: monotonicMs + Math.max(0, delayMs), sequence: sequence++ }
      timers.add(timer)
      return timer
    },
    clearTimeout(handle) {
      timers.delete(handle as VirtualTimer)
    },
    onWake(listener) {
      wakeListeners.add(listener)
      return () => void wakeListeners.delete(listener)
    },
    async advance(ms) {
      await settle()
      const untilMs = monotonicMs + ms
      for (let timer = next(); timer !== undefined && timer.dueAtMonotonicMs <= untilMs; timer = next()) {
        timers.delete(timer)
        monotonicMs = Math.max(monotonicMs, timer.dueAtMonotonicMs)
        timer.callback()
        await settle()
      }
      monotonicMs = untilMs
      await settle()
    },
    advanceTo: (atMs) => clock.advance(Math.max(0, atMs - clock.now())),
    nextTimerAtMs() {
      const timer = next()
      // Up to a whole millisecond: a rounded-down sum would lie just before the timer, and reaching it would fire nothing.
      return timer && Math.ceil(timer.dueAtMonotonicMs + wallOffsetMs)
    },
    jumpWall(ms) {
      wallOffsetMs += ms
      wake()
    },
    suspend(ms) {
      clock.jumpWall(ms)
    },
    settle,
    hold(work) {
      held.add(work)
      const release = () => void held.delete(work)
      work.then(release, release)
      return work
    },
    pendingTimers: () => timers.size,
  }
  return clock
}
