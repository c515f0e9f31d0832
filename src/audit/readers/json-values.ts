/** Reading what others wrote: nothing is taken for granted, and nothing is found that is not an own property. */

export const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An own property of an object; `undefined` of anything else. */
export const field = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined

export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** A finite number, or its decimal text. */
export function number(value: unknown): number | undefined {
  const found = typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : value
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined
}

/** The text as JSON; `undefined` when it is none. No error: it would quote the text. */
export function parsed(value: string | undefined): unknown {
  try {
    return value === undefined ? undefined : JSON.parse(value)
  } catch {
    return undefined
  }
}
