import type { SnapshotFrom } from 'xstate'
import type { Facts, LifecycleEvent, PairFacts, Patience, Waiting } from '../../machines/index.ts'
import type { Tracer } from './tracer.ts'
import type { Machine } from './transitions.ts'
import type { Asking, Watcher } from './watcher.ts'

/** The chart and the world around it as one value that a move turns into the next. Nothing in it ever changes. */
export interface Place {
  readonly nowMs: number
  readonly snapshot: SnapshotFrom<Machine>
  readonly timers: readonly Timer[]
  readonly callers: readonly Caller[]
  /** What the oracle knows. */
  readonly known: Watcher
  /** What the monitors have seen. */
  readonly traced: Tracer
  /** The newest generation that anybody was given. */
  readonly newest: number
  /** What the store holds while it is read: what the chart had learned, and what the oracle had. */
  readonly stored: Stored | null
}

export interface Timer {
  readonly id: string
  readonly event: LifecycleEvent
  readonly dueAtMs: number
}

export interface Caller {
  readonly patience: Patience
  /** What was held when it asked; a forced one wants a newer one. */
  readonly generation: number
}

export interface Stored {
  readonly chart: Facts
  readonly oracle: Facts
}

export interface Move {
  readonly label: string
  readonly make: () => Step
}

export interface Step {
  readonly place: Place
  readonly wrong: readonly string[]
}

/** The id that XState gives to the invocation of `load`. */
export const LOAD = '0.tokenLifecycle.tokens.loading'

export const never = (): never => {
  throw new Error('cannot be')
}

export const waitingOf = (callers: readonly Caller[]): Waiting => ({
  plain: callers.some(({ patience }) => patience === 'plain'),
  patient: callers.some(({ patience }) => patience === 'patient'),
  forced: callers.some(({ patience }) => patience === 'forced'),
})
export const askingOf = (callers: readonly { readonly patience: Patience }[]): Asking => ({
  anyone: callers.length > 0,
  forced: callers.some(({ patience }) => patience === 'forced'),
  unforced: callers.some(({ patience }) => patience !== 'forced'),
})
/** One that asked before the record was read wants something newer than what that held. */
export const forcedFrom = (callers: readonly Caller[], generation: number): readonly Caller[] =>
  callers.map((caller) => ({ ...caller, generation: Math.max(caller.generation, generation) }))

/** A newer pair answers a forced caller as well as any other. `D-force` */
export const satisfiedBy = (callers: readonly Caller[], pair: PairFacts | null): readonly Caller[] =>
  callers.map((caller) =>
    caller.patience === 'forced' && pair !== null && caller.generation < pair.generation
      ? { ...caller, patience: 'plain' }
      : caller,
  )

/** A pair whose deadlines the wall clock has moved. */
export const shifted = (pair: PairFacts | null, ms: number): PairFacts | null =>
  pair && {
    ...pair,
    usableUntilMs: pair.usableUntilMs + ms,
    refreshAtMs: pair.refreshAtMs + ms,
    refreshUsableUntilMs: pair.refreshUsableUntilMs === 0 ? 0 : pair.refreshUsableUntilMs + ms,
  }
