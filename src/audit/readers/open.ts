import { type Recording, UnreadableRecording } from '../exchange.ts'
import { PREFIX_BYTES, readerOf, supported } from './detect.ts'
import { gunzipped, isGzip } from './gzip.ts'
import type { ReadContext } from './reader.ts'

/** Something to read: a file, a pipe, a body. */
export interface Source {
  /** As it was given; `-` for a stream without one. */
  readonly name: string
  /**
   * Its bytes, or what opens it, as often as it is called. What can be read again is judged as it is read; of all else the
   * whole goes through temporary files first, for it might be out of order.
   */
  readonly bytes: Bytes | (() => Bytes)
}

type Bytes = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>

export const isReopenable = ({ bytes }: Source) => typeof bytes === 'function'

export interface OpenContext extends ReadContext {
  /** How many bytes more were taken from the source, as they lie there (zipped): for a progress bar. */
  readonly onBytes?: ((bytes: number) => void) | undefined
  /** Called with what closes the source, however far it was read. */
  readonly onOpen?: ((close: () => Promise<unknown>) => void) | undefined
  /** How many sources are open side by side, for messages. */
  readonly sources?: number | undefined
}

/**
 * Opens a recording: unzips it, finds out the format by its first 64 KiB, whatever it is called, and hands it to the reader.
 * Memory stays flat.
 *
 * @throws {UnreadableRecording} when it is empty, of no known format, or not to be read at all
 */
export async function openRecording(source: Source, context: OpenContext): Promise<Recording> {
  const file = source.name
  const bytes = taken(file, source.bytes, context)
  context.onOpen?.(() => bytes.return(undefined))
  const raw = await peeked(bytes, 2)
  if (raw.bytes.length === 0) throw new UnreadableRecording({ file }, 'is empty')
  const plain = isGzip(raw.bytes) ? gunzipped(file, raw.all()) : raw.all()
  const { bytes: first, all, close } = await peeked(plain, PREFIX_BYTES)
  const mark = byteOrderMark(first)
  const start = mark === 'UTF-8' ? 3 : 0
  const beginning = first.subarray(start)
  const reader = mark === 'UTF-16' ? undefined : readerOf(beginning)
  if (reader !== undefined) return reader.read({ file, bytes: without(start, all()) }, context)
  await close()
  throw new UnreadableRecording({ file }, whyNot(mark, beginning))
}

function whyNot(mark: 'UTF-8' | 'UTF-16' | undefined, beginning: Uint8Array): string {
  if (mark === 'UTF-16') return 'is UTF-16; save it as UTF-8 (`iconv -f UTF-16 -t UTF-8 FILE`)'
  if (beginning.every(isSpace)) return 'is empty'
  return `begins like no format that can be read: ${supported()}, each also with gzip`
}

const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

function byteOrderMark([first, second, third]: Uint8Array): 'UTF-8' | 'UTF-16' | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'UTF-8'
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) ? 'UTF-16' : undefined
}

/** How many files a process has open beside recordings. */
const SPARE_FILES = 100

/** The source, counted, and its trouble in our words: an error of a stream may hold an address with a password. */
async function* taken(file: string, bytes: Source['bytes'], { onBytes, sources = 1 }: OpenContext) {
  try {
    const opened = typeof bytes === 'function' ? bytes() : bytes
    for await (const chunk of opened as AsyncIterable<Uint8Array>) {
      onBytes?.(chunk.length)
      yield chunk
    }
  } catch (error) {
    const code = String((error as { code?: unknown } | undefined)?.code ?? '')
    // All are merged by time, so all are read side by side.
    if (code === 'EMFILE' || code === 'ENFILE')
      throw new UnreadableRecording(
        { file },
        `too many files at once: ${sources} (${code}); let more be open (\`ulimit -n ${sources + SPARE_FILES}\`), or audit fewer`,
      )
    const said = /^[A-Z][A-Z_0-9]{1,40}$/.test(code) ? ` (${code})` : ''
    throw new UnreadableRecording({ file }, `could not be read to its end${said}`)
  }
}

/** The first bytes of a stream, at least `count` if it has them, and all of it from the start. */
async function peeked(chunks: AsyncGenerator<Uint8Array>, count: number) {
  const first: Uint8Array[] = []
  let failure: { readonly error: unknown } | undefined
  for (let length = 0; length < count; length += first.at(-1)?.length ?? 0) {
    try {
      const { value, done } = await chunks.next()
      if (done === true) break
      first.push(value)
    } catch (error) {
      // What came before it is still to be read.
      failure = { error }
      break
    }
  }
  if (failure !== undefined && first.length === 0) throw failure.error
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* first.splice(0)
      if (failure !== undefined) throw failure.error
      yield* chunks
    } finally {
      await chunks.return(undefined)
    }
  }
  // A generator that nobody has begun to read would not pass its `return` on: so `close`.
  return { bytes: Buffer.concat(first), all, close: () => chunks.return(undefined) }
}

/** Leaves out the first `count` bytes. */
async function* without(count: number, chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = count
  for await (const chunk of chunks) {
    const cut = Math.min(left, chunk.length)
    left -= cut
    yield cut === 0 ? chunk : chunk.subarray(cut)
  }
}
