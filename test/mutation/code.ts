import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { Stryker } from '@stryker-mutator/core'
import { CODE_SURVIVORS } from './code-survivors.ts'
import { readRecord, type ScopeEntry, writeRecord } from './record.ts'
import type { Scope } from './scopes.ts'

/** Mutates the code of each scope with StrykerJS and judges the tests by what survives. */

type LogLevel = NonNullable<ConstructorParameters<typeof Stryker>[0]['logLevel']>
type Result = Awaited<ReturnType<Stryker['runMutationTest']>>[number]

/** How a mutant that survived is found again, whatever its line number. */
interface Survivor {
  readonly file: string
  readonly in: string
  readonly from: string
  readonly to: string
}
const LISTED = CODE_SURVIVORS.flatMap(({ file, mutants }) => mutants.map((mutant): Survivor => ({ file, ...mutant })))

const ROOT = new URL('../../', import.meta.url).pathname
/** Of a mutant that replaces more than this, the beginning is enough to know it by. */
const LONGEST_SHOWN = 80

/** @returns whether every scope holds */
export async function mutateCode(
  scopes: readonly Scope[],
  concurrency: number,
  say: (line: string) => void,
): Promise<boolean> {
  let held = true
  for (const scope of scopes) {
    const { entry, wrong } = await mutateScope(scope, concurrency)
    const share = ((100 * entry.killed) / entry.mutants).toFixed(1)
    say(`${scope.name}: ${entry.mutants} mutants, ${entry.killed} killed (${share} %), ${entry.survived} survived`)
    for (const line of wrong) say(`  ${line}`)
    held &&= wrong.length === 0
    // Each scope by itself: one that fails takes no other's result away.
    if (wrong.length === 0) writeRecord({ code: { ...readRecord().code, [scope.name]: entry } })
  }
  return held
}

async function mutateScope({ mutate, tests, killedAtLeast }: Scope, concurrency: number) {
  // Read by the Vitest configuration, in Stryker's own processes.
  process.env.MUTATION_TESTS = tests.join()
  const results = await new Stryker({
    mutate: [...mutate],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false, pool: 'threads' },
    coverageAnalysis: 'perTest',
    ignoreStatic: true,
    concurrency,
    reporters: process.stderr.isTTY ? ['progress'] : [],
    logLevel: 'error' as LogLevel,
    cleanTempDir: 'always',
    // Types are stripped. TypeScript 7 has no API for the rewriting of its configuration.
    disableTypeChecks: false,
    tsconfigFile: 'none',
  }).runMutationTest()
  const judged = results.filter(({ status }) => status !== 'Ignored' && status !== 'RuntimeError')
  const killed = judged.filter(({ status }) => status === 'Killed' || status === 'Timeout').length
  const survivors = judged
    .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
    .map((result) => ({ ...survivorOf(result), line: result.location.start.line }))
  const entry: ScopeEntry = { mutants: judged.length, killed, survived: survivors.length }
  const shown = (survivor: Survivor) => `${survivor.file}: ${survivor.in}: ${survivor.from} → ${survivor.to}`
  const wrong =
    killedAtLeast < 1
      ? killed / judged.length < killedAtLeast
        ? survivors.map((survivor) => `survived: line ${survivor.line} of ${shown(survivor)}`)
        : []
      : [
          ...survivors
            .filter((survivor) => !LISTED.some((listed) => same(listed, survivor)))
            .map((survivor) => `survived, and no reason is given: line ${survivor.line} of ${shown(survivor)}`),
          ...LISTED.filter(({ file }) => results.some(({ fileName }) => relative(ROOT, fileName) === file))
            .filter((listed) => !survivors.some((survivor) => same(listed, survivor)))
            .map((listed) => `killed, or gone, but listed as a survivor: ${shown(listed)}`),
        ]
  return { entry, wrong }
}

const same = (a: Survivor, b: Survivor) => a.file === b.file && a.in === b.in && a.from === b.from && a.to === b.to

const short = (code: string) => {
  const line = code.replace(/\s+/g, ' ').trim()
  return line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN)}…` : line
}

function survivorOf({ fileName, location: { start, end }, replacement }: Result): Survivor {
  const lines = readFileSync(fileName, 'utf8').split('\n')
  // Lines and columns count from 1.
  const from = lines.slice(start.line - 1, end.line)
  from[from.length - 1] = (from.at(-1) ?? '').slice(0, end.column - 1)
  from[0] = (from[0] ?? '').slice(start.column - 1)
  return {
    file: relative(ROOT, fileName),
    in: short(lines[start.line - 1] ?? ''),
    from: short(from.join('\n')),
    to: short(replacement ?? ''),
  }
}
