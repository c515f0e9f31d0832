import { policyEntry } from '../../policy/catalogue.ts'
import type { Locator } from '../exchange.ts'
import type { AuditedFile, AuditFinding, AuditReport, Evidence } from '../report.ts'
import { groupsOf, type RuleGroup, verdictOf } from './groups.ts'
import { type ReportOptions, settings } from './options.ts'
import { count, evidenceText, isTime, placeText, utc, visible, visibleLine } from './words.ts'

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'

/**
 * For code scanning: SARIF 2.1.0. Each finding is a result; so is each rule that held (`pass`) or could not be judged
 * (`open`), so that silence is never taken for a verdict. What is waived carries its suppression.
 */
export function renderSarif(report: AuditReport, options: ReportOptions = {}): string {
  const groups = groupsOf(report)
  const results = groups.flatMap((group, ruleIndex) => resultsOf(group, report).map((one) => ({ ...one, ruleIndex })))
  const { from, to, readings, exchanges, accounts, timelineCut } = report
  const run = {
    tool: { driver: { name: 'compliancely-auth', version: visible(report.version), rules: groups.map(ruleOf) } },
    invocations: [invocationOf(report, options)],
    artifacts: report.files.map(artifactOf),
    columnKind: 'utf16CodeUnits',
    results,
    properties: {
      verdict: verdictOf(report).sentence,
      readings: readings.map(visible),
      exchanges,
      accounts,
      timelineCut,
      ...(from === undefined ? {} : { from: utc(from) }),
      ...(to === undefined ? {} : { to: utc(to) }),
    },
  }
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] })}\n`
}

/** In a message, brackets make links and braces make placeholders. */
const plain = (text: string) =>
  visibleLine(text)
    .replace(/[\\[\]]/g, '\\$&')
    .replace(/[{}]/g, '$&$&')
const message = (text: string) => ({ text: plain(text) })

/** When the audit ran, where that is known: a report itself knows only when the recorded traffic was. */
function invocationOf({ notes }: AuditReport, options: ReportOptions) {
  const { ran } = settings(options)
  const times = ran === undefined ? {} : { startTimeUtc: utc(ran.fromMs), endTimeUtc: utc(ran.toMs) }
  const toolExecutionNotifications = notes.map((note) => ({ level: 'note', message: message(note) }))
  return { executionSuccessful: true, ...times, toolExecutionNotifications }
}

const artifactOf = ({ file, format, producer, exchanges, skipped }: AuditedFile) => ({
  location: { uri: uriOf(file) },
  roles: ['analysisTarget'],
  properties: { format, exchanges, skipped, ...(producer === undefined ? {} : { producer: visible(producer) }) },
})

function ruleOf({ rule }: RuleGroup) {
  const clauses = rule.ids.map((id) => `${visible(id)}: ${policyEntry(id as string)?.summary ?? ''}`.trim())
  return {
    id: visible(rule.rule),
    shortDescription: { text: visible(rule.title) },
    fullDescription: { text: [visible(rule.title), ...clauses].join(' ') },
    help: { text: [visible(rule.title), ...clauses].join('\n') },
    defaultConfiguration: { level: rule.severity },
    properties: { tags: rule.ids.map(visible) },
  }
}

function resultsOf(group: RuleGroup, report: AuditReport) {
  const { rule, status } = group
  const findings = [...group.failed, ...group.unsure, ...group.waived]
  if (findings.length > 0) return findings.map(resultOf)
  const ruleId = visible(rule.rule)
  const partialFingerprints = { 'rule/v1': ruleId }
  const common = { ruleId, partialFingerprints, suppressions: [] }
  if (status === 'fail')
    return [{ ...common, kind: 'fail', level: rule.severity, message: message(`Broken: ${rule.title}`) }]
  if (status === 'pass') {
    const text = `Held in ${count(report.exchanges, 'request')}: ${rule.title}`
    return [{ ...common, kind: 'pass', level: 'none', message: message(text) }]
  }
  const why = rule.because ?? 'the recording does not tell enough'
  const suppressions = suppressionsOf(rule.waived)
  return [{ ...common, kind: 'open', level: 'none', message: message(`Could not be judged: ${why}`), suppressions }]
}

function suppressionsOf(waived: AuditFinding['waived']) {
  if (waived === undefined) return []
  const justification = `${visible(waived.reason)} (until ${visible(waived.expires)})`
  return [{ kind: 'external', status: 'accepted', justification }]
}

function resultOf(finding: AuditFinding) {
  const { trigger, offence, verdict, waived, observed, required, remedy, because } = finding
  const main = offence ?? trigger
  const fails = verdict === 'fail'
  const sentences = [observed, required, remedy, ...(because === undefined ? [] : [because])]
  return {
    ruleId: visible(finding.rule),
    kind: fails ? 'fail' : 'open',
    level: fails ? finding.severity : 'none',
    message: message(sentences.map((text) => visible(text)).join('. ')),
    locations: main === undefined ? [] : [locationOf(main)],
    relatedLocations: trigger === undefined || main === trigger ? [] : [{ id: 1, ...locationOf(trigger) }],
    partialFingerprints: { 'finding/v1': fingerprintOf(finding) },
    // Either every result says whether it is suppressed, or none does.
    suppressions: suppressionsOf(waived),
    properties: {
      id: visible(finding.id),
      confidence: finding.confidence,
      ids: finding.ids,
      ...(finding.account === undefined ? {} : { account: visible(finding.account) }),
    },
  }
}

/** Stays the same when other recordings are added or a finding before it goes away; its number does not. */
function fingerprintOf({ id, rule, account = '', offence, trigger }: AuditFinding): string {
  const main = offence ?? trigger
  if (main === undefined) return visible(id)
  return [rule, account, main.request, String(main.time.earliestMs)].map(visible).join(' | ')
}

const locationOf = (evidence: Evidence) => ({
  physicalLocation: {
    artifactLocation: { uri: uriOf(evidence.at.file) },
    ...(evidence.at.line === undefined ? {} : { region: { startLine: evidence.at.line } }),
  },
  ...logicalOf(evidence.at),
  message: message(evidenceText(evidence)),
  ...(isTime(evidence.time.earliestMs) ? { properties: { time: utc(evidence.time.earliestMs) } } : {}),
})

const logicalOf = (at: Locator) =>
  at.entry === undefined
    ? {}
    : { logicalLocations: [{ name: `entry ${at.entry}`, fullyQualifiedName: placeText(at), kind: 'element' }] }

/** A path as a URI reference: absolute ones as `file:` URIs, everything that is not plain encoded. */
export function uriOf(path: string): string {
  const isWindows = /^[A-Za-z]:[\\/]/.test(path)
  const parts = (isWindows ? path.slice(2).replaceAll('\\', '/') : path).toWellFormed().split('/')
  const encoded = parts.map((part) => encodeURIComponent(part)).join('/')
  if (isWindows) return `file:///${path.slice(0, 2)}${encoded}`
  // Two slashes at the start would name a host.
  return encoded.startsWith('/') ? `file:///${encoded.replace(/^\/+/, '')}` : encoded
}
