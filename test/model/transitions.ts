import type { AnyTransitionDefinition } from 'xstate'
import type { tokenLifecycle } from '../../machines/index.ts'

export type Machine = typeof tokenLifecycle

export const transitionName = (transition: AnyTransitionDefinition): string => {
  const { source, eventType, guard } = transition
  const siblings = eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? [])
  const place = (siblings as readonly AnyTransitionDefinition[]).indexOf(transition)
  const name = typeof guard === 'string' ? ` [${guard}]` : ''
  const trigger = eventType === '' ? 'always' : eventType.replace('tokenLifecycle.', '')
  return `${source.path.join('.') || 'the machine'}: ${trigger} #${place}${name}`
}

/** Every transition of the chart, as a world names those that it takes. */
export function transitionsOf(machine: Machine): string[] {
  const names: string[] = []
  const visit = (node: Machine['root']) => {
    for (const transition of node.always ?? []) names.push(transitionName(transition as AnyTransitionDefinition))
    for (const candidates of node.transitions.values())
      for (const transition of candidates) names.push(transitionName(transition as AnyTransitionDefinition))
    for (const child of Object.values(node.states)) visit(child as Machine['root'])
  }
  visit(machine.root)
  return names
}
