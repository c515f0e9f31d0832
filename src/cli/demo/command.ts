import { nearestName } from '../../policy/config-error.ts'
import { EXIT } from '../exit-codes.ts'
import { type Invocation, print } from '../output.ts'
import { readArguments, UsageError } from '../usage.ts'
import { liveCheck } from './live.ts'
import { runDay } from './run.ts'
import { SABOTAGES } from './sabotage.ts'

const sabotageHelp = SABOTAGES.map(({ name, breaks, what }) => `  ${name.padEnd(20)}${what} (breaks ${breaks})`).join(
  '\n',
)

export const DEMO_HELP = `compliancely-auth demo (npm start)

Starts a simulated V2 server on a free loopback port and lives days of the token lifecycle over
real HTTP, in seconds: one virtual clock stands still while a request is in flight and jumps to
the next deadline between. Closes with what the server's own log shows of each invariant of the
policy; exit code 1 when one is broken, or when the day went otherwise than planned.

  --seed N          whole number that draws jitter and traffic (default 1)
  --no-accidents    a quiet day: sign in, work, refresh
  --sabotage NAME   the same day with a client that is broken on purpose (below)
  --plain           no colours; also with NO_COLOR set, or when the output is no terminal
  --live            instead: one sign-in, one validate and one request against the real API, with
                    the credentials of the environment (COMPLIANCELY_USERNAME, COMPLIANCELY_PASSWORD,
                    COMPLIANCELY_BASE_URL); never a whole day
  --help            this

Sabotages, each of which the summary has to find:
${sabotageHelp}

Examples:
  npm start
  npm start -- --seed 7 --no-accidents
  npm start -- --sabotage retry-429
`

/** `demo` */
export async function demo({ argv, env, signal }: Invocation): Promise<number> {
  const { values } = readArguments(argv, {
    seed: { type: 'string' },
    'no-accidents': { type: 'boolean' },
    sabotage: { type: 'string' },
    plain: { type: 'boolean' },
    live: { type: 'boolean' },
  })
  if (values.help) {
    print(DEMO_HELP)
    return EXIT.done
  }
  const { seed = '1', sabotage: name } = values
  if (!/^\d{1,9}$/.test(String(seed))) throw new UsageError('--seed takes a whole number, at most 999999999')
  const sabotage = SABOTAGES.find((candidate) => candidate.name === name)
  if (name !== undefined && sabotage === undefined) {
    const names = SABOTAGES.map((candidate) => candidate.name)
    throw new UsageError(`unknown sabotage '${name}'; did you mean ${nearestName(String(name), names)}?`)
  }
  const accidents = values['no-accidents'] === undefined
  if (sabotage !== undefined && !accidents)
    throw new UsageError('--sabotage needs the accidents that bring it out: leave out --no-accidents')
  if (values.live) {
    if (sabotage !== undefined || !accidents || values.seed !== undefined)
      throw new UsageError('--live has no day to change: leave out --seed, --no-accidents and --sabotage')
    return liveCheck(env, signal)
  }
  const colour = process.stdout.isTTY === true && !env.NO_COLOR && !values.plain
  return runDay({ seed: Number(seed), accidents, sabotage, colour, signal })
}
