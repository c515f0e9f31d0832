import type { Finding } from '../monitors/index.ts'
import type { Exchange, Locator } from './exchange.ts'
import type { Reading, Seen } from './readings.ts'

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
  note(finding: Finding, seen: Seen, by: { reading: Reading; trigger: Exchange | undefined; nth: number }): void
  /** Nothing more comes: what not every reading has found by now is not sure. */
  end(): void
  readonly listed: ReadonlyMap<string, readonly Broken[]>
  readonly unlisted: ReadonlyMap<string, Unlisted>
}

/** Sure findings of a rule that are listed of an origin, of all accounts together, and doubtful ones. */
const KEPT = 1_000
/** Of all origins together: most of them turn out to be others' sites, which may not take the place of the API's. */
const KEPT_OF_ALL = 10_000

/** Gives room for findings in the list, until there is no more. */
export type Room = (rule: string, verdict: keyof Unlisted) => boolean

/** To be shared by all dockets of an audit: the room of an origin. */
export function createRooms(): (origin: string | undefined) => Room {
  const taken = new Map<string, number>()
  const takenOf = (key: string) => taken.get(key) ?? 0
  return (origin) => (rule, verdict) => {
    const [ofAll, ofOrigin] = [`${verdict} ${rule}`, `${verdict} ${rule} at ${origin}`]
    if (takenOf(ofOrigin) >= KEPT || takenOf(ofAll) >= KEPT_OF_ALL) return false
    for (const key of [ofAll, ofOrigin]) taken.set(key, takenOf(key) + 1)
    return true
  }
}
/** How many findings may wait for the other readings; the times of a request are seldom far apart. */
const MOST_OPEN = 10_000

/**
 * What another request brings about in another reading is not the same fault; but where both were answered before the offence in
 * every reading, either will do: of several that failed together each may be the latest.
 */
const areBothBefore = (triggers: readonly (Exchange | undefined)[], offence: Exchange | undefined) =>
  offence !== undefined &&
  triggers.every((trigger) => trigger !== undefined && trigger.answered.latestMs <= offence.sent.earliestMs)

/** That a request said nothing of who it is is no evidence where that may have been left out. */
const isHidden = ({ monitor }: Finding, offence: Exchange | undefined) =>
  monitor === 'bearer-on-every-request' && offence?.authHidden === true && offence.request.authScheme === 'none'

/** From the latest send to the earliest answer a request is in flight whatever the true times are. */
const areInFlightTogether = (one: Exchange, other: Exchange) =>
  Math.max(one.sent.latestMs, other.sent.latestMs) < Math.min(one.answered.earliestMs, other.answered.earliestMs)

/**
 * What `late` finds is sure without the other reading: it has every wait as long, and every overlap as short, as can be. Which
 * of several requests is the one too many depends on their order, which is another one there.
 */
const DECIDED_LATE: Readonly<Record<string, (offence: Exchange, trigger: Exchange | undefined) => boolean>> = {
  'invariant-1': (offence, trigger) => trigger !== undefined && areInFlightTogether(offence, trigger),
  'invariant-2': () => true,
}

/** Reported once for what they follow from, at the first request that is late enough: which one that is differs between the readings. */
const ONCE_A_CAUSE = ['refresh-before-expiry', 'rotate-within-12h']

/** The same fault in another reading has the same one. */
function faultOf(
  { monitor: rule }: Finding,
  { item, moment }: Seen,
  trigger: Exchange | undefined,
  nth: number,
): string {
  if (!ONCE_A_CAUSE.includes(rule) || trigger === undefined) return `${rule} ${item} ${moment.kind} ${nth}`
  const { file, entry, line } = trigger.at
  return `${rule} after ${file} ${entry ?? line}`
}

const isSure = ({ always, finding }: Broken) => always && finding.excuse === undefined

export interface DocketOptions {
  readonly room: Room
  readonly onFound: (finding: Finding) => void
  /** Whether one counts that is not listed: no waiver covers it. */
  readonly counts: (broken: Broken) => boolean
}

/** @param readings how many there are */
export function createDocket(readings: number, { room, onFound, counts }: DocketOptions): Docket {
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
    if (room(rule, verdict)) lists.set(rule, [...(lists.get(rule) ?? []), broken])
    else if (counts(broken)) {
      const beyond = unlisted.get(rule) ?? { fail: 0, inconclusive: 0 }
      unlisted.set(rule, beyond)
      beyond[verdict]++
    }
  }

  return {
    listed,
    unlisted,
    note(finding, seen, { reading, trigger, nth }) {
      if (isHidden(finding, seen.exchange)) return
      const { monitor: rule } = finding
      const key = faultOf(finding, seen, trigger, nth)
      const known = open.get(key)
      if (known === undefined && (unlisted.get(rule)?.fail ?? 0) === 0) onFound(finding)
      const { exchange: offence, place } = seen
      const now = { finding, at: offence?.at ?? place, offence, trigger, always: false }
      // By the later request it is late in both readings.
      const isLater = offence !== known?.broken.offence && finding.atMs > (known?.broken.finding.atMs ?? 0)
      const before = known === undefined || isLater ? now : known.broken
      const excuse = known?.broken.finding.excuse ?? finding.excuse
      const isSame =
        known === undefined || before.trigger === trigger || areBothBefore([before.trigger, trigger], offence)
      const times = (known?.times ?? 0) + (isSame ? 1 : 0)
      const isDecided = reading === 'late' && offence !== undefined && DECIDED_LATE[rule]?.(offence, trigger) === true
      const broken = { ...before, finding: { ...before.finding, excuse }, always: isDecided || times === readings }
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
      // Which of several is the one too many differs between the readings; that one was is sure.
      const isTold = ({ finding: { monitor: rule } }: Broken) => rule in DECIDED_LATE && sure.has(rule)
      for (const { broken } of open.values()) if (!isTold(broken)) settle(broken)
      open.clear()
      for (const rule of new Set([...sure.keys(), ...doubtful.keys()]))
        listed.set(rule, [...(sure.get(rule) ?? []), ...(doubtful.get(rule) ?? [])])
    },
  }
}
