import type { AuditFinding, AuditReport } from '../report.ts'
import { groupsOf, type RuleGroup, verdictOf, withStatus } from './groups.ts'
import { fileText } from './terminal.ts'
import { evidenceText, utc, visibleLine } from './words.ts'

/** Characters that XML 1.0 forbids are not left in: `visible` shows them by their number. */
const xml = (text: string) => visibleLine(text).replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

/** For CI: JUnit XML, a test case a rule. What could not be judged and what is waived is skipped, with the reason. */
export function renderJunit(report: AuditReport): string {
  const groups = groupsOf(report)
  const failures = withStatus(groups, 'fail').length
  const skipped = groups.length - failures - withStatus(groups, 'pass').length
  const numbers = `tests="${groups.length}" failures="${failures}" errors="0" skipped="${skipped}" time="0"`
  const properties = [
    ['version', report.version],
    ['verdict', verdictOf(report).sentence],
    ...report.files.map((file) => ['recording', fileText(file)]),
    ...(report.from === undefined || report.to === undefined
      ? []
      : [['traffic', `${utc(report.from)} to ${utc(report.to)}`]]),
    ...report.readings.map((reading) => ['reading', reading]),
    ...report.notes.map((note) => ['note', note]),
  ].map(([name = '', value = '']) => `      <property name="${name}" value="${xml(value)}"/>`)
  return `${[
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="compliancely-auth audit" ${numbers}>`,
    `  <testsuite name="compliancely-auth audit" ${numbers}>`,
    '    <properties>',
    ...properties,
    '    </properties>',
    ...groups.flatMap(testCase),
    '  </testsuite>',
    '</testsuites>',
  ].join('\n')}\n`
}

function testCase(group: RuleGroup): string[] {
  const { rule } = group
  const open = `    <testcase classname="policy.${rule.severity}" name="${xml(`${rule.rule}: ${rule.title}`)}" time="0"`
  const inside = outcomeOf(group)
  return inside === undefined ? [`${open}/>`] : [`${open}>`, inside, '    </testcase>']
}

function outcomeOf({ rule, status, failed, unsure, waived }: RuleGroup): string | undefined {
  switch (status) {
    case 'pass':
      return undefined
    case 'fail': {
      const first = failed[0]?.observed ?? rule.title
      const left = failed.length - 1 + (rule.unlisted?.fail ?? 0)
      const more = left > 0 ? ` (and ${left} more)` : ''
      const text = failed.map(findingText).join('\n\n')
      return `      <failure type="${rule.severity}" message="${xml(first)}${more}">${text}</failure>`
    }
    case 'waived':
      return skippedBy(
        [rule, ...waived]
          .flatMap((each) => each.waived ?? [])
          .map(({ expires, reason }) => `waived until ${expires}: ${reason}`),
      )
    case 'inconclusive':
      return skippedBy([
        rule.because,
        ...unsure.map(({ observed, because }) => `${observed}: ${because ?? 'not sure'}`),
      ])
    default:
      return status satisfies never
  }
}

const skippedBy = (reasons: readonly (string | undefined)[]) => {
  const text = [...new Set(reasons)].filter((reason) => reason !== undefined).map(xml)
  return `      <skipped message="${text.join('; ') || 'could not be judged'}"/>`
}

function findingText({ id, observed, required, remedy, offence, trigger, account, ids, confidence }: AuditFinding) {
  const lines = [
    `${id}: ${observed}`,
    ...(offence === undefined ? [] : [`where: ${evidenceText(offence)}`]),
    ...(trigger === undefined ? [] : [`after: ${evidenceText(trigger)}`]),
    ...(account === undefined ? [] : [`account: ${account}`]),
    `required: ${required}`,
    `change: ${remedy}`,
    `policy: ${ids.join(', ')}; ${confidence} confidence`,
  ]
  return lines.map(xml).join('\n')
}
