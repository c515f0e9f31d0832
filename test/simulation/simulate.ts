import { createHash } from 'node:crypto'
import { systemClock } from '../../src/clock.ts'
import { SOURCES, type Source, type Violation, type WorldOptions, type WorldReport } from './options.ts'
import type { Replay } from './replay.ts'
import { runWorld } from './world.ts'

/** A world lives this long; then another begins, of another shape. */
const WORLD_DAYS = 30

export interface SimulateOptions {
  readonly seed: number
  readonly days: number
  /** How many clients share the account; drawn for each world by default. */
  readonly clients?: number
  readonly onProgress?: (doneDays: number, days: number) => void
}

export interface Found extends Violation {
  readonly replay: Replay
}

export interface SimulationReport {
  readonly days: number
  readonly requests: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly happened: Readonly<Record<string, number>>
  readonly excused: Readonly<Record<string, number>>
  readonly violations: readonly Found[]
  readonly unhandledRejections: number
  readonly traceHash: string
}

/** The worlds of a seed. */
export function worldsOf({ seed, days, clients }: SimulateOptions): WorldOptions[] {
  const worlds: WorldOptions[] = []
  for (let left = days; left > 0; left -= WORLD_DAYS)
    worlds.push({ seed, index: worlds.length, days: Math.min(left, WORLD_DAYS), clients })
  return worlds
}

/** Lives `days` days by one seed, on this thread: the same seed, the same trace. */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const worlds = worldsOf(options)
  const unhandled = watchRejections()
  try {
    const reports: WorldReport[] = []
    let doneDays = 0
    for (const world of worlds) {
      reports.push(await runWorld(world))
      doneDays += world.days
      options.onProgress?.(doneDays, options.days)
    }
    return sumUp(worlds, reports, unhandled.seen())
  } finally {
    unhandled.stop()
  }
}

/** Counts rejections that nobody handles. */
export function watchRejections() {
  let seen = 0
  const listener = () => void seen++
  process.on('unhandledRejection', listener)
  return { seen: () => seen, stop: () => void process.off('unhandledRejection', listener) }
}

/** One report of many worlds, in their order, wherever they were lived. */
export function sumUp(
  worlds: readonly WorldOptions[],
  reports: readonly WorldReport[],
  unhandledRejections: number,
): SimulationReport {
  const tables = { requests: {}, faults: {}, happened: {}, excused: {} } as Record<string, Record<string, number>>
  for (const report of reports)
    for (const [name, table] of Object.entries(tables))
      for (const [key, value] of Object.entries(report[name as 'requests'])) table[key] = (table[key] ?? 0) + value
  const hash = createHash('sha256')
  for (const report of reports) hash.update(report.hash)
  const { requests = {}, faults = {}, happened = {}, excused = {} } = tables
  return {
    days: reports.reduce((sum, { days }) => sum + days, 0),
    requests,
    faults,
    happened,
    excused,
    violations: reports.flatMap(({ violation }, at) =>
      violation === undefined ? [] : [{ ...violation, replay: worlds[at] as WorldOptions }],
    ),
    unhandledRejections,
    traceHash: hash.digest('hex'),
  }
}

const clock = systemClock()
/** Longest search for a shorter story, ms. */
const SHRINKING_MS = 60_000

/** The same violation with as little as possible around it: each source of trouble that is not needed is left out. */
export async function shrink(found: Found): Promise<Found> {
  const untilMs = clock.monotonic() + SHRINKING_MS
  let best = found
  const attempt = async (replay: Replay): Promise<boolean> => {
    const { violation } = await runWorld(replay)
    if (violation?.check !== found.check) return false
    best = { ...violation, replay }
    return true
  }
  for (let smaller = true; smaller; ) {
    smaller = false
    for (const source of SOURCES) {
      const without: readonly Source[] = best.replay.without ?? []
      if (without.includes(source)) continue
      if (clock.monotonic() > untilMs) return best
      smaller = (await attempt({ ...best.replay, without: [...without, source] })) || smaller
    }
  }
  return best
}

/** The last moments before a violation, for people: quiet days are left out. */
export function tell({ check, evidence, story, replay }: Found, lines = 40): string {
  const { seed, index, without = [] } = replay
  const left = without.length === 0 ? '' : `, without ${without.join(', ')}`
  const end = story.findLastIndex((line) => line.includes(`VIOLATION ${check}`)) + 1
  const told = story.slice(Math.max(0, end - lines), end).map((line) => {
    const [atMs = '', who = '', ...what] = line.split(' ')
    return `  ${timeOf(Number(atMs))}  ${who.padEnd(7)} ${what.join(' ')}`
  })
  return [`${check}: ${evidence}`, `seed ${seed}, world ${index}${left}:`, ...told].join('\n')
}

const timeOf = (ms: number) => {
  const days = Math.floor(ms / 86_400_000)
  return `day ${days} ${new Date(ms % 86_400_000).toISOString().slice(11, 23)}`
}
