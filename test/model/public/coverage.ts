import { tokenLifecycle } from '../../../machines/index.ts'
import { transitionsOf } from '../transitions.ts'
import type { Scenario } from './acts.ts'
import { NO_PUBLIC_PATH } from './by-hand.ts'
import { refusedName } from './observer.ts'
import { play, type Run } from './stage.ts'

/** A path, and what it came to. */
export interface Played {
  readonly scenario: Scenario
  readonly run: Run
}

/** Plays paths one after the other. One that cannot be played to its end is at fault. */
export async function playAll(scenarios: readonly Scenario[]): Promise<readonly Played[]> {
  const played: Played[] = []
  for (const scenario of scenarios) {
    const unplayable = (error: unknown): Run => ({ seen: new Set(), findings: [], faults: [String(error)] })
    played.push({ scenario, run: await play(scenario).catch(unplayable) })
  }
  return played
}

/** A transition of the chart, or the refusal of its guard, and the first path that brings it about. */
export interface Row {
  readonly name: string
  readonly kind: 'transition' | 'refusal'
  readonly by: 'generated' | 'by hand' | 'nothing'
  /** The path's name, or why there is none; empty where nobody knows. */
  readonly what: string
}

const isGuarded = (transition: string) => transition.endsWith(']')

/** Every transition of the chart and, of each guard where it is asked, the answer no. That it says yes is its transition. */
const WANTED: readonly Pick<Row, 'name' | 'kind'>[] = transitionsOf(tokenLifecycle).flatMap((name) => [
  { name, kind: 'transition' },
  ...(isGuarded(name) ? [{ name: refusedName(name), kind: 'refusal' } as const] : []),
])

export const isWanted = (name: string) => WANTED.some((wanted) => wanted.name === name)

/** Who brings about what. A path that is there for a transition goes before others that take it. */
export function coverageOf(generated: readonly Played[], byHand: readonly Played[]): readonly Row[] {
  const find = (played: readonly Played[], name: string) =>
    played.find(({ scenario, run }) => scenario.takes.includes(name) && run.seen.has(name)) ??
    played.find(({ run }) => run.seen.has(name))
  return WANTED.map(({ name, kind }) => {
    const path = find(generated, name)
    if (path !== undefined) return { name, kind, by: 'generated', what: path.scenario.name }
    const mine = find(byHand, name)
    if (mine !== undefined) return { name, kind, by: 'by hand', what: mine.scenario.name }
    return { name, kind, by: 'nothing', what: NO_PUBLIC_PATH[name] ?? '' }
  })
}
