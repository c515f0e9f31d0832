import type { Monitor } from '../monitors/index.ts'
import { policyEntry } from '../policy/catalogue.ts'
import type { Severity } from './report.ts'

/** Day on which the guide ends what a rule forbids, `2026-05-31`; `undefined`: it always was as it is. */
export function endOf({ ids: [weightiest] }: Pick<Monitor, 'ids'>): string | undefined {
  const entry = policyEntry(weightiest ?? '')
  return entry?.kind === 'clause' ? entry.endsOn : undefined
}

/**
 * As strong as the weightiest of its ids: what the guide requires is an error, what it recommends a note, and what it ends a
 * warning until it has ended.
 *
 * @param atMs when it was broken, ms since the epoch
 */
export function severityOf(rule: Pick<Monitor, 'ids'>, atMs: number): Severity {
  const entry = policyEntry(rule.ids[0] ?? '')
  if (entry?.kind !== 'clause') return 'warning'
  const end = endOf(rule)
  if (end !== undefined && atMs < Date.parse(end)) return 'warning'
  return entry.strength === 'recommended' || entry.strength === 'optional' ? 'note' : 'error'
}

/** Of several; `undefined`: of none. */
export const gravestOf = (severities: readonly Severity[]): Severity | undefined =>
  (['error', 'warning', 'note'] as const).find((each) => severities.includes(each))
