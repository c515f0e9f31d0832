/** `node test/model/public/report.ts`: which path of the public client takes which transition of the chart. */
import { BY_HAND } from './by-hand.ts'
import { coverageOf, playAll, type Row } from './coverage.ts'
import { generate } from './generate.ts'

const WHO: Readonly<Record<Row['by'], string>> = {
  generated: 'by generated paths',
  'by hand': 'by paths written by hand',
  nothing: 'by none',
}

/** The figures, then a line for each transition and each answer no. */
export function report(rows: readonly Row[]): string {
  const figures = (title: string, kind: Row['kind']) => {
    const ofKind = rows.filter((row) => row.kind === kind)
    const counts = Object.entries(WHO).map(([by, who]) => `${ofKind.filter((row) => row.by === by).length} ${who}`)
    return `${title}: ${ofKind.length}; ${counts.join(', ')}`
  }
  const lines = rows.map(({ name, by, what }) => `${name}\n    ${by}: ${what || 'nobody knows why'}`)
  return [figures('transitions taken', 'transition'), figures('guards that say no', 'refusal'), '', ...lines].join('\n')
}

if (import.meta.main) console.log(report(coverageOf(await playAll(generate()), await playAll(BY_HAND))))
