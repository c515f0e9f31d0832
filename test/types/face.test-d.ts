/**
 * Type tests of the public face. `tsc` runs them with `npm run check`: a face that changes does not compile here.
 * Nothing in this file is executed.
 */
import { expectTypeOf } from 'vitest'
import {
  type AuthClient,
  type AuthClientOptions,
  AuthError,
  type AuthErrorCode,
  type AuthEvent,
  type AuthStatus,
  type Clock,
  type Credentials,
  createAuthClient,
  type ErrorEvent,
  type FetchLike,
  memoryStore,
  type PolicyOptions,
  type RequestEvent,
  type Secret,
  systemClock,
  type TokenOptions,
  type TokenStore,
  type TransitionEvent,
} from '../../src/index.ts'

const credentials: Credentials = { username: 'demo', password: 'demo-password' }
const auth = createAuthClient({ credentials })

interface Answer {
  success: boolean
}

export async function faces(): Promise<void> {
  expectTypeOf(auth).toEqualTypeOf<AuthClient>()

  // ofetch's face, generics and all.
  expectTypeOf(await auth.fetch<Answer>('/x')).toEqualTypeOf<Answer>()
  expectTypeOf(await auth.fetch('/x', { responseType: 'text' })).toEqualTypeOf<string>()
  expectTypeOf(await auth.fetch('/x', { responseType: 'blob' })).toEqualTypeOf<Blob>()
  expectTypeOf((await auth.fetch.raw<Answer>('/x'))._data).toEqualTypeOf<Answer | undefined>()
  expectTypeOf(auth.fetch.create({ retry: 2 })).toEqualTypeOf(auth.fetch)
  await auth.fetch('/x', { method: 'POST', body: { a: 1 }, query: { b: 2 }, retry: 1, timeout: 5 })
  // @ts-expect-error: no such option
  await auth.fetch('/x', { bodi: {} })

  // A plain fetch, for whoever takes one.
  expectTypeOf(auth.fetchLike).toExtend<typeof fetch>()
  expectTypeOf(auth.fetchLike).toEqualTypeOf<FetchLike>()
  expectTypeOf(await auth.fetchLike(new URL('https://a.test'))).toEqualTypeOf<Response>()

  expectTypeOf(auth.getAccessToken).parameter(0).toEqualTypeOf<TokenOptions | undefined>()
  expectTypeOf(await auth.getAccessToken()).toEqualTypeOf<string>()
  await auth.getAccessToken({ signal: undefined, timeoutMs: undefined, forceRefresh: undefined, waitForPause: true })
  // @ts-expect-error: the unit is in the name
  await auth.getAccessToken({ timeout: 5 })

  expectTypeOf(await auth.validate()).toEqualTypeOf<{ valid: boolean; expiresAtMs?: number }>()
  expectTypeOf(auth.status()).toEqualTypeOf<AuthStatus>()
  expectTypeOf(auth.signIn).toEqualTypeOf<(credentials?: Credentials) => Promise<void>>()
  expectTypeOf(auth.signOut).toEqualTypeOf<() => Promise<void>>()
  expectTypeOf(auth.reset).toEqualTypeOf<() => Promise<void>>()
  expectTypeOf(auth.close).toEqualTypeOf<() => Promise<void>>()
  expectTypeOf(auth).toExtend<AsyncDisposable>()
  // @ts-expect-error: a password alone is no credentials
  await auth.signIn({ password: 'x' })

  // To look at, not to send to.
  expectTypeOf(auth.actor).not.toHaveProperty('send')
  expectTypeOf(auth.actor.getSnapshot().state).toEqualTypeOf<string>()
  expectTypeOf(auth.actor.getSnapshot().tags).toEqualTypeOf<ReadonlySet<'busy' | 'stopped' | 'paused'>>()

  expectTypeOf(auth.on('transition', (event) => expectTypeOf(event).toEqualTypeOf<TransitionEvent>())).toEqualTypeOf<
    () => void
  >()
  auth.on('request', (event) => expectTypeOf(event).toEqualTypeOf<RequestEvent>())
  auth.on('error', (event) => expectTypeOf(event).toEqualTypeOf<ErrorEvent>())
  // @ts-expect-error: no such event
  auth.on('transitions', () => {})

  // Nothing of the status is optional by accident, nor writable.
  expectTypeOf(auth.status().budgetLeft).toEqualTypeOf<number>()
  expectTypeOf(auth.status().pausedUntilMs).toEqualTypeOf<number | undefined>()
  // @ts-expect-error: to read
  auth.status().state = 'valid'
}

export function options(): void {
  createAuthClient({ credentials: async () => credentials, account: 'demo', baseURL: new URL('https://a.test') })
  createAuthClient({
    credentials,
    store: memoryStore({ clock: systemClock() }),
    policy: { pauseMs: 1, paths: { create: '/' } },
  })
  createAuthClient({
    credentials,
    fetch,
    random: () => 0.5,
    onEvent: (event) => void event,
    inspect: (event) => void event,
    journal: new WritableStream<string>(),
  })
  // @ts-expect-error: credentials are required
  createAuthClient({})
  // @ts-expect-error: no such option
  createAuthClient({ credentials, baseUrl: 'https://a.test' })
  // @ts-expect-error: no such policy
  createAuthClient({ credentials, policy: { pause: 1 } })
  // @ts-expect-error: one of two words
  createAuthClient({ credentials, policy: { proactive: 'never' } })
  expectTypeOf<keyof AuthClientOptions>().toEqualTypeOf<
    | 'baseURL'
    | 'credentials'
    | 'account'
    | 'store'
    | 'policy'
    | 'clock'
    | 'fetch'
    | 'random'
    | 'onEvent'
    | 'inspect'
    | 'journal'
  >()
  expectTypeOf<PolicyOptions['refreshUnauthorized']>().toEqualTypeOf<'fail' | 'recreate' | undefined>()
  expectTypeOf<TokenStore['subscribe']>().extract<undefined>().toEqualTypeOf<undefined>()
  expectTypeOf(systemClock()).toEqualTypeOf<Clock>()
  expectTypeOf<ReturnType<Secret['reveal']>>().toEqualTypeOf<string>()
}

/** A `switch` over the codes can end in `satisfies never`; a code that is added or taken away breaks this one. */
export function exhaustive(error: AuthError): string {
  expectTypeOf(error.code).toEqualTypeOf<AuthErrorCode>()
  expectTypeOf(error.clause).toEqualTypeOf<string | undefined>()
  expectTypeOf(error.retryAtMs).toEqualTypeOf<number | undefined>()
  expectTypeOf(error.status).toEqualTypeOf<number | undefined>()
  switch (error.code) {
    case 'CONFIG_INVALID':
    case 'CREDENTIALS_UNAVAILABLE':
    case 'INVALID_CREDENTIALS':
    case 'SIGN_IN_REJECTED':
    case 'REFRESH_REJECTED':
    case 'REFRESH_UNAUTHORIZED':
    case 'THROTTLED':
    case 'BUDGET_EXHAUSTED':
    case 'API_THROTTLED':
    case 'UNAVAILABLE':
    case 'LEASE_HELD':
    case 'STORE_UNAVAILABLE':
    case 'SIGNED_OUT':
    case 'TIMEOUT':
    case 'ABORTED':
    case 'CLOSED':
    case 'ORIGIN_REFUSED':
    case 'REQUEST_REFUSED':
    case 'BODY_NOT_REPLAYABLE':
      return error.code
    default:
      return error.code satisfies never
  }
}

export function exhaustiveEvents(event: AuthEvent): string {
  switch (event.type) {
    case 'transition':
      return event.to
    case 'request':
      return event.endpoint === 'api' ? `${event.generation}` : event.why
    case 'error':
      expectTypeOf(event.error).toEqualTypeOf<AuthError>()
      return event.error.code
    case 'finding':
      return event.evidence
    default:
      return event satisfies never
  }
}

// @ts-expect-error: a code of the union only
export const unknownCode = new AuthError('SOMETHING_ELSE', 'no')
