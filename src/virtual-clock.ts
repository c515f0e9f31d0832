import { type Clock, macrotask } from './clock.ts'

interface VirtualTimer {
  callback: () => void
  dueAtMonotonicMs: number
  sequence: number
  /** Neither fired nor cleared. */
  live: boolean
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
  /**
   * Lets what is pending at this instant go on until it has settled. Default: six turns of the macrotask queue, as many as
   * the reading of a stream takes; where there is none, one turn (`macrotask`) does and is faster.
   */
  pass?: () => Promise<void>
}

const TURNS = 6
const passTurns = async () => {
  for (let turn = 0; turn < TURNS; turn++) await macrotask()
}

const DEFAULT_START_AT_MS = Date.UTC(2026, 0, 5, 8)

/** Creates a {@link VirtualClock}. */
export function virtualClock({
  startAtMs = DEFAULT_START_AT_MS,
  pass = passTurns,
}: VirtualClockOptions = {}): VirtualClock {
  let monotonicMs = 0
  let wallOffsetMs = startAtMs
  let sequence = 0
  const held = new Set<Promise<unknown>>()
  const timers = timerQueue()
  const wakeListeners = new Set<() => void>()

  const settle = async () => {
    do {
      if (held.size > 0) await Promise.allSettled(held)
      await pass()
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
      const dueAtMonotonicMs = monotonicMs + Math.max(0, delayMs)
      const timer = { callback, dueAtMonotonicMs, sequence: sequence++, live: true }
      timers.add(timer)
      return timer
    },
    clearTimeout(handle) {
      timers.delete(handle as VirtualTimer | undefined)
    },
    onWake(listener) {
      wakeListeners.add(listener)
      return () => void wakeListeners.delete(listener)
    },
    async advance(ms) {
      await settle()
      const untilMs = monotonicMs + ms
      for (let timer = timers.first(); timer && timer.dueAtMonotonicMs <= untilMs; timer = timers.first()) {
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
      const timer = timers.first()
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
    pendingTimers: timers.size,
  }
  return clock
}

const isBefore = (a: VirtualTimer, b: VirtualTimer) =>
  a.dueAtMonotonicMs === b.dueAtMonotonicMs ? a.sequence < b.sequence : a.dueAtMonotonicMs < b.dueAtMonotonicMs

/** Timers by when they are due: a binary heap, from which those that were cleared fall out when they come first. */
function timerQueue() {
  const heap: VirtualTimer[] = []
  let live = 0

  const removeFirst = () => {
    const last = heap.pop() as VirtualTimer
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as VirtualTimer, heap[child] as VirtualTimer)) child++
      if (!isBefore(heap[child] as VirtualTimer, last)) break
      heap[at] = heap[child] as VirtualTimer
      at = child
    }
    heap[at] = last
  }

  return {
    size: () => live,
    add(timer: VirtualTimer) {
      live++
      let at = heap.length
      heap.push(timer)
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!isBefore(timer, heap[parent] as VirtualTimer)) break
        heap[at] = heap[parent] as VirtualTimer
        at = parent
      }
      heap[at] = timer
    },
    delete(timer: VirtualTimer | undefined) {
      if (timer?.live) live--
      if (timer !== undefined) timer.live = false
    },
    first(): VirtualTimer | undefined {
      while (heap[0]?.live === false) removeFirst()
      return heap[0]
    },
  }
}
