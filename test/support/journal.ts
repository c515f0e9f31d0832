import type { Item, Recording } from '../../src/audit/exchange.ts'
import { createFingerprints } from '../../src/audit/readers/fingerprints.ts'
import { journalReader } from '../../src/audit/readers/journal.ts'
import type { ReadContext } from '../../src/audit/readers/reader.ts'
import { DEFAULT_TARGET } from '../../src/audit/target.ts'
import type { Moment } from '../../src/monitors/index.ts'

/** A stream that keeps its lines. */
export function collector() {
  const lines: string[] = []
  const stream = new WritableStream<string>({ write: (line) => void lines.push(line) })
  return { stream, lines, text: () => lines.join('') }
}

/** A path with a JWT, another secret and a session in it, and how it may be told. */
export const SECRET_PATH = `/api/v2/x/eyJhbGciOiJIUzI1NiJ9.canary.canary/canary${'0'.repeat(32)}/y;sid=canary`
export const SECRET_PATH_SHOWN = '/api/v2/x/{…}/{…}/y'

export const readContext: ReadContext = {
  target: DEFAULT_TARGET,
  fingerprints: createFingerprints(new Uint8Array(32).fill(7)),
}

/** Bytes of a text, in chunks of a size that breaks whatever can be broken. */
export async function* chunksOf(text: string | Uint8Array, size = 997): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Everything that a recording holds, and why it ended, if it did before its end. */
export async function allOf(recording: Recording) {
  const items: Item[] = []
  let error: unknown
  try {
    for await (const batch of recording.batches) items.push(...batch)
  } catch (caught) {
    error = caught
  }
  return { items, error, abilities: recording.abilities() }
}

export const readJournal = (text: string, context = readContext) =>
  allOf(journalReader.read({ file: 'journal.jsonl', bytes: chunksOf(text) }, context))

/** What may stand at one instant, in this order. */
const RANKS = { answered: 0, aborted: 1, operator: 2, demanded: 3, sent: 4, settled: 5, shown: 6, elapsed: 7 } as const

/** The moments of items whose times are known for sure. */
export function momentsIn(items: readonly Item[]): Moment[] {
  const moments = items.flatMap((item): { atMs: number; moment: Moment }[] => {
    if (item.kind === 'skipped') return []
    if (item.kind === 'happening') return [{ atMs: 'atMs' in item.moment ? item.moment.atMs : 0, moment: item.moment }]
    const { sent, answered, request } = item
    const observed = { ...request, sentAtMs: sent.earliestMs, answeredAtMs: answered.latestMs }
    return [
      { atMs: observed.sentAtMs, moment: { kind: 'sent', request: observed } },
      { atMs: observed.answeredAtMs, moment: { kind: 'answered', request: observed } },
    ]
  })
  return moments
    .toSorted((a, b) => a.atMs - b.atMs || RANKS[a.moment.kind] - RANKS[b.moment.kind])
    .map(({ moment }) => moment)
}
