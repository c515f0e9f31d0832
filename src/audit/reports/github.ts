import type { AuditFinding, AuditReport } from '../report.ts'
import { groupsOf, verdictOf } from './groups.ts'
import { evidenceText, visibleLine } from './words.ts'

const COMMANDS = { error: 'error', warning: 'warning', note: 'notice' } as const

/**
 * For GitHub Actions: workflow commands that annotate the recordings. GitHub shows the first ten of a sort in a step, so
 * the verdict comes first and then the worst. What is waived is not annotated; what is not sure is a notice.
 */
export function renderGithub(report: AuditReport): string {
  const { verdict, sentence } = verdictOf(report)
  const sort = verdict === 'fail' ? 'error' : verdict === 'pass' ? 'notice' : 'warning'
  const findings = groupsOf(report).flatMap(({ failed, unsure }) => [...failed, ...unsure])
  return `${[command(sort, { title: 'compliancely-auth audit' }, sentence), ...findings.map(annotation)].join('\n')}\n`
}

function annotation(finding: AuditFinding): string {
  const { rule, ids, verdict, severity, offence, trigger, observed, required, remedy, because } = finding
  const main = offence ?? trigger
  const [first] = ids
  const properties = {
    ...(main === undefined ? {} : { file: main.at.file }),
    ...(main?.at.line === undefined ? {} : { line: String(main.at.line) }),
    title: first === undefined || first === rule ? rule : `${rule} (${first})`,
  }
  const lines = [
    observed,
    ...(offence === undefined ? [] : [`where: ${evidenceText(offence)}`]),
    ...(trigger === undefined ? [] : [`after: ${evidenceText(trigger)}`]),
    `required: ${required}`,
    `change: ${remedy}`,
    ...(because === undefined ? [] : [`not sure: ${because}`]),
  ]
  return command(verdict === 'fail' ? COMMANDS[severity] : 'notice', properties, lines.map(visibleLine).join('\n'))
}

function command(name: string, properties: Readonly<Record<string, string>>, message: string): string {
  const pairs = Object.entries(properties).map(([key, value]) => `${key}=${property(visibleLine(value))}`)
  return `::${name} ${pairs.join(',')}::${data(message)}`
}

/** The runner takes these back, and no others. */
const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
