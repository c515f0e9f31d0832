import fc from 'fast-check'

// A property that fails has killed the mutant: its smallest counterexample is of no use.
fc.configureGlobal({ seed: Number(process.env.SEED), endOnFailure: true })
