/** Longer strings are left out: bodies of pictures and downloads. Bytes between the quotes. */
export const MAX_STRING_BYTES = 1_048_576
/** Larger values are not kept. */
export const MAX_PIECE_BYTES = 16_777_216
export const LEFT_OUT = '\u0000left out'

const MARK = Buffer.from(JSON.stringify(LEFT_OUT).slice(1, -1))

/** The text of one value, put together from chunks, its long strings left out. Positions count in the chunk at hand. */
export interface PieceOfText {
  start(at: number): void
  /** A string begins with the quote at `at`. */
  startString(at: number): void
  /** It ends with the quote at `at`. */
  endString(chunk: Uint8Array, at: number): void
  /** The chunk ends and the value goes on. */
  keep(chunk: Uint8Array, quoted: boolean): void
  /** The value ends before `end`; its text, or `undefined` when it is too large. */
  finish(chunk: Uint8Array, end: number): string | undefined
}

export function createPiece(): PieceOfText {
  let parts: Uint8Array[] = []
  /** Bytes in `parts`. */
  let size = 0
  /** First byte of the chunk that is not in `parts`. */
  let from = 0
  /** Where the string that is open begins behind its quote, counted from the start of the value. */
  let stringAt = 0
  /** The string that is open is left out. */
  let leaving = false
  let tooLarge = false

  const add = (bytes: Uint8Array) => {
    size += bytes.length
    tooLarge ||= size > MAX_PIECE_BYTES
    if (tooLarge) parts = []
    else if (bytes.length > 0) parts.push(bytes)
  }

  /** Takes back what was taken of the open string, or takes what comes before it. */
  const leaveOut = (chunk: Uint8Array) => {
    leaving = true
    if (size < stringAt) add(chunk.subarray(from, from + stringAt - size))
    while (!tooLarge && size > stringAt) {
      const last = parts.pop() as Uint8Array
      size -= last.length
      if (size < stringAt) add(last.subarray(0, stringAt - size))
    }
    add(MARK)
  }

  return {
    start(at) {
      parts = []
      size = 0
      from = at
      leaving = false
      tooLarge = false
    },
    startString(at) {
      stringAt = size + at + 1 - from
    },
    endString(chunk, at) {
      if (!leaving && size + at - from - stringAt > MAX_STRING_BYTES) leaveOut(chunk)
      if (leaving) from = at
      leaving = false
    },
    keep(chunk, quoted) {
      if (!leaving) {
        if (quoted && size + chunk.length - from - stringAt > MAX_STRING_BYTES) leaveOut(chunk)
        else add(chunk.subarray(from))
      }
      from = 0
    },
    finish(chunk, end) {
      add(chunk.subarray(from, end))
      const whole = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
      parts = []
      return tooLarge ? undefined : Buffer.from(whole.buffer, whole.byteOffset, whole.length).toString('utf8')
    },
  }
}
