import type { Clock } from '../clock.ts'
import { saltedFingerprints } from '../journal/fingerprints.ts'
import { byOf, encodeLine, JOURNAL, JOURNAL_VERSION, type JournalLine, PRODUCER } from '../journal/format.ts'
import { createLineSink, MAX_WAITING_LINES } from '../journal/sink.ts'
import type { Findings } from './findings.ts'
import { createJournalIds, type JournalIds, type JournalIdsOptions } from './journal-ids.ts'
import type { RecordKeeper } from './record-keeper.ts'

type Without<Each, Name extends string> = Each extends unknown ? Omit<Each, Name> : never
/** A line without what is the same in all of them. */
export type Told = Without<JournalLine, 'by'>

/** Writes the journal of one client. */
export interface JournalPen {
  /** Never waits, never throws. `line` is asked once the salt of the account's record is known. */
  tell(line: (ids: JournalIds) => Told): void
  /** Nobody wants to know. */
  isIdle(): boolean
  close(): Promise<void>
}

export interface JournalPenOptions extends JournalIdsOptions {
  /** Where lines go; `undefined`: nowhere, they are judged alone. */
  readonly stream: WritableStream<string> | undefined
  readonly keeper: Pick<RecordKeeper, 'known' | 'nowMs' | 'othersWrote'>
  /** Judges what is told. */
  readonly findings: Findings
  /** Somebody wants to hear of findings. */
  readonly isJudged: () => boolean
  readonly clock: Clock
  readonly baseURL: URL
  /** Id of the client. */
  readonly client: string
  /** The journal cannot be written; called once. */
  readonly onFault: (error: unknown) => void
}

export function createJournalPen(options: JournalPenOptions): JournalPen {
  const { stream, clock, keeper, baseURL, client, findings, isJudged, onFault } = options
  const startedAtMs = Math.round(clock.now())
  const by = byOf(client)
  const gap = (lines: number) => encodeLine({ kind: 'gap', by, atMs: Math.round(clock.now()), lines })
  let over = false
  const fault = (error: unknown) => {
    if (!over) onFault(error)
    over = true
  }
  const sink = stream && createLineSink(stream, clock, gap, fault)
  let waiting: ((ids: JournalIds) => Told)[] = []
  let ids: JournalIds | undefined

  /** Where another salt takes over, a new header says so: its fingerprints are no longer those of before. */
  const idsNow = (): JournalIds => {
    const { salt } = keeper.known()
    if (ids?.salt === salt) return ids
    ids = createJournalIds(options, saltedFingerprints(salt))
    const { account } = ids
    const header = { journal: JOURNAL, version: JOURNAL_VERSION, producer: PRODUCER, startedAtMs } as const
    const whole = { ...header, origin: baseURL.origin, account, client }
    findings.header(whole)
    sink?.write(encodeLine(whole))
    return ids
  }
  const flush = () => {
    const lines = waiting
    waiting = []
    for (const line of lines) {
      const { kind, ...told } = line(idsNow())
      const whole = { kind, by, ...told } as JournalLine
      if (isJudged())
        findings.line(whole, { writes: keeper.othersWrote(), askedForAtMs: (accessId) => ids?.askedForAtMs(accessId) })
      sink?.write(encodeLine(whole))
    }
  }
  const guarded = (work: () => void) => {
    try {
      if (!over) work()
    } catch (error) {
      fault(error)
    }
  }

  const isIdle = () => over || (sink === undefined && !isJudged())

  return {
    isIdle,
    tell: (line) =>
      guarded(() => {
        if (isIdle()) return
        waiting.push(line)
        // Until the record is stored its salt may still give way to another process's. Nothing is sent before that.
        if (keeper.known().version > 0 || waiting.length > MAX_WAITING_LINES) flush()
      }),
    async close() {
      guarded(flush)
      over = true
      await sink?.close()
    },
  }
}
