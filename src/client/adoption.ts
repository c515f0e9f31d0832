import type { Clock } from '../clock.ts'
import type { Facts } from '../policy/facts.ts'
import type { Policy } from '../policy/schema.ts'
import { type AccountRecord, factsOf } from '../store/record.ts'
import type { Budget } from './budget.ts'
import { type CredentialsSource, fingerprint, type HeldCredentials } from './credentials.ts'
import type { RecordKeeper } from './record-keeper.ts'
import type { Timeline } from './timeline.ts'
import type { Vault } from './vault.ts'

/** What the record says, as the chart and the vault take it over, and whether they have. */
export interface Adoption {
  /** The record as facts; a latch against other credentials than ours is none. */
  facts(): Facts
  /** Brings the vault up to the record as last known; the caller tells the chart the facts. */
  adopt(): Promise<Facts>
  /** Whether the record says something that the chart has not been told. */
  isNews(): boolean
  /** The chart knows what the record says now: the outcome that wrote it told it so. */
  heard(): void
  /** Whether the latch of the record, if it is against credentials, is against these. `D-create-4xx` */
  latchIsAgainst(held: HeldCredentials): Promise<boolean>
  /** PBKDF2 of credentials under the record's salt. */
  fingerprintOf(held: HeldCredentials): Promise<string>
}

export interface AdoptionOptions {
  clock: Clock
  timeline: Timeline
  policy: Pick<Policy, 'fingerprintRounds'>
  keeper: RecordKeeper
  budget: Budget
  vault: Vault
  credentials: CredentialsSource
}

export function createAdoption(options: AdoptionOptions): Adoption {
  const { clock, timeline, policy, keeper, budget, vault, credentials } = options

  /** The latest comparison: hashing takes a while, and neither side changes often. */
  let compared: { latched: string; held: HeldCredentials; same: boolean } | undefined
  const fingerprintOf = (held: HeldCredentials) =>
    fingerprint(held, keeper.known().salt, policy.fingerprintRounds, clock)

  const latchIsAgainst = async (held: HeldCredentials) => {
    const latched = keeper.known().latch?.fingerprint
    if (latched === undefined) return false
    if (compared?.latched !== latched || compared.held !== held)
      compared = { latched, held, same: latched === (await fingerprintOf(held)) }
    return compared.same
  }

  const facts = (): Facts => {
    const record = keeper.known()
    const fullUntilMs = budget.fullUntilMs() ?? 0
    const known: Facts = { ...factsOf(record, keeper.nowMs(), timeline.nowMs()), fullUntilMs }
    const foreign = record.latch?.fingerprint === compared?.latched && compared?.same === false
    return foreign && known.latch !== 'refreshUnauthorized' ? { ...known, latch: null } : known
  }

  // What another process may have changed and the chart would decide by.
  const newsOf = ({ pair, latch, refreshLatch, signedOut, createFailed, unfinished }: AccountRecord) =>
    JSON.stringify([
      [pair?.generation, pair?.refresh === null],
      [latch?.kind, latch?.generation, refreshLatch],
      [signedOut, createFailed, unfinished],
    ])
  let judged = ''
  const heard = () => {
    judged = newsOf(keeper.known())
  }

  return {
    facts,
    fingerprintOf,
    latchIsAgainst,
    heard,
    isNews: () => newsOf(keeper.known()) !== judged,
    async adopt() {
      const held = credentials.fromCallback ? undefined : credentials.last()
      if (held !== undefined) await latchIsAgainst(held)
      // Nothing is awaited from here on: token, facts and what was heard are of one version.
      heard()
      const known = facts()
      const { pair } = keeper.known()
      if (known.pair === null || pair === null) {
        vault.discard(Number.POSITIVE_INFINITY)
        return known
      }
      // The record may have been lost and begun anew: it is right, whatever was counted before.
      if ((vault.facts()?.generation ?? 0) > pair.generation) vault.discard(Number.POSITIVE_INFINITY)
      vault.put(known.pair, pair.access)
      return { ...known, pair: vault.earliest(known.pair) }
    },
  }
}
