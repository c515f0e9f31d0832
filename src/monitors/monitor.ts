import { INVARIANTS, type InvariantNumber, type PolicyId } from '../policy/catalogue.ts'
import { type Moment, timeOf } from './observed.ts'

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
  /** What would excuse it, where the trace cannot tell. */
  readonly excuse?: string | undefined
}

/**
 * What a trace may tell beyond times, endpoints, statuses and paths. A monitor that needs what a trace does not tell would
 * be silent for want of evidence, or take an exception for a fault.
 */
export type Need =
  /** Each time somebody asked for a token: `demanded`. */
  | 'demands'
  /** What each demand came to, and by when it had to: `settled`, `deadlineAtMs`. */
  | 'settlements'
  /** Callers who gave up, and requests that the client did: `aborted`, `abandoned`. */
  | 'aborts'
  /** Sign-outs: `operator`. */
  | 'signOuts'
  /** What was given out, looked through: `shown`. */
  | 'outputs'
  /** Where requests went, and where they may: `origin`, `configuredOrigin`. */
  | 'origins'
  /** Which sends are one API request: `requestId`. */
  | 'requestIds'
  /** Ids and expiries of the tokens that were sent and granted. */
  | 'tokens'
  /** `credentialsId` of creates. */
  | 'credentials'

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
  /** What a trace has to tell for its word to count; see {@link judging}. */
  readonly needs: readonly Need[]
  /** API requests change nothing for it: it is not asked about them, and they are nearly all there is. */
  readonly ignoresApi?: true | undefined
  readonly initial: State
  /** The state after a moment; what may not be is reported. */
  step(state: State, moment: Moment, report: (evidence: string, excuse?: string) => void): State
}

/** Hides the type of a monitor's state, so that monitors fit one list. */
export const monitor = <State>(definition: Monitor<State>): Monitor => definition as Monitor

/** Those that can judge a trace which tells this. The others have nothing to say of it, neither good nor bad. */
export const judging = (monitors: readonly Monitor[], told: readonly Need[]): readonly Monitor[] =>
  monitors.filter(({ needs }) => needs.every((need) => told.includes(need)))

/** What the catalogue says of an invariant, as a monitor names it. */
export function invariant(number: InvariantNumber): Pick<Monitor, 'id' | 'invariant' | 'ids' | 'title'> {
  const { ids = [], summary = '' } = INVARIANTS.find((entry) => entry.number === number) ?? {}
  return { id: `invariant-${number}`, invariant: number, ids, title: summary }
}

/** Monitors at work. */
export interface Watch {
  /** Takes the next moment; what it breaks. Nothing of that is kept: some work as long as their process lives. */
  observe(moment: Moment): readonly Finding[]
}

const NOTHING: readonly Finding[] = []

/** Puts monitors to work on one account's traffic. */
export function createWatch(monitors: readonly Monitor[]): Watch {
  let found: Finding[] = []
  let atMs = 0
  // One reporter a monitor, made once: a simulation observes millions of moments.
  const watched = monitors.map(({ id, invariant, ids, ignoresApi, initial, step }) => ({
    state: initial,
    step,
    ignoresApi,
    report: (evidence: string, excuse?: string) =>
      void found.push({ monitor: id, invariant, ids, atMs, evidence, ...(excuse !== undefined && { excuse }) }),
  }))
  const ofApi = watched.filter(({ ignoresApi }) => !ignoresApi)
  return {
    observe(moment) {
      atMs = timeOf(moment)
      const isApi = (moment.kind === 'sent' || moment.kind === 'answered') && moment.request.endpoint === 'api'
      for (const entry of isApi ? ofApi : watched) entry.state = entry.step(entry.state, moment, entry.report)
      if (found.length === 0) return NOTHING
      const fresh = found
      found = []
      return fresh
    },
  }
}

/** What a whole trace breaks. */
export function judge(moments: Iterable<Moment>, monitors: readonly Monitor[]): readonly Finding[] {
  const watch = createWatch(monitors)
  return [...moments].flatMap((moment) => watch.observe(moment))
}
