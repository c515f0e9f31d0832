import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** Ends a run with one plain line, `N passed, N failed`, and names the seed of its random tests. */
export class ClosingLine implements Reporter {
  readonly #seed: string

  constructor(seed: string) {
    this.#seed = seed
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        counts[state === 'pending' ? 'failed' : state] += 1
      }
      // A file that does not load, or a hook that throws, fails without a failed test.
      for (const group of [module, ...module.children.allSuites()]) if (group.errors().length > 0) counts.failed += 1
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
    console.log(`seed ${this.#seed}\n${counts.passed} passed, ${counts.failed} failed${skipped}`)
  }
}
