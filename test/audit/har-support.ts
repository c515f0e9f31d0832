import { readFileSync } from 'node:fs'
import type { Exchange, Item, Recording } from '../../src/audit/exchange.ts'
import { UnreadableRecording } from '../../src/audit/exchange.ts'
import { createFingerprints } from '../../src/audit/readers/fingerprints.ts'
import { openRecording } from '../../src/audit/readers/open.ts'
import { DEFAULT_TARGET, type Target } from '../../src/audit/target.ts'

export const fingerprints = createFingerprints(new Uint8Array(32).fill(7))

/** The bytes in chunks of so many. */
export async function* inChunks(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export interface Read {
  readonly recording: Recording | undefined
  readonly items: readonly Item[]
  readonly exchanges: readonly Exchange[]
  /** `entry: why` of what was skipped. */
  readonly skipped: readonly string[]
  readonly error: unknown
}

/** Reads a recording to its end or to its error. */
export async function read(
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
  { target = DEFAULT_TARGET, chunk = 65_536 }: { target?: Target; chunk?: number } = {},
): Promise<Read> {
  const plain = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const bytes = plain instanceof Uint8Array ? inChunks(plain, chunk) : plain
  const items: Item[] = []
  let recording: Recording | undefined
  let error: unknown
  try {
    recording = await openRecording({ name: 'x.har', bytes }, { target, fingerprints })
    for await (const batch of recording.batches) items.push(...batch)
  } catch (caught) {
    error = caught
  }
  const exchanges = items.filter((item) => item.kind === 'exchange')
  const skipped = items.flatMap((item) => (item.kind === 'skipped' ? [`${item.at.entry}: ${item.why}`] : []))
  return { recording, items, exchanges, skipped, error }
}

export const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.har`, import.meta.url))

/** Message of an unreadable recording; any other error is thrown. */
export function refusal({ error }: Read): string | undefined {
  if (error === undefined) return undefined
  if (error instanceof UnreadableRecording) return error.message
  throw error
}

/** A HAR with these entries. */
export const har = (entries: readonly unknown[], creator: unknown = { name: 'mitmproxy', version: '11' }) =>
  JSON.stringify({ log: { version: '1.2', creator, entries } })

export const jwt = (claims: object, signature = 'canary-signature') =>
  [{ alg: 'HS256' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(signature)
    .join('.')

export interface EntryParts {
  readonly method?: unknown
  readonly url?: unknown
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly status?: unknown
  readonly answer?: unknown
  readonly answerHeaders?: Readonly<Record<string, string>>
  readonly at?: unknown
  readonly time?: unknown
  readonly timings?: unknown
  /** Beside `request` and `response`. */
  readonly more?: object
}

const listed = (headers: Readonly<Record<string, string>>) =>
  Object.entries(headers).map(([name, value]) => ({ name, value }))
const asText = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body))

/** An entry: an API request that was answered, unless told otherwise. */
export function entry({
  method = 'GET',
  path = '/api/v2/taxexempt/',
  url = `https://app1.compliancely.com${path}`,
  headers = { Authorization: 'Bearer access-one' },
  body,
  status = 200,
  answer = {},
  answerHeaders = {},
  at = '2026-01-05T10:00:00.000Z',
  time = 100,
  timings = { send: 0, wait: 100, receive: 0 },
  more = {},
}: EntryParts = {}) {
  return {
    startedDateTime: at,
    time,
    timings,
    request: {
      method,
      url,
      headers: listed(headers),
      bodySize: body === undefined ? 0 : Buffer.byteLength(asText(body)),
      ...(body === undefined ? {} : { postData: { mimeType: 'application/json', text: asText(body) } }),
    },
    response: { status, headers: listed(answerHeaders), content: { text: asText(answer) } },
    ...more,
  }
}

export const tokenEntry = (endpoint: 'create' | 'refresh' | 'validate', parts: EntryParts) =>
  entry({ method: 'POST', path: DEFAULT_TARGET.paths[endpoint], headers: {}, ...parts })
