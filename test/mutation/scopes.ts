/** Which code StrykerJS mutates, and the fast tests that have to notice: none that simulates or listens. */

export interface Scope {
  readonly name: string
  readonly mutate: readonly string[]
  readonly tests: readonly string[]
  /** Share of the mutants that must be killed; 1: all but those of `code-survivors.ts`. */
  readonly killedAtLeast: number
}

const unit = (...names: readonly string[]) => names.map((name) => `test/unit/${name}.test.ts`)

export const SCOPES: readonly Scope[] = [
  {
    name: 'policy',
    mutate: ['src/policy/*.ts'],
    tests: unit(
      'back-off',
      'config-error',
      'deadlines',
      'learn',
      'outcomes',
      'policy-catalogue',
      'policy-options',
      'rules',
      'words',
    ),
    killedAtLeast: 1,
  },
  {
    name: 'machine',
    mutate: ['machines/token-lifecycle.ts'],
    tests: [
      ...unit('machine-embedding'),
      'test/model/rejected-refresh.test.ts',
      'test/model/long-lived.test.ts',
      'test/mutation/machine.probe.ts',
    ],
    killedAtLeast: 1,
  },
  {
    // What stands by itself. The rest needs the specification suite, which is too slow: see `docs/verification.md`.
    name: 'client-parts',
    mutate: ['waiters', 'lease', 'budget', 'record-keeper', 'vault'].map((name) => `src/client/${name}.ts`),
    tests: unit('waiters', 'lease', 'budget', 'record-keeper', 'vault'),
    killedAtLeast: 0.9,
  },
  {
    name: 'http',
    mutate: ['src/http/*.ts'],
    tests: unit('api-fetch', 'api-ofetch', 'origin', 'token-endpoints', 'wire'),
    killedAtLeast: 0.9,
  },
  {
    name: 'store',
    mutate: ['src/store/memory.ts', 'src/store/record.ts'],
    tests: unit('memory-store', 'record'),
    killedAtLeast: 0.9,
  },
  {
    name: 'monitors',
    mutate: ['src/monitors/*.ts'],
    tests: unit(
      ...(['monitors', 'monitors-api', 'monitors-coverage'] as const),
      ...(['monitors-memory', 'monitors-needs', 'monitors-windows'] as const),
    ),
    killedAtLeast: 0.79,
  },
]
