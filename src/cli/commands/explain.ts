import { RULES } from '../../audit/rules.ts'
import { endOf, severityOf } from '../../audit/severity.ts'
import { COVERAGE, createMonitors, type Monitor } from '../../monitors/index.ts'
import { isPolicyId, POLICY_IDS, policyEntry } from '../../policy/catalogue.ts'
import { nearestName } from '../../policy/config-error.ts'
import { DEFAULT_POLICY } from '../../policy/defaults.ts'
import { EXIT } from '../exit-codes.ts'
import { type Invocation, print } from '../output.ts'
import { readArguments, UsageError } from '../usage.ts'

const EXPLAIN_HELP = `compliancely-auth explain [ID]

What a clause of the guide, a decision or a rule of the auditor asks, where it stands, how it is
checked in recorded traffic, an example each way, and what to do. Without an ID: all of them.`

/** `explain [ID]` */
export async function explain({ argv }: Invocation): Promise<number> {
  const { values, positionals } = readArguments(argv, {}, 1)
  const [id] = positionals
  if (values.help) print(`${EXPLAIN_HELP}\n`)
  else print(id === undefined ? listOf() : `${explanation(id)}\n`)
  return EXIT.done
}

const monitors = createMonitors()

function listOf(): string {
  const line = (name: string, text: string) => `  ${name.padEnd(34)}${text}\n`
  const clauses = POLICY_IDS.map((id) => line(id, policyEntry(id).summary)).join('')
  const rules = monitors.filter(({ id }) => !isPolicyId(id)).map(({ id, title }) => line(id, title))
  return `Clauses of the guide, and decisions where it is silent (D-…):\n${clauses}\nInvariants:\n${rules.join('')}`
}

function explanation(id: string): string {
  const rule = monitors.find((each) => each.id === id)
  if (!isPolicyId(id)) {
    if (rule !== undefined)
      return [`${id}: ${rule.title}`, '', `Follows from: ${rule.ids.join(', ')}`, ...checked(rule)].join('\n')
    const known = [...POLICY_IDS, ...monitors.map((each) => each.id)]
    throw new UsageError(`unknown id '${id}'; did you mean ${nearestName(id, known)}?`)
  }
  const entry = policyEntry(id)
  const about =
    entry.kind === 'clause'
      ? `The guide, "${entry.section}": ${entry.strength}`
      : `Where the guide is silent: ${entry.section}`
  const { monitors: names, note } = COVERAGE[id]
  const rules = monitors.filter((each) => names.some((name) => name === each.id))
  return [
    `${id}: ${entry.summary}`,
    '',
    about,
    ...(note === undefined ? [] : [`In traffic: ${note}`]),
    ...rules.flatMap((each) =>
      each.id === id ? checked(each) : ['', `Checked by ${each.id}: ${each.title}`, ...checked(each)],
    ),
  ].join('\n')
}

/** What ends weighs more from that day on. */
function severityIn(rule: Monitor): string {
  const last = severityOf(rule, Number.POSITIVE_INFINITY)
  const end = endOf(rule)
  return end === undefined ? last : `${severityOf(rule, 0)} before ${end}, ${last} from then on`
}

function checked(rule: Monitor): string[] {
  const known = RULES[rule.id]
  if (known === undefined) return []
  return [
    `Severity: ${severityIn(rule)}. Needs: ${rule.needs.length === 0 ? 'times, endpoints and statuses' : rule.needs.join(', ')}.`,
    `Asks for: ${known.required(undefined, DEFAULT_POLICY)}`,
    `Broken:   ${known.example.broken}`,
    `Kept:     ${known.example.kept}`,
    `To do:    ${known.remedy}`,
  ]
}
