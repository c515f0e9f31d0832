import type { AuthEvent } from '../../client/events.ts'
import type { AuthClient } from '../../client/face.ts'
import { describeStatus } from '../commands/status.ts'
import { readEnvironment, withClient } from '../environment.ts'
import { EXIT } from '../exit-codes.ts'
import { print } from '../output.ts'

/** `demo --live`: the real API, with one sign-in at most, one validate and one request. Prints no token. */
export async function liveCheck(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  const environment = await readEnvironment(env)
  const onEvent = (event: AuthEvent) => {
    if (event.type === 'error') print(`! ${event.error.message}\n`)
    if (event.type !== 'request' || event.phase === 'sent') return
    const why = event.endpoint === 'api' ? '' : `  ${event.why} [${event.ids.join(', ')}]`
    print(`→ ${event.endpoint} → ${event.status ?? 'no answer'}${why}\n`)
  }
  print(`The real API at ${new URL(environment.baseURL).origin}: one sign-in at most, one validate, one request.\n`)
  return withClient(environment, (auth) => check(auth, signal), { onEvent })
}

async function check(auth: AuthClient, signal: AbortSignal): Promise<number> {
  await auth.getAccessToken({ signal })
  const { valid } = await auth.validate({ signal })
  print(`The server calls the access token ${valid ? 'valid' : 'not valid'}.\n`)
  const { status } = await auth.fetchLike('/api/v2/whoami/', { signal })
  if (status === 404) print('There is no /api/v2/whoami/ here, which is no fault: the token was taken along.\n')
  print(describeStatus(auth.status()))
  return valid && status !== 401 && status !== 403 ? EXIT.done : EXIT.findings
}
