import { createWatch, type Finding, type Monitor } from '../monitors/index.ts'
import type { Exchange, Locator } from './exchange.ts'
import { createSequencer, type Reading, type Seen, type Sighting } from './readings.ts'
import { RULES } from './rules.ts'

/** Something that a reading broke: the finding, where, and what it follows from. */
export interface Broken {
  readonly finding: Finding
  readonly at: Locator | undefined
  readonly offence: Exchange | undefined
  readonly trigger: Exchange | undefined
  /** In how many of the readings; in all of them: for sure. */
  readonly readings: number
}

/** The traffic of one account, judged as it comes. */
export interface AccountAudit {
  see(sighting: Sighting): void
  /** Everything that is left. */
  end(): void
  /** By rule. */
  readonly broken: ReadonlyMap<string, readonly Broken[]>
  /** Findings beyond those that are kept, by rule. */
  readonly more: ReadonlyMap<string, number>
}

const isServed = ({ request: { endpoint, status } }: Exchange) => endpoint === 'api' && status === 200

/** Findings of a rule that are kept in full. */
const KEPT = 1_000

export function createAccountAudit(
  monitors: readonly Monitor[],
  readings: readonly Reading[],
  onBroken: (broken: Broken) => void = () => {},
): AccountAudit {
  const broken = new Map<string, Broken[]>()
  const more = new Map<string, number>()
  const byKey = new Map<string, { rule: string; index: number }>()

  const note = (finding: Finding, seen: Seen, trigger: Exchange | undefined, reading: Reading) => {
    const rule = finding.monitor
    const key = `${rule} ${seen.item}`
    const known = byKey.get(key)
    const list = broken.get(rule) ?? []
    broken.set(rule, list)
    if (known !== undefined) {
      const before = list[known.index] as Broken
      const excuse = before.finding.excuse ?? finding.excuse
      list[known.index] = { ...before, finding: { ...before.finding, excuse }, readings: before.readings + 1 }
      return
    }
    if (list.length >= KEPT) {
      // Once, however many readings find it.
      if (reading === readings[0]) more.set(rule, (more.get(rule) ?? 0) + 1)
      return
    }
    byKey.set(key, { rule, index: list.length })
    const found = { finding, at: seen.exchange?.at ?? seen.place, offence: seen.exchange, trigger, readings: 1 }
    list.push(found)
    onBroken(found)
  }

  const judged = monitors.map(({ id }) => id)
  const followed = Object.entries(RULES).flatMap(([rule, { follows }]) =>
    follows !== undefined && judged.includes(rule) ? [{ rule, follows }] : [],
  )
  const watched = readings.map((reading) => {
    const watch = createWatch(monitors)
    const latest = new Map<string, Exchange>()
    const sequencer = createSequencer((seen) => {
      const { moment, exchange } = seen
      for (const finding of watch.observe(moment)) note(finding, seen, latest.get(finding.monitor), reading)
      // Nothing follows of an API request that was served: nearly all there is.
      if (moment.kind !== 'sent' || exchange === undefined || isServed(exchange)) return
      for (const { rule, follows } of followed) if (follows(exchange.request)) latest.set(rule, exchange)
    })
    return { reading, sequencer }
  })

  return {
    broken,
    more,
    see({ soonestMs, byReading }) {
      for (const [reading, { sequencer }] of watched.entries()) {
        sequencer.until(soonestMs)
        for (const seen of byReading[reading] ?? []) sequencer.put(seen)
      }
    },
    end() {
      for (const { sequencer } of watched) sequencer.until(Number.POSITIVE_INFINITY)
    },
  }
}
