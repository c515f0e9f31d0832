import type { Situation } from '../policy/facts.ts'

/** What the chart shows of itself: no token, so nothing secret. */
export interface LifecycleSnapshot {
  /** State of the region `tokens`, a dotted path: `sending.refreshing`. */
  readonly state: string
  /** State of the region `gate`: `open`, `paused`, `full`, `backingOff`. */
  readonly gate: string
  /** `busy`: a token request is in flight. `stopped`: failed and surfaced. `paused`: after a 429. */
  readonly tags: ReadonlySet<'busy' | 'stopped' | 'paused'>
  /** The facts that the chart decides by; times in ms on the client's timeline. */
  readonly facts: Situation
}
