import type { Clock } from '../../clock.ts'
import type { Asking } from './ask.ts'
import type { TabLocks } from './locks.ts'

/** How long a tab that joins waits to be told the time, ms. */
const TELL_MS = 1_000

/**
 * The time that the tabs of an origin agree on. The first one begins at the wall clock, each later one is told; from then on
 * it moves with the tab's monotonic clock, so that a wall clock that is set moves nothing. Two tabs differ by no more than a
 * message takes. On some systems the monotonic clock of a browser stands still while the machine sleeps, and so does this
 * time: what it says is never too late. `D-skew`
 */
export interface TabTime {
  /** Learns the time, once. */
  join(): Promise<void>
  /** Whole milliseconds; never goes back. Joined only. */
  nowMs(): number
  /** The time of something that has happened: it is not earlier now. */
  isAtLeast(ms: number): void
  /** Another tab asks, or tells. */
  hear(told: unknown): void
}

export interface TabTimeOptions {
  locks: TabLocks
  clock: Clock
  /** Begins the names of its locks. */
  prefix: string
  asking: Asking
  /** Says something to all other tabs. */
  tell: (time: number | 'asked') => void
}

export function createTabTime({ locks, clock, prefix, asking, tell }: TabTimeOptions): TabTime {
  /** Held by each tab that knows the time. */
  const known = `${prefix}time`
  /** The store's time less the monotonic one. */
  let offsetMs = Number.NEGATIVE_INFINITY
  let toldOffsetMs: number | undefined
  let joined = false
  let joining: Promise<void> | undefined

  const nowMs = () => Math.floor(offsetMs + clock.monotonic())

  const learn = async () => {
    // What was told to others may be the time of tabs that have gone since.
    toldOffsetMs = undefined
    const told = await asking.ask({
      post: () => tell('asked'),
      answer: () => toldOffsetMs,
      anybody: async () => (await locks.heldUnder(known)).includes(''),
      boundMs: TELL_MS,
    })
    // Where all who know are suspended the wall clock is as good as any: no outage for want of a clock.
    const begunMs = typeof told === 'string' ? clock.now() - clock.monotonic() : told.answer
    offsetMs = Math.max(offsetMs, begunMs)
    await locks.hold(known)
    joined = true
  }

  return {
    join() {
      // One after the other, so that no two begin apart.
      joining ??= locks.inTurn(`${prefix}join`, learn).catch((error: unknown) => {
        joining = undefined
        throw error
      })
      return joining
    },
    nowMs,
    isAtLeast(ms) {
      offsetMs = Math.max(offsetMs, ms - clock.monotonic())
    },
    hear(told) {
      if (told === 'asked' && joined) tell(nowMs())
      if (typeof told !== 'number' || !Number.isFinite(told)) return
      toldOffsetMs = told - clock.monotonic()
      asking.heard()
    },
  }
}
