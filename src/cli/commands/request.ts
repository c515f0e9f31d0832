import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { type ClientSettings, type Environment, readEnvironment, withClient } from '../environment.ts'
import { EXIT } from '../exit-codes.ts'
import { JOURNAL_HELP, JOURNAL_OPTION } from '../journal-file.ts'
import { type Invocation, note, print } from '../output.ts'
import { readArguments, UsageError } from '../usage.ts'

const REQUEST_HELP = `compliancely-auth request METHOD PATH [--data JSON|@FILE|-] [--password-stdin] [--journal FILE]

Sends one API request with the access token and prints the body of the answer, also when
the API refuses (exit code 16 for a status of 400 or above).

  --data JSON        body, as JSON; @FILE reads it from a file, - from standard input
  --password-stdin   read the password from standard input
${JOURNAL_HELP}

Example: compliancely-auth request GET /api/v2/whoami/`

/** The input could not be read: exit code 3. */
class UnreadableInput extends Error {}

interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly body: string | undefined
}

/** `request METHOD PATH` */
export async function request({ argv, env, signal }: Invocation): Promise<number> {
  const { values, positionals } = readArguments(
    argv,
    { data: { type: 'string' }, 'password-stdin': { type: 'boolean' }, ...JOURNAL_OPTION },
    2,
  )
  if (values.help) {
    print(`${REQUEST_HELP}\n`)
    return EXIT.done
  }
  const [method = '', path = ''] = positionals
  if (!/^[A-Za-z]+$/.test(method)) throw new UsageError('request needs a METHOD, such as GET, and a PATH')
  if (!path.startsWith('/')) throw new UsageError('request needs a PATH that begins with /, such as /api/v2/whoami/')
  if (values.data === '-' && values['password-stdin'])
    throw new UsageError('--data - and --password-stdin both read standard input; give one of them another way')

  const environment = await readEnvironment(env, { passwordFromStdin: values['password-stdin'] === true })
  let body: string | undefined
  try {
    body = await readData(values.data as string | undefined)
  } catch (error) {
    if (!(error instanceof UnreadableInput)) throw error
    note(error.message)
    return EXIT.unreadable
  }
  const { status, statusText } = await send(
    environment,
    { method: method.toUpperCase(), path, body },
    { signal, journal: values.journal },
  )
  if (status < 400) return EXIT.done
  note(`the API answered ${status} ${statusText}`.trimEnd())
  return EXIT.apiRefused
}

const send = (
  environment: Environment,
  { method, path, body }: ApiRequest,
  { signal, journal }: ClientSettings & { signal: AbortSignal },
) =>
  withClient(
    environment,
    async (auth) => {
      const headers = body === undefined ? {} : { 'Content-Type': 'application/json' }
      const response = await auth.fetchLike(path, { method, headers, signal, ...(body === undefined ? {} : { body }) })
      print(new Uint8Array(await response.arrayBuffer()))
      return response
    },
    { journal },
  )

async function readData(data: string | undefined): Promise<string | undefined> {
  if (data === undefined) return undefined
  if (data !== '-' && !data.startsWith('@')) {
    if (!isJson(data)) throw new UsageError('--data is not JSON; @FILE reads a file, - standard input')
    return data
  }
  const name = data === '-' ? 'standard input' : data.slice(1)
  const read = data === '-' ? await text(process.stdin) : await readFile(name, 'utf8').catch(() => undefined)
  if (read === undefined) throw new UnreadableInput(`${name} cannot be read`)
  if (!isJson(read)) throw new UnreadableInput(`${name} is not JSON`)
  return read
}

function isJson(data: string): boolean {
  try {
    JSON.parse(data)
    return true
  } catch {
    return false
  }
}
