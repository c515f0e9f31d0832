import type { AnsweredLine, SentLine } from '../../journal/format.ts'
import { shownPath } from '../../journal/path.ts'
import type { Line } from './lines.ts'

/**
 * Nearly every line of a long journal is an API request or its 200, as `encodeLine` writes them: the same bytes each time but
 * for a few numbers and names. Read by the byte they cost a fifth of what parsing JSON does. Any other line is left to
 * that: the slightest difference, and this gives `undefined`.
 */

interface NumberSlot {
  readonly kind: 'number'
  value: number
}
/** The name that was there last is most often there again; then its string is used again, too. */
interface NameSlot {
  readonly kind: 'name'
  readonly pattern: RegExp
  value: string
  bytes: Uint8Array
}
type Slot = NumberSlot | NameSlot

const number = (): NumberSlot => ({ kind: 'number', value: 0 })
const name = (pattern: RegExp): NameSlot => ({ kind: 'name', pattern, value: '', bytes: new Uint8Array(0) })

const QUOTE = 0x22
const ZERO = 0x30
const MAX_DIGITS = 15

/** Reads a line of one shape: the texts between the slots, one more than there are slots. Gives whether it fits. */
function createShape(between: readonly string[], slots: readonly Slot[]) {
  const literals = between.map((text) => new TextEncoder().encode(text))

  const readNumber = (slot: NumberSlot, bytes: Uint8Array, from: number): number => {
    let value = 0
    let at = from
    for (let digit = (bytes[at] ?? 0) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[at] ?? 0) - ZERO) {
      value = value * 10 + digit
      at++
    }
    slot.value = value
    return at === from || at - from > MAX_DIGITS ? -1 : at
  }
  const readName = (slot: NameSlot, bytes: Buffer, from: number, to: number): number => {
    const known = slot.bytes
    const { length } = known
    let at = 0
    while (at < length && bytes[from + at] === known[at]) at++
    if (at === length && length > 0 && bytes[from + at] === QUOTE) return from + at
    const end = bytes.indexOf(QUOTE, from)
    if (end < 0 || end > to) return -1
    const value = bytes.toString('utf8', from, end)
    if (!slot.pattern.test(value)) return -1
    slot.value = value
    slot.bytes = Uint8Array.prototype.slice.call(bytes, from, end)
    return end
  }

  return ({ bytes, from, to }: Line): boolean => {
    let at = from
    for (let part = 0; part < literals.length; part++) {
      const literal = literals[part] as Uint8Array
      for (let index = 0; index < literal.length; index++) if (bytes[at++] !== literal[index]) return false
      const slot = slots[part]
      if (slot === undefined) return at === to
      at = slot.kind === 'number' ? readNumber(slot, bytes, at) : readName(slot, bytes, at, to)
      if (at < 0) return false
    }
    return false
  }
}

const ID = /^[0-9a-f]{1,40}$/
const METHOD = /^[A-Z]{1,20}$/
/** Printable ASCII that JSON does not escape, and no query; `…` for what {@link shownPath} hides. */
const PATH = /^[ !$->@-[\]-~…]*$/

/** Made for each reading: it remembers names. */
export function createUsualLines(): (line: Line) => SentLine | AnsweredLine | undefined {
  const [by, method, path, accessId] = [name(ID), name(METHOD), name(PATH), name(ID)]
  const [atMs, send, status, requestId, accessExpAtMs] = [number(), number(), number(), number(), number()]
  const isSent = createShape(
    [
      '{"kind":"sent","by":"',
      '","atMs":',
      ',"send":',
      ',"endpoint":"api","method":"',
      '","path":"',
      '","authScheme":"Bearer","requestId":',
      ',"accessId":"',
      '","accessExpAtMs":',
      '}',
    ],
    [by, atMs, send, method, path, requestId, accessId, accessExpAtMs],
  )
  const isAnswered = createShape(
    ['{"kind":"answered","by":"', '","atMs":', ',"send":', ',"status":', '}'],
    [by, atMs, send, status],
  )

  /** Most often there is the same path again, as the same string. */
  let [lastPath, lastShown] = ['', '']
  const shown = (value: string): string => {
    if (value !== lastPath) [lastPath, lastShown] = [value, shownPath(value)]
    return lastShown
  }

  return (line) => {
    if (isAnswered(line))
      return { kind: 'answered', by: by.value, atMs: atMs.value, send: send.value, status: status.value }
    if (!isSent(line)) return undefined
    return {
      kind: 'sent',
      by: by.value,
      atMs: atMs.value,
      send: send.value,
      endpoint: 'api',
      method: method.value,
      path: shown(path.value),
      authScheme: 'Bearer',
      requestId: requestId.value,
      accessId: accessId.value,
      accessExpAtMs: accessExpAtMs.value,
    }
  }
}
