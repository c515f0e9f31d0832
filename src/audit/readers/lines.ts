/** Longer lines are passed over, bytes. */
export const MAX_LINE_BYTES = 1_048_576

/** A line of a text, as bytes of a chunk that may hold others too. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly bytes: Buffer
  /** Where it begins, and where its end begins. */
  readonly from: number
  readonly to: number
  /** It is longer than {@link MAX_LINE_BYTES}, and not here. */
  readonly tooLong: boolean
  /** The text ended before the line did: whoever wrote it was interrupted. */
  readonly cutOff: boolean
}

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
const NOTHING = Buffer.alloc(0)

export const textOf = ({ bytes, from, to }: Line) => bytes.toString('utf8', from, to)

/**
 * Splits bytes into lines, as many at once as a chunk completes; empty ones are counted and left out. Never holds more than a
 * chunk and {@link MAX_LINE_BYTES}.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line[]> {
  let number = 0
  /** The beginning of the line that the last chunk broke off in. */
  let held: Buffer[] = []
  let size = 0

  const add = (lines: Line[], chunk: Buffer, start: number, end: number, cutOff: boolean) => {
    number++
    const tooLong = size + end - start > MAX_LINE_BYTES
    let bytes = chunk
    let from = start
    let to = end
    if (size > 0) {
      bytes = tooLong ? NOTHING : Buffer.concat([...held, chunk.subarray(start, end)])
      from = 0
      to = bytes.length
      held = []
      size = 0
    }
    if (to > from && bytes[to - 1] === CARRIAGE_RETURN) to--
    if (to > from || tooLong) lines.push({ number, bytes, from, to, tooLong, cutOff })
  }

  for await (const part of chunks) {
    const chunk = Buffer.from(part.buffer, part.byteOffset, part.byteLength)
    const lines: Line[] = []
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      add(lines, chunk, from, to, false)
      from = to + 1
    }
    size += chunk.length - from
    // Of a line that is too long only the length is kept.
    if (size > MAX_LINE_BYTES) held = []
    else if (from < chunk.length) held.push(Buffer.from(chunk.subarray(from)))
    if (lines.length > 0) yield lines
  }
  const last: Line[] = []
  if (size > 0) add(last, NOTHING, 0, 0, true)
  if (last.length > 0) yield last
}
