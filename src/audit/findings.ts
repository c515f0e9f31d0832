import type { Monitor, MonitorPolicy } from '../monitors/index.ts'
import type { Broken } from './docket.ts'
import type { Exchange, Locator } from './exchange.ts'
import type { AuditFinding, Evidence } from './report.ts'
import { RULES } from './rules.ts'
import { severityOf } from './severity.ts'

const TIMES = 'The times of the recording are known to within; by some readings of them all is well.'
/** Why rules of an account cannot be judged where a recording does not tell accounts. */
export const WHOSE =
  'Who sent what is not in the recording: everybody behind one address was taken for one account, or everybody where there is none. A log with a field `account`, a HAR or a journal tells.'

/** What a judge found, told for people. `number`: of the rule's findings, from 1. */
export function findingOf(
  monitor: Monitor,
  { finding, at, offence, trigger, always }: Broken,
  by: {
    readonly account: string | undefined
    readonly guessed: string | undefined
    readonly lack: string | undefined
    readonly number: number
    readonly inferred: boolean
    readonly policy: MonitorPolicy
  },
): AuditFinding {
  const { required, remedy } = RULES[monitor.id] ?? { required: () => monitor.title, remedy: 'See the clause.' }
  const because = by.guessed ?? (always ? (finding.excuse ?? by.lack) : TIMES)
  const isSure = because === undefined
  const isGuessed = by.inferred && monitor.needs.includes('requestIds')
  const { account } = by
  return {
    id: `${monitor.id}/${by.number}`,
    rule: monitor.id,
    verdict: isSure ? 'fail' : 'inconclusive',
    // As early as it can have been: an error is one for sure.
    severity: severityOf(monitor, Math.min(finding.atMs, offence?.sent.earliestMs ?? finding.atMs)),
    confidence: confidenceOf({ isSure, isGuessed, whose: by.guessed !== undefined }, offence),
    ids: monitor.ids,
    ...(account === undefined ? {} : { account }),
    ...(trigger === undefined ? {} : { trigger: evidenceOf(trigger) }),
    ...(offence === undefined
      ? at === undefined
        ? {}
        : { offence: placeOf(at, finding.atMs) }
      : { offence: evidenceOf(offence) }),
    observed: finding.evidence,
    required: required(trigger, by.policy),
    remedy,
    ...(isSure ? {} : { because }),
  }
}

function confidenceOf(
  { isSure, isGuessed, whose }: { isSure: boolean; isGuessed: boolean; whose: boolean },
  offence: Exchange | undefined,
) {
  if (whose || (isGuessed && offence?.request.method === 'GET')) return 'low'
  return isSure && !isGuessed ? 'high' : 'medium'
}

const evidenceOf = ({ at, sent, request: { method, path, status } }: Exchange): Evidence => ({
  at,
  time: sent,
  request: `${method} ${path} → ${status === 'dropped' ? 'no answer' : status}`,
})

const placeOf = (at: Locator, atMs: number): Evidence => ({
  at,
  time: { earliestMs: atMs, latestMs: atMs },
  request: 'no request',
})
