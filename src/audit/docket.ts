import type { Finding } from '../monitors/index.ts'
import type { Exchange, Locator } from './exchange.ts'
import type { Seen } from './readings.ts'

/** Something that a reading broke: the finding, where, and what it follows from. */
export interface Broken {
  readonly finding: Finding
  readonly at: Locator | undefined
  readonly offence: Exchange | undefined
  readonly trigger: Exchange | undefined
  /** Every reading of the times has it, and by the same cause. */
  readonly always: boolean
}

/** How many findings are not kept, by whether they are sure. */
export interface Unlisted {
  readonly fail: number
  readonly inconclusive: number
}

/** What was found of one account, by rule. */
export interface Docket {
  /** @param nth of this rule, at this moment */
  note(finding: Finding, seen: Seen, trigger: Exchange | undefined, nth: number): void
  /** Nothing more comes: what not every reading has found by now is not sure. */
  end(): void
  readonly listed: ReadonlyMap<string, readonly Broken[]>
  readonly unlisted: ReadonlyMap<string, Unlisted>
}

/** Sure findings of a rule that are kept in full, and doubtful ones. */
const KEPT = 1_000
/** How many findings may wait for the other readings; the times of a request are seldom far apart. */
const MOST_OPEN = 10_000

const isSure = ({ always, finding }: Broken) => always && finding.excuse === undefined

/**
 * @param readings how many there are
 * @param counts whether one counts that is not kept: no waiver covers it
 */
export function createDocket(
  readings: number,
  { onFound, counts }: { readonly onFound: (finding: Finding) => void; readonly counts: (broken: Broken) => boolean },
): Docket {
  const sure = new Map<string, Broken[]>()
  const doubtful = new Map<string, Broken[]>()
  const unlisted = new Map<string, { fail: number; inconclusive: number }>()
  /** By rule, item and moment: what not every reading has found yet. */
  const open = new Map<string, { broken: Broken; times: number }>()
  const listed = new Map<string, readonly Broken[]>()

  const settle = (broken: Broken) => {
    const { monitor: rule } = broken.finding
    const verdict = isSure(broken) ? 'fail' : 'inconclusive'
    const lists = verdict === 'fail' ? sure : doubtful
    const list = lists.get(rule) ?? []
    lists.set(rule, list)
    if (list.length < KEPT) list.push(broken)
    else if (counts(broken)) {
      const beyond = unlisted.get(rule) ?? { fail: 0, inconclusive: 0 }
      unlisted.set(rule, beyond)
      beyond[verdict]++
    }
  }

  return {
    listed,
    unlisted,
    note(finding, seen, trigger, nth) {
      const { monitor: rule } = finding
      const key = `${rule} ${seen.item} ${seen.moment.kind} ${nth}`
      const known = open.get(key)
      if (known === undefined && (sure.get(rule)?.length ?? 0) < KEPT) onFound(finding)
      const { exchange: offence, place } = seen
      const before = known?.broken ?? { finding, at: offence?.at ?? place, offence, trigger, always: false }
      const excuse = before.finding.excuse ?? finding.excuse
      // What another request brings about in another reading is not the same fault.
      const isSame = known === undefined || before.trigger === trigger
      const times = (known?.times ?? 0) + (isSame ? 1 : 0)
      const broken = { ...before, finding: { ...before.finding, excuse }, always: times === readings }
      open.delete(key)
      if (broken.always) return settle(broken)
      open.set(key, { broken, times })
      if (open.size <= MOST_OPEN) return
      const [oldest] = open
      if (oldest === undefined) return
      open.delete(oldest[0])
      settle(oldest[1].broken)
    },
    end() {
      for (const { broken } of open.values()) settle(broken)
      open.clear()
      for (const rule of new Set([...sure.keys(), ...doubtful.keys()]))
        listed.set(rule, [...(sure.get(rule) ?? []), ...(doubtful.get(rule) ?? [])])
    },
  }
}
