import { AuthError } from '../errors.ts'

/** Options whose value is never shown, whatever its type: by their last name, so `credentials.password` too. */
const secretOptions: ReadonlySet<string> = new Set([
  'credentials',
  'username',
  'password',
  'access',
  'refresh',
  'token',
  'encryptionKey',
])

/** A longer value is cut, characters. */
const LONGEST_SHOWN = 60

/**
 * The error for an option that cannot be used: names it, its value and what is allowed. A secret is never shown, nor is
 * a password inside a URL.
 *
 * @param option dotted path as the user writes it, such as `paths.create`
 * @param allowed completes "must be …"
 */
export function configError(option: string, value: unknown, allowed: string): AuthError {
  return new AuthError('CONFIG_INVALID', `option '${option}' is ${shown(option, value)}, but must be ${allowed}`)
}

/**
 * The error for an option that nobody knows: names the nearest known one. Its value is only shown when it is not a
 * string, for a mistyped `password` is an unknown option too.
 */
export function unknownOptionError(option: string, value: unknown, known: readonly string[]): AuthError {
  const given = typeof value === 'string' ? kind(value) : shown(option, value)
  const dot = option.lastIndexOf('.') + 1
  const nearest = option.slice(0, dot) + nearestName(option.slice(dot), known)
  return new AuthError(
    'CONFIG_INVALID',
    `option '${option}' (${given}) is unknown; the nearest known one is '${nearest}', allowed are ${known.join(', ')}`,
  )
}

/** The known name with the fewest edits from `name`, whatever the case of its letters. */
export function nearestName(name: string, known: readonly string[]): string {
  const distances = known.map((candidate) => editDistance(name.toLowerCase(), candidate.toLowerCase()))
  return known[distances.indexOf(Math.min(...distances))] ?? ''
}

function shown(option: string, value: unknown): string {
  if (secretOptions.has(option.slice(option.lastIndexOf('.') + 1))) return kind(value)
  if (typeof value !== 'string') return kind(value, String)
  const bare = value.replace(/\/\/[^/]*@/, '//[secret]@')
  return bare.length > LONGEST_SHOWN ? `'${bare.slice(0, LONGEST_SHOWN)}…'` : `'${bare}'`
}

/** What a value is; simple ones can be shown as they are. */
function kind(value: unknown, show?: (simple: unknown) => string): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  if (show !== undefined && typeof value !== 'function' && typeof value !== 'symbol') return show(value)
  return `a ${typeof value}`
}

/** Levenshtein's distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] ?? 0) + (letter === to[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
