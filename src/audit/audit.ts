import { createMonitors, type Monitor, type MonitorPolicy, type Need } from '../monitors/index.ts'
import { DEFAULT_POLICY } from '../policy/defaults.ts'
import type { Broken } from './account.ts'
import type { Exchange, Item, Locator, Recording } from './exchange.ts'
import { createJudges, type Judges } from './judges.ts'
import { READINGS, type Reading } from './readings.ts'
import type { AuditedFile, AuditFinding, AuditReport, Evidence, RuleResult } from './report.ts'
import { RULES, severityOf } from './rules.ts'
import { createTimeline } from './timeline.ts'
import { type Waiver, waive } from './waivers.ts'

/** What the auditor judges by. */
export interface JudgeOptions {
  /** Version of this package, for the report. */
  readonly version: string
  /** Numbers and switches of the policy. Default: the vendor's guide and the decisions. */
  readonly policy?: MonitorPolicy & { readonly budgetScope?: 'account' | 'origin' }
  readonly waivers?: readonly Waiver[]
  /** Time by which waivers end, ms since the epoch. */
  readonly nowMs: number
  /** More for whoever reads the report: an order that was restored by a sort. Asked once everything is read. */
  readonly notes?: () => readonly string[]
}

/**
 * Judges what recordings hold.
 *
 * @param recordings where the items are from; their abilities are asked at the end
 * @param batches all items by the time they were sent, those of one account together or not
 */
export async function judgeRecordings(
  recordings: readonly { readonly file: string; readonly recording: Omit<Recording, 'batches'> }[],
  batches: AsyncIterable<readonly Item[]> | Iterable<readonly Item[]>,
  options: JudgeOptions,
): Promise<AuditReport> {
  const policy = options.policy ?? DEFAULT_POLICY
  const monitors = createMonitors(policy)
  // Our own journals know their times; everything else knows them to within.
  const areJournals = recordings.every(({ recording }) => recording.format === 'journal')
  const readings: readonly Reading[] = areJournals ? ['late'] : READINGS
  const perOrigin = options.policy?.budgetScope === 'origin'
  const timeline = createTimeline()
  const judges = createJudges(monitors, readings, {
    perOrigin,
    tellPersons: areJournals,
    onBroken: ({ finding }) => timeline.found(finding.atMs),
  })
  const counted = new Map<string, { file: string; exchanges: number; skipped: number }>()
  const seen = {
    from: Number.POSITIVE_INFINITY,
    to: Number.NEGATIVE_INFINITY,
    exchanges: 0,
    inferred: false,
    authHidden: false,
  }
  let counts: { file: string; exchanges: number; skipped: number } | undefined
  for await (const batch of batches)
    for (const item of batch) {
      const { file } = item.at
      if (counts?.file !== file) {
        counts = counted.get(file) ?? { file, exchanges: 0, skipped: 0 }
        counted.set(file, counts)
      }
      if (item.kind === 'skipped') {
        counts.skipped++
        continue
      }
      if (item.kind === 'exchange') {
        counts.exchanges++
        seen.exchanges++
        seen.from = Math.min(seen.from, item.sent.earliestMs)
        seen.to = Math.max(seen.to, item.answered.latestMs)
        seen.authHidden ||= item.authHidden === true
        seen.inferred ||= item.sameAs !== undefined && item.request.requestId === undefined
        timeline.see(item)
      }
      judges.see(item)
    }
  judges.end()

  const lacking = lacksOf(recordings.map(({ recording }) => recording))
  const rules: RuleResult[] = []
  const findings: AuditFinding[] = []
  for (const monitor of monitors) {
    const missing = monitor.needs.filter((need) => lacking.has(need))
    const because =
      seen.authHidden && SEES_AUTHENTICATION.includes(monitor.id)
        ? 'The recording leaves out how requests say who they are: record it with sensitive data.'
        : lacking.get(missing[0] as Need)
    // Which sends are one request was guessed: that shows a fault, and never that there is none.
    const isGuessed = seen.inferred && missing.length === 1 && missing[0] === 'requestIds'
    const broken = because === undefined || isGuessed ? brokenOf(monitor, judges) : []
    const found = broken.map((each, index) =>
      findingOf(monitor, each, { index, readings: readings.length, inferred: seen.inferred, policy }),
    )
    findings.push(...found)
    rules.push(resultOf(monitor, found, moreOf(monitor, judges), because))
  }
  const { findings: covered, notes } = waive(findings, options.waivers ?? [], options.nowMs)
  return {
    schema: 1,
    version: options.version,
    files: recordings.map(({ file, recording }) => fileOf(file, recording, counted.get(file))),
    ...(seen.exchanges === 0 ? {} : { from: seen.from, to: seen.to }),
    exchanges: seen.exchanges,
    accounts: judges.accounts(),
    readings: readingsOf(policy, perOrigin),
    notes: [...(options.notes?.() ?? []), ...notes],
    rules,
    findings: covered,
    timeline: timeline.entries,
    timelineCut: timeline.wasCut(),
  }
}

const fileOf = (
  file: string,
  { format, producer }: Omit<Recording, 'batches'>,
  counts = { exchanges: 0, skipped: 0 },
): AuditedFile => ({ file, format, ...(producer === undefined ? {} : { producer }), ...counts })

/** Rules that look at how requests say who they are. */
const SEES_AUTHENTICATION = ['bearer-on-every-request', 'no-basic-auth']

/** What at least one of the recordings does not tell, and why. */
function lacksOf(recordings: readonly Omit<Recording, 'batches'>[]): ReadonlyMap<Need, string> {
  const lacking = new Map<Need, string>()
  for (const { format, abilities } of recordings) {
    const { tells, lacks } = abilities()
    for (const need of NEEDS)
      if (!tells.includes(need) && !lacking.has(need)) lacking.set(need, lacks[need] ?? `${format} does not tell it`)
  }
  return lacking
}

const NEEDS: readonly Need[] = [
  ...(['demands', 'settlements', 'aborts', 'signOuts', 'outputs'] as const),
  ...(['origins', 'requestIds', 'tokens', 'credentials'] as const),
]

const brokenOf = ({ id }: Monitor, { audits }: Judges) =>
  [...audits]
    .flatMap(({ audit, account }) => (audit.broken.get(id) ?? []).map((each) => ({ ...each, account })))
    .toSorted((a, b) => a.finding.atMs - b.finding.atMs)

const moreOf = ({ id }: Monitor, { audits }: Judges) =>
  [...audits].reduce((sum, { audit }) => sum + (audit.more.get(id) ?? 0), 0)

function findingOf(
  monitor: Monitor,
  { finding, at, offence, trigger, readings, account }: Broken & { account: string | undefined },
  by: { index: number; readings: number; inferred: boolean; policy: MonitorPolicy },
): AuditFinding {
  const { required, remedy } = RULES[monitor.id] ?? { required: () => monitor.title, remedy: 'See the clause.' }
  const because =
    readings < by.readings
      ? 'The times of the recording are known to within; by some readings of them all is well.'
      : finding.excuse
  const isSure = because === undefined
  const isGuessed = by.inferred && monitor.needs.includes('requestIds')
  return {
    id: `${monitor.id}/${by.index + 1}`,
    rule: monitor.id,
    verdict: isSure ? 'fail' : 'inconclusive',
    severity: severityOf(monitor),
    confidence: isGuessed ? (offence?.request.method === 'GET' ? 'low' : 'medium') : isSure ? 'high' : 'medium',
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

function resultOf(
  monitor: Monitor,
  found: readonly AuditFinding[],
  more: number,
  because: string | undefined,
): RuleResult {
  const { id: rule, title, ids } = monitor
  const base = {
    rule,
    title,
    ids,
    severity: severityOf(monitor),
    findings: found.length + (found.length > 0 ? more : 0),
  }
  if (because !== undefined && found.length === 0) return { ...base, verdict: 'inconclusive', because }
  if (found.some(({ verdict }) => verdict === 'fail')) return { ...base, verdict: 'fail' }
  if (found.length > 0) return { ...base, verdict: 'inconclusive', because: found[0]?.because }
  return { ...base, verdict: 'pass' }
}

/** Where the policy can be read in more than one way: how it was. */
const readingsOf = ({ budgetCounts, refreshUnauthorized, apiPause }: MonitorPolicy, perOrigin: boolean) => [
  `D-budget: ${budgetCounts === 'token' ? 'create, refresh and validate count' : 'every request counts'}, for each ${perOrigin ? 'origin' : 'account'}.`,
  `D-refresh-401: after a refresh answered 401 without a reason the client ${refreshUnauthorized === 'fail' ? 'stops' : 'may sign in again'}.`,
  ...(apiPause ? ['D-api-429: a 429 to an API request pauses API requests.'] : []),
]
