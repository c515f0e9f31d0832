/** Longer lines are passed over, bytes. */
export const MAX_LINE_BYTES = 1_048_576

/** A line of a text. */
export interface Line {
  /** From 1. */
  readonly number: number
  /** Without its end; `undefined`: longer than {@link MAX_LINE_BYTES}. */
  readonly text: string | undefined
  /** The text ended before the line did: whoever wrote it was interrupted. */
  readonly cutOff: boolean
}

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * Splits bytes into lines, as many at once as a chunk completes; empty ones are counted and left out. Never holds more than a
 * chunk and {@link MAX_LINE_BYTES}.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line[]> {
  let number = 0
  /** The beginning of the line that the last chunk broke off in. */
  let held: Uint8Array[] = []
  let size = 0

  const line = (chunk: Buffer, from: number, to: number, cutOff: boolean): Line | undefined => {
    number++
    const length = size + to - from
    const parts = held
    held = []
    size = 0
    if (length > MAX_LINE_BYTES) return { number, text: undefined, cutOff }
    const whole = parts.length === 0 ? chunk : Buffer.concat([...parts, chunk.subarray(from, to)])
    const [start, end] = parts.length === 0 ? [from, to] : [0, whole.length]
    const text = whole.toString('utf8', start, whole[end - 1] === CARRIAGE_RETURN ? end - 1 : end)
    return text === '' ? undefined : { number, text, cutOff }
  }

  for await (const bytes of chunks) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const lines: Line[] = []
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      const each = line(chunk, from, to, false)
      if (each !== undefined) lines.push(each)
      from = to + 1
    }
    const rest = chunk.length - from
    // Of a line that is too long only the length is kept.
    if (rest > 0 && size <= MAX_LINE_BYTES) held.push(Buffer.from(chunk.subarray(from)))
    size += rest
    if (size > MAX_LINE_BYTES) held = []
    if (lines.length > 0) yield lines
  }
  const last = size > 0 ? line(Buffer.alloc(0), 0, 0, true) : undefined
  if (last !== undefined) yield [last]
}
