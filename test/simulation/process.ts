import type { AuthClient } from '../../src/index.ts'
import type { ObservedSend } from '../../src/monitors/index.ts'
import type { Sender } from './judge.ts'
import type { Machine, ProcessClock } from './machine.ts'
import type { Random } from './random.ts'

/** A client in its process. */
export interface Process extends Sender {
  readonly name: string
  readonly slot: Slot
  readonly clock: ProcessClock
  readonly random: Random
  readonly inFlight: Set<{ request: ObservedSend; stale: boolean }>
  /** Writes on their way to the store: one may land after its process has ended. */
  writes: number
  /** What is to be done when the last of them has landed. */
  onWritten: (() => void) | undefined
  auth: AuthClient
  alive: boolean
  busySinceMs: number
  otherPasswordAtMs: number
  apiPausedUntilMs: number
  /** The newest token it is known to have had, by order of issue. */
  newest: number
}

/** Where a client runs, one process after the other. */
export interface Slot {
  readonly name: string
  readonly machine: Machine
  readonly callback: boolean
  password: string
  process: Process | undefined
  starts: number
}
