import { tokenLifecycle } from '../../../machines/index.ts'
import { transitionsOf } from '../explore-world.ts'
import type { Scenario } from './acts.ts'
import { BY_HAND } from './by-hand.ts'
import { EXCEPTIONS } from './exceptions.ts'
import { generate } from './generate.ts'
import { refusedName } from './observer.ts'
import { play, type Run } from './stage.ts'

/** A path and whether it was generated. */
export interface Path extends Scenario {
  readonly origin: 'generated' | 'by hand'
  /** Of a generated one: the transition that it must take. */
  readonly reaches?: string
}

/** All paths, those first that were generated. */
export const paths = (): readonly Path[] => [
  ...generate().map((path) => ({ ...path, origin: 'generated' as const })),
  ...BY_HAND.map((path) => ({ ...path, origin: 'by hand' as const })),
]

/** What has to be seen: every transition taken, and every guard, where it is asked, also saying no. */
export const branchesOf = (machine: typeof tokenLifecycle): readonly string[] =>
  transitionsOf(machine).flatMap((name) => (name.endsWith(']') ? [name, refusedName(name)] : [name]))

export interface Coverage {
  /** The first path that shows each branch. */
  readonly shownBy: ReadonlyMap<string, Path>
  /** Branches that no path shows, though nothing says why. */
  readonly missing: readonly string[]
  /** Exceptions that a path shows after all, or that the chart does not know. */
  readonly idle: readonly string[]
}

/** What runs of paths cover together. */
export function coverageOf(runs: readonly { readonly path: Path; readonly run: Run }[]): Coverage {
  const branches = branchesOf(tokenLifecycle)
  const shownBy = new Map<string, Path>()
  for (const { path, run } of runs) for (const branch of run.seen) if (!shownBy.has(branch)) shownBy.set(branch, path)
  return {
    shownBy,
    missing: branches.filter((branch) => !shownBy.has(branch) && !Object.hasOwn(EXCEPTIONS, branch)),
    idle: Object.keys(EXCEPTIONS).filter((branch) => shownBy.has(branch) || !branches.includes(branch)),
  }
}

/** Markdown: the figures, then each branch with the path that shows it first, then the exceptions. */
export function report({ shownBy }: Coverage): string {
  const branches = branchesOf(tokenLifecycle)
  const guards = branches.filter((branch) => branch.endsWith(']'))
  const first = (origin: Path['origin'], among: readonly string[]) =>
    among.filter((branch) => shownBy.get(branch)?.origin === origin).length
  const listed = (among: readonly string[]) => among.filter((branch) => Object.hasOwn(EXCEPTIONS, branch)).length
  const line = (what: string, among: readonly string[]) =>
    `| ${what} | ${among.length} | ${first('generated', among)} | ${first('by hand', among)} | ${listed(among)} |`
  const isAnswer = (branch: string) => guards.some((guard) => refusedName(guard) === branch)
  return [
    '| | total | by generated paths | by hand-written ones | listed |',
    '|---|---|---|---|---|',
    line(
      'transitions',
      branches.filter((branch) => !isAnswer(branch)),
    ),
    line('guards that say no', branches.filter(isAnswer)),
    '',
    '| transition | path | |',
    '|---|---|---|',
    ...branches.map((branch) => {
      const path = shownBy.get(branch)
      return `| \`${branch}\` | ${path?.name ?? EXCEPTIONS[branch] ?? 'none'} | ${path?.origin ?? 'listed'} |`
    }),
  ].join('\n')
}

if (import.meta.main) {
  const runs = []
  for (const path of paths()) runs.push({ path, run: await play(path) })
  console.log(report(coverageOf(runs)))
}
