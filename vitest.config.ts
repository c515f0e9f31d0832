import { randomInt } from 'node:crypto'
import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/closing-line.ts'

// One seed for every random test of a run. `SEED=… npm test` repeats a run.
const seed = process.env.SEED ?? String(randomInt(2 ** 31))
if (!/^-?\d+$/.test(seed)) throw new Error(`SEED is '${seed}', but must be an integer`)

const ALL = ['test/**/*.test.ts']
const FLEETS = ['test/fleet/**/*.test.ts']

export default defineConfig({
  test: {
    projects: [
      // Vitest leaves a core free, which on two would be half of them.
      {
        extends: true,
        test: { name: 'tests', include: ALL, exclude: FLEETS, maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      // Fleets of processes, in real time, take all cores themselves.
      { extends: true, test: { name: 'fleets', include: FLEETS, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
    // No test changes what is global, so that modules are loaded once a worker and not once a file.
    isolate: false,
    // A busy machine is no fault of a test.
    testTimeout: 30_000,
    setupFiles: ['test/setup.ts'],
    env: { SEED: seed },
    reporters: ['default', new ClosingLine(seed)],
  },
})
