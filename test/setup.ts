import fc from 'fast-check'

// vitest.config.ts draws the seed, or takes it from the environment, and prints it.
fc.configureGlobal({ seed: Number(process.env.SEED) })
