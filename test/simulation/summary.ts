import type { SimulationReport } from './simulate.ts'
import { DAYS_A_YEAR } from './units.ts'

const sum = (rows: Readonly<Record<string, number>>, which: (name: string) => boolean = () => true) =>
  Object.entries(rows).reduce((total, [name, count]) => (which(name) ? total + count : total), 0)

const table = (title: string, rows: Readonly<Record<string, number>>) => {
  const sorted = Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${title} (${sum(rows)}): ${sorted.map(([name, count]) => `${name} ${count}`).join(', ')}`
}

/** What the years came to, for people. */
export function summary(report: SimulationReport, seed: number, seconds: number): string {
  const { days, requests, faults, happened, excused, violations, unhandledRejections, traceHash } = report
  const apiRequests = sum(requests, (name) => name.startsWith('api '))
  const found = violations.map(({ replay, check, evidence }) => `\n  world ${replay.index}: ${check}: ${evidence}`)
  return [
    `seed ${seed}: ${days.toFixed(1)} days (${(days / DAYS_A_YEAR).toFixed(2)} years) in ${seconds.toFixed(1)} s`,
    `API requests a day: ${(apiRequests / days).toFixed(1)}; token requests a day: ${((sum(requests) - apiRequests) / days).toFixed(1)}`,
    table('requests', requests),
    table('faults', faults),
    table('happened', happened),
    table('excused, by the decision that says so or as an open question', excused),
    `unhandled rejections: ${unhandledRejections}`,
    `violations: ${violations.length}${found.join('')}`,
    `trace ${traceHash}`,
  ].join('\n')
}
