import { createMonitors, type Monitor, type MonitorPolicy } from '../monitors/index.ts'
import { DEFAULT_POLICY } from '../policy/defaults.ts'
import type { Unlisted } from './docket.ts'
import type { Item, Recording } from './exchange.ts'
import { findingOf, WHOSE } from './findings.ts'
import { createJudges, type Judged } from './judges.ts'
import { evidenceOf, isWhose, lacksOf } from './lacks.ts'
import { READINGS, type Reading } from './readings.ts'
import type { AuditedFile, AuditFinding, AuditReport, RuleResult } from './report.ts'
import { gravestOf, severityOf } from './severity.ts'
import { createSurvey } from './survey.ts'
import { createTimeline } from './timeline.ts'
import { whoseIsUnknown } from './unknown-accounts.ts'
import { createWaivers, type Waiver } from './waivers.ts'

/** What the auditor judges by. */
export interface JudgeOptions {
  /** Version of this package, for the report. */
  readonly version: string
  /** Numbers and switches of the policy. Default: the vendor's guide and the decisions. */
  readonly policy?: MonitorPolicy & { readonly budgetScope?: 'account' | 'origin' }
  readonly waivers?: readonly Waiver[]
  /** Time by which waivers end, ms since the epoch. */
  readonly nowMs: number
  /** Somebody said which origins the API has: all that was read is judged. Default: `Survey` finds them out. */
  readonly allOrigins?: boolean
  /** How many accounts are remembered at once. Default 2 000. */
  readonly mostAccounts?: number | undefined
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
  const waivers = createWaivers(options.waivers ?? [], options.nowMs)
  const judges = createJudges(monitors, readings, {
    ...{ perOrigin, mostAccounts: options.mostAccounts },
    tellPersons: areJournals,
    onFound: ({ atMs }) => timeline.found(atMs),
    counts: (broken, account) => {
      const monitor = monitors.find(({ id }) => id === broken.finding.monitor)
      return (
        monitor !== undefined &&
        waivers.coverOf(
          findingOf(monitor, broken, {
            account,
            guessed: undefined,
            lack: undefined,
            number: 0,
            inferred: false,
            policy,
          }),
        ) === undefined
      )
    },
  })
  const covered = (finding: AuditFinding): AuditFinding => {
    const waived = waivers.coverOf(finding)
    return waived === undefined ? finding : { ...finding, waived }
  }
  const survey = createSurvey({ allOrigins: options.allOrigins === true })
  for await (const batch of batches)
    for (const item of batch) {
      survey.see(item)
      if (item.kind === 'skipped') continue
      if (item.kind === 'exchange') timeline.see(item)
      judges.see(item)
    }
  const { isOfApi } = survey
  const everywhere = judges.end()
  const judged = everywhere.filter(({ origin }) => isOfApi(origin))
  const elsewhere = everywhere.filter(({ origin }) => !isOfApi(origin))
  const seen = survey.total()
  const accounts = judges.accounts(isOfApi)
  const traffic = judges.seen(isOfApi)
  const unknown = whoseIsUnknown(traffic)
  // To rules of token requests it does not matter whose an API request was.
  const unknownAsking = whoseIsUnknown(traffic.filter(({ account, asked }) => account !== undefined || asked))

  const lacks = lacksOf(recordings)
  const results = monitors.map((monitor) => {
    const { listed, unlisted } = evidenceOf(monitor, judged, { lacks, inferred: seen.inferred })
    const findings = listed.map(({ broken, ...whose }, index) =>
      covered(findingOf(monitor, broken, { ...whose, number: index + 1, inferred: seen.inferred, policy })),
    )
    const isOfAccount = isWhose(monitor) && !(perOrigin && monitor.id === 'invariant-2')
    const whose = seen.accountGuessed ? WHOSE : monitor.ignoresApi ? unknownAsking : unknown
    const hidden = hiddenOf(monitor, seen.authHidden) ?? (isOfAccount ? whose : undefined)
    const because = accounts === 0 ? NOTHING : (lacks.of(monitor) ?? hidden ?? elsewhereOf(monitor, elsewhere))
    const result = resultOf(monitor, findings, { unlisted, because, nowMs: options.nowMs })
    const waived = result.verdict === 'inconclusive' ? waivers.coverOfRule(monitor.id) : undefined
    return { findings, rule: { ...result, ...(waived && { waived }) } }
  })
  return {
    schema: 1,
    version: options.version,
    files: recordings.map(({ file, recording }) => fileOf(file, recording, survey.of(file))),
    ...(seen.exchanges === 0 ? {} : { from: seen.fromMs, to: seen.toMs }),
    exchanges: seen.exchanges,
    accounts,
    readings: readingsOf(policy, perOrigin),
    notes: [
      ...(options.notes?.() ?? []),
      ...forgottenNote(judges.forgotten()),
      ...(unknown === undefined ? [] : [unknown]),
      ...survey.notes(),
      ...waivers.notes(),
    ],
    rules: results.map(({ rule }) => rule),
    findings: results.flatMap(({ findings }) => findings),
    timeline: timeline.entries(isOfApi),
    timelineCut: timeline.wasCut(),
  }
}

const NOTHING = 'No request to the API is in the recordings.'

const forgottenNote = (accounts: number) =>
  accounts === 0
    ? []
    : [
        `There are so many accounts that ${accounts} were forgotten while they were idle; what came later was judged anew.`,
      ]

const fileOf = (
  file: string,
  { format, producer }: Omit<Recording, 'batches'>,
  counts = { exchanges: 0, skipped: 0 },
): AuditedFile => ({ file, format, ...(producer === undefined ? {} : { producer }), ...counts })

/** Rules that look at how requests say who they are. */
const SEES_AUTHENTICATION = ['bearer-on-every-request', 'no-basic-auth']

const hiddenOf = ({ id }: Monitor, authHidden: boolean) =>
  authHidden && SEES_AUTHENTICATION.includes(id)
    ? 'The recording leaves out how requests say who they are: record it with sensitive data.'
    : undefined

/** Rules that are about leaving something behind for good: whoever still has it may have it at a host of its own. */
const GOES_FOR_GOOD = ['no-basic-auth', 'no-api-v1']

/** Why such a rule cannot be said to hold: a host that was left out had requests that break it. */
function elsewhereOf({ id }: Monitor, elsewhere: readonly Judged[]): string | undefined {
  if (!GOES_FOR_GOOD.includes(id)) return undefined
  const host = elsewhere.find(({ listed, unlisted }) => listed.has(id) || unlisted.has(id))?.origin
  return host === undefined
    ? undefined
    : `Requests to ${host} break it, which was left out, for no token endpoint was called there: is it the API's? --origin names the hosts to audit.`
}

function resultOf(
  monitor: Monitor,
  found: readonly AuditFinding[],
  { unlisted, because, nowMs }: { unlisted: Unlisted; because: string | undefined; nowMs: number },
): RuleResult {
  const { id: rule, title, ids } = monitor
  const left = unlisted.fail + unlisted.inconclusive
  const base = {
    ...{ rule, title, ids, findings: found.length + left },
    severity: gravestOf(found.map(({ severity }) => severity)) ?? severityOf(monitor, nowMs),
    ...(left > 0 && { unlisted }),
  }
  if (because !== undefined && found.length + left === 0) return { ...base, verdict: 'inconclusive', because }
  if (unlisted.fail > 0 || found.some(({ verdict }) => verdict === 'fail')) return { ...base, verdict: 'fail' }
  if (found.length > 0) return { ...base, verdict: 'inconclusive', because: found[0]?.because }
  return { ...base, verdict: 'pass' }
}

/** Where the policy can be read in more than one way: how it was. */
const readingsOf = ({ budgetCounts, refreshUnauthorized, apiPause }: MonitorPolicy, perOrigin: boolean) => [
  `D-budget: ${budgetCounts === 'token' ? 'create, refresh and validate count' : 'every request counts'}, for each ${perOrigin ? 'origin' : 'account'}.`,
  `D-refresh-401: after a refresh answered 401 without a reason the client ${refreshUnauthorized === 'fail' ? 'stops' : 'may sign in again'}.`,
  ...(apiPause ? ['D-api-429: a 429 to an API request pauses API requests.'] : []),
]
