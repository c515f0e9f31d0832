import type { AnyEventObject, AnyTransitionDefinition, SnapshotFrom } from 'xstate'
import type { tokenLifecycle } from '../../../machines/index.ts'
import { transitionName } from '../transitions.ts'

type ChartSnapshot = SnapshotFrom<typeof tokenLifecycle>
type ChartNode = ChartSnapshot['_nodes'][number]

/** `NAME` of a transition that was taken; `NAME: false` where its guard was asked and said no. */
export const refusedName = (transition: string) => `${transition}: false`

/**
 * Listens to a client's `inspect`: which transitions of the chart were taken, and which guards said no where they were
 * asked. The inspector tells what was taken; what was asked on the way there is found by going through the candidates as
 * XState does, by the machine's own guards. Where that leads to another choice than the one XState made, one of the two is wrong: a fault.
 */
export function createObserver() {
  const seen = new Set<string>()
  let before: ChartSnapshot | undefined
  const faults: string[] = []

  const says = (transition: AnyTransitionDefinition, snapshot: ChartSnapshot, event: AnyEventObject): boolean => {
    const { guard } = transition
    if (guard === undefined) return true
    if (typeof guard !== 'string') throw new Error(`a guard without a name: ${transitionName(transition)}`)
    const { guards } = snapshot.machine.implementations
    const implementation = guards[guard as keyof typeof guards] as unknown as Guard
    const args = { context: snapshot.context, event }
    return implementation.check?.(snapshot, args, implementation) ?? implementation(args, undefined)
  }
  /** The first candidate whose guard says yes; those before it said no. */
  const choose = (candidates: readonly AnyTransitionDefinition[], snapshot: ChartSnapshot, event: AnyEventObject) =>
    candidates.find((candidate) => {
      if (says(candidate, snapshot, event)) return true
      seen.add(refusedName(transitionName(candidate)))
      return false
    })
  /** From each atomic state upwards, to the first state that has an answer. */
  const chosen = (
    snapshot: ChartSnapshot,
    event: AnyEventObject,
    candidatesOf: (node: ChartNode) => readonly AnyTransitionDefinition[],
  ) => {
    const all = new Set<AnyTransitionDefinition>()
    for (const leaf of snapshot._nodes.filter(({ type }) => type === 'atomic')) {
      for (let node: ChartNode | undefined = leaf; node !== undefined; node = node.parent as ChartNode | undefined) {
        const choice = choose(candidatesOf(node), snapshot, event)
        if (choice === undefined) continue
        all.add(choice)
        break
      }
    }
    return all
  }
  const onEvent = (snapshot: ChartSnapshot, event: AnyEventObject) =>
    chosen(snapshot, event, ({ transitions }) => transitions.get(event.type) ?? transitions.get('*') ?? [])
  const always = (snapshot: ChartSnapshot, event: AnyEventObject) =>
    chosen(snapshot, event, (node) => (node.always ?? []) as readonly AnyTransitionDefinition[])

  const look = ({ event, snapshot, _transitions }: Inspected) => {
    const taken = new Set(_transitions)
    for (const transition of taken) seen.add(transitionName(transition))
    const byItself = _transitions.some(({ eventType }) => eventType === '')
    if (before !== undefined) {
      const expected = byItself ? always(before, event) : onEvent(before, event)
      if (expected.size !== taken.size || [...taken].some((transition) => !expected.has(transition))) {
        const names = (set: ReadonlySet<AnyTransitionDefinition>) => [...set].map(transitionName).join(' and ')
        faults.push(`${event.type}: took ${names(taken) || 'nothing'}, expected ${names(expected) || 'nothing'}`)
      }
    }
    // Asked until it says that nothing more is to be done.
    if (snapshot.status === 'active') always(snapshot, event)
    before = snapshot
  }

  return {
    seen: seen as ReadonlySet<string>,
    /** Where XState chose otherwise than this observer. */
    faults: faults as readonly string[],
    inspect(inspected: unknown) {
      const step = inspected as Inspected
      if (step.type !== '@xstate.microstep') return
      try {
        look(step)
      } catch (error) {
        // The client keeps an inspector's faults to itself.
        faults.push(String(error))
      }
    },
  }
}

interface Guard {
  (args: object, params: undefined): boolean
  /** Of `and`, `not`, `stateIn`: they need the state too. */
  check?(snapshot: ChartSnapshot, args: object, self: Guard): boolean
}

interface Inspected {
  readonly type: string
  readonly event: AnyEventObject
  readonly snapshot: ChartSnapshot
  readonly _transitions: readonly AnyTransitionDefinition[]
}
