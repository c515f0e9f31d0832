import type { AuthClient } from '../../client/face.ts'
import { AuthError } from '../../errors.ts'
import type { Sandbox } from '../../sandbox/index.ts'
import type { VirtualClock } from '../../virtual-clock.ts'
import type { Narrator } from './narrator.ts'
import { REQUEST_ID, type Wire } from './wire.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000

/** Who lives the day. */
export interface World {
  readonly clock: VirtualClock
  readonly sandbox: Sandbox
  readonly auth: AuthClient
  readonly wire: Wire
  readonly narrator: Narrator
  readonly random: () => number
  /** Where the server is, for those who are not this client. */
  readonly url: string
  readonly signal: AbortSignal
}

/** What a caller got: a status, or the code of an error. */
export type Got = number | string

/** A day at work, as scenes write it. */
export interface Day extends World {
  /** One API request; what came of it. */
  call(): Promise<Got>
  /** A user's own call of the client; what came of it. */
  user(action: () => Promise<unknown>): Promise<Got>
  /** Goes on with API requests every few minutes until then. */
  workUntil(atMs: number): Promise<void>
  workFor(ms: number): Promise<void>
  /** Goes on with API requests until just before the next refresh is due. */
  workUntilRefreshIsNear(): Promise<void>
  /** Starts something, and lets it happen. */
  start<T>(work: Promise<T>): Promise<T>
  /** The machine sleeps: its timers stand still, the world's clocks do not. */
  sleep(ms: number): Promise<void>
  /** Notes that the day goes otherwise than planned. */
  expect(as: string, planned: boolean): void
  readonly surprises: readonly string[]
}

/** Time between two API requests: 4 to 6 minutes. */
const SHORTEST_GAP_MS = 4 * MINUTE_MS
const GAP_SPREAD_MS = 2 * MINUTE_MS
/** A scene that waits for a refresh begins this long before. */
const NEAR_MS = 20_000

export function createDay(world: World): Day {
  const { clock, auth, wire, narrator, random, signal } = world
  const surprises: string[] = []
  let requests = 0

  const settled = async () => {
    await clock.settle()
    narrator.flush(auth.status())
    signal.throwIfAborted()
  }
  const advanceTo = async (atMs: number) => {
    for (let next = clock.nextTimerAtMs(); next !== undefined && next < atMs; next = clock.nextTimerAtMs()) {
      // A whole millisecond: the sum of a fraction and the epoch may round to just before the timer.
      await clock.advanceTo(Math.min(atMs, Math.floor(next) + 1))
      await settled()
    }
    await clock.advanceTo(atMs)
    await settled()
  }
  const start = async <T>(work: Promise<T>): Promise<T> => {
    work.catch(() => {})
    await settled()
    return work
  }
  const outcome = async (action: () => Promise<unknown>): Promise<Got> => {
    wire.demanded()
    try {
      const result = await action()
      return result instanceof Response ? result.status : 'ok'
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      return error.code
    }
  }
  const api = async () => {
    const headers = { [REQUEST_ID]: `request-${++requests}` }
    const got = await outcome(() => auth.fetchLike('/api/v2/whoami/', { headers }))
    narrator.answered(got)
    return got
  }

  const day: Day = {
    ...world,
    surprises,
    start,
    call: () => start(api()),
    user: (action) => start(outcome(action)),
    async workUntil(atMs) {
      for (;;) {
        const nextMs = clock.now() + SHORTEST_GAP_MS + Math.floor(random() * GAP_SPREAD_MS)
        if (nextMs >= atMs) return advanceTo(atMs)
        await advanceTo(nextMs)
        await day.call()
      }
    },
    workFor: (ms) => day.workUntil(clock.now() + ms),
    workUntilRefreshIsNear: () => day.workUntil((auth.status().refreshAtMs ?? clock.now()) - NEAR_MS),
    async sleep(ms) {
      clock.suspend(ms)
      await settled()
    },
    expect(as, planned) {
      if (!planned) surprises.push(as)
    },
  }
  return day
}
