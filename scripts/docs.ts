/**
 * Writes the generated parts of the docs, each between `<!-- generated:NAME -->` and `<!-- /generated -->`.
 * `node scripts/docs.ts [--check] [root]`; with `--check` it writes nothing, names each file that is out of date, and
 * exits 1.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mermaid } from '../src/view/diagram.ts'
import {
  clausesTable,
  decisionsTable,
  errorsTable,
  guardsTable,
  invariantsTable,
  optionsTable,
  statesTable,
  transitionsTable,
} from '../src/view/tables.ts'
import { gaps, readSources, trace, traceabilityTable } from './traceability.ts'

const sources = readSources(join(import.meta.dirname, '..'))

const fenced = (diagram: string) => ['```mermaid', diagram, '```'].join('\n')

const PARTS: Readonly<Record<string, () => string>> = {
  diagram: () => [fenced(mermaid('tokens')), fenced(mermaid('gate'))].join('\n\n'),
  states: () => statesTable(),
  transitions: () => transitionsTable(),
  guards: () => guardsTable(),
  clauses: () => clausesTable(),
  decisions: () => decisionsTable(),
  invariants: () => invariantsTable(),
  traceability: () => traceabilityTable(trace(sources)),
  errors: () => errorsTable(),
  options: () => optionsTable(readFileSync(join(import.meta.dirname, '../src/policy/schema.ts'), 'utf8')),
}

/** Which parts each page has to have. The README may have any. */
const PAGES: Readonly<Record<string, readonly string[]>> = {
  'README.md': [],
  'docs/lifecycle.md': ['diagram', 'states', 'transitions', 'guards'],
  'docs/policy.md': ['clauses', 'decisions', 'invariants', 'traceability'],
  'docs/errors.md': ['errors'],
  'docs/options.md': ['options'],
}

const MARKED = /(<!-- generated:([\w-]+) -->\n)[\s\S]*?(<!-- \/generated -->)/g

/** The page with its generated parts made anew; `broken` says what is wrong with its markers. */
export function generated(page: string, names: readonly string[]): { text: string; broken: string[] } {
  const broken: string[] = []
  const seen = new Set<string>()
  const text = page.replace(MARKED, (whole, open: string, name: string, close: string) => {
    seen.add(name)
    const part = PARTS[name]
    if (part !== undefined) return `${open}\n${part()}\n\n${close}`
    broken.push(`knows no part '${name}', only ${Object.keys(PARTS).join(', ')}`)
    return whole
  })
  for (const name of names) if (!seen.has(name)) broken.push(`lacks <!-- generated:${name} --> … <!-- /generated -->`)
  return { text, broken }
}

if (import.meta.main) {
  const check = process.argv.includes('--check')
  const root = process.argv.slice(2).find((argument) => !argument.startsWith('-')) ?? '.'
  let wrong = 0
  const complain = (line: string) => {
    wrong += 1
    console.error(line)
  }
  for (const [path, names] of Object.entries(PAGES)) {
    const file = join(root, path)
    if (!existsSync(file)) {
      complain(`${path} is missing`)
      continue
    }
    const before = readFileSync(file, 'utf8')
    const { text, broken } = generated(before, names)
    for (const what of broken) complain(`${path} ${what}`)
    if (text === before) continue
    if (check) complain(`${path} is out of date: run \`npm run fix\``)
    else {
      writeFileSync(file, text)
      console.log(`${path} written`)
    }
  }
  for (const gap of gaps(trace(sources), sources)) complain(gap)
  if (wrong > 0) process.exit(1)
}
