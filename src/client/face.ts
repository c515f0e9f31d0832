import type { $Fetch } from 'ofetch'
import type { Clock } from '../clock.ts'
import type { FetchLike } from '../http/api-fetch.ts'
import type { PolicyOptions } from '../policy/schema.ts'
import type { TokenStore } from '../store/store.ts'
import type { Credentials, CredentialsOption } from './credentials.ts'
import type { AuthEvent, AuthEventOf } from './events.ts'
import type { LifecycleSnapshot } from './snapshot.ts'
import type { AuthStatus } from './status.ts'

/** What `createAuthClient` takes. Anything else is `CONFIG_INVALID`. */
export interface AuthClientOptions {
  /** Origin of the API, https unless the host is loopback. Default `https://app1.compliancely.com`. `D-origin` */
  baseURL?: string | URL
  /** User name and password, or a callback asked before each sign-in. `D-credentials` */
  credentials: CredentialsOption
  /** Name of the account, which keys its record. Default: the static user name; required with a callback. */
  account?: string
  /** Where the record is kept. Default: in memory, for this client alone. */
  store?: TokenStore
  /** What differs from the documented defaults; see docs/options.md. */
  policy?: PolicyOptions
  /** Time and timers. Default: the system's. */
  clock?: Clock
  /** The transport. Default: the global `fetch`. */
  fetch?: (input: string | URL | Request, init?: RequestInit) => Promise<Response>
  /** Uniform in [0, 1): jitter and back-off. Default: `Math.random`. */
  random?: () => number
  /** Told of everything that `on` tells. */
  onEvent?: (event: AuthEvent) => void
  /** An XState inspector, for instance Stately's. It sees facts and times, no token. */
  inspect?: (event: unknown) => void
  /**
   * Takes what the client sends and is asked, a line of JSON at a time, for an auditor; nothing secret. No request waits for
   * it: up to 10 000 lines are queued for a slow stream, further ones are left out, and the journal says so. One that fails
   * is given up with an `error` event. `close()` waits up to 5 s for what is queued, and leaves the stream open.
   */
  journal?: WritableStream<string>
}

/** How `getAccessToken` waits. */
export interface TokenOptions {
  /** Ends this caller's wait with `ABORTED`; others and the request in flight go on. */
  signal?: AbortSignal | undefined
  /** ms, default 90 000. Ends the wait with `TIMEOUT`, or with what stands in the way. `D-time-outs` */
  timeoutMs?: number | undefined
  /** Only a pair newer than the one held now will do. `D-force` */
  forceRefresh?: boolean | undefined
  /** Wait for the end of a pause, if the time-out allows, instead of failing at once. `D-pause` */
  waitForPause?: boolean | undefined
}

/** The client of one account. */
export interface AuthClient {
  /** ofetch's `$Fetch`, with the token on every request. Its own retries are off unless asked for, and never on 401 or 429. */
  readonly fetch: $Fetch
  /** The same as a plain `fetch`, for openapi-fetch, ky, axios' fetch adapter. */
  readonly fetchLike: FetchLike
  /** A usable access token. Rejects with an `AuthError`. */
  getAccessToken(options?: TokenOptions): Promise<string>
  /** Asks the server whether the access token held is valid. With none, `{ valid: false }` and nothing is sent. `D-validate` */
  validate(options?: Pick<TokenOptions, 'signal' | 'timeoutMs'>): Promise<{ valid: boolean; expiresAtMs?: number }>
  status(): AuthStatus
  /** Returns the function that removes the listener. */
  on<T extends AuthEvent['type']>(type: T, listener: (event: AuthEventOf<T>) => void): () => void
  /** The chart, to look at. */
  readonly actor: {
    getSnapshot(): LifecycleSnapshot
    subscribe(listener: (snapshot: LifecycleSnapshot) => void): { unsubscribe(): void }
  }
  /** Signs in, with other credentials if given. Sends nothing when a usable token is held and they are the same. `D-sign-in` */
  signIn(credentials?: Credentials): Promise<void>
  /** Discards the pair and answers every demand `SIGNED_OUT` until `signIn()`; on a shared store for all. `D-sign-out` */
  signOut(): Promise<void>
  /** Discards the pair and clears latch and marks; pause, budget and back-off stay. */
  reset(): Promise<void>
  /** Waits until the request in flight is stored or timed out, then ends everything. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
