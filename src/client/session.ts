import type { Clock } from '../clock.ts'
import { AuthError } from '../errors.ts'
import type { Policy } from '../policy/schema.ts'
import type { StoreError } from '../store/store-error.ts'
import type { Adoption } from './adoption.ts'
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
  readonly adoption: Adoption
  readonly protocol: Protocol
  readonly lifecycle: Lifecycle
  /** What the store says of why it does not answer. */
  readonly storeTrouble: () => StoreError | undefined
  /** Fires when the client is closed. */
  readonly ended: AbortSignal
}

/** Wall-clock time of a moment on the timeline, whole ms. */
export const toWallMs = ({ timeline }: Pick<Session, 'timeline'>, atMs: number) => Math.round(timeline.toWallMs(atMs))

/** The record says something that the chart has not heard. */
export async function tellFacts({ adoption, lifecycle, timeline }: Session): Promise<void> {
  const facts = await adoption.adopt()
  lifecycle.send({ type: 'record.adopted', atMs: timeline.nowMs(), facts })
}

/**
 * As `tellFacts`, when the store holds something new and no request is in flight: that one looks for itself. Nothing when
 * the store does not answer: whoever needs it says so.
 */
export async function tellNews(session: Session): Promise<void> {
  const { keeper, adoption, lifecycle } = session
  const busy = () => lifecycle.snapshot().tags.has('busy')
  if (busy()) return
  const read = await keeper.read().catch(() => undefined)
  if (read !== undefined && !busy() && adoption.isNews()) await tellFacts(session)
}

export const closedError = () => new AuthError('CLOSED', 'This client is closed; create a new one.')
export const abortedError = () =>
  new AuthError('ABORTED', 'The caller aborted; others and the request in flight are not affected.')
