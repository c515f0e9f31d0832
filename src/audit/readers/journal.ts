import { type DecodedLine, decodeLine } from '../../journal/decode.ts'
import { byOf, JOURNAL_VERSION } from '../../journal/format.ts'
import type { Need } from '../../monitors/index.ts'
import { type Abilities, type Item, type Locator, UnreadableRecording } from '../exchange.ts'
import { createJournalProcess, type JournalProcess } from './journal-processes.ts'
import { type Line, linesOf, MAX_LINE_BYTES } from './lines.ts'
import type { FormatReader, Input, ReadContext } from './reader.ts'

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
    const { items, abilities, producer } = createReading(input, context)
    return {
      format: 'journal',
      get producer() {
        return producer()
      },
      items: items(),
      abilities,
    }
  },
}

function createReading({ file, bytes }: Input, { target }: ReadContext) {
  const processes = new Map<string, JournalProcess>()
  /** Lines that are missing, one way or the other. */
  let leftOut = 0
  let unreadable = 0
  let producer: string | undefined

  const begin = (decoded: Extract<DecodedLine, { kind: 'header' }>, at: Locator): Iterable<Item> => {
    const { header } = decoded
    producer ??= header.producer
    if (header.version > JOURNAL_VERSION)
      throw new UnreadableRecording(
        at,
        `is a journal of version ${header.version}, and this program reads version ${JOURNAL_VERSION}: update compliancely-auth`,
      )
    const by = byOf(header.client)
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
  const broken = (at: Locator, { cutOff: atEnd }: Line, why: string): Item => {
    // A process that was killed, or is still at it, leaves half a line.
    if (!atEnd) unreadable++
    return skipped(at, atEnd ? 'cut off at the end of the file' : why)
  }

  function itemsOf(line: Line): Iterable<Item | undefined> {
    const at = { file, line: line.number }
    if (line.text === undefined) return [broken(at, line, `longer than ${MAX_LINE_BYTES} bytes`)]
    const decoded = decodeLine(line.text)
    if (decoded.kind === 'header') return begin(decoded, at)
    if (processes.size === 0) throw noHeader(at)
    if (decoded.kind === 'other') return []
    if (decoded.kind === 'broken') return [broken(at, line, decoded.why)]
    const process = processes.get(decoded.by)
    if (process === undefined) return [broken(at, line, 'of a process whose first line is not here')]
    process.lastAtMs = Math.max(process.lastAtMs, decoded.atMs)
    switch (decoded.kind) {
      case 'sent':
        return [process.sent(decoded, at)]
      case 'answered':
        return [process.answered(decoded) ?? broken(at, line, 'an answer to a request that is not here')]
      case 'demanded':
        return [process.demanded(decoded, at)]
      case 'settled':
        return process.settled(decoded, at)
      case 'aborted': {
        const { atMs, demand } = decoded
        const demandId = `${process.header.client}/${demand}`
        return [process.happened(at, { kind: 'aborted', atMs, demandId })]
      }
      case 'operator': {
        const { atMs, action, credentialsId } = decoded
        return [process.happened(at, { kind: 'operator', atMs, action, credentialsId })]
      }
      case 'gap':
        leftOut += decoded.lines
        return [skipped(at, `${decoded.lines} lines were left out while it was written`)]
      default:
        return decoded satisfies never
    }
  }

  /** Of the API alone; what a client with another one sent is not asked for. */
  const wanted = (item: Item): Item => {
    if (item.kind !== 'exchange' || target.origins.length === 0) return item
    const { origin } = item.request
    return origin === undefined || target.origins.includes(origin) ? item : skipped(item.at, 'another host')
  }

  async function* items(): AsyncGenerator<Item> {
    for await (const lines of linesOf(bytes))
      for (const line of lines) for (const item of itemsOf(line)) if (item !== undefined) yield wanted(item)
    for (const process of processes.values()) for (const item of process.end()) yield wanted(item)
    processes.clear()
  }

  const abilities = (): Abilities => {
    const missing = leftOut + unreadable
    if (missing === 0) return { tells: TOLD, lacks: { outputs: OUTPUTS } }
    const why =
      leftOut > 0
        ? `The journal left ${leftOut} lines out because whoever took them was too slow.`
        : `${unreadable} lines of the journal cannot be read.`
    return { tells: [], lacks: { ...Object.fromEntries(TOLD.map((need) => [need, why])), outputs: OUTPUTS } }
  }

  return { items, abilities, producer: () => producer }
}

const noHeader = (at: Locator) =>
  new UnreadableRecording(
    at,
    'is no journal: its first line must be the header that a client writes, {"journal":"compliancely-auth",…}',
  )
