import type { Clock } from '../clock.ts'
import { AuthError } from '../errors.ts'
import type { Policy } from '../policy/schema.ts'
import type { Budget } from './budget.ts'
import type { CredentialsSource } from './credentials.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Protocol } from './protocol.ts'
import type { RecordKeeper } from './record-keeper.ts'
import type { Timeline } from './timeline.ts'
import type { Vault } from './vault.ts'

/** The parts of one client, wired once; what the client can do is made of these. */
export interface Session {
  readonly clock: Clock
  readonly timeline: Timeline
  readonly policy: Policy
  readonly random: () => number
  readonly credentials: CredentialsSource
  readonly vault: Vault
  readonly keeper: RecordKeeper
  readonly budget: Budget
  readonly protocol: Protocol
  readonly lifecycle: Lifecycle
  /** Fires when the client is closed. */
  readonly ended: AbortSignal
}

/** Wall-clock time of a moment on the timeline, whole ms. */
export const toWallMs = ({ timeline }: Pick<Session, 'timeline'>, atMs: number) => Math.round(timeline.toWallMs(atMs))

/** The record says something that the chart has not heard. */
export async function tellFacts({ protocol, lifecycle, timeline }: Session): Promise<void> {
  const facts = await protocol.adopt()
  lifecycle.send({ type: 'record.adopted', atMs: timeline.nowMs(), facts })
}

/** As `tellFacts`, when the store holds something new; nothing when it does not answer: whoever needs it says so. */
export async function tellNews({ protocol, lifecycle, timeline }: Session): Promise<void> {
  const facts = await protocol.news().catch(() => undefined)
  if (facts !== undefined) lifecycle.send({ type: 'record.adopted', atMs: timeline.nowMs(), facts })
}

export const closedError = () => new AuthError('CLOSED', 'This client is closed; create a new one.')
export const abortedError = () =>
  new AuthError('ABORTED', 'The caller aborted; others and the request in flight are not affected.')
