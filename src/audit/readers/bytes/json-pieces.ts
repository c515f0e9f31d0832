import { createPiece } from './piece.ts'

/** What stands for a string of more than {@link MAX_STRING_BYTES}. No text of a recording is that by chance. */
export { LEFT_OUT, MAX_PIECE_BYTES, MAX_STRING_BYTES } from './piece.ts'
/** Deeper documents are refused. */
export const MAX_DEPTH = 256

/** What is taken out of JSON. */
export interface Wanted {
  /** The containers around the elements, from the outside; each but the first stands under one of these keys, or in an array. */
  readonly way: readonly { readonly opens: '{' | '['; readonly keys?: readonly string[] }[]
  /** Values that are taken too: by these keys, in the object that is so many containers deep. */
  readonly values: { readonly depth: number; readonly keys: readonly string[] }
  /** Depth of the containers whose end is told. */
  readonly endsAt?: number
  /** More documents may follow the first one. */
  readonly many?: true
}

/** A part of the JSON. */
export type JsonPiece =
  /** `text` is `undefined` where it is larger than {@link MAX_PIECE_BYTES}. */
  | { readonly kind: 'element'; readonly text: string | undefined }
  | { readonly kind: 'value'; readonly key: string; readonly text: string | undefined }
  | { readonly kind: 'end' }

/**
 * Takes pieces out of JSON that comes in chunks, and holds no more than one of them. Whether a piece is JSON is for the one who
 * parses it to see; here only strings and brackets are looked at.
 */
export interface JsonSplitter {
  /** The next bytes; what was completed by them. Nothing more comes once {@link JsonSplitter.broken}. */
  push(chunk: Uint8Array): readonly JsonPiece[]
  /** No more bytes come. */
  end(): void
  /** Why it cannot be read further. */
  readonly broken: string | undefined
  /** How many elements were begun. */
  readonly count: number
  /** The last container of the way was there. */
  readonly found: boolean
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** 1 for bytes that matter inside a value that is taken or passed over: quotes and brackets. */
const STRUCTURE = new Uint8Array(256)
for (const byte of [QUOTE, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT]) STRUCTURE[byte] = 1
const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/**
 * Where the reader stands: `between` the values of a container on the way, or within a `key` there, or a value: a `container`,
 * a `string` or a `scalar`.
 */
type Place = 'between' | 'key' | 'container' | 'string' | 'scalar'

export function createJsonSplitter({ way, values, endsAt, many }: Wanted): JsonSplitter {
  /** The bracket that closes each open container. */
  const closers = new Uint8Array(MAX_DEPTH + 1)
  const piece = createPiece()
  let depth = 0
  let place: Place = 'between'
  /** Within a string; and the first byte of the next chunk is escaped. */
  let quoted = false
  let escaped = false
  /** Depth around the container that is taken or passed over. */
  let base = 0
  let key = ''
  let keyExpected = false
  let taking: 'element' | 'value' | undefined
  let pieces: JsonPiece[] = []
  let count = 0
  let found = false
  let ended = false
  let broken: string | undefined

  const fail = (why: string) => {
    broken ??= why
  }

  const open = (byte: number) => {
    if (depth === MAX_DEPTH) return fail(`nests deeper than ${MAX_DEPTH} levels`)
    closers[++depth] = byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY
  }

  const close = (byte: number) => {
    if (depth === 0 || closers[depth] !== byte) return fail('is no JSON: its brackets do not match')
    depth--
  }

  const take = (start: number) => {
    if (depth === 0) return fail('is no JSON: a value stands outside of it')
    if (depth === way.length) taking = 'element'
    else taking = depth === values.depth && values.keys.includes(key) ? 'value' : undefined
    if (taking === 'element') count++
    if (taking !== undefined) piece.start(start)
  }

  /** The value that ends before `end` is complete. */
  const finish = (chunk: Uint8Array, end: number) => {
    place = 'between'
    if (taking === undefined) return
    const text = piece.finish(chunk, end)
    pieces.push(taking === 'element' ? { kind: 'element', text } : { kind: 'value', key, text })
    taking = undefined
  }

  /** Is this the next container of the way? */
  const isOnTheWay = (byte: number) => {
    const next = way[depth]
    if (next === undefined || (next.opens === '{') !== (byte === OPEN_OBJECT)) return false
    return next.keys === undefined || next.keys.includes(key)
  }

  /** A byte between values. */
  const between = (byte: number, at: number) => {
    if (isSpace(byte)) return
    if (ended && many === undefined) return fail('goes on after its end')
    if (byte === COMMA) keyExpected = closers[depth] === CLOSE_OBJECT
    else if (byte === COLON) keyExpected = false
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (depth === endsAt) pieces.push({ kind: 'end' })
      close(byte)
      keyExpected = false
      ended = depth === 0
    } else if (byte === QUOTE) {
      quoted = true
      place = keyExpected ? 'key' : 'string'
      if (keyExpected) piece.start(at)
      else take(at)
      if (keyExpected || taking !== undefined) piece.startString(at)
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (isOnTheWay(byte)) {
        ended = false
        open(byte)
        keyExpected = byte === OPEN_OBJECT
        found ||= depth === way.length
      } else {
        take(at)
        base = depth
        place = 'container'
        open(byte)
      }
    } else {
      take(at)
      place = 'scalar'
    }
  }

  /** The string ended with the quote at `at`. */
  const unquote = (chunk: Uint8Array, at: number) => {
    quoted = false
    if (taking !== undefined || place === 'key') piece.endString(chunk, at)
    if (place === 'string') finish(chunk, at + 1)
    else if (place === 'key') {
      key = keyOf(piece.finish(chunk, at + 1))
      place = 'between'
    }
  }

  /** Takes the bytes from `at` that belong together; where the next ones begin. */
  const step = (chunk: Uint8Array, at: number): number => {
    const end = chunk.length
    let next = at
    if (quoted) {
      if (escaped) {
        escaped = false
        return at + 1
      }
      while (next < end) {
        const byte = chunk[next]
        if (byte === QUOTE) {
          unquote(chunk, next)
          return next + 1
        }
        next += byte === BACKSLASH ? 2 : 1
      }
      escaped = next > end
      return end
    }
    if (place === 'container') {
      while (next < end && STRUCTURE[chunk[next] as number] === 0) next++
      if (next === end) return end
      const byte = chunk[next] as number
      if (byte === QUOTE) {
        quoted = true
        if (taking !== undefined) piece.startString(next)
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) open(byte)
      else {
        close(byte)
        if (depth === base) finish(chunk, next + 1)
      }
      return next + 1
    }
    const byte = chunk[at] as number
    if (place === 'scalar') {
      if (!isSpace(byte) && byte !== COMMA && byte !== CLOSE_ARRAY && byte !== CLOSE_OBJECT) return at + 1
      finish(chunk, at)
    }
    between(byte, at)
    return at + 1
  }

  return {
    push(chunk) {
      pieces = []
      for (let at = 0; at < chunk.length && broken === undefined; ) at = step(chunk, at)
      if (taking !== undefined || place === 'key') piece.keep(chunk, quoted)
      return pieces
    },
    end() {
      if (!ended && (depth > 0 || quoted || many === undefined)) fail('is cut off')
    },
    get broken() {
      return broken
    },
    get count() {
      return count
    },
    get found() {
      return found
    },
  }
}

/** The name in a key's text; one with escapes is unescaped. */
function keyOf(text: string | undefined): string {
  try {
    return String(JSON.parse(text ?? '""'))
  } catch {
    return ''
  }
}
