import { createPiece } from './bytes/piece.ts'

/** A part of a trace, as JSON text, or the `end` of what one resource and its spans stand in. */
export interface TracePiece {
  readonly kind: 'resource' | 'span' | 'end'
  /** `undefined`: too large to be held. */
  readonly text: string | undefined
}

/** Deeper documents are refused. */
const MAX_DEPTH = 256

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
const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

/** The containers on the way to the spans, by depth: what a key must be for one to be the next. */
const WAY: readonly { readonly opens: number; readonly keys?: readonly string[] }[] = [
  { opens: OPEN_OBJECT },
  { opens: OPEN_ARRAY, keys: ['resourceSpans'] },
  { opens: OPEN_OBJECT },
  { opens: OPEN_ARRAY, keys: ['scopeSpans', 'instrumentationLibrarySpans'] },
  { opens: OPEN_OBJECT },
  { opens: OPEN_ARRAY, keys: ['spans'] },
]
/** The object of a resource and its spans is the third container. */
const RESOURCE_DEPTH = 3

/** Takes the spans out of traces in OTLP/JSON: one document, or many after each other. Holds no more than one span. */
export interface TraceSplitter {
  /** The next bytes; what was completed by them. Nothing more comes once {@link TraceSplitter.broken}. */
  push(chunk: Uint8Array): readonly TracePiece[]
  end(): void
  /** Why it cannot be read further. */
  readonly broken: string | undefined
}

export function createTraceSplitter(): TraceSplitter {
  const piece = createPiece()
  const closers = new Uint8Array(MAX_DEPTH + 1)
  let depth = 0
  /** Within a value that is taken or passed over: its depth around it; else on the way. */
  let base = -1
  let inScalar = false
  let taking: TracePiece['kind'] | undefined
  let quoted = false
  let escaped = false
  let inKey = false
  let keyExpected = false
  let key = ''
  let pieces: TracePiece[] = []
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
  const begin = (at: number) => {
    base = depth
    taking = depth === WAY.length ? 'span' : depth === RESOURCE_DEPTH && key === 'resource' ? 'resource' : undefined
    if (taking !== undefined) piece.start(at)
  }
  const finish = (chunk: Uint8Array, end: number) => {
    base = -1
    inScalar = false
    if (taking !== undefined) pieces.push({ kind: taking, text: piece.finish(chunk, end) })
    taking = undefined
  }
  /** A byte on the way, between values. */
  const between = (byte: number, at: number) => {
    if (isSpace(byte)) return
    if (byte === COMMA) keyExpected = closers[depth] === CLOSE_OBJECT
    else if (byte === COLON) keyExpected = false
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (depth === RESOURCE_DEPTH) pieces.push({ kind: 'end', text: undefined })
      close(byte)
      keyExpected = false
    } else if (byte === QUOTE) {
      quoted = true
      inKey = keyExpected
      if (inKey) piece.start(at)
      else begin(at)
      if (inKey || taking !== undefined) piece.startString(at)
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      const next = WAY[depth]
      const isOnTheWay = next?.opens === byte && (next.keys === undefined || next.keys.includes(key))
      if (!isOnTheWay) begin(at)
      open(byte)
      keyExpected = isOnTheWay && byte === OPEN_OBJECT
    } else if (depth === 0) fail('is no JSON: a value stands outside of it')
    else {
      begin(at)
      inScalar = true
    }
  }
  const unquote = (chunk: Uint8Array, at: number) => {
    quoted = false
    if (inKey || taking !== undefined) piece.endString(chunk, at)
    if (inKey) {
      key = piece.finish(chunk, at + 1)?.slice(1, -1) ?? ''
      inKey = false
    } else if (depth === base) finish(chunk, at + 1)
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
      let byte = chunk[next]
      while (next < end && byte !== QUOTE && byte !== BACKSLASH) byte = chunk[++next]
      if (next === end) return end
      if (byte === BACKSLASH) escaped = true
      else unquote(chunk, next)
      return next + 1
    }
    const byte = chunk[at] as number
    if (inScalar) {
      if (!isSpace(byte) && byte !== COMMA && byte !== CLOSE_ARRAY && byte !== CLOSE_OBJECT) return at + 1
      finish(chunk, at)
    }
    if (base < 0) {
      between(byte, at)
      return at + 1
    }
    while (next < end && STRUCTURE[chunk[next] as number] === 0) next++
    if (next === end) return end
    const found = chunk[next] as number
    if (found === QUOTE) {
      quoted = true
      if (taking !== undefined) piece.startString(next)
    } else if (found === OPEN_OBJECT || found === OPEN_ARRAY) open(found)
    else {
      close(found)
      if (depth === base) finish(chunk, next + 1)
    }
    return next + 1
  }

  return {
    push(chunk) {
      pieces = []
      for (let at = 0; at < chunk.length && broken === undefined; ) at = step(chunk, at)
      if (taking !== undefined || inKey) piece.keep(chunk, quoted)
      return pieces
    },
    end() {
      if (depth > 0 || quoted) fail('is cut off')
    },
    get broken() {
      return broken
    },
  }
}
