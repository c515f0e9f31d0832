import { createMachine, not } from 'xstate'
import { tokenLifecycle } from '../../machines/index.ts'
import type { Machine } from '../model/explore-world.ts'

/** The chart with one thing broken, made from its own configuration as data. */

export interface Mutant {
  /** What was broken, and where. */
  readonly name: string
  /** Clauses and decisions of the transition that was broken. */
  readonly ids: readonly string[]
  /** The guard, where it was negated or dropped. */
  readonly guard: string | null
  readonly make: () => Machine
}

// A configuration as far as this needs it.
interface Branch {
  guard?: unknown
  target?: string
  actions?: unknown
  reenter?: boolean
  meta?: { ids?: readonly string[] }
}
type Branches = Branch | Branch[]
interface State {
  on?: Record<string, Branches>
  after?: Record<string, Branches>
  always?: Branches
  invoke?: { onDone?: Branches }
  entry?: unknown
  meta?: { ids?: readonly string[] }
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

/** The chart with nothing broken: a judge that condemns it proves nothing by condemning the others. */
export const UNBROKEN: Mutant = { name: 'nothing broken', ids: [], guard: null, make: () => machineOf(copyOf(ROOT)) }

const without = <T>(list: readonly T[], at: number) => list.filter((_, index) => index !== at)

const idsOf = (branches: readonly Branch[]) => [...new Set(branches.flatMap(({ meta }) => meta?.ids ?? []))]

/** Every mutant of the chart. */
export function mutants(): Mutant[] {
  const all: Mutant[] = []
  for (const site of sitesOf(ROOT)) {
    const place = `${site.path.join('.') || 'the machine'}: ${site.trigger}`
    const original = site.read(stateAt(ROOT, site.path))
    const add = (
      name: string,
      ids: readonly string[],
      change: (branches: Branch[]) => Branch[],
      guard: string | null = null,
    ) =>
      all.push({
        name: `${place}${name}`,
        ids,
        guard,
        make: () => {
          const config = copyOf(ROOT)
          const state = stateAt(config, site.path)
          site.write(state, change(site.read(state)))
          return machineOf(config)
        },
      })
    original.forEach((branch, at) => {
      const ids = idsOf([branch])
      const edit = (name: string, change: (branch: Branch) => Branch, guard: string | null = null) =>
        add(
          `${which}${name}`,
          ids,
          (branches) => branches.map((branch, index) => (index === at ? change(branch) : branch)),
          guard,
        )
      const which = original.length > 1 ? ` #${at}` : ''
      add(`${which}, dropped`, ids, (branches) => without(branches, at))
      if (branch.guard !== undefined) {
        const guard = String(branch.guard)
        edit(`, guard ${guard} dropped`, ({ guard: _, ...rest }) => rest, guard)
        edit(`, guard ${guard} negated`, (rest) => ({ ...rest, guard: not(guard) }), guard)
      }
      const target = otherTarget(site, branch)
      if (target !== undefined) edit(`, target ${target}`, (rest) => ({ ...rest, target }))
      if (branch.reenter) edit(`, not reentered`, ({ reenter: _, ...rest }) => rest)
      listOf(branch.actions).forEach((action, index) => {
        edit(`, action ${action} dropped`, (rest) => ({
          ...rest,
          actions: without(listOf(rest.actions), index),
        }))
      })
      if (at > 0)
        add(` #${at - 1} and #${at} exchanged`, idsOf([original[at - 1] ?? {}, branch]), (branches) => {
          const [before, after] = [branches[at - 1] ?? {}, branches[at] ?? {}]
          return branches.with(at - 1, after).with(at, before)
        })
    })
  }
  const visit = (state: State, path: readonly string[]) => {
    listOf(state.entry).forEach((action, index) => {
      all.push({
        name: `${path.join('.')}: entry ${action} dropped`,
        ids: state.meta?.ids ?? idsOf(sitesOf({ ...state, states: {} }).flatMap((site) => site.read(state))),
        guard: null,
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
    const ids = idsOf(
      sitesOf(ROOT)
        .filter(({ trigger }) => trigger === `after ${name}`)
        .flatMap((site) => site.read(stateAt(ROOT, site.path))),
    )
    for (const [word, factor] of [
      ['halved', 0.5],
      ['doubled', 2],
    ] as const) {
      const changed: typeof delay = (...args) => (delay(...args) as number) * factor
      all.push({
        name: `delay ${name} ${word}`,
        ids,
        guard: null,
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
