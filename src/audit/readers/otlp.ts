import type { Need } from '../../monitors/index.ts'
import { type Abilities, type Item, UnreadableRecording } from '../exchange.ts'
import { type Batches, batchesOf } from './batches.ts'
import { createJsonSplitter, type JsonPiece, type Wanted } from './bytes/json-pieces.ts'
import { parsed } from './json-values.ts'
import { ofService, readSpan, type Service, type SpanOf, serviceOf } from './otlp-span.ts'
import type { FormatReader, Input, ReadContext } from './reader.ts'

/** How many spans are remembered, to know a client's and its server's for one request. */
const REMEMBERED = 100_000
/** How many spans may stand before their resource. Exporters write it first, and seldom as many spans at once. */
export const MAX_WAITING = 10_000

const LACKS: Readonly<Partial<Record<Need, string>>> = {
  tokens:
    'A trace holds no bodies, so which tokens were granted does not show; a HAR or the journal of the client tells.',
  credentials: 'A trace holds no bodies, so which credentials were sent does not show.',
  requestIds: 'A trace does not say which requests are one, sent again; it is inferred from the parent span.',
  demands: 'A trace does not show who asked the client for a token; the journal of the client does.',
  settlements: 'A trace does not show what those who asked for a token were given.',
  aborts: 'A trace does not show for sure who ended a connection.',
  signOuts: 'A trace does not show a sign-out; the journal of the client does.',
  outputs: 'A trace does not show what the client prints.',
  origins: 'A trace does not say which origin the client is configured for.',
}

/** Traces in OTLP/JSON, of clients and servers; also many after each other, as the collector's file exporter writes them. */
export const otlpReader: FormatReader = {
  format: 'otlp',
  title: 'OTLP/JSON traces',
  recognises: ({ keys }) => keys.get('resourceSpans') === '[',
  read: (input, context) => ({ format: 'otlp', batches: readTraces(input, context), abilities }),
}

/** The spans of `resourceSpans`, and the resource that some of them have in common. */
const SPANS: Wanted = {
  way: [
    { opens: '{' },
    { opens: '[', keys: ['resourceSpans'] },
    { opens: '{' },
    { opens: '[', keys: ['scopeSpans', 'instrumentationLibrarySpans'] },
    { opens: '{' },
    { opens: '[', keys: ['spans'] },
  ],
  values: { depth: 3, keys: ['resource'] },
  endsAt: 3,
  many: true,
}
const END = { kind: 'end' } as const

const abilities = (): Abilities => ({ tells: [], lacks: LACKS })

function readTraces({ file, bytes }: Input, context: ReadContext): Batches<Item> {
  let entry = 0
  /** Of the resource whose spans are read; those that came before it wait. */
  let service: Service | undefined
  let waiting: SpanOf[] = []
  /** Requests that a client's span told of, by its id, and those that a server's did, by its parent's. */
  const [byClient, byServer] = [createMemory(), createMemory()]

  const read = (piece: JsonPiece, items: Item[]) => {
    if (piece.kind !== 'element') {
      service = piece.kind === 'value' ? serviceOf(parsed(piece.text)) : undefined
      for (const each of waiting) items.push(ofService(each, service ?? {}))
      waiting = []
      return
    }
    const at = { file, entry: ++entry }
    const { text } = piece
    if (text === undefined) return void items.push({ kind: 'skipped', at, why: 'too large a span' })
    const span = readSpan(parsed(text), at, context)
    const { item, side, traceId, spanId, parentId } = span
    const [own, other] = side === 'server' ? [parentId, byClient] : [spanId, byServer]
    if (item.kind === 'exchange' && own !== undefined) {
      const key = `${traceId} ${own}`
      if (other.has(key))
        return void items.push({ kind: 'skipped', at, why: 'the same request, seen from its other end' })
      const mine = side === 'server' ? byServer : byClient
      mine.add(key)
    }
    if (service !== undefined) items.push(ofService(span, service))
    else if (waiting.push(span) > MAX_WAITING) throw new UnreadableRecording(at, LATE_RESOURCE)
  }

  async function* pieces() {
    const splitter = createJsonSplitter(SPANS)
    function* check() {
      if (splitter.broken === undefined) return
      yield [END]
      const after = entry === 0 ? 'before its first span' : `after span ${entry}`
      throw new UnreadableRecording({ file }, `${splitter.broken}, ${after}; what came before was read`)
    }
    for await (const chunk of bytes) {
      yield splitter.push(chunk)
      yield* check()
    }
    splitter.end()
    yield* check()
  }
  return batchesOf(pieces(), read)
}

const LATE_RESOURCE = `is the last of ${MAX_WAITING + 1} spans that stand before their resource, or have none; put it first: jq -c '.resourceSpans[] |= {resource} + .' FILE`

/** A set that forgets what came first. */
function createMemory() {
  const keys = new Set<string>()
  return {
    has: (key: string) => keys.has(key),
    add(key: string) {
      keys.add(key)
      const [oldest] = keys
      if (keys.size > REMEMBERED && oldest !== undefined) keys.delete(oldest)
    },
  }
}
