import { randomInt } from 'node:crypto'
import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/closing-line.ts'

// One seed for every random test of a run. `SEED=… npm test` repeats a run.
const seed = process.env.SEED ?? String(randomInt(2 ** 31))
if (!/^-?\d+$/.test(seed)) throw new Error(`SEED is '${seed}', but must be an integer`)

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // No test changes what is global, so that modules are loaded once a worker and not once a file.
    isolate: false,
    // A busy machine is no fault of a test.
    testTimeout: 30_000,
    setupFiles: ['test/setup.ts'],
    env: { SEED: seed },
    reporters: ['default', new ClosingLine(seed)],
  },
})
