import type { Clock } from '../clock.ts'
import type { Facts } from '../policy/facts.ts'
import type { Policy } from '../policy/schema.ts'
import { type AccountRecord, factsOf, type Latch } from '../store/record.ts'
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
  /** The latch of the record that is against these credentials. `D-create-4xx` */
  latchAgainst(held: HeldCredentials): Promise<Latch | undefined>
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

  /** Of the credentials last asked for: hashing takes a while, and they do not change often. */
  let ours: { held: HeldCredentials; salt: string; hash: string } | undefined
  const fingerprintOf = async (held: HeldCredentials) => {
    const { salt } = keeper.known()
    if (ours?.held !== held || ours.salt !== salt)
      ours = { held, salt, hash: await fingerprint(held, salt, policy.fingerprintRounds, clock) }
    return ours.hash
  }
  const latchOf = (hash: string) => keeper.known().latches.find((latch) => latch.fingerprint === hash)

  const latchAgainst = async (held: HeldCredentials) =>
    keeper.known().latches.length === 0 ? undefined : latchOf(await fingerprintOf(held))

  const facts = (): Facts => {
    const record = keeper.known()
    // Whoever does not know the credentials yet has to take the latest latch for one against them.
    const latch = ours?.salt === record.salt ? latchOf(ours.hash) : record.latches.at(-1)
    return {
      ...factsOf(record, latch, keeper.nowMs(), timeline.nowMs()),
      fullUntilMs: budget.fullUntilMs() ?? 0,
    }
  }

  // What another process may have changed and the chart would decide by; whether a token is unfinished, each answer tells it.
  const newsOf = ({ pair, latches, refreshLatch, signedOut, createFailed }: AccountRecord) =>
    JSON.stringify([
      [pair?.generation, pair?.refresh === null],
      [latches, refreshLatch],
      [signedOut, createFailed],
    ])
  let judged = ''
  const heard = () => {
    judged = newsOf(keeper.known())
  }

  return {
    facts,
    fingerprintOf,
    latchAgainst,
    heard,
    isNews: () => newsOf(keeper.known()) !== judged,
    async adopt() {
      const held = credentials.fromCallback ? undefined : credentials.last()
      if (held !== undefined) await latchAgainst(held)
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
