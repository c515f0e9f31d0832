import { AuthError } from '../errors.ts'
import { nearestName } from '../policy/config-error.ts'

/** An `AuthError` `CONFIG_INVALID` of the sandbox. Never put a value in `message` that could be a secret. */
export function invalid(message: string): AuthError {
  return new AuthError('CONFIG_INVALID', `sandbox: ${message}`)
}

/** Throws when `value` has a key that is not in `known`, and names the nearest known one and the rest. */
export function checkKeys(subject: string, value: object, known: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    throw invalid(
      `unknown ${subject} "${key}", the nearest is "${nearestName(key, known)}"; known: ${known.join(', ')}`,
    )
  }
}

/** Throws unless `value` is one of `allowed`, and names them. */
export function checkOneOf<T extends string>(subject: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined) throw invalid(`${subject} must be one of ${allowed.join(', ')}`)
  return found
}

/** The bounds of {@link checkNumber}. */
export interface NumberBounds {
  min?: number
  max?: number
  integer?: boolean
  /** `Infinity` is allowed. Default false. */
  unbounded?: boolean
}

/** Throws unless `value` is a number within the bounds. */
export function checkNumber(
  subject: string,
  value: unknown,
  { min = 0, max = Number.MAX_SAFE_INTEGER, integer = false, unbounded = false }: NumberBounds = {},
): number {
  if (unbounded && value === Number.POSITIVE_INFINITY) return value as number
  if (typeof value !== 'number' || !(value >= min && value <= max) || (integer && !Number.isInteger(value)))
    throw invalid(`${subject} must be ${integer ? 'a whole number' : 'a number'} from ${min} to ${max}`)
  return value
}

/** Throws unless `value` is a boolean. */
export function checkBoolean(subject: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(`${subject} must be true or false`)
  return value
}
