import type { AuditFinding, AuditReport, RuleResult, Severity } from '../report.ts'
import { count } from './words.ts'

/** `waived`: broken, and every finding has a waiver; or it could not be judged, and that has one. */
export type RuleStatus = 'fail' | 'inconclusive' | 'waived' | 'pass'

/** A rule with what was found. */
export interface RuleGroup {
  readonly rule: RuleResult
  readonly status: RuleStatus
  /** Those that count. */
  readonly failed: readonly AuditFinding[]
  /** Those that may be none: times or links are not known well enough. */
  readonly unsure: readonly AuditFinding[]
  readonly waived: readonly AuditFinding[]
}

const STATUSES: readonly RuleStatus[] = ['fail', 'inconclusive', 'waived', 'pass']
const SEVERITIES: readonly Severity[] = ['error', 'warning', 'note']

/** Every rule with its findings, the worst first: by what came of it, by severity, by how many. */
export function groupsOf({ rules, findings }: Pick<AuditReport, 'rules' | 'findings'>): readonly RuleGroup[] {
  const byRule = Map.groupBy(findings, ({ rule }) => rule)
  const listed = new Set(rules.map(({ rule }) => rule))
  const others = [...byRule].filter(([rule]) => !listed.has(rule)).map(([, of]) => unlisted(of))
  const groups = [...rules, ...others].map((rule) => groupOf(rule, byRule.get(rule.rule) ?? []))
  const rank = ({ rule, status, failed, unsure }: RuleGroup) =>
    [STATUSES.indexOf(status), SEVERITIES.indexOf(rule.severity), -failed.length, -unsure.length] as const
  return groups.toSorted((a, b) => {
    const [ranksA, ranksB] = [rank(a), rank(b)]
    return ranksA.map((value, at) => value - (ranksB[at] ?? 0)).find((difference) => difference !== 0) ?? 0
  })
}

/** A rule that only its findings name: nothing that was found is left out. */
function unlisted(findings: readonly AuditFinding[]): RuleResult {
  const { rule = '', ids = [], severity = 'error' } = findings[0] ?? {}
  const verdict = findings.some((finding) => finding.verdict === 'fail') ? 'fail' : 'inconclusive'
  return { rule, title: rule, ids, severity, verdict, findings: findings.length }
}

function groupOf(rule: RuleResult, findings: readonly AuditFinding[]): RuleGroup {
  const counting = findings.filter(({ waived }) => waived === undefined)
  const failed = counting.filter(({ verdict }) => verdict === 'fail')
  const unsure = counting.filter(({ verdict }) => verdict === 'inconclusive')
  const waived = findings.filter((finding) => finding.waived !== undefined)
  return { rule, status: statusOf(rule, { failed, unsure, waived }), failed, unsure, waived }
}

function statusOf(rule: RuleResult, { failed, unsure, waived }: Pick<RuleGroup, 'failed' | 'unsure' | 'waived'>) {
  if (failed.length > 0 || (rule.unlisted?.fail ?? 0) > 0) return 'fail'
  if (rule.waived !== undefined) return 'waived'
  if (rule.verdict !== 'fail') return unsure.length > 0 ? 'inconclusive' : rule.verdict
  // A waiver takes the fault away, not the doubt about the rest.
  if (waived.some(({ verdict }) => verdict === 'fail')) return unsure.length > 0 ? 'inconclusive' : 'waived'
  return 'fail'
}

/** Something that a waiver covers: a finding, or that a rule could not be judged. */
export type Waived = Pick<AuditFinding, 'rule' | 'waived'> &
  Partial<Pick<AuditFinding, 'observed' | 'offence' | 'trigger'>>

/** Of a rule, all that waivers cover. */
export const waivedOf = ({ rule: { rule, because, waived }, waived: findings }: RuleGroup): readonly Waived[] =>
  waived === undefined ? findings : [...findings, { rule, waived, ...(because !== undefined && { observed: because }) }]

/** Rules of one status. */
export const withStatus = (groups: readonly RuleGroup[], status: RuleStatus) =>
  groups.filter((group) => group.status === status)

/** What the report comes to. */
export interface Verdict {
  /** `fail`: something counts. `inconclusive`: nothing does, but not every rule could be judged. */
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
  /** In one sentence, without a full stop inside. */
  readonly sentence: string
}

/** The verdict on a report, of all its rules. */
export function verdictOf(report: AuditReport): Verdict {
  const groups = groupsOf(report)
  const open = withStatus(groups, 'inconclusive').length
  const failed = withStatus(groups, 'fail')
  const waived = groups.reduce((sum, group) => sum + group.waived.length, 0)
  const unjudged = groups.filter(({ rule }) => rule.waived !== undefined).length
  const looked = `${count(report.exchanges, 'request')} of ${count(report.accounts, 'account')}`
  const also = [
    ...(open > 0 ? [`${count(open, 'rule')} could not be judged`] : []),
    ...(waived > 0 ? [`${count(waived, 'finding')} waived`] : []),
    ...(unjudged > 0 ? [`${count(unjudged, 'rule')} waived that could not be judged`] : []),
  ]
  const sentence = (head: string) => `${[head, ...also].join('; ')}.`
  if (failed.length > 0) {
    const found = failed.reduce(
      (sum, { failed, rule }) => sum + Math.max(failed.length + (rule.unlisted?.fail ?? 0), 1),
      0,
    )
    const head = `FAIL: ${count(failed.length, 'rule')} broken in ${looked}, ${count(found, 'finding')}`
    return { verdict: 'fail', sentence: sentence(head) }
  }
  if (report.exchanges === 0)
    return {
      verdict: 'inconclusive',
      sentence: 'INCONCLUSIVE: no request to the API was found, so nothing was judged.',
    }
  if (report.rules.every(({ verdict }) => verdict === 'inconclusive') && open === 0) {
    const head = `INCONCLUSIVE: nothing could be judged in ${looked}`
    return { verdict: 'inconclusive', sentence: sentence(head) }
  }
  if (open > 0) return { verdict: 'inconclusive', sentence: sentence(`INCONCLUSIVE: no fault found in ${looked}`) }
  return { verdict: 'pass', sentence: sentence(`PASS: ${count(groups.length - unjudged, 'rule')} held in ${looked}`) }
}
