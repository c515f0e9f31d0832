import { describe, expect, it } from 'vitest'
import { coverageOf, type Path, paths } from './coverage.ts'
import { play, type Run } from './stage.ts'

const TIME_OUT_MS = 60_000
const PATHS = paths()
const runs: { path: Path; run: Run }[] = []

describe('the chart through the public client', () => {
  it.each(PATHS)('$origin: $name', { timeout: TIME_OUT_MS }, async (path) => {
    const run = await play(path)
    runs.push({ path, run })
    expect(run.faults).toEqual([])
    expect(run.findings).toEqual([])
    if (path.reaches !== undefined) expect([...run.seen]).toContain(path.reaches)
  })

  it('takes every transition, and has every guard say yes and no, but for what is listed', () => {
    expect(runs, 'run all of this file').toHaveLength(PATHS.length)
    const { missing, idle } = coverageOf(runs)
    expect({ missing, idle }).toEqual({ missing: [], idle: [] })
  })
})
