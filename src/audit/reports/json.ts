import type { AuditReport } from '../report.ts'
import { KEY_ORDER } from '../report-schema.ts'

const rank = new Map(KEY_ORDER.map((key, at) => [key, at]))

/** For programs: the report as it is, its keys always in the order of `docs/audit-report.schema.json`. */
export const renderJson = (report: AuditReport): string => `${JSON.stringify(report, inOrder, 2)}\n`

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const place = (key: string) => rank.get(key) ?? rank.size
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0)),
  )
}
