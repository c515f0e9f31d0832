import { INVARIANTS, type InvariantNumber, type PolicyId } from '../policy/catalogue.ts'
import type { Moment } from './observed.ts'

/** What a monitor reports. Holds no secret. */
export interface Finding {
  /** Of the {@link Monitor}. */
  readonly monitor: string
  /** Number of the invariant of the policy, where the monitor looks after one. */
  readonly invariant: InvariantNumber | undefined
  /** The clauses and decisions that were broken. */
  readonly ids: readonly PolicyId[]
  /** ms since the epoch. */
  readonly atMs: number
  /** What was seen that may not be. */
  readonly evidence: string
}

/** A rule that looks at the past alone: each moment either continues a good trace or is a finding. */
export interface Monitor<State = unknown> {
  /** `invariant-3`, or the id of the clause. */
  readonly id: string
  /** Number of the invariant of the policy. */
  readonly invariant?: InvariantNumber | undefined
  /** The clauses and decisions it stands for. */
  readonly ids: readonly PolicyId[]
  /** What always holds. */
  readonly title: string
  /** It says nothing about a trace that does not tell of demands. */
  readonly needsDemands?: boolean
  readonly initial: State
  /** The state after a moment; what may not be is reported. */
  step(state: State, moment: Moment, report: (evidence: string) => void): State
}

/** Hides the type of a monitor's state, so that monitors fit one list. */
export const monitor = <State>(definition: Monitor<State>): Monitor => definition as Monitor

/** What the catalogue says of an invariant, as a monitor names it. */
export function invariant(number: InvariantNumber): Pick<Monitor, 'id' | 'invariant' | 'ids' | 'title'> {
  const { ids = [], summary = '' } = INVARIANTS.find((entry) => entry.number === number) ?? {}
  return { id: `invariant-${number}`, invariant: number, ids, title: summary }
}

/** Monitors at work. */
export interface Watch {
  /** Takes the next moment; what it breaks. */
  observe(moment: Moment): Finding[]
  /** Everything so far. */
  readonly findings: readonly Finding[]
}

/** Puts monitors to work on one account's traffic. */
export function createWatch(monitors: readonly Monitor[]): Watch {
  const watched = monitors.map((definition) => ({ definition, state: definition.initial }))
  const findings: Finding[] = []
  return {
    findings,
    observe(moment) {
      const before = findings.length
      for (const entry of watched) {
        const { id, invariant, ids } = entry.definition
        const atMs = timeOf(moment)
        entry.state = entry.definition.step(entry.state, moment, (evidence) =>
          findings.push({ monitor: id, invariant, ids, atMs, evidence }),
        )
      }
      return findings.slice(before)
    },
  }
}

/** What a whole trace breaks. */
export function judge(moments: Iterable<Moment>, monitors: readonly Monitor[]): readonly Finding[] {
  const watch = createWatch(monitors)
  for (const moment of moments) watch.observe(moment)
  return watch.findings
}

function timeOf(moment: Moment): number {
  switch (moment.kind) {
    case 'sent':
      return moment.request.sentAtMs
    case 'answered':
      return moment.request.answeredAtMs
    default:
      return moment.atMs
  }
}
