import { createWatch, type Finding, type Monitor } from '../monitors/index.ts'
import type { Exchange, Happening, Locator } from './exchange.ts'
import { createSequencer, type Reading, readAs, type Seen } from './readings.ts'
import { createReplays } from './replays.ts'
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
  see(item: Exchange | Happening): void
  /** With `by` this process uses a token that another one was granted: to it, it is as good as granted. */
  adopt(grant: Exchange, by: Exchange): void
  /** Everything that is left. */
  end(): void
  /** By rule. */
  readonly broken: ReadonlyMap<string, readonly Broken[]>
  /** Findings beyond those that are kept, by rule. */
  readonly more: ReadonlyMap<string, number>
}

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
  const replays = createReplays()
  let order = 0
  const orders = new WeakMap<object, number>()

  const note = (finding: Finding, seen: Seen, trigger: Exchange | undefined, reading: Reading) => {
    const rule = finding.monitor
    const key = `${rule} ${orders.get(seen.exchange ?? seen.moment) ?? -1}`
    const known = byKey.get(key)
    const list = broken.get(rule) ?? []
    broken.set(rule, list)
    if (known !== undefined) {
      const before = list[known.index] as Broken
      list[known.index] = { ...before, readings: before.readings + 1 }
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

  const watched = readings.map((reading) => {
    const sequencer = createSequencer()
    const watch = createWatch(monitors)
    const latest = new Map<string, Exchange>()
    const observe = (seen: Seen) => {
      for (const finding of watch.observe(seen.moment)) note(finding, seen, latest.get(finding.monitor), reading)
      if (seen.moment.kind !== 'sent' || seen.exchange === undefined) return
      for (const [rule, { follows }] of Object.entries(RULES))
        if (follows?.(seen.moment.request as never)) latest.set(rule, seen.exchange)
    }
    return { reading, sequencer, observe }
  })

  return {
    broken,
    more,
    see(item) {
      orders.set(item.kind === 'exchange' ? item : item.moment, order++)
      if (item.kind === 'happening') {
        for (const { sequencer } of watched) sequencer.put({ moment: item.moment, exchange: undefined, place: item.at })
        return
      }
      const requestId = replays(item)
      const known: Exchange = requestId === undefined ? item : { ...item, request: { ...item.request, requestId } }
      orders.set(known, order)
      for (const { reading, sequencer, observe } of watched) {
        for (const seen of sequencer.until(item.sent.earliestMs)) observe(seen)
        const request = readAs(known, reading)
        const { answeredAt } = item
        const place = answeredAt && item.at
        sequencer.put({ moment: { kind: 'sent', request }, exchange: known, place })
        sequencer.put({ moment: { kind: 'answered', request }, exchange: known, place: answeredAt })
      }
    },
    adopt(grant, by) {
      // Known from here on, though granted before: what was sent in between was sent without it.
      const request = { ...grant.request, endpoint: 'refresh', requestId: undefined } as const
      const adopted: Exchange = { ...grant, answered: by.sent, request }
      for (const { reading, sequencer, observe } of watched) {
        for (const seen of sequencer.until(by.sent.earliestMs)) observe(seen)
        const answered = { kind: 'answered', request: readAs(adopted, reading) } as const
        sequencer.put({ moment: answered, exchange: grant, place: by.answeredAt && by.at })
      }
    },
    end() {
      for (const { sequencer, observe } of watched)
        for (const seen of sequencer.until(Number.POSITIVE_INFINITY)) observe(seen)
    },
  }
}
