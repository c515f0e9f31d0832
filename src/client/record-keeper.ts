import type { Clock } from '../clock.ts'
import { type AccountRecord, emptyRecord } from '../store/record.ts'
import type { StoreRead, TokenStore } from '../store/store.ts'
import { newSalt } from './credentials.ts'
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
const READ_ATTEMPTS = 3
/** By how much the wall clock gets ahead of the monotonic one in a machine that slept, ms; less is a clock being set right. */
const SLEPT_MS = 100
/** How many writers a record remembers. */
const WRITERS = 64

/**
 * One client's view of its account's record: the last version read or written, and the changes whose write has failed so
 * far. All storage goes through here; no policy does.
 */
export interface RecordKeeper {
  /** The record as last known, kept changes included. */
  known(): AccountRecord
  /** The store's time now, by what it was at the last read. */
  nowMs(): number
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
  onFlushed,
}: RecordKeeperOptions): RecordKeeper {
  let stored = emptyRecord(newSalt())
  let kept: Kept[] = []
  let offsetMs = clock.now() - timeline.nowMs()
  /** How far the wall clock was ahead of the timeline when the store last told its time. */
  let wallAheadMs = offsetMs
  let lastNumber = 0
  let retry: { step: number; atMs: number; timer: unknown } | undefined
  let turn: Promise<unknown> = Promise.resolve()

  /** The timeline stood still since then, and the store's time did not: it has to be asked again. */
  const hasSlept = () => clock.now() - timeline.nowMs() - wallAheadMs > SLEPT_MS
  /** The store told its time at some moment of the read, which took so long. */
  let uncertainMs = 0
  const toStoreMs = (atMs: number) => atMs + Math.floor(offsetMs)
  const latestMs = ({ atMs, number }: Kept) => toStoreMs(atMs) + (number === undefined ? 0 : uncertainMs)
  const storeNowMs = () => toStoreMs(timeline.nowMs())
  const hasLanded = ({ number = Number.POSITIVE_INFINITY }: Kept) =>
    stored.landed.some((last) => last.writer === writer && number <= last.change)
  const withKept = () =>
    kept.reduce((record, each) => (hasLanded(each) ? record : (each.change(record, latestMs(each)) ?? record)), stored)
  const landing = (record: AccountRecord, change: number | undefined): AccountRecord =>
    change === undefined
      ? record
      : {
          ...record,
          landed: [...record.landed.filter((last) => last.writer !== writer), { writer, change }].slice(-WRITERS),
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
      let answer: StoreRead
      let askedAtMs: number
      let tries = 0
      do {
        askedAtMs = timeline.nowMs()
        wallAheadMs = clock.now() - askedAtMs
        answer = await store.read(account)
      } while (hasSlept() && ++tries < READ_ATTEMPTS)
      const { record, nowMs } = answer
      offsetMs = nowMs - timeline.nowMs()
      uncertainMs = timeline.nowMs() - askedAtMs
      stored = record ?? (stored.version === 0 ? stored : emptyRecord(stored.salt))
      return withKept()
    })

  const write = (each: Kept) =>
    attempt(async () => {
      for (let tries = 0; tries < CAS_ATTEMPTS; tries++) {
        if (hasSlept()) await read()
        if (hasLanded(each)) return 'stored'
        const changed = each.change(stored, latestMs(each))
        if (changed === null) return 'overtaken'
        const next = { ...landing(changed, each.number), version: stored.version + 1 }
        if (await store.compareAndSet(account, stored.version, next)) {
          stored = next
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
    nowMs: storeNowMs,
    read: () => inTurn(read),
    change: (change) => inTurn(() => write({ change, atMs: timeline.nowMs() })),
    keep(change) {
      const keeping = { change, atMs: timeline.nowMs(), number: ++lastNumber }
      return inTurn(async () => {
        if (kept.length === 0) {
          try {
            return await write(keeping)
          } catch {
            // Kept below.
          }
        }
        // Looked at now, so that whoever asked learns what it comes to.
        change(withKept(), latestMs(keeping))
        kept = [...kept, keeping]
        if (kept.length === 1) scheduleRetry()
        return 'kept'
      })
    },
    retryAtMs: () => (kept.length === 0 ? undefined : (retry?.atMs ?? timeline.nowMs())),
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
