import { createFetch } from 'ofetch'
import type { Clock } from '../clock.ts'
import { AuthError } from '../errors.ts'
import { httpDateMs } from '../policy/deadlines.ts'
import { type TokenEndpoint, tokenReplyKind } from '../policy/outcomes.ts'
import type { Policy } from '../policy/schema.ts'
import type { Secret } from '../secret.ts'
import { assertSameOrigin, type Fetch, fetchFollowing, parseBaseURL, resolvePath } from './origin.ts'
import {
  type Answer,
  type Head,
  type ReplyPolicy,
  readTokenReply,
  readValidateReply,
  type TokenReply,
  type Unavailable,
  type ValidateReply,
} from './token-reply.ts'
import { parseJSON } from './wire.ts'

export type { Granted, TokenReply, ValidateReply } from './token-reply.ts'

/** What is told of each token request; nothing secret. A request with a redirect is one. */
export interface TokenRequestEvent {
  readonly id: number
  readonly endpoint: TokenEndpoint
  /** `failed`: no answer that can be used arrived; one cut off in the middle has its status all the same. */
  readonly phase: 'sent' | 'answered' | 'failed'
  /** Wall-clock time, ms since the epoch. */
  readonly atMs: number
  readonly status?: number
  /** Since the send, ms of the monotonic clock. */
  readonly durationMs?: number
}

/** The JSON fields of a request. */
type Fields = Record<string, string>

/** Ends the request; it counts as sent all the same. */
export interface SendOptions {
  readonly signal?: AbortSignal | undefined
}

/** The three token requests. None throws or rejects, and nothing secret is in a reply but the `Secret`s. */
export interface TokenEndpoints {
  create(
    credentials: { readonly username: string; readonly password: Secret },
    options?: SendOptions,
  ): Promise<TokenReply>
  refresh(token: Secret, options?: SendOptions): Promise<TokenReply>
  validate(token: Secret, options?: SendOptions): Promise<ValidateReply>
}

export interface TokenEndpointsOptions {
  readonly baseURL: string | URL
  readonly policy: ReplyPolicy & Pick<Policy, 'paths' | 'wireNames' | 'maxRedirects' | 'tokenRequestTimeoutMs'>
  readonly fetch: Fetch
  readonly clock: Clock
  /** Told of each send and its end. What it throws is dropped: it must not cost a granted pair. */
  readonly onRequest?: ((event: TokenRequestEvent) => void) | undefined
  /** Numbers the requests; to be shared with the API adapter. Default: from 1. */
  readonly nextId?: (() => number) | undefined
}

/**
 * The token endpoints of one server.
 *
 * @throws {AuthError} `CONFIG_INVALID` or `ORIGIN_REFUSED` when a path does not stay below `baseURL`
 * @see decision `D-create-path`, `D-wire-names`, `D-origin`, `D-time-outs`
 */
export function createTokenEndpoints(options: TokenEndpointsOptions): TokenEndpoints {
  const { policy, clock } = options
  const { wireNames: names } = policy
  const base = parseBaseURL(String(options.baseURL))
  const urls = { create: urlOf('create'), refresh: urlOf('refresh'), validate: urlOf('validate') }
  let lastId = 0
  const nextId = options.nextId ?? (() => ++lastId)

  function urlOf(endpoint: TokenEndpoint): string {
    const url = resolvePath(base, policy.paths[endpoint])
    assertSameOrigin(url, base)
    return url.href
  }

  function tell(event: TokenRequestEvent): void {
    try {
      options.onRequest?.(event)
    } catch {}
  }

  async function send(
    endpoint: TokenEndpoint,
    fields: Fields,
    signal: AbortSignal | undefined,
  ): Promise<Answer | Unavailable> {
    if (signal?.aborted) return { kind: 'unavailable', reason: 'aborted' }
    const id = nextId()
    const sentAtMonotonicMs = clock.monotonic()
    const sentAtWallMs = clock.now()
    tell({ id, endpoint, phase: 'sent', atMs: sentAtWallMs })

    let head: Head | undefined
    const fetch: Fetch = async (input, init) => {
      const redirects = { maxRedirects: policy.maxRedirects, mayBecomeGet: false }
      const response = await fetchFollowing(options.fetch, input, init, redirects)
      const { status, headers } = response
      head = { status, headers, receivedAtWallMs: clock.now() }
      return response
    }
    const post = async (limit: AbortSignal) => {
      const response = await createFetch({ fetch }).raw<string, 'text'>(urls[endpoint], {
        method: 'POST',
        headers: { accept: 'application/json', 'content-type': 'application/json' },
        body: JSON.stringify(fields),
        responseType: 'text',
        retry: false,
        ignoreResponseError: true,
        signal: limit,
      })
      return { text: response._data }
    }
    const read = await limited(post, signal, clock, policy.tokenRequestTimeoutMs)

    const durationMs = clock.monotonic() - sentAtMonotonicMs
    const end = (phase: 'answered' | 'failed', status: number | undefined) =>
      tell({ id, endpoint, phase, atMs: clock.now(), durationMs, ...(status === undefined ? {} : { status }) })
    // A refusal is definite by its status alone; only a success needs its body.
    if (head === undefined || ('reason' in read && needsBody(endpoint, head.status))) {
      const failure = { status: head?.status, ...('reason' in read ? read : { reason: 'network' as const }) }
      end('failed', failure.status)
      return { kind: 'unavailable', ...failure }
    }
    end('answered', head.status)
    return {
      ...head,
      body: parseJSON('text' in read ? read.text : undefined),
      replyDateMs: httpDateMs(head.headers.get('date')),
      sentAtWallMs,
    }
  }

  const pair = async (endpoint: 'create' | 'refresh', fields: Fields, { signal }: SendOptions, sent?: Secret) => {
    const answer = await send(endpoint, fields, signal)
    return 'kind' in answer ? answer : readTokenReply(endpoint, answer, policy, sent)
  }

  return {
    create: ({ username, password }, sendOptions = {}) =>
      pair('create', { [names.username]: username, [names.password]: password.reveal() }, sendOptions),
    refresh: (token, sendOptions = {}) => pair('refresh', { [names.refresh]: token.reveal() }, sendOptions, token),
    async validate(token, { signal } = {}) {
      const answer = await send('validate', { [names.token]: token.reveal() }, signal)
      return 'kind' in answer ? answer : readValidateReply(answer, policy)
    },
  }
}

const needsBody = (endpoint: TokenEndpoint, status: number) => {
  const kind = tokenReplyKind(endpoint, status)
  return kind === 'granted' || kind === 'valid'
}

/** Runs `work` under the time-out and the signal, and tells how it ended; what it throws goes no further. `D-time-outs` */
async function limited<T>(
  work: (limit: AbortSignal) => Promise<T>,
  signal: AbortSignal | undefined,
  clock: Clock,
  timeoutMs: number,
): Promise<T | Omit<Unavailable, 'kind'>> {
  const controller = new AbortController()
  let ended: 'timeout' | 'aborted' | undefined
  const end = (why: 'timeout' | 'aborted') => {
    ended ??= why
    controller.abort()
  }
  const onAbort = () => end('aborted')
  // A `fetch` that ignores its signal is left behind.
  const limit = new Promise<never>((_, reject) => controller.signal.addEventListener('abort', reject, { once: true }))
  const timer = clock.setTimeout(() => end('timeout'), timeoutMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work(controller.signal), limit])
  } catch (error) {
    if (ended !== undefined) return { reason: ended }
    const refusal = error instanceof Error ? error.cause : undefined
    return refusal instanceof AuthError ? { reason: 'http', status: refusal.status } : { reason: 'network' }
  } finally {
    clock.clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
