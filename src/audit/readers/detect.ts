import { accessLogReader } from './access-log.ts'
import { harReader } from './har.ts'
import { journalReader } from './journal.ts'
import { otlpReader } from './otlp.ts'
import type { FormatReader, Prefix } from './reader.ts'

/** All formats, in the order in which they are asked. */
export const READERS: readonly FormatReader[] = [journalReader, harReader, otlpReader, accessLogReader]

/** How much of a recording decides on its format, bytes. */
export const PREFIX_BYTES = 65_536

export const supported = () => READERS.map(({ title }) => title).join(', ')

/** Who can read a recording that begins so. */
export function readerOf(bytes: Uint8Array): FormatReader | undefined {
  const prefix = prefixOf(new TextDecoder().decode(bytes.subarray(0, PREFIX_BYTES)))
  return READERS.find((reader) => reader.recognises(prefix))
}

/** A key of the outermost object, up to the first character of its value. */
const KEY = /"((?:[^"\\]|\\.)*)"\s*(?::\s*(\S))?/y

function prefixOf(text: string): Prefix {
  const keys = new Map<string, string>()
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') {
      if (--depth <= 0) break
    } else if (character === '"') {
      KEY.lastIndex = at
      const found = KEY.exec(text)
      if (found === null) break
      const [whole, key = '', value] = found
      if (depth === 1 && value !== undefined && !keys.has(key)) keys.set(key, value)
      // The first character of the value is looked at again: it may open something.
      at += whole.length - (value === undefined ? 1 : 2)
    } else if (depth === 0 && !/\s/.test(character ?? '')) break
  }
  return { text, keys }
}
