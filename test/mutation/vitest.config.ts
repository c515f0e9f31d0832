import { defineConfig } from 'vitest/config'

/** For StrykerJS: the tests of one scope in one worker that stays, under one seed, so that a mutant is judged alike. */
export default defineConfig({
  test: {
    include: (process.env.MUTATION_TESTS ?? '').split(','),
    setupFiles: ['test/mutation/setup.ts'],
    env: { SEED: '20260531' },
    isolate: false,
    // A busy machine kills no mutant. StrykerJS ends what hangs, by the time that the tests took without one.
    testTimeout: 60_000,
  },
})
