import { field, number, text } from './json-values.ts'

/** The attributes of a span or resource. */
export interface Attributes {
  text(...names: readonly string[]): string | undefined
  number(...names: readonly string[]): number | undefined
  /** Of a header, which is captured as a list; the first. */
  header(direction: 'request' | 'response', name: string): string | undefined
}

/** Reads `[{ key, value: { stringValue } }]`; the first of two with one name counts. */
export function attributesOf(holder: unknown): Attributes {
  const list = field(holder, 'attributes')
  const values = new Map<string, unknown>()
  if (Array.isArray(list))
    for (const attribute of list) {
      const key = text(field(attribute, 'key'))
      if (key !== undefined && !values.has(key)) values.set(key, plain(field(attribute, 'value')))
    }
  const first = (names: readonly string[]) => {
    for (const name of names) {
      const value = values.get(name)
      if (value !== undefined) return value
    }
    return undefined
  }
  return {
    text: (...names) => text(first(names)),
    number: (...names) => number(first(names)),
    header: (direction, name) => text(first([`http.${direction}.header.${name}`, underscored(direction, name)])),
  }
}

/** Older conventions spell `retry-after` as `retry_after`. */
const underscored = (direction: string, name: string) => `http.${direction}.header.${name.replaceAll('-', '_')}`

/** A value of OTLP: 64-bit integers come as text; of a list the first. */
function plain(value: unknown): unknown {
  const string = field(value, 'stringValue')
  if (string !== undefined) return string
  const integer = field(value, 'intValue') ?? field(value, 'doubleValue')
  if (integer !== undefined) return integer
  const list = field(field(value, 'arrayValue'), 'values')
  return Array.isArray(list) && list.length > 0 ? plain(list[0]) : undefined
}
