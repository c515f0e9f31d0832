import { type DecodedLine, decodeLine } from '../../journal/decode.ts'
import { byOf, JOURNAL_VERSION } from '../../journal/format.ts'
import type { Need } from '../../monitors/index.ts'
import { type Abilities, type Item, type Locator, UnreadableRecording } from '../exchange.ts'
import { batchesOf } from './batches.ts'
import { createUsualLines } from './journal-bytes.ts'
import { createJournalProcess, type JournalProcess } from './journal-processes.ts'
import { type Line, linesOf, MAX_LINE_BYTES, textOf } from './lines.ts'
import type { FormatReader, Input, ReadContext } from './reader.ts'
import { createSetBacks } from './set-back.ts'

/** How many processes that have not written for long are remembered. */
const MAX_PROCESSES = 10_000

const TOLD: readonly Need[] = [
  'demands',
  'settlements',
  'aborts',
  'signOuts',
  'origins',
  'requestIds',
  'tokens',
  'credentials',
]
const OUTPUTS = 'A journal tells what a client sent and was asked, not what it printed or logged.'

/** Our own journal; see `src/journal/format.ts`. */
export const journalReader: FormatReader = {
  format: 'journal',
  title: 'the journal of compliancely-auth',
  recognises: ({ keys }) => keys.has('journal'),
  read(input, context) {
    const { batches, abilities, notes, producer } = createReading(input, context)
    return {
      format: 'journal',
      get producer() {
        return producer()
      },
      batches,
      abilities,
      notes,
    }
  },
}

function createReading({ file, bytes }: Input, { target }: ReadContext) {
  const processes = new Map<string, JournalProcess>()
  const usual = createUsualLines()
  const setBacks = createSetBacks()
  /** Those whose API is not the one that is audited. */
  const elsewhere = new Set<string>()
  /** Lines that are missing, one way or the other. */
  let unreadable = 0
  let leftOut = 0
  /** The first that cannot be read, and why. */
  let first: string | undefined
  let producer: string | undefined

  const begin = ({ header }: Extract<DecodedLine, { kind: 'header' }>, at: Locator): readonly Item[] => {
    producer ??= header.producer || undefined
    if (header.version > JOURNAL_VERSION)
      throw new UnreadableRecording(
        at,
        `is a journal of version ${header.version}, and this program reads version ${JOURNAL_VERSION}: update compliancely-auth`,
      )
    const by = byOf(header.client)
    if (target.origins.length > 0 && !target.origins.includes(header.origin)) {
      elsewhere.add(by)
      return []
    }
    const known = processes.get(by)
    if (known !== undefined) {
      known.header = header
      return []
    }
    processes.set(by, createJournalProcess(header))
    const [oldest] = processes
    if (processes.size <= MAX_PROCESSES || oldest === undefined) return []
    processes.delete(oldest[0])
    return oldest[1].end()
  }

  const skipped = (at: Locator, why: string): Item => ({ kind: 'skipped', at, why })
  const broken = (at: Locator, { cutOff }: Line, why: string): Item => {
    // A process that was killed, or is still at it, leaves half a line.
    if (!cutOff) {
      unreadable++
      first ??= `line ${at.line}, ${why}`
    }
    return skipped(at, cutOff ? 'cut off at the end of the file' : why)
  }

  const readLine = (line: Line, items: Item[]): void => {
    const at = { file, line: line.number }
    if (line.tooLong) return void items.push(broken(at, line, `longer than ${MAX_LINE_BYTES} bytes`))
    const decoded = usual(line) ?? decodeLine(textOf(line))
    if (decoded.kind === 'header') return void items.push(...begin(decoded, at))
    if (processes.size + elsewhere.size === 0) throw noHeader(at)
    if (decoded.kind === 'other') return
    if (decoded.kind === 'broken') return void items.push(broken(at, line, decoded.why))
    const process = processes.get(decoded.by)
    if (process !== undefined) {
      setBacks.see(decoded.atMs, process.lineAtMs, at)
      process.lineAtMs = decoded.atMs
      if (decoded.kind === 'gap') leftOut += decoded.lines
      if (!process.take(decoded, at, items)) items.push(broken(at, line, UNASKED))
    } else if (!elsewhere.has(decoded.by)) items.push(broken(at, line, 'of a process whose first line is not here'))
    else if (decoded.kind === 'sent') items.push(skipped(at, 'another host'))
  }
  const end = (items: Item[]) => {
    for (const process of processes.values()) items.push(...process.end())
    processes.clear()
  }
  const batches = batchesOf(linesOf(bytes), readLine, end)

  const abilities = (): Abilities => {
    if (leftOut + unreadable === 0) return { tells: TOLD, lacks: { outputs: OUTPUTS } }
    const why =
      leftOut > 0
        ? `The journal left ${leftOut} lines out because whoever took them was too slow.`
        : `${unreadable} ${unreadable === 1 ? 'line' : 'lines'} of the journal cannot be read; the first is ${first}.`
    return { tells: [], lacks: { ...Object.fromEntries(TOLD.map((need) => [need, why])), outputs: OUTPUTS } }
  }

  return { batches, abilities, notes: setBacks.notes, producer: () => producer }
}

/** One process writes a journal, line by line: only a tool that came after it can have changed the order. */
export const UNASKED = 'an answer to nothing before it: the lines of a journal must be in the order they were written'

const noHeader = (at: Locator) =>
  new UnreadableRecording(
    at,
    'is no journal: its first line must be the header that a client writes, {"journal":"compliancely-auth",…}',
  )
