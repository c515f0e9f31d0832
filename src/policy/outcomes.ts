import type { PolicyId } from './catalogue.ts'

/**
 * What each HTTP status means at each endpoint. One table; everything that looks at a status asks it. It decides by
 * (endpoint, status, `code`), never by `detail`, which is translated.
 *
 * @see clause `status-codes`
 */

/** What an answer to create or refresh is. `granted` still has to be read, and may turn out `malformed`. */
export type TokenReplyKind = 'granted' | 'throttled' | 'unauthorized' | 'rejected' | 'unavailable'
/** What an answer to validate is. */
export type ValidateReplyKind = 'valid' | 'invalid' | 'throttled' | 'rejected' | 'unavailable'
/** What an answer of the API is. `rejection`: it refused the token; `pass`: the caller's business. */
export type ApiReplyKind = 'ok' | 'rejection' | 'throttled' | 'pass'

interface KindAt {
  create: TokenReplyKind
  refresh: TokenReplyKind
  validate: ValidateReplyKind
  api: ApiReplyKind
}

/** The three token requests. */
export type TokenEndpoint = 'create' | 'refresh' | 'validate'
/** The token requests, and `api` for any other request. */
export type Endpoint = keyof KindAt

/** A kind of answer, and the clause or decision that says so. */
export interface Reaction<E extends Endpoint> {
  readonly kind: KindAt[E]
  readonly clause: PolicyId
}

/** A line of the table: a status (with a `code`, when only that one is meant) or a class of statuses. */
export type ReplyRow = { readonly status: number | '2xx' | '3xx' | '4xx' | '5xx' | 'other'; readonly code?: string } & {
  readonly [E in Endpoint]: Reaction<E>
}

const is = <K extends string>(kind: K, clause: PolicyId) => ({ kind, clause })

const GRANTED = {
  create: is('granted', 'status-codes'),
  refresh: is('granted', 'replace-both'),
  validate: is('valid', 'D-validate'),
  api: is('ok', 'status-codes'),
}
const REJECTED = {
  create: is('rejected', 'D-create-4xx'),
  refresh: is('rejected', 'refresh-4xx-recreates'),
  validate: is('rejected', 'D-validate'),
  api: is('pass', 'status-codes'),
}
const UNAVAILABLE = {
  create: is('unavailable', 'D-create-unavailable'),
  refresh: is('unavailable', 'D-refresh-unavailable'),
  validate: is('unavailable', 'D-validate'),
  api: is('pass', 'D-api-5xx'),
}

/** Every status of the guide by name, then what is known beyond it, then the classes. */
export const REPLIES: readonly ReplyRow[] = [
  { status: 200, ...GRANTED },
  { status: 400, ...REJECTED },
  {
    status: 401,
    create: is('unauthorized', 'no-retry-on-invalid-credentials'),
    refresh: is('unauthorized', 'D-refresh-401'),
    validate: is('invalid', 'D-validate'),
    api: is('rejection', 'refresh-once'),
  },
  {
    status: 429,
    create: is('throttled', 'pause-after-429'),
    refresh: is('throttled', 'D-refresh-429'),
    validate: is('throttled', 'D-validate'),
    api: is('throttled', 'D-api-429'),
  },
  { status: 500, ...UNAVAILABLE },
  { status: 502, ...UNAVAILABLE },
  { status: 504, ...UNAVAILABLE },
  { status: 403, code: 'token_not_valid', ...REJECTED, api: is('rejection', 'D-api-403') },
  { status: 403, ...REJECTED, api: is('pass', 'D-api-403') },
  // A grant with an unusual status is still one: the server has rotated the token.
  { status: '2xx', ...GRANTED },
  // Redirects that may be followed have been (`D-origin`); what is left is no answer.
  { status: '3xx', ...UNAVAILABLE, api: is('pass', 'D-origin') },
  { status: '4xx', ...REJECTED },
  { status: '5xx', ...UNAVAILABLE },
  { status: 'other', ...UNAVAILABLE, api: is('pass', 'status-codes') },
]

const classOf = (status: number): ReplyRow['status'] => {
  const hundreds = Math.floor(status / 100)
  return hundreds >= 2 && hundreds <= 5 ? (`${hundreds}xx` as '2xx' | '3xx' | '4xx' | '5xx') : 'other'
}

/** The line of {@link REPLIES} for an answer: its own status and code first, else its class. */
export function reactionTo<E extends Endpoint>(endpoint: E, status: number, code?: string): ReplyRow[E] {
  const row =
    REPLIES.find((row) => row.status === status && (row.code === undefined || row.code === code)) ??
    REPLIES.find((row) => row.status === classOf(status))
  // The table has a line for every class.
  return (row as ReplyRow)[endpoint]
}

/** What an answer to a token request is. @see clause `status-codes` */
export const tokenReplyKind = <E extends TokenEndpoint>(
  endpoint: E,
  status: number,
  code?: string,
): ReplyRow[E]['kind'] => reactionTo(endpoint, status, code).kind

/** What an answer of the API is. @see clause `refresh-once`, decision `D-api-403`, `D-api-429`, `D-api-5xx` */
export const apiReplyKind = (status: number, code?: string): ApiReplyKind => reactionTo('api', status, code).kind
