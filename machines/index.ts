/** `compliancely-auth/machine`: the statechart alone, for those who run it with a transport and a store of their own. */
export type {
  Deferral,
  LifecycleEmitted,
  LifecycleEvent,
  NotedEvent,
  Outcome,
  RefusalCode,
} from '../src/policy/events.ts'
export type { Facts, LatchKind, PairFacts, Patience, Situation, Waiting } from '../src/policy/facts.ts'
export { NO_FACTS, NOBODY } from '../src/policy/facts.ts'
export type { CreateInput, LifecycleContext, LifecycleInput, RefreshInput } from './token-lifecycle.ts'
export { tokenLifecycle } from './token-lifecycle.ts'
