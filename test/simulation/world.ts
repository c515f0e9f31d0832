import { createCallers } from './callers.ts'
import { letHappen } from './happenings.ts'
import type { WorldOptions, WorldReport } from './options.ts'
import { createOutputs } from './outputs.ts'
import { createProcesses } from './processes.ts'
import { createSetting } from './setting.ts'
import { DAY, HOUR } from './units.ts'

/** Lives one world, at most until its first violation. */
export async function runWorld(options: WorldOptions): Promise<WorldReport> {
  const setting = createSetting(options)
  const { clock, startMs, trace, judge, state } = setting
  const outputs = createOutputs(setting)
  const processes = createProcesses(setting, outputs)
  letHappen(setting, processes, createCallers(setting, outputs))

  const untilMs = startMs + Math.round(options.days * DAY)
  while (trace.violation() === undefined && clock.now() < untilMs)
    await clock.advance(Math.min(6 * HOUR, untilMs - clock.now()))
  state.closing = true
  judge.end()
  for (const { process } of processes.slots) if (process !== undefined) processes.kill(process)
  judge.end()
  await clock.settle()
  return {
    days: (clock.now() - startMs) / DAY,
    ...trace.counters,
    excused: Object.fromEntries(judge.excused),
    violation: trace.violation(),
    hash: trace.digest(),
  }
}
