import type { Clock } from '../clock.ts'
import type { HeldToken } from '../http/token-source.ts'
import type { PairFacts } from '../policy/facts.ts'
import type { Secret } from '../secret.ts'
import type { Timeline } from './timeline.ts'

interface Held {
  readonly token: HeldToken
  readonly facts: PairFacts
  /** How far the wall clock was ahead of the timeline when the facts were learned, ms. */
  readonly wallOffsetMs: number
  rejected: boolean
}

/**
 * Where a client holds its access token in memory, by generation. The hot path looks here and at the clock, and
 * nowhere else.
 */
export interface Vault {
  /** The access token, if it may be sent now: by the monotonic clock and by the wall clock. `access-lives-1h`, `D-skew` */
  usable(): HeldToken | undefined
  /**
   * Puts a pair in place of the one held; an older generation is refused. `wallOffsetMs`: how far the wall clock was ahead of
   * the timeline when its lifetime began to count, ms; default: as it is now.
   */
  put(facts: PairFacts, access: Secret, wallOffsetMs?: number): void
  /** The API refused this generation: it is not given out again. */
  reject(generation: number): void
  /** Forgets the pair of this generation and any older one. */
  discard(generation: number): void
  /** The facts of what is held, their deadlines moved to where the wall clock is now. */
  facts(): PairFacts | null
  /** `facts` with each deadline no later than the vault's for the same generation: by the clock that says "later". `D-skew` */
  earliest(facts: PairFacts): PairFacts
}

export function createVault(clock: Clock, timeline: Timeline): Vault {
  let held: Held | undefined
  const offsetMs = () => clock.now() - timeline.nowMs()

  const vault: Vault = {
    usable() {
      if (held === undefined || held.rejected) return undefined
      const { usableUntilMs } = held.facts
      if (timeline.nowMs() >= usableUntilMs || clock.now() >= usableUntilMs + held.wallOffsetMs) return undefined
      return held.token
    },
    put(facts, access, wallOffsetMs = offsetMs()) {
      if (held !== undefined && facts.generation < held.token.generation) return
      if (held?.token.generation === facts.generation) {
        // Learned again: the wall clock may have moved since the first time, and that is not to be forgotten.
        held.rejected ||= facts.rejected
        return
      }
      held = { token: { access, generation: facts.generation }, facts, wallOffsetMs, rejected: facts.rejected }
    },
    reject(generation) {
      if (held?.token.generation === generation) held.rejected = true
    },
    discard(generation) {
      if (held !== undefined && held.token.generation <= generation) held = undefined
    },
    facts() {
      if (held === undefined) return null
      const { facts } = held
      // The wall clock may say "later" than the monotonic one (suspend, clock set); the earlier deadline counts.
      const aheadMs = Math.max(0, offsetMs() - held.wallOffsetMs)
      const earlier = (deadlineMs: number) => (deadlineMs === 0 ? 0 : deadlineMs - aheadMs)
      return {
        ...facts,
        usableUntilMs: earlier(facts.usableUntilMs),
        refreshAtMs: earlier(facts.refreshAtMs),
        refreshUsableUntilMs: earlier(facts.refreshUsableUntilMs),
        rejected: held.rejected,
      }
    },
    earliest(facts) {
      const moved = vault.facts()
      if (moved?.generation !== facts.generation) return facts
      return {
        ...facts,
        usableUntilMs: Math.min(facts.usableUntilMs, moved.usableUntilMs),
        refreshAtMs: Math.min(facts.refreshAtMs, moved.refreshAtMs),
        refreshUsableUntilMs: Math.min(facts.refreshUsableUntilMs, moved.refreshUsableUntilMs),
        rejected: facts.rejected || moved.rejected,
      }
    },
  }
  return vault
}
