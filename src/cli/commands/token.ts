import { readEnvironment, withClient } from '../environment.ts'
import { EXIT } from '../exit-codes.ts'
import { type Invocation, print } from '../output.ts'
import { readArguments } from '../usage.ts'

const TOKEN_HELP = `compliancely-auth token [--password-stdin]

Prints a usable access token and a newline, and nothing else.

  --password-stdin   read the password from standard input`

/** `token` */
export async function token({ argv, env, signal }: Invocation): Promise<number> {
  const { values } = readArguments(argv, { 'password-stdin': { type: 'boolean' } })
  if (values.help) {
    print(`${TOKEN_HELP}\n`)
    return EXIT.done
  }
  const environment = await readEnvironment(env, { passwordFromStdin: values['password-stdin'] === true })
  // Printed before everything is stored: a token that works is not held back for that.
  await withClient(environment, async (auth) => print(`${await auth.getAccessToken({ signal })}\n`))
  return EXIT.done
}
