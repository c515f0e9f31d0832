import { judgeByAll, judgeMutant } from './chart-judge.ts'
import { mutants, UNBROKEN } from './chart-mutants.ts'
import { CHART_SURVIVORS } from './chart-survivors.ts'
import { type ChartEntry, writeRecord } from './record.ts'

/**
 * Judges every mutant of the chart, says what became of it, a line each, and records it.
 *
 * @returns whether each was killed or is listed with its reason, and none of those listed was killed
 */
export function mutateChart(say: (line: string) => void): boolean {
  const { violation: falseAlarm } = judgeByAll(UNBROKEN)
  if (falseAlarm) {
    say(`the chart as it is is condemned, so nothing can be judged: ${falseAlarm.what}`)
    for (const move of falseAlarm.story) say(`  ${move}`)
    return false
  }
  const wrong: string[] = []
  const chart = mutants().map((mutant): ChartEntry => {
    const { name, ids } = mutant
    const { killedBy, violation } = judgeMutant(mutant)
    const reason = CHART_SURVIVORS[name]
    if (killedBy === null) {
      if (reason === undefined) wrong.push(`survived, and no reason is given: ${name}`)
      say(`survived  ${name}  (${reason ?? 'NO REASON GIVEN'})`)
      return { name, ids, survives: reason ?? 'unknown' }
    }
    if (reason !== undefined) wrong.push(`killed, but listed as a survivor: ${name}`)
    say(`killed    ${name}  (${killedBy}, ${violation?.story.length} moves: ${violation?.what})`)
    return { name, ids, killedBy }
  })
  const killed = chart.filter((entry) => entry.killedBy !== undefined).length
  say(`chart: ${chart.length} mutants, ${killed} killed, ${chart.length - killed} survived`)
  for (const line of wrong) say(line)
  if (wrong.length === 0) writeRecord({ chart })
  return wrong.length === 0
}
