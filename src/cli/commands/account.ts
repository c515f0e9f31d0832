import type { AuthClient } from '../../client/face.ts'
import { loaded, readEnvironment, withClient } from '../environment.ts'
import { EXIT } from '../exit-codes.ts'
import { JOURNAL_HELP, JOURNAL_OPTION } from '../journal-file.ts'
import { type Invocation, print } from '../output.ts'
import { type OptionSpec, readArguments } from '../usage.ts'

/** What a person does about an account by hand: each is one method of the client. */
interface Deed {
  readonly about: string
  /** Whether a sign-in may follow. */
  readonly signsIn: boolean
  readonly act: (auth: AuthClient, signal: AbortSignal) => Promise<number>
}

const done = async (acting: Promise<unknown>) => {
  await acting
  return EXIT.done
}

const DEEDS = {
  login: {
    about: 'Signs in where no usable token is held, and prints nothing. Ends a sign-out.',
    signsIn: true,
    act: (auth) => done(auth.signIn()),
  },
  refresh: {
    about: 'Refreshes the pair now, and prints nothing; other processes adopt it.',
    signsIn: true,
    act: (auth, signal) => done(auth.getAccessToken({ forceRefresh: true, signal })),
  },
  validate: {
    about: 'Asks the server whether the access token held is valid: exit code 0, or 1 when it is not or none is held.',
    signsIn: false,
    act: async (auth, signal) => ((await auth.validate({ signal })).valid ? EXIT.done : EXIT.findings),
  },
  logout: {
    about: 'Discards the pair. No token is given out until login; on a shared store for all.',
    signsIn: false,
    act: (auth) => done(auth.signOut()),
  },
  reset: {
    about: 'Discards the pair and lifts what stopped the account: refused credentials, a refused refresh token.',
    signsIn: false,
    act: (auth) => done(auth.reset()),
  },
} as const satisfies Readonly<Record<string, Deed>>

export const account =
  (name: keyof typeof DEEDS) =>
  async ({ argv, env, signal }: Invocation): Promise<number> => {
    const { about, signsIn, act }: Deed = DEEDS[name]
    const password: Record<string, OptionSpec> = signsIn ? { 'password-stdin': { type: 'boolean' } } : {}
    const options: Record<string, OptionSpec> = { ...password, ...JOURNAL_OPTION }
    const { values } = readArguments(argv, options)
    if (values.help) {
      const option = signsIn ? '  --password-stdin   read the password from standard input\n' : ''
      const usage = `compliancely-auth ${name}${signsIn ? ' [--password-stdin]' : ''} [--journal FILE]`
      print(`${usage}\n\n${about}\n\n${option}${JOURNAL_HELP}\n`)
      return EXIT.done
    }
    const passwordFromStdin = values['password-stdin'] === true
    const environment = await readEnvironment(env, { passwordFromStdin, needsPassword: signsIn })
    const work = async (auth: AuthClient) => {
      await loaded(auth)
      return act(auth, signal)
    }
    return withClient(environment, work, { journal: values.journal })
  }
