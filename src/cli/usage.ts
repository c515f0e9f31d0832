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
  /** May be given more than once: see `lists`. */
  readonly multiple?: boolean
}

/** What was given. */
export interface Arguments<Name extends string> {
  readonly values: Readonly<Partial<Record<Name, string | true>>>
  readonly positionals: readonly string[]
  /** Every value of each option, in the order given. */
  readonly lists: Readonly<Partial<Record<Name, readonly string[]>>>
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
  const lists: Record<string, string[]> = {}
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
    if (values[token.name] !== undefined && spec.type === 'string' && spec.multiple !== true)
      throw new UsageError(`--${token.name} can be given once`)
    values[token.name] = token.value ?? true
    if (token.value !== undefined) lists[token.name] = [...(lists[token.name] ?? []), token.value]
  }
  if (values.help === undefined && positionals.length > maxPositionals)
    throw new UsageError(`unexpected argument '${positionals[maxPositionals]}'`)
  return {
    values: values as Arguments<Name | 'help'>['values'],
    positionals,
    lists: lists as unknown as Arguments<Name | 'help'>['lists'],
  }
}
