import type { AuditFinding, AuditReport, Evidence } from '../report.ts'
import { groupsOf, type RuleGroup, verdictOf, type Waived, waivedOf, withStatus } from './groups.ts'
import { type ReportOptions, settings } from './options.ts'
import { fileText } from './terminal.ts'
import { count, instantText, lengthText, placeText, utc, visibleLine } from './words.ts'

/** A comment on GitHub holds 65 536 characters; this leaves room for what others add. */
const LONGEST_REPORT = 60_000

/**
 * Text that is nothing but text: no markup, no HTML, no cell of a table ends in it. An empty character after `@` and `#`
 * keeps a recorded path from calling people or linking issues.
 */
const text = (raw: string) =>
  visibleLine(raw)
    .replace(/[\\`*_{}[\]()<>|~&!]/g, (character) => `&#${character.codePointAt(0)};`)
    .replace(/[@#](?!\d+;)/g, '$&&#8203;')
    .replace(/\b(https?|www)(?=[:.])/gi, '$1&#8203;')

/** A span of code, whatever stands in it; `|` ends a cell even there. */
function code(raw: string): string {
  const shown = visibleLine(raw).replaceAll('|', '\\|')
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  const pad = longest > 0 ? ' ' : ''
  return `${fence}${pad}${shown}${pad}${fence}`
}

/** For a pull request: the verdict, a table of the rules, the findings, what could not be judged and why. */
export function renderMarkdown(report: AuditReport, options: ReportOptions = {}): string {
  const { findingsPerRule } = settings(options)
  const groups = groupsOf(report)
  const { verdict, sentence } = verdictOf(report)
  const icon = { fail: '❌', pass: '✅', inconclusive: '❔' }[verdict]
  const when =
    report.from === undefined || report.to === undefined
      ? []
      : [`From ${utc(report.from)} to ${utc(report.to)}, ${lengthText(report.to - report.from)}.`]
  const parts = [
    `## ${icon} ${text(sentence)}`,
    [...report.files.map((file) => `- ${text(fileText(file))}`), ...when.map((line) => `- ${line}`)].join('\n'),
    summary(groups),
    ...withStatus(groups, 'fail').flatMap((group) => [section(group), ...several(group.failed, findingsPerRule)]),
    ...listed('Could not be judged', withStatus(groups, 'inconclusive').flatMap(openLines)),
    ...listed('Waived', groups.flatMap(waivedOf).map(waivedLine)),
    ...listed(
      'Judged by',
      report.readings.map((reading) => `- ${text(reading)}`),
    ),
    ...listed(
      'Notes',
      report.notes.map((note) => `- ${text(note)}`),
    ),
    `<sub>compliancely-auth ${text(report.version)}</sub>`,
  ]
  return `${fitting(parts).join('\n\n')}\n`
}

/** As many parts as fit; the last one always does. */
function fitting(parts: readonly string[]): readonly string[] {
  const last = parts.at(-1) ?? ''
  let room = LONGEST_REPORT - last.length - 200
  const kept = parts.slice(0, -1).filter((part) => {
    const fits = part.length <= room
    room = fits ? room - part.length - 2 : 0
    return fits
  })
  const left = parts.length - 1 - kept.length
  return left === 0 ? parts : [...kept, `… ${count(left, 'part')} of this report did not fit into a comment.`, last]
}

const WORDS = { fail: '❌ broken', inconclusive: '❔ not judged', waived: '⚠️ waived', pass: '✅ held' } as const

function summary(groups: readonly RuleGroup[]): string {
  const rows = groups.map(
    ({ rule, status, failed, unsure, waived }) =>
      `| ${WORDS[status]} | ${code(rule.rule)} | ${text(rule.title)} | ${rule.severity} | ${failed.length + unsure.length + waived.length} |`,
  )
  const table = ['| | rule | what it asks | severity | findings |', '|---|---|---|---|--:|', ...rows].join('\n')
  const bad = groups.filter(({ status }) => status !== 'pass').length
  return `<details${bad > 0 ? ' open' : ''}><summary>${count(groups.length, 'rule')}, ${count(bad, 'to look at', 'to look at')}</summary>\n\n${table}\n\n</details>`
}

const section = ({ rule, failed }: RuleGroup) =>
  `### ${code(rule.rule)} ${text(rule.title)}\n\n${rule.severity}, ${count(Math.max(failed.length, 1), 'finding')}; ${rule.ids.map(code).join(', ')}`

function several(findings: readonly AuditFinding[], most: number): string[] {
  const left = findings.length - most
  const more = left > 0 ? [`… and ${left.toLocaleString('en-US')} more of this rule.`] : []
  return [...findings.slice(0, most).map((finding, at) => findingText(finding, at + 1)), ...more]
}

function findingText(finding: AuditFinding, number: number): string {
  const { observed, required, remedy, offence, trigger, account, because, confidence } = finding
  const fields = [
    ...(offence === undefined ? [] : [`- where: ${evidence(offence)}`]),
    ...(trigger === undefined ? [] : [`- after: ${evidence(trigger)}`]),
    ...(account === undefined ? [] : [`- account: ${code(account)}`]),
    `- required: ${text(required)}`,
    `- **change: ${text(remedy)}**`,
    ...(because === undefined ? [] : [`- not sure: ${text(because)}`]),
    ...(confidence === 'high' ? [] : [`- ${confidence} confidence`]),
  ]
  return [`**${number}. ${text(observed)}**`, '', ...fields].join('\n')
}

const evidence = ({ at, request, time }: Evidence) => `${code(placeText(at))} ${code(request)}, ${instantText(time)}`

const listed = (title: string, lines: readonly string[]) =>
  lines.length === 0 ? [] : [`### ${title}\n\n${lines.join('\n')}`]

const openLines = ({ rule, unsure }: RuleGroup) => [
  `- ${code(rule.rule)} ${text(rule.title)}${rule.because === undefined ? '' : ` ${text(rule.because)}`}`,
  ...unsure.map(
    ({ observed, offence, because }) =>
      `  - ${text(observed)}${offence === undefined ? '' : `, ${evidence(offence)}`}${because === undefined ? '' : `: ${text(because)}`}`,
  ),
]

const waivedLine = ({ rule, observed = '', waived }: Waived) =>
  `- ${code(rule)} ${text(observed)}: ${text(waived?.reason ?? '')} (until ${text(waived?.expires ?? '')})`
