import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { DAYS_A_YEAR } from './units.ts'

export const HELP = `The proof by running: npm run simulate -- [options]

  --years N      years of the whole client under faults; default 1
  --days N       the same in days
  --seed S       which years; the same seed, the same trace. Default 1
  --clients N    clients that share the account; drawn for each world by default
  --threads N    worlds lived at once; default: the cores, at most 2
  --out FILE     where a violation is kept; default simulation-replay.json
  --replay FILE  lives a kept violation again
  --explore      instead: every reachable state of the chart, to the fixed point
  --limit N      with --explore: places of each world at most
  --fuzz         instead: random worlds of the chart in continuous time
  --sends N      with --fuzz: requests of the chart at least; default 100000
  --crash        instead: real processes on a real file and a real Redis, killed in the middle of what they do
  --kills N      with --crash: processes killed in each of the two; default 200
  --fleet        instead: real processes that share a file, and a Redis, over a compressed day
  --processes N  with --fleet: default 8
  --seconds N    with --fleet: how long it lasts; default 120
  --help         this text

Exit codes: 0 nothing was found, 1 a violation, 2 usage, 3 a file that cannot be read.`

export type Arguments =
  | { readonly mode: 'help' }
  | { readonly mode: 'replay'; readonly file: string }
  | { readonly mode: 'explore'; readonly limit: number | undefined }
  | { readonly mode: 'fuzz'; readonly seed: number; readonly sends: number }
  | { readonly mode: 'crash'; readonly seed: number; readonly kills: number }
  | { readonly mode: 'fleet'; readonly processes: number; readonly seconds: number }
  | {
      readonly mode: 'years'
      readonly days: number
      readonly seed: number
      readonly clients: number | undefined
      readonly threads: number
      readonly out: string
    }

/** A mistake in the arguments; its message is for whoever made it. */
export class UsageError extends Error {}

const OPTIONS = {
  years: { type: 'string' },
  days: { type: 'string' },
  seed: { type: 'string' },
  clients: { type: 'string' },
  threads: { type: 'string' },
  replay: { type: 'string' },
  out: { type: 'string' },
  explore: { type: 'boolean' },
  limit: { type: 'string' },
  fuzz: { type: 'boolean' },
  sends: { type: 'string' },
  crash: { type: 'boolean' },
  kills: { type: 'string' },
  fleet: { type: 'boolean' },
  processes: { type: 'string' },
  seconds: { type: 'string' },
  help: { type: 'boolean' },
} as const
type Option = keyof typeof OPTIONS

/** Which options go with each mode. */
const GOES_WITH: Readonly<Record<Exclude<Arguments['mode'], 'help'>, readonly Option[]>> = {
  replay: ['replay'],
  explore: ['explore', 'limit'],
  fuzz: ['fuzz', 'seed', 'sends'],
  crash: ['crash', 'seed', 'kills'],
  fleet: ['fleet', 'processes', 'seconds'],
  years: ['years', 'days', 'seed', 'clients', 'threads', 'out'],
}

/** Modes that are asked for by a switch of their name. */
const SWITCHES = ['explore', 'fuzz', 'crash', 'fleet'] as const

/** @throws {UsageError} */
export function parseArguments(args: readonly string[]): Arguments {
  const values = valuesOf(args)
  if (values.help) return { mode: 'help' }
  const mode =
    values.replay !== undefined ? 'replay' : (SWITCHES.find((name) => values[name] === true) ?? ('years' as const))
  for (const name of Object.keys(values) as Option[])
    if (!GOES_WITH[mode].includes(name))
      throw new UsageError(`--${name} does not go with ${mode === 'years' ? 'a simulation of years' : `--${mode}`}`)
  const numberOf = <D>(
    name: Exclude<Option, (typeof SWITCHES)[number] | 'help'>,
    least: number,
    whole: boolean,
    missing: D,
  ) => {
    const text = values[name]
    if (text === undefined) return missing
    const number = Number(text)
    if (text.trim() !== '' && Number.isFinite(number) && number >= least && (!whole || Number.isInteger(number)))
      return number
    throw new UsageError(`--${name} must be a ${whole ? 'whole ' : ''}number from ${least}, not '${text}'`)
  }
  const seed = () => numberOf('seed', 0, true, 1)
  switch (mode) {
    case 'replay':
      return { mode, file: values.replay ?? '' }
    case 'explore':
      return { mode, limit: numberOf('limit', 1, true, undefined) }
    case 'fuzz':
      return { mode, seed: seed(), sends: numberOf('sends', 1, true, 100_000) }
    case 'crash':
      return { mode, seed: seed(), kills: numberOf('kills', 1, true, 200) }
    case 'fleet':
      return { mode, processes: numberOf('processes', 1, true, 8), seconds: numberOf('seconds', 1, true, 120) }
    case 'years':
      if (values.years !== undefined && values.days !== undefined)
        throw new UsageError('--years and --days say the same: give one of them')
      return {
        mode,
        days: numberOf('days', 0.01, false, numberOf('years', 0.0001, false, 1) * DAYS_A_YEAR),
        seed: seed(),
        clients: numberOf('clients', 1, true, undefined),
        threads: numberOf('threads', 1, true, Math.min(2, availableParallelism())),
        out: values.out ?? 'simulation-replay.json',
      }
    default:
      return mode satisfies never
  }
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
