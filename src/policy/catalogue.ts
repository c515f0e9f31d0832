import { CLAUSES, type Clause } from './clauses.ts'
import { DECISIONS, type Decision } from './decisions.ts'
import type { INVARIANTS } from './invariants.ts'

/**
 * The one list of everything this library keeps to: the clauses of the vendor's guide, the decisions where the guide is
 * silent, and the invariants that follow. The ids are stable and public: machine, monitors, tests, auditor, docs and
 * error messages all use them.
 */
export { CLAUSES, type Clause, type Strength } from './clauses.ts'
export { DECISIONS, type Decision } from './decisions.ts'
export { INVARIANTS, type Invariant } from './invariants.ts'

/** Id of something the guide says. */
export type ClauseId = (typeof CLAUSES)[number]['id']
/** Id of something this project chose. */
export type DecisionId = (typeof DECISIONS)[number]['id']
export type PolicyId = ClauseId | DecisionId
export type PolicyEntry = Clause | Decision
/** 1–14. */
export type InvariantNumber = (typeof INVARIANTS)[number]['number']

/** Every clause and decision, in the order of the guide. */
export const CATALOGUE: readonly (PolicyEntry & { readonly id: PolicyId })[] = [...CLAUSES, ...DECISIONS]

/** Every id, in the same order. */
export const POLICY_IDS: readonly PolicyId[] = CATALOGUE.map(({ id }) => id)

/** Whether the catalogue has this id. */
export const isPolicyId = (id: string): id is PolicyId => CATALOGUE.some((entry) => entry.id === id)

/** The entry of an id; `undefined` when the catalogue has none, as can happen with an id from outside. */
export function policyEntry(id: PolicyId): PolicyEntry
export function policyEntry(id: string): PolicyEntry | undefined
export function policyEntry(id: string): PolicyEntry | undefined {
  return CATALOGUE.find((entry) => entry.id === id)
}
