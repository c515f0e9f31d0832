import type { AuditedFile, AuditFinding, AuditReport, Severity } from '../report.ts'
import { groupsOf, type RuleGroup, verdictOf, type Waived, waivedOf, withStatus } from './groups.ts'
import { type ReportOptions, settings } from './options.ts'
import { drawTimeline, type Paint } from './terminal-timeline.ts'
import { drawable, pausesOf } from './timeline.ts'
import { count, evidenceText, lengthText, placeText, utc, visible } from './words.ts'

const SGR: Readonly<Record<Paint | 'bold', string>> = {
  plain: '',
  bold: '1',
  dim: '2',
  good: '32',
  bad: '1;31',
  warn: '33',
}
const SEVERITY_PAINT: Readonly<Record<Severity, Paint>> = { error: 'bad', warning: 'warn', note: 'plain' }

type Painter = (style: Paint | 'bold', text: string) => string

/** For people at a terminal: what is broken and how to mend it, worst first; the verdict is the last line. */
export function renderTerminal(report: AuditReport, options: ReportOptions = {}): string {
  const { color, width, findingsPerRule, pauseMs } = settings(options)
  const paint: Painter = (style, text) => (color && SGR[style] !== '' ? `\u001b[${SGR[style]}m${text}\u001b[0m` : text)
  const groups = groupsOf(report)
  const entries = drawable(report.timeline)
  const drawing = { entries, pauses: pausesOf(entries, pauseMs) }

  const inFull = (finding: AuditFinding, number: number): string[] => [
    ...wrapped(`  ${number}. `, visible(finding.observed), width),
    ...fieldsOf(finding).flatMap(([name, text]) => wrapped(`     ${name.padEnd(9)} `, text, width)),
    ...indented(drawTimeline(finding, drawing, width - 5, paint)),
    '',
  ]
  const several = (findings: readonly AuditFinding[], beyond = 0) => {
    const left = findings.length - findingsPerRule + beyond
    const more = left > 0 ? [`  … and ${left.toLocaleString('en-US')} more of this rule`, ''] : []
    return [...findings.slice(0, findingsPerRule).flatMap((finding, at) => inFull(finding, at + 1)), ...more]
  }
  const broken = withStatus(groups, 'fail').flatMap((group) => [
    ...wrapped('', heading(group, paint), width),
    ...several(group.failed, group.rule.unlisted?.fail),
  ])
  const open = withStatus(groups, 'inconclusive').flatMap(({ rule, unsure }) => [
    ...wrapped('? ', `${paint('bold', visible(rule.rule))}  ${visible(rule.title)}`, width),
    ...(rule.because === undefined ? [] : wrapped('  ', visible(rule.because), width)),
    ...several(unsure, rule.unlisted?.inconclusive),
  ])
  const waived = groups.flatMap(waivedOf).flatMap((each) => waivedLines(each, width))
  const held = withStatus(groups, 'pass').flatMap(({ rule }) =>
    wrapped(`${paint('good', '✓')} `, `${visible(rule.rule)}  ${visible(rule.title)}`, width),
  )
  const { verdict, sentence } = verdictOf(report)
  const sections = [
    head(report, width, paint),
    titled(paint('bad', 'BROKEN'), broken),
    titled(paint('warn', 'COULD NOT BE JUDGED'), open),
    titled(paint('bold', 'WAIVED'), waived),
    titled(paint('good', 'HELD'), held),
    titled(
      paint('bold', 'JUDGED BY'),
      report.readings.flatMap((text) => wrapped('- ', visible(text), width)),
    ),
    titled(
      paint('bold', 'NOTES'),
      report.notes.flatMap((text) => wrapped('- ', visible(text), width)),
    ),
    [paint(verdict === 'fail' ? 'bad' : verdict === 'pass' ? 'good' : 'warn', sentence)],
  ]
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n').trimEnd())
    .join('\n\n')}\n`
}

function head({ version, files, exchanges, accounts, from, to }: AuditReport, width: number, paint: Painter): string[] {
  const looked = `${count(exchanges, 'request')} of ${count(accounts, 'account')} in ${count(files.length, 'recording')}`
  const when =
    from === undefined || to === undefined
      ? []
      : wrapped('', `${utc(from)} to ${utc(to)}, ${lengthText(to - from)}`, width)
  return [
    paint('bold', `compliancely-auth ${visible(version)}, audit: ${looked}`),
    ...when,
    ...files.flatMap(fileLine(width)),
  ]
}

const fileLine = (width: number) => (file: AuditedFile) => wrapped('  ', fileText(file), width)

/** `web.har: har of WebInspector, 180 requests, 42 others`. */
export function fileText({ file, format, producer, exchanges, skipped }: AuditedFile): string {
  const by = producer === undefined ? '' : ` of ${visible(producer)}`
  const others = skipped === 0 ? '' : `, ${count(skipped, 'other')}`
  return `${visible(file)}: ${format}${by}, ${count(exchanges, 'request')}${others}`
}

function heading({ rule, failed }: RuleGroup, paint: Painter): string {
  const found = count(Math.max(failed.length, 1), 'finding')
  const name = paint(SEVERITY_PAINT[rule.severity], `✗ ${visible(rule.rule)}`)
  return `${name} ${rule.severity}, ${found}: ${visible(rule.title)} ${paint('dim', `[${rule.ids.map(visible).join(', ')}]`)}`
}

function fieldsOf({ trigger, offence, required, remedy, confidence, because, account }: AuditFinding) {
  const fields: (readonly [string, string | undefined])[] = [
    ['where', offence && evidenceText(offence)],
    ['after', trigger && evidenceText(trigger)],
    ['account', account && visible(account)],
    ['required', visible(required)],
    ['change', visible(remedy)],
    ['unsure', because && visible(because)],
    ['trust', confidence === 'high' ? undefined : `${confidence} confidence`],
  ]
  return fields.filter((field): field is readonly [string, string] => (field[1] ?? '') !== '')
}

function waivedLines(finding: Waived, width: number): string[] {
  const where = finding.offence ?? finding.trigger
  const place = where === undefined ? '' : `, ${placeText(where.at)}`
  const { reason = '', expires = '' } = finding.waived ?? {}
  return [
    ...wrapped('~ ', `${visible(finding.rule)}: ${visible(finding.observed ?? '')}${place}`, width),
    ...wrapped('  ', `until ${visible(expires)}: ${visible(reason)}`, width),
  ]
}

const titled = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, ...lines])
const indented = (lines: readonly string[]) => lines.map((line) => `     ${line}`)

// biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours, which take no room
const COLOURS = /\u001b\[[\d;]*m/g
const widthOf = (text: string) => [...text.replace(COLOURS, '')].length

/** Words over as many lines as they need, under the first one's indentation. A longer word than a line stands alone. */
export function wrapped(prefix: string, text: string, width: number): string[] {
  const room = Math.max(10, width - widthOf(prefix))
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && widthOf(longer) > room) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line].map((rest, at) => (at === 0 ? `${prefix}${rest}` : `${' '.repeat(widthOf(prefix))}${rest}`))
}
