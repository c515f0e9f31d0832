import { tokenLifecycle } from '../../machines/index.ts'

/**
 * The statechart as plain data, read from the machine's own definition: what diagrams, tables and tests look at. Paths
 * are relative to the machine, `tokens.sending.creating`.
 */
export interface Chart {
  readonly states: readonly ChartState[]
  readonly transitions: readonly ChartTransition[]
}

export interface ChartState {
  readonly path: string
  readonly key: string
  /** Path of the state around it; '' for a region. */
  readonly parent: string
  readonly description: string
  /** Keys of the clauses and decisions that the state itself names. */
  readonly ids: readonly string[]
  readonly tags: readonly string[]
  readonly initial: string | null
  readonly entry: readonly string[]
  readonly exit: readonly string[]
  /** Names of the actors that run while the state lasts. */
  readonly invokes: readonly string[]
}

export interface ChartTransition {
  readonly from: string
  /** `always`; `on` an event; `after` a delay; `done` or `error` of an invoked actor. */
  readonly kind: 'always' | 'on' | 'after' | 'done' | 'error'
  /** Name of the event, the delay or the actor; '' for `always`. */
  readonly trigger: string
  readonly guard: string | null
  /** Path of the target; `null` when the state is not left. */
  readonly target: string | null
  readonly reenter: boolean
  readonly actions: readonly string[]
  /** Clauses and decisions it carries out. */
  readonly ids: readonly string[]
  readonly description: string
}

// What is read of XState's nodes; its own types know more than this needs and less about `meta`.
interface Definition {
  readonly path: readonly string[]
  readonly key: string
  readonly description?: string | undefined
  readonly meta?: unknown
  readonly tags: readonly string[]
  readonly initial?: { readonly target: readonly { readonly key: string }[] } | undefined
  readonly entry: readonly unknown[]
  readonly exit: readonly unknown[]
  readonly invoke: readonly { readonly src: unknown; readonly id: string }[]
  readonly states: Readonly<Record<string, unknown>>
  readonly always?: readonly DefinedTransition[] | undefined
  readonly transitions: ReadonlyMap<string, readonly DefinedTransition[]>
}

interface DefinedTransition {
  readonly guard?: unknown
  readonly target?: readonly { readonly path: readonly string[] }[] | undefined
  readonly reenter: boolean
  readonly actions: readonly unknown[]
  readonly delay?: unknown
  readonly description?: string | undefined
  readonly meta?: unknown
}

/** The name under which an implementation was given to `setup`; one without a name shows as itself. */
const nameOf = (named: unknown): string =>
  typeof named === 'object' && named !== null && 'type' in named ? String(named.type) : String(named)
/** XState puts the sends of `after` among the entry and exit actions; they are functions, ours are names. */
const namesOf = (actions: readonly unknown[]) => actions.filter((action) => typeof action !== 'function').map(nameOf)
const idsOf = (meta: unknown): readonly string[] => (meta as { ids?: readonly string[] } | undefined)?.ids ?? []

function triggerOf(node: Definition, event: string, transition: DefinedTransition) {
  if (transition.delay !== undefined) return { kind: 'after', trigger: nameOf(transition.delay) } as const
  const actor = (prefix: string) => node.invoke.find(({ id }) => event === `${prefix}${id}`)
  const done = actor('xstate.done.actor.')
  if (done) return { kind: 'done', trigger: nameOf(done.src) } as const
  const error = actor('xstate.error.actor.')
  if (error) return { kind: 'error', trigger: nameOf(error.src) } as const
  return { kind: 'on', trigger: event } as const
}

/** Reads the chart; in the order of the definition, so always the same. */
export function readChart(root: unknown = tokenLifecycle.root): Chart {
  const states: ChartState[] = []
  const transitions: ChartTransition[] = []
  const visit = (node: Definition) => {
    const path = node.path.join('.')
    if (path !== '')
      states.push({
        path,
        key: node.key,
        parent: node.path.slice(0, -1).join('.'),
        description: node.description ?? '',
        ids: idsOf(node.meta),
        tags: node.tags,
        initial: node.initial?.target[0]?.key ?? null,
        entry: namesOf(node.entry),
        exit: namesOf(node.exit),
        invokes: node.invoke.map(({ src }) => nameOf(src)),
      })
    const add = (transition: DefinedTransition, trigger: Pick<ChartTransition, 'kind' | 'trigger'>) =>
      transitions.push({
        from: path,
        ...trigger,
        guard: transition.guard === undefined ? null : nameOf(transition.guard),
        target: transition.target?.[0]?.path.join('.') ?? null,
        reenter: transition.reenter,
        actions: transition.actions.map(nameOf),
        ids: idsOf(transition.meta),
        description: transition.description ?? '',
      })
    for (const transition of node.always ?? []) add(transition, { kind: 'always', trigger: '' })
    for (const [event, candidates] of node.transitions)
      for (const transition of candidates) add(transition, triggerOf(node, event, transition))
    for (const child of Object.values(node.states)) visit(child as Definition)
  }
  visit(root as Definition)
  return { states, transitions }
}

/** A path without its region, as people say it: `sending.creating`. */
export const spoken = (path: string) => path.slice(path.indexOf('.') + 1)

/** What starts a transition, in a word or two. */
export function triggerText({ kind, trigger }: Pick<ChartTransition, 'kind' | 'trigger'>): string {
  switch (kind) {
    case 'always':
      return 'always'
    case 'on':
      return trigger
    case 'after':
    case 'done':
    case 'error':
      return `${kind} ${trigger}`
    default:
      return kind satisfies never
  }
}
