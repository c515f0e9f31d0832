import { createMachine, not } from 'xstate'
import { tokenLifecycle } from '../../machines/index.ts'
import { EVERYTHING, explore, SLICES, type Violation, wander } from './explore.ts'
import type { Machine } from './explore-world.ts'

/** The chart with one thing broken, made from its own configuration as data, and whether the model tests notice. */

export interface Mutant {
  /** What was broken, and where. */
  readonly name: string
  readonly make: () => Machine
}

/** Mutants that nothing can notice, or nothing here is meant to, and why. */
export const SURVIVORS: Readonly<Record<string, string>> = {
  'gate.backingOff: after untilBackOffEnds, not reentered':
    'a pause or back-off is bounded to one timer, so its delay is never cut short',
  'gate.backingOff: after untilBackOffEnds, target open': 'the gate looks again in either state, in the same step',
  'gate.backingOff: always #0 and #1 exchanged': 'the guards exclude each other',
  'gate.full: after untilSlotFrees, target paused': 'the gate looks again in either state, in the same step',
  'gate.full: always, dropped': "the slot's own timer is due at the same moment",
  'gate.full: always, target paused': "the slot's own timer is due at the same moment",
  'gate.paused: after untilPauseEnds, not reentered':
    'a pause or back-off is bounded to one timer, so its delay is never cut short',
  'gate.paused: after untilPauseEnds, target open': 'the gate looks again in either state, in the same step',
  'gate.paused: always #0 and #1 exchanged': 'the guards exclude each other',
  'gate.paused: always #1 and #2 exchanged': 'both refusals are true; which is given first is not judged',
  'gate: *, guard bringsTime dropped':
    'an event without a time is a timer, which is on time, or the end of a request, whose outcome follows with the time',
  'tokens.resuming: always #1 and #2 exchanged': 'one latch at most, so the guards exclude each other',
  'tokens.resuming: always #2 and #3 exchanged': 'one latch at most, so the guards exclude each other',
  'tokens.resuming: always #3 and #4 exchanged':
    'a refused refresh and a failed create hold together only in a record that another process wrote so',
  'tokens.sending.creating: outcome.malformed, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.creating: outcome.rejected, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.creating: outcome.unauthorized, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.creating: outcome.unavailable, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.reCreating: outcome.malformed, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.reCreating: outcome.rejected, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.reCreating: outcome.unauthorized, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending.reCreating: outcome.unavailable, target #tokenLifecycle.tokens.resuming':
    '`resuming` routes there by the same facts, in the same step',
  'tokens.sending: outcome.granted, target resuming': '`resuming` routes there by the same facts, in the same step',
  'tokens.stale: always #0 and #1 exchanged': 'the guards exclude each other',
  'tokens.valid: after untilExpiry, not reentered':
    'matters only to a delay cut short at 24.8 days, which is beyond these worlds',
  'tokens.valid: after untilExpiry, target resuming': '`resuming` routes there by the same facts, in the same step',
  'tokens.valid: after untilRefreshDue, not reentered':
    'matters only to a delay cut short at 24.8 days, which is beyond these worlds',
  'tokens.valid: after untilRefreshDue, target resuming': '`resuming` routes there by the same facts, in the same step',
  'tokens.valid: always #1 and #2 exchanged': 'the guards exclude each other',
  'tokens.valid: always #1, target resuming': '`resuming` routes there by the same facts, in the same step',
  'tokens.valid: always #3 and #4 exchanged': 'the guards exclude each other',
  'tokens.valid: entry armTimers dropped':
    'matters only to a delay cut short at 24.8 days, which is beyond these worlds',
  'tokens: operator.signOut, action refuseSignedOut dropped':
    '`signedOut` refuses them in the same step; the action is redundant',
  'tokens: operator.signOut, target .resuming': '`resuming` routes there by the same facts, in the same step',
}

export interface Verdict {
  readonly name: string
  readonly killedBy: 'exploration' | 'fuzz' | null
  readonly violation: Violation | null
}

// A configuration as far as this needs it.
interface Branch {
  guard?: unknown
  target?: string
  actions?: unknown
  reenter?: boolean
}
type Branches = Branch | Branch[]
interface State {
  on?: Record<string, Branches>
  after?: Record<string, Branches>
  always?: Branches
  invoke?: { onDone?: Branches }
  entry?: unknown
  states?: Record<string, State>
}

/** Functions are shared, the rest is copied: `structuredClone` refuses functions. */
const copyOf = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)])) as T
}
const listOf = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]
const stateAt = (root: State, path: readonly string[]) =>
  path.reduce((state, key) => state.states?.[key] ?? state, root)

/** One list of branches: those of an event, a delay, `always`, or the end of an actor. */
interface Site {
  readonly path: readonly string[]
  readonly trigger: string
  readonly read: (state: State) => Branch[]
  readonly write: (state: State, branches: Branch[]) => void
}

function sitesOf(state: State, path: readonly string[] = []): Site[] {
  const sites: Site[] = []
  const keyed = (kind: 'on' | 'after') => {
    for (const key of Object.keys(state[kind] ?? {}))
      sites.push({
        path,
        trigger: kind === 'on' ? key : `after ${key}`,
        read: (at) => listOf(at[kind]?.[key]),
        write: (at, branches) => {
          if (branches.length > 0) at[kind] = { ...at[kind], [key]: branches }
          else delete at[kind]?.[key]
        },
      })
  }
  if (state.always !== undefined)
    sites.push({
      path,
      trigger: 'always',
      read: (at) => listOf(at.always),
      write: (at, branches) => {
        at.always = branches
      },
    })
  keyed('on')
  keyed('after')
  if (state.invoke?.onDone !== undefined)
    sites.push({
      path,
      trigger: 'done',
      read: (at) => listOf(at.invoke?.onDone),
      write: (at, branches) => {
        if (at.invoke) at.invoke.onDone = branches
      },
    })
  for (const [key, child] of Object.entries(state.states ?? {})) sites.push(...sitesOf(child, [...path, key]))
  return sites
}

const ROOT = tokenLifecycle.config as unknown as State
const DELAYS = tokenLifecycle.implementations.delays
type Implementations = typeof tokenLifecycle.implementations

const machineOf = (config: State, implementations: Implementations = tokenLifecycle.implementations) =>
  createMachine(
    // One that runs in a circle throws.
    { ...config, options: { maxIterations: 200 } } as Parameters<typeof createMachine>[0],
    implementations as Parameters<typeof createMachine>[1],
  ) as unknown as Machine

const without = <T>(list: readonly T[], at: number) => list.filter((_, index) => index !== at)

/** Every mutant of the chart. */
export function mutants(): Mutant[] {
  const all: Mutant[] = []
  for (const site of sitesOf(ROOT)) {
    const place = `${site.path.join('.') || 'the machine'}: ${site.trigger}`
    const original = site.read(stateAt(ROOT, site.path))
    const add = (name: string, change: (branches: Branch[]) => Branch[]) =>
      all.push({
        name: `${place}${name}`,
        make: () => {
          const config = copyOf(ROOT)
          const state = stateAt(config, site.path)
          site.write(state, change(site.read(state)))
          return machineOf(config)
        },
      })
    const edit = (name: string, at: number, change: (branch: Branch) => Branch) =>
      add(name, (branches) => branches.map((branch, index) => (index === at ? change(branch) : branch)))
    original.forEach((branch, at) => {
      const which = original.length > 1 ? ` #${at}` : ''
      add(`${which}, dropped`, (branches) => without(branches, at))
      if (branch.guard !== undefined) {
        edit(`${which}, guard ${branch.guard} dropped`, at, ({ guard: _, ...rest }) => rest)
        edit(`${which}, guard ${branch.guard} negated`, at, ({ guard, ...rest }) => ({
          ...rest,
          guard: not(guard as string),
        }))
      }
      const target = otherTarget(site, branch)
      if (target !== undefined) edit(`${which}, target ${target}`, at, (rest) => ({ ...rest, target }))
      if (branch.reenter) edit(`${which}, not reentered`, at, ({ reenter: _, ...rest }) => rest)
      listOf(branch.actions).forEach((action, index) => {
        edit(`${which}, action ${action} dropped`, at, (rest) => ({
          ...rest,
          actions: without(listOf(rest.actions), index),
        }))
      })
      if (at > 0)
        add(` #${at - 1} and #${at} exchanged`, (branches) => {
          const [before, after] = [branches[at - 1] ?? {}, branches[at] ?? {}]
          return branches.with(at - 1, after).with(at, before)
        })
    })
  }
  const visit = (state: State, path: readonly string[]) => {
    listOf(state.entry).forEach((action, index) => {
      all.push({
        name: `${path.join('.')}: entry ${action} dropped`,
        make: () => {
          const config = copyOf(ROOT)
          const at = stateAt(config, path)
          at.entry = without(listOf(at.entry), index)
          return machineOf(config)
        },
      })
    })
    for (const [key, child] of Object.entries(state.states ?? {})) visit(child, [...path, key])
  }
  visit(ROOT, [])
  for (const [name, delay] of Object.entries(DELAYS)) {
    if (typeof delay !== 'function') continue
    for (const [word, factor] of [
      ['halved', 0.5],
      ['doubled', 2],
    ] as const) {
      const changed: typeof delay = (...args) => (delay(...args) as number) * factor
      all.push({
        name: `delay ${name} ${word}`,
        make: () =>
          machineOf(copyOf(ROOT), {
            ...tokenLifecycle.implementations,
            delays: { ...DELAYS, [name]: changed },
          } as Implementations),
      })
    }
  }
  return all
}

/** Where a sibling leads: another branch, another transition of the state, or a state beside the target. */
function otherTarget(site: Site, { target }: Branch): string | undefined {
  if (target === undefined) return undefined
  const state = stateAt(ROOT, site.path)
  const mine = sitesOf({ ...state, states: {} }, site.path).flatMap((other) => other.read(state))
  const beside = Object.keys(stateAt(ROOT, site.path.slice(0, -1)).states ?? {})
  const candidates = [...site.read(state), ...mine].flatMap((branch) => branch.target ?? [])
  const fallback = site.path.length > 1 && !target.startsWith('#') && !target.startsWith('.') ? beside : []
  return [...candidates, ...fallback].find((candidate) => candidate !== target)
}

/** Fixed, so that a mutant is judged the same way each time. */
const FUZZ = { seed: 20_260_531, walks: 60, length: 60 }
const PLACES = 900

/** Runs the model tests against a mutant. */
export function judgeMutant({ name, make }: Mutant): Verdict {
  const machine = make()
  const found = wander({ machine, ...FUZZ, walks: 10 })
  if (found) return { name, killedBy: 'fuzz', violation: found }
  for (const { bounds, limit } of [
    { bounds: EVERYTHING, limit: PLACES / 3 },
    ...SLICES.filter(({ quick }) => quick).map(({ bounds }) => ({ bounds, limit: PLACES * 3 })),
    { bounds: EVERYTHING, limit: PLACES },
  ]) {
    const [violation] = explore({ machine, bounds, limit, violations: 1 }).violations
    if (violation) return { name, killedBy: 'exploration', violation }
  }
  const later = wander({ machine, ...FUZZ, seed: FUZZ.seed + 1 })
  if (later) return { name, killedBy: 'fuzz', violation: later }
  for (const { bounds } of SLICES.filter(({ name }) => name === 'operators')) {
    const [violation] = explore({ machine, bounds, limit: PLACES * 3, violations: 1 }).violations
    if (violation) return { name, killedBy: 'exploration', violation }
  }
  const onDemand = { ...EVERYTHING, proactive: 'onDemand', refreshUnauthorized: 'recreate' } as const
  const [violation] = explore({ machine, bounds: onDemand, limit: PLACES, violations: 1 }).violations
  return { name, killedBy: violation ? 'exploration' : null, violation: violation ?? null }
}

/** Judges every mutant and says what became of it, a line each; for `npm run mutate`. */
export function judgeAllMutants(say: (line: string) => void): readonly Verdict[] {
  const verdicts = mutants().map((mutant) => {
    const verdict = judgeMutant(mutant)
    const { violation } = verdict
    const how = violation ? `${verdict.killedBy}, ${violation.story.length} moves: ${violation.what}` : '-'
    say(
      `${verdict.killedBy ? 'killed  ' : 'SURVIVED'}  ${verdict.name}  (${verdict.killedBy ? how : (SURVIVORS[verdict.name] ?? 'no reason given')})`,
    )
    return verdict
  })
  const killed = verdicts.filter(({ killedBy }) => killedBy !== null).length
  say(`${verdicts.length} mutants, ${killed} killed, ${verdicts.length - killed} survived`)
  return verdicts
}
