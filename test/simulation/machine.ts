import type { Clock, VirtualClock } from '../../src/testing.ts'

/** The clock of one process: it ends with it. */
export interface ProcessClock extends Clock {
  /** Nothing fires any more. */
  end(): void
}

/** A computer that runs clients: its wall clock is wrong at times, and it can be suspended. Servers have neither. */
export interface Machine {
  readonly name: string
  /** A clock for a new process. */
  process(): ProcessClock
  /** Sets the wall clock on or back; processes hear of it `noticedMs` later. */
  jump(ms: number, noticedMs: number): void
  /** Everything stands still but the wall clock. */
  suspend(): void
  wake(): void
  suspended(): boolean
  /** Resolves at once, or after waking. */
  awake(): Promise<void> | undefined
  /** A clock for a store that lives on this machine. */
  readonly clock: Clock
  /** The latest waking, true ms; from a sleep of at least `sleptMs`. */
  wokeAtMs(sleptMs?: number): number
  /** A suspension and a wall clock set back since: neither clock can tell how much time has passed. */
  cannotTell(sinceMs: number): boolean
  /** The wall clock was set on since: by it, tokens have expired that have not. */
  setOn(sinceMs: number): boolean
}

interface Timer {
  readonly callback: () => void
  readonly dueMs: number
  handle: unknown
}

export function createMachine(world: VirtualClock, name: string, errorMs: number, bootedMs: number): Machine {
  let wallErrorMs = errorMs
  let sleptMs = 0
  let asleepSinceMs: number | undefined
  const wakings: { atMs: number; sleptMs: number }[] = []
  let setBackAtMs = Number.NEGATIVE_INFINITY
  let setOnAtMs = Number.NEGATIVE_INFINITY
  let waking = Promise.withResolvers<void>()
  const processes = new Set<{ timers: Set<Timer>; wakes: Set<() => void> }>()

  const monotonic = () => bootedMs + (asleepSinceMs ?? world.monotonic()) - sleptMs
  const arm = (timers: Set<Timer>, timer: Timer) => {
    const fire = () => {
      // Sums of fractions: never early, by however little.
      if (monotonic() < timer.dueMs) return arm(timers, timer)
      timers.delete(timer)
      timer.callback()
    }
    timer.handle = world.setTimeout(fire, Math.max(0, timer.dueMs - monotonic()))
  }
  const notice = () => {
    for (const { wakes } of [...processes]) for (const listener of [...wakes]) listener()
  }

  const process = (): ProcessClock => {
    const own = { timers: new Set<Timer>(), wakes: new Set<() => void>() }
    let ended = false
    processes.add(own)
    return {
      now: () => world.now() + wallErrorMs,
      monotonic,
      setTimeout(callback, delayMs) {
        if (!Number.isFinite(delayMs)) throw new RangeError(`a delay of ${delayMs} ms`)
        const timer: Timer = { callback, dueMs: monotonic() + Math.max(0, delayMs), handle: undefined }
        if (ended) return timer
        own.timers.add(timer)
        if (asleepSinceMs === undefined) arm(own.timers, timer)
        return timer
      },
      clearTimeout(handle) {
        const timer = handle as Timer | undefined
        if (timer === undefined) return
        own.timers.delete(timer)
        world.clearTimeout(timer.handle)
      },
      onWake(listener) {
        own.wakes.add(listener)
        return () => void own.wakes.delete(listener)
      },
      hold: inOrder(world),
      end() {
        ended = true
        for (const timer of own.timers) world.clearTimeout(timer.handle)
        own.timers.clear()
        processes.delete(own)
      },
    }
  }

  const wokeAtMs = (leastMs = 0) =>
    wakings.findLast((waking) => waking.sleptMs >= leastMs)?.atMs ?? Number.NEGATIVE_INFINITY

  return {
    name,
    process,
    clock: process(),
    jump(ms, noticedMs) {
      wallErrorMs += ms
      if (ms < 0) setBackAtMs = world.now()
      else setOnAtMs = world.now()
      world.setTimeout(() => asleepSinceMs === undefined && notice(), noticedMs)
    },
    suspend() {
      if (asleepSinceMs !== undefined) return
      asleepSinceMs = world.monotonic()
      waking = Promise.withResolvers()
      for (const { timers } of processes) for (const timer of timers) world.clearTimeout(timer.handle)
    },
    wake() {
      if (asleepSinceMs === undefined) return
      const forMs = world.monotonic() - asleepSinceMs
      sleptMs += forMs
      asleepSinceMs = undefined
      wakings.push({ atMs: world.now(), sleptMs: forMs })
      const late = [...processes].flatMap(({ timers }) => [...timers].map((timer) => ({ timers, timer })))
      // What hears of it may clear late timers, and arm others.
      notice()
      for (const { timers, timer } of late) if (timers.has(timer)) arm(timers, timer)
      waking.resolve()
    },
    suspended: () => asleepSinceMs !== undefined,
    awake: () => (asleepSinceMs === undefined ? undefined : waking.promise),
    wokeAtMs,
    setOn: (sinceMs) => setOnAtMs >= sinceMs,
    cannotTell: (sinceMs) => wokeAtMs() >= sinceMs && setBackAtMs >= sinceMs,
  }
}

const lasts = new WeakMap<VirtualClock, Promise<unknown>>()
/** Work that left the thread comes back in the order in which it left. */
const inOrder =
  (world: VirtualClock) =>
  <T>(work: Promise<T>): Promise<T> => {
    const before = lasts.get(world) ?? Promise.resolve()
    const ordered = before.then(() => work)
    lasts.set(
      world,
      ordered.catch(() => {}),
    )
    return world.hold(ordered)
  }
