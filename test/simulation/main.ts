/** `npm run simulate`: see `--help`. Exit code 1 when something was found. */
import { readFileSync, writeFileSync } from 'node:fs'
import { systemClock } from '../../src/clock.ts'
import { type Arguments, HELP, parseArguments, UsageError } from './arguments.ts'
import { live } from './lanes.ts'
import { createProgress } from './progress.ts'
import { exploreChart, fuzzChart } from './proof.ts'
import { parseReplay, ReplayError } from './replay.ts'
import { shrink, tell, watchRejections, worldsOf } from './simulate.ts'
import { summary } from './summary.ts'
import { runWorld } from './world.ts'

// Nobody reads the stacks of a million expected errors.
Error.stackTraceLimit = 0

const STORY_LINES = 80
const clock = systemClock()
const progress = createProgress(clock.monotonic)

try {
  process.exitCode = await run(parseArguments(process.argv.slice(2)))
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${HELP}`)
    process.exitCode = 2
  } else if (error instanceof ReplayError) {
    console.error(`The replay cannot be read: ${error.message}`)
    process.exitCode = 3
  } else throw error
}

async function run(args: Arguments): Promise<number> {
  switch (args.mode) {
    case 'help':
      console.log(HELP)
      return 0
    case 'explore':
      return (await exploreChart(args.limit, progress)) ? 0 : 1
    case 'fuzz':
      return (await fuzzChart(args.seed, args.sends, progress)) ? 0 : 1
    case 'crash':
    case 'fleet': {
      const { crashProcesses, liveFleets } = await import('../fleet/report.ts')
      const held = args.mode === 'crash' ? crashProcesses(args, progress) : liveFleets(args, progress)
      return (await held) ? 0 : 1
    }
    case 'replay':
      return replay(args.file)
    case 'years':
      return years(args)
    default:
      return args satisfies never
  }
}

async function years({ days, seed, clients, threads, out }: Extract<Arguments, { mode: 'years' }>): Promise<number> {
  const startedAtMs = clock.monotonic()
  const worlds = worldsOf({ seed, days, ...(clients === undefined ? {} : { clients }) })
  const report = await live(worlds, threads, (done) => progress(done / days, `${Math.round(done)} of ${days} days`))
  console.log(summary(report, seed, (clock.monotonic() - startedAtMs) / 1000))
  const [first] = report.violations
  if (first !== undefined) {
    console.log('\nThe first violation, with all that is not needed left out:\n')
    const smallest = await shrink(first)
    console.log(tell(smallest))
    writeFileSync(out, `${JSON.stringify(smallest.replay, null, 2)}\n`)
    console.log(`\nAgain: npm run simulate -- --replay ${out}`)
  }
  return first === undefined && report.unhandledRejections === 0 ? 0 : 1
}

async function replay(file: string): Promise<number> {
  const world = parseReplay(readFrom(file))
  const watch = watchRejections()
  const { violation, hash } = await runWorld(world)
  console.log(violation === undefined ? '0 violations' : tell({ ...violation, replay: world }, STORY_LINES))
  console.log(`unhandled rejections: ${watch.seen()}`)
  console.log(`trace ${hash}`)
  return violation === undefined && watch.seen() === 0 ? 0 : 1
}

function readFrom(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ReplayError((error as Error).message)
  }
}
