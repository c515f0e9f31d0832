import { type Clock, sleep } from '../clock.ts'
import { AuthError } from '../errors.ts'
import { Secret } from '../secret.ts'

/** User name and password, as the user of the library gives them. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** Static credentials, or a callback that is asked before each sign-in. `D-credentials` */
export type CredentialsOption = Credentials | (() => Credentials | Promise<Credentials>)

/** Credentials whose password nothing prints. */
export interface HeldCredentials {
  readonly username: string
  readonly password: Secret
}

export const holdCredentials = ({ username, password }: Credentials): HeldCredentials => ({
  username,
  password: new Secret(password),
})

export const sameCredentials = (a: HeldCredentials, b: HeldCredentials) =>
  a.username === b.username && a.password.reveal() === b.password.reveal()

const isCredentials = (value: unknown): value is Credentials =>
  typeof value === 'object' &&
  value !== null &&
  'username' in value &&
  typeof value.username === 'string' &&
  value.username !== '' &&
  'password' in value &&
  typeof value.password === 'string' &&
  value.password !== ''

/** Where the credentials of an account come from, and which were last used. */
export interface CredentialsSource {
  /** Whether a callback gives them, so that they may differ at the next call. */
  readonly fromCallback: boolean
  /** Asks for them, for at most `timeoutMs`. Rejects with `CREDENTIALS_UNAVAILABLE`. */
  resolve(timeoutMs: number): Promise<HeldCredentials>
  /** The static ones, or those that the callback last gave. */
  last(): HeldCredentials | undefined
  /** From now on these, given by `signIn(credentials)`. */
  replace(credentials: HeldCredentials): void
}

export function createCredentialsSource(option: CredentialsOption, clock: Clock): CredentialsSource {
  let fixed = typeof option === 'function' ? undefined : holdCredentials(option)
  let last = fixed

  return {
    get fromCallback() {
      return fixed === undefined
    },
    last: () => last,
    replace(credentials) {
      fixed = last = credentials
    },
    async resolve(timeoutMs) {
      if (fixed !== undefined) return fixed
      const callback = option as () => Credentials | Promise<Credentials>
      const given = await settledWithin(callback, timeoutMs, clock)
      if (!isCredentials(given))
        throw unavailable('gave something other than { username, password }, two non-empty strings')
      last = holdCredentials(given)
      return last
    },
  }
}

async function settledWithin(callback: () => unknown, timeoutMs: number, clock: Clock): Promise<unknown> {
  const over = new AbortController()
  const timedOut = sleep(clock, timeoutMs, over.signal).then(() => {
    throw unavailable(`did not answer within ${timeoutMs / 1000} s`)
  })
  // What the callback threw may hold what it should not: it is not passed on.
  const answered = Promise.resolve()
    .then(callback)
    .catch(() => {
      throw unavailable('rejected or threw')
    })
  try {
    return await Promise.race([answered, timedOut])
  } finally {
    timedOut.catch(() => {})
    over.abort()
  }
}

const unavailable = (what: string) =>
  new AuthError(
    'CREDENTIALS_UNAVAILABLE',
    `The credentials callback ${what}. Nothing was sent. It must resolve with { username, password } (D-credentials).`,
    { clause: 'D-credentials' },
  )

/**
 * A fingerprint that tells whether credentials are the latched ones: PBKDF2-SHA-256, base64. Computed only when a latch
 * is written or present. `D-create-4xx`
 */
export async function fingerprint(
  credentials: HeldCredentials,
  salt: string,
  rounds: number,
  clock: Clock,
): Promise<string> {
  const text = JSON.stringify([credentials.username, credentials.password.reveal()])
  const derive = async () => {
    const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(text), 'PBKDF2', false, ['deriveBits'])
    const parameters = { name: 'PBKDF2', hash: 'SHA-256', salt: new TextEncoder().encode(salt), iterations: rounds }
    return base64(new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256)))
  }
  const work = derive()
  return clock.hold?.(work) ?? work
}

/** A new salt for fingerprints, base64, 128 bits. */
export const newSalt = () => base64(crypto.getRandomValues(new Uint8Array(16)))

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
