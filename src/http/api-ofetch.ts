import type {
  $Fetch,
  CreateFetchOptions,
  FetchContext,
  FetchHook,
  FetchOptions,
  FetchRequest,
  ResponseType,
} from 'ofetch'
import { createFetch } from 'ofetch'
import { AuthError } from '../errors.ts'
import { apiReplyKind } from '../policy/outcomes.ts'
import type { FetchLike } from './api-fetch.ts'

/**
 * The API with ofetch's face: generics, hooks, `query`, `timeout`, `.raw`, `.native`, `.create`. Everything goes through
 * `fetchLike`, which brings the token; it is in no context, hook or error of ofetch.
 *
 * By itself it never sends a request again. The caller's own `retry` works, each retry being a new API request, but not
 * for an answer that refuses the token, nor a 429, nor an {@link AuthError}, which arrives as itself and in no
 * `FetchError`.
 *
 * @see decision `D-api-5xx`
 */
export function createApiOfetch(fetchLike: FetchLike, { baseURL }: { readonly baseURL: URL | string }): $Fetch {
  return bounded(createFetch({ fetch: fetchLike, defaults: { baseURL: String(baseURL) } }), undefined)
}

/** @param onRequest the caller's default hooks, which an `onRequest` of one call replaces */
function bounded(inner: $Fetch, onRequest: FetchOptions['onRequest']): $Fetch {
  const withOurs = <R extends ResponseType>(options?: FetchOptions<R>): FetchOptions<R> => {
    const { onRequest: theirs } = { onRequest, ...options }
    return { ...options, onRequest: [...listed(theirs), boundRetries] }
  }
  const call = <T, R extends ResponseType>(request: FetchRequest, options?: FetchOptions<R>) =>
    inner<T, R>(request, withOurs(options))
  const faces: Pick<$Fetch, 'raw' | 'native' | 'create'> = {
    raw: (request, options) => inner.raw(request, withOurs(options)),
    native: inner.native,
    create(defaults, globals) {
      assertNoTransport(globals)
      const next = { onRequest, ...globals?.defaults, ...defaults }
      return bounded(inner.create(defaults, globals), next.onRequest)
    },
  }
  return Object.assign(call, faces)
}

/** Another transport would go without a token, and past every guard. */
function assertNoTransport(globals: CreateFetchOptions | undefined): void {
  if (globals?.fetch === undefined) return
  throw new AuthError('CONFIG_INVALID', 'create: `fetch` cannot be replaced here, but as an option of the client', {
    clause: 'bearer-on-every-request',
  })
}

const listed = <H>(hooks: H | H[] | undefined): H[] =>
  hooks === undefined ? [] : Array.isArray(hooks) ? hooks : [hooks]

/** Runs after the caller's `onRequest`, so that what that hook set comes before ours too. */
function boundRetries({ options }: FetchContext): void {
  const last = <C extends FetchContext>(hooks: FetchHook<C> | FetchHook<C>[] | undefined): FetchHook<C>[] => [
    ...listed(hooks),
    boundRetry,
  ]
  options.onRequestError = last(options.onRequestError)
  options.onResponseError = last(options.onResponseError)
}

/** The last word on a failed send. */
function boundRetry({ options, response, error }: FetchContext): void {
  if (error instanceof AuthError) throw error
  const kind = response && apiReplyKind(response.status, response._data?.code)
  // Left to itself, ofetch retries everything that is no POST, PUT, PATCH or DELETE.
  if (kind === 'rejection' || kind === 'throttled' || typeof options.retry !== 'number') options.retry = false
}
