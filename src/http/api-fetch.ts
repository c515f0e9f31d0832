import type { Clock } from '../clock.ts'
import { AuthError } from '../errors.ts'
import { httpDateMs, pauseLengthMs } from '../policy/deadlines.ts'
import type { Policy } from '../policy/schema.ts'
import { duration, timeOfDay } from '../policy/words.ts'
import type { Secret } from '../secret.ts'
import { type Call, callOf } from './api-call.ts'
import { type Payload, payloadOf } from './api-payload.ts'
import { type Reply, replyOf } from './api-reply.ts'
import { assertSameOrigin, type Fetch, fetchFollowing, refuseForbidden } from './origin.ts'
import type { ApiRequestEvent, HeldToken, TokenSource } from './token-source.ts'

/** A plain `fetch`: what openapi-fetch, ky and axios' fetch adapter take. */
export type FetchLike = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>

/** What an event does not tell, for a journal: it is not passed on to listeners. */
export interface ApiRequestDetails {
  /** The token of this send. */
  readonly access: Secret
  /** Of the answer. */
  readonly headers?: Headers | undefined
  /** `code` of a 403's body. */
  readonly code?: string | undefined
  /** No answer came, and it was the caller who gave the request up. */
  readonly aborted?: boolean | undefined
}

/** What {@link createApiFetch} needs. */
export interface ApiFetchOptions {
  /** Where the token may go. Relative URLs are below it, its path included. `D-origin` */
  readonly baseURL: URL
  readonly tokens: TokenSource
  /** The transport. */
  readonly fetch: Fetch
  readonly clock: Clock
  readonly policy: Pick<Policy, 'replayBodyBytes' | 'maxRedirects' | 'apiPause' | 'pauseMs'>
  /** Numbers the requests; to be shared with the token endpoints. Default: from 1. */
  readonly nextId?: (() => number) | undefined
  /** Told of each send and of what became of it; must not throw. Both sends of one request have the same `id`. */
  readonly onRequest?: ((event: ApiRequestEvent, details: ApiRequestDetails) => void) | undefined
}

/**
 * The API as a plain `fetch` that brings its own token. `Authorization: Bearer …` replaces whatever `Authorization` the
 * caller gave; Basic is refused. An answer that refuses the token is recovered once: another token is acquired and the
 * request replayed with it. No request is sent more than twice.
 *
 * As with `fetch`, the `Response` is handed over as it came, whatever its status, and an abort rejects with the signal's
 * reason. Beside what the transport throws, it throws {@link AuthError}: what `tokens.acquire` rejects with (after a
 * refused token with the status of that answer), `ORIGIN_REFUSED`, `REQUEST_REFUSED`, `API_THROTTLED`,
 * `BODY_NOT_REPLAYABLE`.
 *
 * @see clause `bearer-on-every-request`, `refresh-once`, `no-endless-retry`
 * @see decision `D-origin`, `D-failed-401`, `D-one-shot-body`, `D-api-403`, `D-api-429`
 */
export function createApiFetch(options: ApiFetchOptions): FetchLike {
  const { baseURL, tokens, fetch, clock, policy, onRequest } = options
  const root = new URL(baseURL)
  root.pathname = root.pathname.replace(/\/*$/, '/')
  let lastId = 0
  const nextId = options.nextId ?? (() => ++lastId)

  /** What has to hold before the token is asked for, and again just before each send. */
  const assertMayGo = ({ signal }: Call, status?: number) => {
    signal?.throwIfAborted()
    const retryAtMs = policy.apiPause ? tokens.apiPausedUntilMs() : 0
    const leftMs = retryAtMs - clock.now()
    if (leftMs <= 0) return
    const message = `API requests are throttled until ${timeOfDay(retryAtMs)} (D-api-429): ${duration(leftMs)} left`
    throw new AuthError('API_THROTTLED', message, { clause: 'D-api-429', retryAtMs, status })
  }

  const acquire = ({ signal }: Call): HeldToken | Promise<HeldToken> => {
    const token = tokens.acquire({ signal })
    if (!(token instanceof Promise)) return token
    return token.catch((error) => {
      signal?.throwIfAborted()
      throw error
    })
  }

  /** `D-failed-401` */
  const acquireAnother = async (call: Call, refused: Response): Promise<HeldToken> => {
    try {
      return await acquire(call)
    } catch (error) {
      discard(refused)
      if (!(error instanceof AuthError)) throw error
      const { code, clause, retryAtMs } = error
      const { status } = refused
      const message = `the API answered ${status}, and no other token could be had: ${error.message}`
      throw new AuthError(code, message, { clause, retryAtMs, status, cause: error })
    }
  }

  const send = (call: Call, { body }: Payload, held: HeldToken, resendCount: 0 | 1): Promise<Reply> => {
    const init: RequestInit = { ...call.init, method: call.method, headers: bearing(call.headers, held) }
    if (body !== undefined) init.body = body
    // Also past a redirect, where a `signal: undefined` of the caller would hide that of the `Request`.
    if (call.signal !== undefined) init.signal = call.signal
    // `manual` and `error` follow nothing by themselves; the caller gets what `fetch` makes of them.
    const transmit = () =>
      call.redirect === 'follow'
        ? fetchFollowing(fetch, call.target, init, { maxRedirects: policy.maxRedirects })
        : fetch(call.target, init)
    if (onRequest === undefined) return transmit().then(replyOf)

    const { generation, access } = held
    const about = { id: call.id, endpoint: 'api', method: call.method.toUpperCase(), path: call.url.pathname } as const
    const tell = (
      phase: 'sent' | 'answered' | 'failed',
      more?: { atMs?: number; status?: number; durationMs: number },
      details?: Omit<ApiRequestDetails, 'access'>,
    ) => onRequest({ ...about, phase, generation, resendCount, atMs: clock.now(), ...more }, { access, ...details })
    const sentAtMs = clock.monotonic()
    const durationMs = () => clock.monotonic() - sentAtMs
    tell('sent')
    return transmit().then(
      (response) => {
        const { status, headers } = response
        const more = { atMs: clock.now(), status, durationMs: durationMs() }
        const told = (reply: Reply) => {
          tell('answered', more, { headers, code: reply.code })
          return reply
        }
        const reply = replyOf(response)
        return reply instanceof Promise ? reply.then(told) : told(reply)
      },
      (error) => {
        tell('failed', { durationMs: durationMs() }, { aborted: call.signal?.aborted })
        throw error
      },
    )
  }

  /** What the answer says of the token and of the API; a rejection is weighed where it happened. */
  const learn = ({ response, kind }: Reply, { generation }: HeldToken): Response => {
    if (kind === 'ok') tokens.accepted(generation)
    if (kind === 'throttled' && policy.apiPause) {
      const retryAfter = response.headers.get('retry-after') ?? undefined
      const replyDateMs = httpDateMs(response.headers.get('date'))
      const { pauseMs } = policy
      tokens.apiThrottled(pauseLengthMs({ receivedAtMs: clock.now(), retryAfter, replyDateMs, pauseMs }))
    }
    return response
  }

  return async function apiFetch(input, init) {
    const call = callOf(input, init, root, nextId())
    assertSameOrigin(call.url, baseURL)
    refuseForbidden(call.url, call.headers, baseURL)
    assertMayGo(call)

    // Nothing is awaited that is already there, and nothing at all between having a token and sending it.
    const reading = payloadOf(call, policy.replayBodyBytes)
    const payload = reading instanceof Promise ? await reading : reading
    const answered = tokens.slot && (await tokens.slot({ signal: call.signal }))
    const acquiring = acquire(call)
    const held = acquiring instanceof Promise ? await acquiring : acquiring
    assertMayGo(call)
    const first = await send(call, payload, held, 0).finally(answered)
    if (first.kind !== 'rejection') return learn(first, held)

    const refused = first.response
    const verdict = tokens.rejected(held.generation)
    if (verdict === 'ignore') return refused
    let other = await acquireAnother(call, refused)
    if (other.generation === held.generation) return refused
    discard(refused)
    if (!payload.replayable) throw notReplayable(refused.status)
    const replayAnswered = tokens.slot && (await tokens.slot({ signal: call.signal }))
    if (replayAnswered) other = await acquire(call)
    assertMayGo(call, refused.status)
    const second = await send(call, payload, other, 1).finally(replayAnswered)
    if (second.kind !== 'rejection') return learn(second, other)
    // Only a fresh token's refusal says that refreshing does not help; another is a rejection like any other.
    if (verdict === 'replay') tokens.replayRejected(other.generation)
    else tokens.rejected(other.generation)
    return second.response
  }
}

/** A copy: a transport that keeps what it was given, to record it, keeps the right token of each send. */
function bearing(headers: Headers, { access }: HeldToken): Headers {
  const copy = new Headers(headers)
  try {
    copy.set('authorization', `Bearer ${access.reveal()}`)
  } catch {
    // The platform's own error quotes the value.
    throw new AuthError('UNAVAILABLE', 'the access token cannot be sent: it is no header value', {
      clause: 'bearer-on-every-request',
    })
  }
  return copy
}

/** Frees the connection of an answer that nobody will read. */
const discard = (response: Response) => void response.body?.cancel().catch(() => {})

const notReplayable = (status: number) =>
  new AuthError(
    'BODY_NOT_REPLAYABLE',
    `the API answered ${status}; the token is fresh now, but the body cannot be sent twice (D-one-shot-body): send it again`,
    { clause: 'D-one-shot-body', status },
  )
