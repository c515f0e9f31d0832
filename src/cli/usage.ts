import { parseArgs } from 'node:util'
import { nearestName } from '../policy/config-error.ts'

/** The command line was not one: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** An option of a command. */
export interface OptionSpec {
  /** `string` takes a value. */
  readonly type: 'boolean' | 'string'
  readonly short?: string
}

/** What was given. */
export interface Arguments<Name extends string> {
  readonly values: Readonly<Partial<Record<Name, string | true>>>
  readonly positionals: readonly string[]
}

/** Every command takes it. */
const HELP = { help: { type: 'boolean', short: 'h' } } as const

/**
 * Reads a command's arguments.
 *
 * @throws {UsageError} names the nearest known option
 */
export function readArguments<Name extends string>(
  argv: readonly string[],
  specs: Readonly<Record<Name, OptionSpec>>,
  maxPositionals = 0,
): Arguments<Name | 'help'> {
  const options: Record<string, OptionSpec> = { ...specs, ...HELP }
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const values: Record<string, string | true> = {}
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (spec === undefined) {
      const nearest = nearestName(token.name, Object.keys(options))
      throw new UsageError(`unknown option ${token.rawName}; did you mean --${nearest}?`)
    }
    if (spec.type === 'boolean' && token.value !== undefined) throw new UsageError(`--${token.name} takes no value`)
    if (spec.type === 'string' && (token.value === undefined || token.value.startsWith('--')))
      throw new UsageError(`--${token.name} needs a value`)
    values[token.name] = token.value ?? true
  }
  if (values.help === undefined && positionals.length > maxPositionals)
    throw new UsageError(`unexpected argument '${positionals[maxPositionals]}'`)
  return { values: values as Arguments<Name | 'help'>['values'], positionals }
}
