import type { Clock } from '../clock.ts'
import { encodeRecord } from '../store/codec.ts'
import { begunByNow } from '../store/future.ts'
import { lacks, mergeRecords, WRITERS } from '../store/merge.ts'
import { type AccountRecord, emptyRecord } from '../store/record.ts'
import type { TokenStore } from '../store/store.ts'
import { newSalt } from './credentials.ts'
import { createStoreClock } from './store-clock.ts'
import type { Timeline } from './timeline.ts'

/**
 * The next record, or `null` where what is stored has overtaken this change. `nowMs` is the store's time: for a change that
 * may fail the earliest that it can be, for one that is kept the latest, so that what it begins does not end too early.
 */
export type Change = (record: AccountRecord, nowMs: number) => AccountRecord | null

/** A change and the moment it belongs to, on the timeline: a pause runs from its 429, not from its write. */
interface Kept {
  readonly change: Change
  readonly atMs: number
  /** Of the changes that have to land, in their order: tells a write that landed, though its answer was lost. */
  readonly number?: number
}

/** What a write came to. */
export type Written =
  /** Stored. */
  | 'stored'
  /** The store could not be written: obeyed in memory, written again later. `D-store-down` */
  | 'kept'
  /** What is stored is newer: nothing was written. */
  | 'overtaken'

/** The store did not answer, or kept answering that somebody else was faster. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure'
}

const CAS_ATTEMPTS = 16

/** While kept changes are being tried, nobody looks again before this, ms: a store that stands still takes its time. */
const FLUSH_POLL_MS = 250

const lastLanded = ({ landed }: AccountRecord, writer: string) =>
  landed.find((last) => last.writer === writer)?.change ?? 0

const NEVER = { times: 0, version: 0 }

/** Nothing of the account differs: only how often it was written, and by whom. */
const isSame = (one: AccountRecord, other: AccountRecord) => {
  const told = (record: AccountRecord) => encodeRecord({ ...record, version: 0, restored: NEVER, landed: [] })
  return one === other || told(one) === told(other)
}

/**
 * One client's view of its account's record: the last version read or written, and the changes whose write has failed so
 * far. All storage goes through here; no policy does.
 */
export interface RecordKeeper {
  /** The record as last known, changes that are kept or on their way included. */
  known(): AccountRecord
  /** The earliest that the store's time can be now. */
  nowMs(): number
  /** How often a read found that another client had written since. */
  othersWrote(): number
  /** Reads the record. Rejects with {@link StoreFailure}. */
  read(): Promise<AccountRecord>
  /** Changes the record, on top of whatever is stored. Rejects with {@link StoreFailure} and changes nothing. */
  change(change: Change): Promise<Exclude<Written, 'kept'>>
  /** As `change`, but a change that cannot be stored is kept and repeated until it is, or is overtaken. */
  keep(change: Change): Promise<Written>
  /** When kept changes are tried next, on the timeline; `undefined` when there are none. */
  retryAtMs(): number | undefined
  /** Waits for the write under way and tries to store what is kept, now. Never rejects. */
  flush(): Promise<void>
  /** Stops repeating. */
  close(): void
}

export interface RecordKeeperOptions {
  store: TokenStore
  account: string
  /** Names this client. */
  writer: string
  clock: Clock
  timeline: Timeline
  /** Length of the n-th wait before the store is tried again, ms. */
  backOffMs: (step: number) => number
  /** How far ahead a slot of the budget may lie, ms. */
  slotMs: number
  /** Kept changes were stored or overtaken. */
  onFlushed: () => void
}

export function createRecordKeeper({
  store,
  account,
  writer,
  clock,
  timeline,
  backOffMs,
  slotMs,
  onFlushed,
}: RecordKeeperOptions): RecordKeeper {
  let stored = emptyRecord(newSalt())
  /** When that was what the store had, in the store's time. */
  let knownAtMs = 0
  let othersWrote = 0
  let kept: Kept[] = []
  const time = createStoreClock(clock, timeline)
  /** Changes that are on their way for the first time. */
  let underway: Kept[] = []
  let lastNumber = 0
  let retry: { step: number; atMs: number; timer: unknown } | undefined
  let turn: Promise<unknown> = Promise.resolve()

  const know = (record: AccountRecord) => {
    stored = record
    knownAtMs = time.earliestMs(timeline.nowMs())
  }
  const storeMs = ({ atMs, number }: Kept) => (number === undefined ? time.earliestMs(atMs) : time.latestMs(atMs))
  const hasLanded = ({ number = Number.POSITIVE_INFINITY }: Kept) => number <= lastLanded(stored, writer)
  const withKept = () =>
    [...kept, ...underway].reduce(
      (record, each) => (hasLanded(each) ? record : (each.change(record, storeMs(each)) ?? record)),
      stored,
    )
  const landing = (record: AccountRecord, change: number | undefined): AccountRecord =>
    change === undefined
      ? record
      : {
          ...record,
          landed: [
            ...record.landed.filter((last) => last.writer !== writer),
            { writer, change, version: stored.version + 1 },
          ].slice(-WRITERS),
        }

  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof StoreFailure) throw error
      throw new StoreFailure('the store did not answer', { cause: error })
    }
  }

  const read = () =>
    attempt(async () => {
      for (let tries = 0; tries < CAS_ATTEMPTS; tries++) {
        const { record, nowMs } = await time.asked(() => store.read(account))
        const found = record ?? emptyRecord(stored.salt)
        if (found.version !== stored.version) othersWrote++
        const whole = lacks(found, stored, writer) ? mergeRecords(stored, knownAtMs, found) : found
        const known = begunByNow(whole, nowMs, slotMs)
        if (isSame(known, found) || (await store.compareAndSet(account, found.version, known))) {
          know(isSame(known, found) ? found : known)
          return withKept()
        }
      }
      throw new StoreFailure(`another client was faster ${CAS_ATTEMPTS} times in a row`)
    })

  const write = (each: Kept) =>
    attempt(async () => {
      for (let tries = 0; tries < CAS_ATTEMPTS; tries++) {
        if (time.isOld()) await read()
        if (hasLanded(each)) return 'stored'
        const changed = each.change(stored, storeMs(each))
        if (changed === null) return 'overtaken'
        const next = { ...landing(changed, each.number), version: stored.version + 1 }
        if (await store.compareAndSet(account, stored.version, next)) {
          know(next)
          return 'stored'
        }
        await read()
      }
      throw new StoreFailure(`another client was faster ${CAS_ATTEMPTS} times in a row`)
    })

  /** One write after the other: each stands on the version that the last one left. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work, work)
    turn = done.catch(() => {})
    return done
  }

  const flushKept = async () => {
    while (kept[0] !== undefined) {
      await read()
      await write(kept[0])
      kept = kept.slice(1)
    }
    retry = undefined
  }

  const scheduleRetry = () => {
    const step = retry?.step ?? 0
    const delayMs = backOffMs(step)
    clock.clearTimeout(retry?.timer)
    retry = {
      step: step + 1,
      atMs: timeline.nowMs() + delayMs,
      timer: clock.setTimeout(() => void keeper.flush(), delayMs),
    }
  }

  const keeper: RecordKeeper = {
    known: withKept,
    nowMs: () => time.earliestMs(timeline.nowMs()),
    othersWrote: () => othersWrote,
    read: () => inTurn(read),
    change: (change) => inTurn(() => write({ change, atMs: timeline.nowMs() })),
    keep(change) {
      const keeping = { change, atMs: timeline.nowMs(), number: ++lastNumber }
      // Obeyed from here on, however long its write takes.
      underway = [...underway, keeping]
      return inTurn(async () => {
        const written = kept.length > 0 ? undefined : await write(keeping).catch(() => undefined)
        underway = underway.filter((each) => each !== keeping)
        if (written !== undefined) return written
        // Looked at now, so that whoever asked learns what it comes to.
        change(withKept(), storeMs(keeping))
        kept = [...kept, keeping]
        if (kept.length === 1) scheduleRetry()
        return 'kept'
      })
    },
    retryAtMs() {
      if (kept.length === 0) return undefined
      const nowMs = timeline.nowMs()
      return retry !== undefined && retry.atMs > nowMs ? retry.atMs : nowMs + FLUSH_POLL_MS
    },
    async flush() {
      // Whatever is being written ends first.
      await inTurn(async () => {})
      if (kept.length === 0) return
      const flushed = await inTurn(() => flushKept().then(() => true)).catch(() => false)
      if (flushed) onFlushed()
      else scheduleRetry()
    },
    close() {
      clock.clearTimeout(retry?.timer)
    },
  }
  return keeper
}
