import { readFileSync, writeFileSync } from 'node:fs'

/** What the last run of `npm run mutate` found: `docs/mutation.json`. No times, in a stable order. */

export interface ChartEntry {
  readonly name: string
  /** Clauses and decisions of the transition that was broken. */
  readonly ids: readonly string[]
  readonly killedBy?: 'npm test' | 'exploration' | 'fuzz'
  /** Why nothing has to notice it. */
  readonly survives?: string
}

export interface ScopeEntry {
  readonly mutants: number
  readonly killed: number
  /** Survivors that are listed with a reason, or that the share of the scope allows. */
  readonly survived: number
}

export interface MutationRecord {
  readonly chart: readonly ChartEntry[]
  readonly code: Readonly<Record<string, ScopeEntry>>
}

const FILE = new URL('../../docs/mutation.json', import.meta.url)

export const readRecord = (): MutationRecord => JSON.parse(readFileSync(FILE, 'utf8'))

/** Keeps the part that was not run. One mutant a line, so that a difference can be read. */
export function writeRecord(change: Partial<MutationRecord>): void {
  const { chart, code } = { ...readRecord(), ...change }
  const list = chart.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n')
  const scopes = Object.entries(code).map(([name, entry]) => `    ${JSON.stringify(name)}: ${JSON.stringify(entry)}`)
  writeFileSync(FILE, `{\n  "chart": [\n${list}\n  ],\n  "code": {\n${scopes.join(',\n')}\n  }\n}\n`)
}
