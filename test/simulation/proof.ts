import type { createProgress } from './progress.ts'

type Progress = ReturnType<typeof createProgress>

interface Figures {
  readonly states: number
  readonly transitions: number
  readonly depth: number
  readonly fixedPoint: boolean
}

/** `--explore`: every reachable state of the chart. Whether nothing was found and everything was seen. */
export async function exploreChart(limit: number | undefined, progress: Progress): Promise<boolean> {
  const { exploreAll, tellViolation } = await import('../model/explore-all.ts')
  const report = exploreAll({
    ...(limit === undefined ? {} : { limit }),
    onProgress: ({ slice, done, of, states, waiting }) =>
      progress((done + states / (states + waiting)) / of, `${slice}: ${states} states, ${waiting} to look at`),
  })
  progress(1, `${report.states} states`)
  const { slices, states, transitions, depth, fixedPoint, violations, lives, uncovered } = report
  const figures = (name: string, of: Figures) =>
    `${name}: ${of.states} states, ${of.transitions} transitions, depth ${of.depth}, fixed point ${of.fixedPoint ? 'reached' : 'NOT reached'}`
  console.log(slices.map((slice) => figures(slice.name, slice)).join('\n'))
  console.log(figures('all', { states, transitions, depth, fixedPoint }))
  console.log(
    `live: ${lives.served} states serve a demand once faults stop, ${lives.stopped} rest until an operator acts`,
  )
  console.log(`transitions of the chart not taken: ${uncovered.length === 0 ? 'none' : uncovered.join(', ')}`)
  console.log(`violations: ${violations}`)
  for (const slice of slices)
    for (const violation of slice.violations) console.log(`\n${tellViolation(slice.name, violation)}`)
  return violations === 0 && (fixedPoint || limit !== undefined)
}

/** `--fuzz`: random worlds of the chart in continuous time. Whether nothing was found. */
export async function fuzzChart(seed: number, sends: number, progress: Progress): Promise<boolean> {
  const { fuzz } = await import('../model/fuzz.ts')
  const report = await fuzz({ seed, sends, onProgress: (done) => progress(done.sends / sends, `${done.sends} sends`) })
  const { violations, worlds, events } = report
  console.log(`seed ${seed}: ${report.sends} sends, ${events} events in ${worlds} worlds`)
  console.log(`violations: ${violations.length}`)
  for (const { what, story } of violations) console.log(`\n${[...story, `→ ${what}`].join('\n')}`)
  return violations.length === 0
}
