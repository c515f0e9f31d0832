import { readEnvironment, withClient } from '../environment.ts'
import { EXIT } from '../exit-codes.ts'
import { JOURNAL_HELP, JOURNAL_OPTION } from '../journal-file.ts'
import { type Invocation, print } from '../output.ts'
import { readArguments } from '../usage.ts'

const TOKEN_HELP = `compliancely-auth token [--password-stdin] [--journal FILE]

Prints a usable access token and a newline, and nothing else.

  --password-stdin   read the password from standard input
${JOURNAL_HELP}`

/** `token` */
export async function token({ argv, env, signal }: Invocation): Promise<number> {
  const { values } = readArguments(argv, { 'password-stdin': { type: 'boolean' }, ...JOURNAL_OPTION })
  if (values.help) {
    print(`${TOKEN_HELP}\n`)
    return EXIT.done
  }
  const environment = await readEnvironment(env, { passwordFromStdin: values['password-stdin'] === true })
  const { journal } = values
  // Printed before everything is stored: a token that works is not held back for that.
  await withClient(environment, async (auth) => print(`${await auth.getAccessToken({ signal })}\n`), { journal })
  return EXIT.done
}
