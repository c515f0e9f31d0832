import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import type { AuditReport } from '../../src/audit/report.ts'
import { auditReportSchema, type DescribedReport, schemaText } from '../../src/audit/report-schema.ts'
import { REPORTS } from '../../src/audit/reports/index.ts'
import { CLEAN, EMPTY, HOSTILE_REPORT, SAMPLE, TIMELESS } from './sample-report.ts'

const file = readFileSync(new URL('../../docs/audit-report.schema.json', import.meta.url), 'utf8')
const validate = new Ajv2020({ allErrors: true }).compile(JSON.parse(file))
const errorsOf = (text: string) => (validate(JSON.parse(text)) ? [] : (validate.errors ?? []))

// Each is the other, or this does not compile.
type Same<A, B> = [Required<A>] extends [Required<B>] ? true : false
const described: Same<AuditReport, DescribedReport> = true
const keys: Same<keyof DescribedReport, keyof AuditReport> = true

const orderOf = (value: unknown): unknown =>
  typeof value !== 'object' || value === null
    ? null
    : Array.isArray(value)
      ? value.map(orderOf)
      : Object.entries(value).map(([key, held]) => [key, orderOf(held)])

const reversed = (value: unknown): unknown =>
  typeof value !== 'object' || value === null
    ? value
    : Array.isArray(value)
      ? value.map(reversed)
      : Object.fromEntries(
          Object.entries(value)
            .reverse()
            .map(([key, held]) => [key, reversed(held)]),
        )

describe('the report for programs', () => {
  it('has a published schema that is up to date: `node scripts/report-schema.ts` writes it', () => {
    expect(file).toBe(schemaText())
    expect([described, keys]).toEqual([true, true])
  })

  it.each(Object.entries({ SAMPLE, CLEAN, EMPTY, HOSTILE_REPORT, TIMELESS }))('%s is valid by it', (_, report) => {
    expect(errorsOf(REPORTS.json.render(report))).toEqual([])
    expect(auditReportSchema.safeParse(JSON.parse(REPORTS.json.render(report))).success).toBe(true)
  })

  it.each([
    ['an unknown key', { ...SAMPLE, more: 1 }],
    ['another version', { ...SAMPLE, schema: 2 }],
    ['a rule without a verdict', { ...SAMPLE, rules: [{ ...SAMPLE.rules[0], verdict: undefined }] }],
    ['an entry 0', { ...SAMPLE, timeline: [{ ...SAMPLE.timeline[0], at: { file: 'a', entry: 0 } }] }],
    ['a finding that passes', { ...SAMPLE, findings: [{ ...SAMPLE.findings[0], verdict: 'pass' }] }],
  ])('%s is not', (_, broken) => {
    expect(errorsOf(JSON.stringify(broken)).length).toBeGreaterThan(0)
  })

  it('is the report as it is', () => {
    expect(JSON.parse(REPORTS.json.render(SAMPLE))).toEqual(JSON.parse(JSON.stringify(SAMPLE)))
  })

  it('tells its keys in the order of the schema, whatever order they came in', () => {
    const text = REPORTS.json.render(reversed(SAMPLE) as AuditReport)
    expect(text.startsWith('{\n  "schema": 1,\n  "version": "0.1.0",\n  "files"')).toBe(true)
    expect(orderOf(JSON.parse(text))).toEqual(orderOf(JSON.parse(REPORTS.json.render(SAMPLE))))
  })
})
