import { text } from 'node:stream/consumers'
import { createAuthClient } from '../client/client.ts'
import type { AuthEvent } from '../client/events.ts'
import type { AuthClient } from '../client/face.ts'
import { DEFAULT_BASE_URL } from '../client/options.ts'
import type { AuthError } from '../errors.ts'
import { openJournal } from './journal-file.ts'
import { openStore, type StoreSettings } from './store.ts'
import { UsageError } from './usage.ts'

/** What the environment says, checked. */
export interface Environment extends StoreSettings {
  readonly baseURL: string
  readonly username: string
  readonly password: string
}

/** The environment as the help text explains it. */
export const ENVIRONMENT_HELP = `Environment:
  COMPLIANCELY_USERNAME   user name
  COMPLIANCELY_PASSWORD   password, unless --password-stdin is given
  COMPLIANCELY_BASE_URL   origin of the API (default ${DEFAULT_BASE_URL})
  COMPLIANCELY_STORE      where tokens are kept: a file (default: one of your account on this machine),
                          redis://… or rediss://…, or memory: for this command alone
  COMPLIANCELY_STORE_KEY  encrypts that file: 32 bytes as base64 or hex`

/**
 * Reads the environment; the password from standard input when that is asked for, without its line end.
 *
 * @throws {UsageError} names everything that is missing, at once
 */
export async function readEnvironment(
  env: NodeJS.ProcessEnv,
  { passwordFromStdin = false, needsPassword = true }: { passwordFromStdin?: boolean; needsPassword?: boolean } = {},
): Promise<Environment> {
  const given = (name: string) => env[name]?.trim() || undefined
  const username = given('COMPLIANCELY_USERNAME')
  const password = passwordFromStdin ? (await text(process.stdin)).replace(/\r?\n$/, '') : env.COMPLIANCELY_PASSWORD
  const missing: string[] = []
  if (username === undefined) missing.push('COMPLIANCELY_USERNAME')
  if (needsPassword && !password)
    missing.push(passwordFromStdin ? 'a password on standard input' : 'COMPLIANCELY_PASSWORD (or --password-stdin)')
  if (missing.length > 0) throw new UsageError(`missing: ${missing.join(', ')}`)
  return {
    baseURL: given('COMPLIANCELY_BASE_URL') ?? DEFAULT_BASE_URL,
    username: username ?? '',
    password: password ?? '',
    store: given('COMPLIANCELY_STORE'),
    storeKey: given('COMPLIANCELY_STORE_KEY'),
  }
}

/** What a command wants of its client. */
export interface ClientSettings {
  readonly onEvent?: ((event: AuthEvent) => void) | undefined
  /** The value of `--journal`: a file that is appended to. */
  readonly journal?: string | true | undefined
}

/**
 * Runs one command on a client of its own: nothing is sent that nobody asked for (`D-proactive`), and the end waits until
 * everything is stored.
 *
 * @throws {UsageError} when the journal cannot be written
 * @throws AuthError `STORE_UNAVAILABLE` where that was not to be: what was obeyed in memory alone dies with the command
 */
export async function withClient<T>(
  environment: Environment,
  work: (auth: AuthClient) => Promise<T>,
  { onEvent, journal }: ClientSettings = {},
): Promise<T> {
  const { baseURL, username, password } = environment
  const file = typeof journal === 'string' ? openJournal(journal) : undefined
  const store = await openStore(environment)
  let unstored: AuthError | undefined
  try {
    await using auth = createAuthClient({
      baseURL,
      account: username,
      credentials: password === '' ? () => Promise.reject(new Error('no password was given')) : { username, password },
      policy: { proactive: 'onDemand' },
      store,
      ...(onEvent && { onEvent }),
      ...(file && { journal: file.stream }),
    })
    const result = await work(auth)
    auth.on('error', ({ error }) => {
      if (error.code === 'STORE_UNAVAILABLE') unstored = error
    })
    await auth.close()
    if (unstored !== undefined) throw unstored
    return result
  } finally {
    await store.close?.()
    file?.close()
  }
}

/** Resolves when the record has been read; rejects where it cannot be. `D-store-down` */
export function loaded(auth: AuthClient): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const look = () => {
    if (auth.actor.getSnapshot().state !== 'loading') resolve()
  }
  const subscription = auth.actor.subscribe(look)
  const stop = auth.on('error', ({ error }) => reject(error))
  look()
  return promise.finally(() => {
    subscription.unsubscribe()
    stop()
  })
}
