import type { AuthStatus } from '../../client/status.ts'
import { loaded, readEnvironment, withClient } from '../environment.ts'
import { EXIT } from '../exit-codes.ts'
import { type Invocation, print } from '../output.ts'
import { readArguments } from '../usage.ts'

const STATUS_HELP = `compliancely-auth status [--json]

What is held for the account, its deadlines and what stands in the way. Sends nothing and
needs no password.

  --json   as JSON; times are ms since the epoch`

/** `status` */
export async function status({ argv, env }: Invocation): Promise<number> {
  const { values } = readArguments(argv, { json: { type: 'boolean' } })
  if (values.help) {
    print(`${STATUS_HELP}\n`)
    return EXIT.done
  }
  const environment = await readEnvironment(env, { needsPassword: false })
  const current = await withClient(environment, async (auth) => {
    await loaded(auth)
    return auth.status()
  })
  print(values.json ? `${JSON.stringify(current)}\n` : describeStatus(current))
  return EXIT.done
}

/** A status for people; one line each. */
export function describeStatus(current: AuthStatus): string {
  const time = (atMs: number | undefined) => (atMs === undefined ? undefined : new Date(atMs).toISOString())
  const { lastError } = current
  const lines: [string, string | number | undefined][] = [
    ['state', current.state],
    ['gate', current.gate],
    ['generation', current.generation || undefined],
    ['access usable until', time(current.usableUntilMs)],
    ['refresh due', time(current.refreshAtMs)],
    ['refresh usable until', time(current.refreshUsableUntilMs)],
    ['paused until', time(current.pausedUntilMs)],
    ['backing off until', time(current.backOffUntilMs)],
    ['API paused until', time(current.apiPausedUntilMs)],
    ['token requests left', current.budgetLeft],
    ['skew', current.skewMs === undefined ? undefined : `${current.skewMs} ms`],
    ['last error', lastError && `${lastError.code}: ${lastError.message}`],
  ]
  return lines.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(22)}${value}\n`])).join('')
}
