import { text } from 'node:stream/consumers'
import type { AuthClientOptions } from '../client/face.ts'
import { DEFAULT_BASE_URL } from '../client/options.ts'
import { UsageError } from './usage.ts'

/** What the environment says, checked. */
export interface Environment {
  readonly baseURL: string
  readonly username: string
  readonly password: string
}

/** The environment as the help text explains it. */
export const ENVIRONMENT_HELP = `Environment:
  COMPLIANCELY_USERNAME   user name
  COMPLIANCELY_PASSWORD   password, unless --password-stdin is given
  COMPLIANCELY_BASE_URL   origin of the API (default ${DEFAULT_BASE_URL})
  COMPLIANCELY_STORE      where tokens are kept: memory: (default) keeps them for one command`

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
  const store = given('COMPLIANCELY_STORE') ?? 'memory:'
  if (store !== 'memory:')
    throw new UsageError(
      'COMPLIANCELY_STORE can only be memory: in this version; files and Redis come with a later one',
    )

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
  }
}

/** The options of a client for one command: tokens in memory, nothing sent that nobody asked for. `D-proactive` */
export const clientOptions = ({ baseURL, username, password }: Environment): AuthClientOptions => ({
  baseURL,
  account: username,
  credentials: password === '' ? () => Promise.reject(new Error('no password was given')) : { username, password },
  policy: { proactive: 'onDemand' },
})
