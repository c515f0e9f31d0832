/**
 * Where each clause and decision is kept, tested and watched, from the sources themselves: the chart, the comments that
 * name an id, the titles of the specification suite, the monitors, and the last record of `npm run mutate`.
 */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { COVERAGE } from '../src/monitors/coverage.ts'
import { isPolicyId, POLICY_IDS, type PolicyId } from '../src/policy/catalogue.ts'
import { type Chart, readChart, spoken, triggerText } from '../src/view/chart.ts'
import { code as codeOf, table } from '../src/view/tables.ts'
import type { MutationRecord } from '../test/mutation/record.ts'
import { idsOfTitles } from './titles.ts'

export interface Sources {
  readonly chart: Chart
  /** Text of the code that keeps the policy, by path. */
  readonly code: ReadonlyMap<string, string>
  /** Text of the specification suite, by path. */
  readonly specs: ReadonlyMap<string, string>
  readonly mutation: MutationRecord
}

/** Everything known of one id. */
export interface Traced {
  readonly id: PolicyId
  readonly guards: readonly string[]
  readonly transitions: readonly string[]
  readonly code: readonly string[]
  readonly tests: readonly string[]
  readonly monitors: readonly string[]
  /** What the monitors leave open, or why there is none. */
  readonly note: string
  /** `killed of all`: of its transitions, or of the folders of the code that keeps it; '' when none is killed. */
  readonly mutants: string
}

/** Folders of `src/` that `npm run mutate` has not recorded, and why. */
const NOT_RECORDED: Readonly<Record<string, string>> = {
  client: 'only the files that stand by themselves, as `client-parts`',
}

/** Code that lists or shows ids, and keeps none of them. */
const NAMES_ONLY = /^src\/(policy\/(clauses|decisions|invariants|schema|index)|errors|index)\.ts$/

export function readSources(root = '.'): Sources {
  const texts = (pattern: string) =>
    new Map(
      globSync(pattern, { cwd: root })
        .map((path) => path.replaceAll('\\', '/'))
        .sort()
        .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
    )
  const code = [...texts('src/{policy,client,http,store}/**/*.ts'), ...texts('src/*.ts')]
  return {
    chart: readChart(),
    code: new Map(code.filter(([path]) => !NAMES_ONLY.test(path))),
    specs: texts('test/spec/**/*.test.ts'),
    mutation: JSON.parse(readFileSync(join(root, 'docs/mutation.json'), 'utf8')),
  }
}

/** One line for each clause and decision, in the order of the guide. */
export const trace = (sources: Sources): readonly Traced[] => POLICY_IDS.map((id) => traced(id, sources))

function traced(id: PolicyId, { chart, code, specs, mutation }: Sources): Traced {
  const transitions = chart.transitions.filter(({ ids }) => ids.includes(id))
  const named = new RegExp(`(?<![\\w-])${id}(?![\\w-])`)
  const files = [...code].flatMap(([path, text]) => (named.test(text) ? [path] : []))
  const own = mutation.chart.filter(({ ids }) => ids.includes(id))
  // What the chart does not keep, the code does that names it.
  const folders = [...new Set(files.flatMap((path) => (path.split('/').length > 2 ? (path.split('/')[1] ?? []) : [])))]
  const killed = own.filter(({ killedBy }) => killedBy !== undefined).length
  const ofCode = folders.map((name) => {
    const recorded = mutation.code[name]
    const said = recorded === undefined ? NOT_RECORDED[name] : `${recorded.killed} of ${recorded.mutants}`
    return said === undefined ? '' : `src/${name}: ${said}`
  })
  const { monitors, note = '' } = COVERAGE[id]
  return {
    id,
    guards: [...new Set(transitions.flatMap(({ guard }) => guard ?? []))],
    transitions: [
      ...chart.states.filter(({ ids }) => ids.includes(id)).map(({ path }) => codeOf(spoken(path))),
      ...transitions.map((each) => {
        const trigger = each.kind === 'always' ? 'always' : triggerText(each)
        return `${codeOf(spoken(each.from))} ${trigger}${each.target === null ? '' : ` → ${codeOf(spoken(each.target))}`}`
      }),
    ],
    code: files,
    tests: [...specs].flatMap(([path, text]) => {
      const count = idsOfTitles([text]).known.filter((each) => each === id).length
      return count === 0 ? [] : [`[${basename(path, '.test.ts')}](../${path})`]
    }),
    monitors,
    note,
    mutants: own.length > 0 ? (killed === 0 ? '' : `${killed} of ${own.length}`) : ofCode.filter(Boolean).join('<br>'),
  }
}

/** What may not be: an empty cell without a reason, a survivor without one, an id that the catalogue does not have. */
export function gaps(rows: readonly Traced[], { mutation }: Pick<Sources, 'mutation'>): string[] {
  const empty = rows.flatMap(({ id, transitions, code, tests, monitors, note, mutants }) => [
    ...(transitions.length + code.length === 0 ? [`${id}: neither chart nor code names it`] : []),
    ...(tests.length === 0 ? [`${id}: has no test in test/spec`] : []),
    ...(monitors.length === 0 && note === '' ? [`${id}: has no monitor, and no reason why`] : []),
    ...(mutants === '' ? [`${id}: no mutant of it is killed`] : []),
  ])
  const unexplained = mutation.chart.filter(({ killedBy, survives = '' }) => killedBy === undefined && survives === '')
  const unknown = mutation.chart.flatMap(({ name, ids }) =>
    ids.filter((id) => !isPolicyId(id)).map((id) => `the mutant '${name}' names an unknown id, ${id}`),
  )
  const stale = Object.keys(mutation.code)
    .filter((name) => name in NOT_RECORDED)
    .map((name) => `src/${name} is recorded, so scripts/traceability.ts must not say why it is not`)
  return [
    ...stale,
    ...empty,
    ...unexplained.map(({ name }) => `the mutant '${name}' survives without a reason`),
    ...unknown,
  ]
}

/** The table of `docs/policy.md`. */
export const traceabilityTable = (rows: readonly Traced[]): string =>
  table(
    [
      'id',
      'guards',
      'in the chart',
      'in the code',
      'tests',
      'monitors',
      'mutants killed, of its transitions or else its folders',
    ],
    rows.map(({ id, guards, transitions, code: files, tests, monitors, note, mutants }) => [
      codeOf(id),
      guards.map(codeOf).join('<br>') || (transitions.length > 0 ? 'none: unconditional' : 'none: not of the chart'),
      transitions.join('<br>') || 'not of the chart',
      files.map((path) => codeOf(path.replace(/^src\//, ''))).join('<br>') || 'the chart alone',
      tests.join('<br>'),
      [...monitors.map(codeOf), note].filter((text) => text !== '').join('<br>'),
      mutants,
    ]),
  )
