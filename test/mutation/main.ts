import { parseArgs } from 'node:util'
import { mutateChart } from './chart.ts'
import { mutateCode } from './code.ts'
import { SCOPES } from './scopes.ts'

/** `npm run mutate [-- --chart | --code [SCOPE…]]`: are the tests able to fail? Exit code 1 when one is not. */

const { values, positionals } = parseArgs({
  options: { chart: { type: 'boolean' }, code: { type: 'boolean' }, workers: { type: 'string' } },
  allowPositionals: true,
})
const unknown = positionals.filter((name) => !SCOPES.some((scope) => scope.name === name))
if (unknown.length > 0) {
  console.error(`unknown scope ${unknown.join(', ')}; known are ${SCOPES.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}
const everything = !values.chart && !values.code
const held: boolean[] = []
if (values.chart || everything) held.push(mutateChart(console.log))
if (values.code || everything) {
  const scopes = SCOPES.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  held.push(await mutateCode(scopes, Number(values.workers ?? 2), console.log))
}
process.exitCode = held.includes(false) ? 1 : 0
