/**
 * `node test/simulation/main.ts --years N --seed S`: the whole client through years of bad days. `--replay FILE` lives a
 * violation again. Exit code 1 when there was one.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { systemClock } from '../../src/clock.ts'
import { type Replay, type SimulationReport, shrink, sumUp, tell, watchRejections, worldsOf } from './simulate.ts'
import { runWorld, type WorldOptions, type WorldReport } from './world.ts'

const YEAR_DAYS = 365
const clock = systemClock()
let lastShown = -1

// Nobody reads the stacks of a million expected errors.
Error.stackTraceLimit = 0

if (isMainThread) await main()
else serve()

/** A second thread lives whole worlds: each of them is on one thread, and the same on any. */
function serve() {
  const unhandled = watchRejections()
  parentPort?.on('message', async (world: WorldOptions) => {
    const before = unhandled.seen()
    const report = await runWorld(world)
    parentPort?.postMessage({ report, unhandled: unhandled.seen() - before })
  })
}

async function main() {
  const { values } = parseArgs({
    options: {
      years: { type: 'string' },
      days: { type: 'string' },
      seed: { type: 'string', default: '1' },
      clients: { type: 'string' },
      threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
      replay: { type: 'string' },
      out: { type: 'string', default: 'simulation-replay.json' },
    },
  })
  if (values.replay !== undefined) return replay(values.replay)
  const numberOf = (name: string, text: string) => {
    const number = Number(text)
    if (text !== '' && Number.isFinite(number) && number >= 0) return number
    console.error(`--${name} must be a number, not '${text}'`)
    return process.exit(2)
  }
  const days =
    values.days !== undefined ? numberOf('days', values.days) : numberOf('years', values.years ?? '1') * YEAR_DAYS
  const seed = numberOf('seed', values.seed)
  const clients = values.clients === undefined ? {} : { clients: numberOf('clients', values.clients) }
  const startedAt = clock.monotonic()
  const worlds = worldsOf({ seed, days, ...clients })
  const report = await live(worlds, numberOf('threads', values.threads), (done) => showProgress(done, days))
  const seconds = (clock.monotonic() - startedAt) / 1000
  console.log(summary(report, seed, seconds))
  if (report.violations.length === 0 && report.unhandledRejections === 0) return
  process.exitCode = 1
  const [first] = report.violations
  if (first === undefined) return
  console.log('\nThe first violation, with all that is not needed left out:\n')
  const smallest = await shrink(first)
  console.log(tell(smallest))
  writeFileSync(values.out, `${JSON.stringify(smallest.replay, null, 2)}\n`)
  console.log(`\nAgain: node test/simulation/main.ts --replay ${values.out}`)
}

async function replay(file: string) {
  const world = JSON.parse(readFileSync(file, 'utf8')) as Replay
  const { violation, hash } = await runWorld(world)
  if (violation === undefined) return console.log(`0 violations, trace ${hash}`)
  console.log(tell({ ...violation, replay: world }, 80))
  console.log(`trace ${hash}`)
  process.exitCode = 1
}

/** Lives the worlds, on as many threads as asked for. */
async function live(
  worlds: readonly WorldOptions[],
  threads: number,
  onDone: (days: number) => void,
): Promise<SimulationReport> {
  const reports: WorldReport[] = new Array(worlds.length)
  let next = 0
  let doneDays = 0
  let unhandled = 0
  const done = (at: number, report: WorldReport) => {
    reports[at] = report
    doneDays += worlds[at]?.days ?? 0
    onDone(doneDays)
  }
  const lane = async (run: (world: WorldOptions) => Promise<WorldReport>) => {
    for (let at = next++; at < worlds.length; at = next++) done(at, await run(worlds[at] as WorldOptions))
  }
  const watch = watchRejections()
  const workers = Array.from(
    { length: Math.min(threads, worlds.length) - 1 },
    () => new Worker(new URL(import.meta.url)),
  )
  const elsewhere = workers.map((worker) =>
    lane(
      (world) =>
        new Promise((resolve, reject) => {
          worker.once('error', reject)
          worker.once('message', ({ report, unhandled: more }: { report: WorldReport; unhandled: number }) => {
            worker.removeAllListeners('error')
            unhandled += more
            resolve(report)
          })
          worker.postMessage(world)
        }),
    ),
  )
  await Promise.all([lane(runWorld), ...elsewhere])
  await Promise.all(workers.map((worker) => worker.terminate()))
  watch.stop()
  return sumUp(worlds, reports, unhandled + watch.seen())
}

function showProgress(doneDays: number, days: number) {
  const percent = Math.floor((100 * doneDays) / days)
  if (process.stderr.isTTY) {
    const bar = '#'.repeat(Math.floor(percent / 2.5)).padEnd(40, '.')
    process.stderr.write(
      `\r[${bar}] ${percent} %, ${Math.round(doneDays)} of ${days} days${percent === 100 ? '\n' : ''}`,
    )
  } else if (Math.floor(percent / 10) > lastShown) {
    lastShown = Math.floor(percent / 10)
    process.stderr.write(`${Math.round(doneDays)} of ${days} days\n`)
  }
}

function summary(report: SimulationReport, seed: number, seconds: number): string {
  const table = (title: string, rows: Readonly<Record<string, number>>) => {
    const sorted = Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1))
    const total = sorted.reduce((sum, [, count]) => sum + count, 0)
    return `${title} (${total}): ${sorted.map(([name, count]) => `${name} ${count}`).join(', ')}`
  }
  const years = report.days / YEAR_DAYS
  return [
    `seed ${seed}: ${report.days.toFixed(1)} days (${years.toFixed(2)} years) in ${seconds.toFixed(1)} s`,
    table('requests', report.requests),
    table('faults', report.faults),
    table('happened', report.happened),
    table('excused by the policy', report.excused),
    `unhandled rejections: ${report.unhandledRejections}`,
    `violations: ${report.violations.length}${report.violations.map((each) => `\n  world ${each.replay.index}: ${each.check}: ${each.evidence}`).join('')}`,
    `trace ${report.traceHash}`,
  ].join('\n')
}
