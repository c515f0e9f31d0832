import type { AuthErrorCode } from '../errors.ts'
import { CATALOGUE, INVARIANTS, type PolicyEntry } from '../policy/catalogue.ts'
import { DEFAULT_POLICY } from '../policy/defaults.ts'
import { type Chart, type ChartTransition, readChart, triggerText } from './chart.ts'
import { ERROR_HELP, type ErrorHelp } from './error-help.ts'

/** Tables of the docs, as Markdown, from the same data that the program runs on. */

const cellOf = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
export const code = (text: string) => (text === '' ? '' : `\`${text}\``)
const codes = (texts: readonly string[]) => texts.map(code).join(', ')

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cellOf).join(' | ')} |`
  return [line(headings), `|${headings.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

/** Every state: what it means, what it runs, what it is tagged. */
export const statesTable = (chart: Chart = readChart()): string =>
  table(
    ['state', 'meaning', 'runs', 'tags', 'ids'],
    chart.states.map(({ path, description, invokes, tags, ids }) => [
      code(path),
      description,
      codes(invokes),
      codes(tags),
      codes(ids),
    ]),
  )

/** Every transition: from, what starts it, guard, target, actions, clauses and decisions, what it means. */
export const transitionsTable = (chart: Chart = readChart()): string =>
  table(
    ['from', 'on', 'guard', 'to', 'actions', 'ids', 'meaning'],
    chart.transitions.map((transition) => [
      code(transition.from),
      triggerText(transition) === 'always' ? 'always' : code(triggerText(transition)),
      code(transition.guard ?? ''),
      code(transition.target ?? ''),
      codes(transition.actions),
      codes(transition.ids),
      transition.description,
    ]),
  )

/** Every guard: the clauses and decisions of the transitions it holds, and where it stands. */
export function guardsTable(chart: Chart = readChart()): string {
  const byGuard = Map.groupBy(
    chart.transitions.filter(({ guard }) => guard !== null),
    ({ guard }) => guard ?? '',
  )
  return table(
    ['guard', 'ids', 'decides'],
    [...byGuard].map(([guard, held]) => [
      code(guard),
      codes([...new Set(held.flatMap(({ ids }) => ids))]),
      held.map(arrow).join('<br>'),
    ]),
  )
}

const arrow = ({ from, target }: ChartTransition) => (target === null ? `in ${from}` : `${from} → ${target}`)

export const clausesTable = (): string =>
  table(
    ['clause', 'strength', 'what the guide asks', 'section of the guide'],
    entries('clause').map((entry) => [code(entry.id), entry.strength, entry.summary, entry.section]),
  )

export const decisionsTable = (): string =>
  table(
    ['decision', 'question', 'choice'],
    entries('decision').map((entry) => [code(entry.id), entry.section, entry.summary]),
  )

const entries = <Kind extends PolicyEntry['kind']>(kind: Kind) =>
  CATALOGUE.filter((entry): entry is typeof entry & Extract<PolicyEntry, { kind: Kind }> => entry.kind === kind)

export const invariantsTable = (): string =>
  table(
    ['no.', 'what always holds', 'follows from'],
    INVARIANTS.map(({ number, summary, ids }) => [String(number), summary, codes(ids)]),
  )

/** Every error code: what happened, what to do, when to try again. */
export const errorsTable = (): string =>
  table(
    ['code', 'clause', 'what happened', 'what to do', '`retryAtMs`'],
    (Object.entries(ERROR_HELP) as [AuthErrorCode, ErrorHelp][]).map(([name, help]) => [
      code(name),
      code(help.clause ?? ''),
      help.happened,
      help.remedy,
      help.retryAt,
    ]),
  )

/** A member of `Policy` with its comment: what it is; unit and range; default; clause. */
const OPTION = /^ {2}\/\*\*\n((?: {3}\*.*\n)+?) {3}\*\/\n {2}readonly (\w+):/gm
const RANGE = /^(?:(?<range>.+)\. )?Defaults? (?<documented>.+)\.$/

/**
 * Every option of the policy, from the comments in `src/policy/schema.ts` (its text is `schemaSource`).
 *
 * @throws Error when an option has no comment of the usual form, or its documented default is not the default
 */
export function optionsTable(schemaSource: string): string {
  const comments = new Map([...schemaSource.matchAll(OPTION)].map(([, comment = '', name = '']) => [name, comment]))
  const rows = Object.entries(DEFAULT_POLICY).map(([name, value]) => optionRow(name, value, comments.get(name)))
  return table(['option', 'what', 'unit and range', 'default', 'ids'], rows)
}

function optionRow(name: string, value: unknown, comment: string | undefined): string[] {
  if (comment === undefined) throw new Error(`src/policy/schema.ts: ${name} has no comment`)
  const text = comment.replace(/^ {3}\* ?/gm, '').trim()
  const [body = '', see = ''] = text.split(/\n@see /)
  const lines = body.split('\n')
  const at = lines.findIndex((line) => /(?:^|\. )Defaults? /.test(line))
  const what = lines.slice(0, Math.max(0, at)).join(' ')
  const { range = '', documented = '' } = RANGE.exec(lines.slice(at).join(' '))?.groups ?? {}
  const simple = typeof value !== 'object'
  if (at < 0 || (simple && documented.replaceAll(/[_'`]/g, '') !== String(value)))
    throw new Error(`src/policy/schema.ts: the comment of ${name} says 'Default ${documented}', but it is ${value}`)
  const ids = [...see.matchAll(/`([\w-]+)`/g)].map(([, id = '']) => id)
  const shown = simple ? code(documented) : documented
  return [code(name), what, range, shown, codes(ids)]
}
