import type { AuthErrorCode } from '../errors.ts'

/**
 * What a monitor sees: requests and, where somebody knows of them, demands and what became of them, acts of an operator,
 * and what was given out, in the order in which they happened at the client. A trace is the traffic of one account;
 * whoever records several splits them first.
 */

/** What is known of a request when it is sent. Ids stand for tokens and credentials; none of them is one. */
export interface ObservedSend {
  /** ms since the epoch. */
  readonly sentAtMs: number
  /**
   * Where that is known to within: the other end of it, from which a wait is counted that begins with this send, ms since the
   * epoch. Default: `sentAtMs`.
   */
  readonly sentFromMs?: number | undefined
  readonly endpoint: 'create' | 'refresh' | 'validate' | 'api'
  readonly method: string
  /** Without query. */
  readonly path: string
  /** How the request said who it is. */
  readonly authScheme: 'Bearer' | 'Basic' | 'Token' | 'other' | 'none'
  /** Of an API request: the same for each time it is sent. Without it, nobody can say which sends are one request. */
  readonly requestId?: string | undefined
  /** Of the access token that was presented, to the API or to validate. */
  readonly accessId?: string | undefined
  /** Expiry of that token by the server's clock, ms since the epoch. */
  readonly accessExpAtMs?: number | undefined
  /** The pair that replaces it was granted and is being stored: until then the old token serves. `replace-both` */
  readonly stillServes?: boolean | undefined
  /** Of the refresh token that was presented to refresh. */
  readonly refreshId?: string | undefined
  /** Expiry of that token by the server's clock, ms since the epoch. */
  readonly refreshExpAtMs?: number | undefined
  /** Of the credentials of a create: equal for equal user name and password. */
  readonly credentialsId?: string | undefined
  /** Where the request went: `https://host:port`, as `URL.origin` has it. */
  readonly origin?: string | undefined
  /** Where this client is configured to send its token. */
  readonly configuredOrigin?: string | undefined
}

/** A request and what became of it. */
export interface ObservedRequest extends ObservedSend {
  /** When the answer was there, or the connection ended, ms since the epoch. */
  readonly answeredAtMs: number
  /** `dropped`: no answer reached the client. */
  readonly status: number | 'dropped'
  /** Of a dropped one: the client itself gave it up. Without it, nobody can say who ended the connection. */
  readonly abandoned?: boolean | undefined
  /** `code` of the answer's body. */
  readonly code?: string | undefined
  /** `Retry-After` of the answer, ms. */
  readonly retryAfterMs?: number | undefined
  /** Of the tokens that were granted and arrived in one piece. */
  readonly grantedAccessId?: string | undefined
  readonly grantedRefreshId?: string | undefined
  /** Expiry of the access token that was granted, where it is known, ms since the epoch. */
  readonly grantedAccessExpAtMs?: number | undefined
  /** Expiry of the refresh token that was granted, where it is known, ms since the epoch. */
  readonly grantedRefreshExpAtMs?: number | undefined
}

/** A caller wants something that needs a token. */
export interface Demand {
  readonly atMs: number
  /** The same where it is settled or aborted. Without it, only that somebody asked is known. */
  readonly demandId?: string | undefined
  /** When its time-out ends, ms since the epoch. */
  readonly deadlineAtMs?: number | undefined
  /** Only a newer pair will do. `D-force` */
  readonly forced?: boolean | undefined
}

/** What a demand came to. */
export type Settlement =
  | { readonly kind: 'token'; readonly accessId?: string | undefined; readonly accessExpAtMs?: number | undefined }
  /** `undefined`: an error that is none of this library's. */
  | { readonly kind: 'error'; readonly code: AuthErrorCode | undefined }

/** One thing that happened. */
export type Moment =
  | { readonly kind: 'sent'; readonly request: ObservedSend }
  | { readonly kind: 'answered'; readonly request: ObservedRequest }
  | ({ readonly kind: 'demanded' } & Demand)
  | { readonly kind: 'settled'; readonly atMs: number; readonly demandId: string; readonly result: Settlement }
  /** The caller gave its demand up. */
  | { readonly kind: 'aborted'; readonly atMs: number; readonly demandId: string }
  /** Somebody called `signIn()`, `reset()` or `signOut()`. `credentialsId`: of those that were given with it. */
  | {
      readonly kind: 'operator'
      readonly atMs: number
      readonly action: 'signIn' | 'reset' | 'signOut'
      readonly credentialsId?: string | undefined
      /** Those are not what this client had before; another one of the account may have them. */
      readonly otherCredentials?: boolean | undefined
    }
  /** Something was given out that others can read. `secretIds`: ids of the tokens and credentials that were found in it. */
  | { readonly kind: 'shown'; readonly atMs: number; readonly where: string; readonly secretIds: readonly string[] }
  /** Nothing happened, and it is that late: what ought to have happened by now has not. */
  | { readonly kind: 'elapsed'; readonly atMs: number }

/** When it happened, ms since the epoch. */
export function timeOf(moment: Moment): number {
  switch (moment.kind) {
    case 'sent':
      return moment.request.sentAtMs
    case 'answered':
      return moment.request.answeredAtMs
    default:
      return moment.atMs
  }
}

/** From when a wait is counted that begins with this send, ms since the epoch. */
export const sentFrom = ({ sentAtMs, sentFromMs }: ObservedSend) => sentFromMs ?? sentAtMs

/** Create, refresh or validate. */
export const isTokenRequest = ({ endpoint }: ObservedSend) => endpoint !== 'api'

/** A create or refresh whose answer brought new tokens. */
export const isGrant = ({ endpoint, grantedAccessId }: ObservedRequest) =>
  (endpoint === 'create' || endpoint === 'refresh') && grantedAccessId !== undefined

/** A create or refresh that brought nothing, and no refusal either: 5xx, no answer, an unusable 200. */
export const isUnavailable = (request: ObservedRequest) =>
  (request.endpoint === 'create' || request.endpoint === 'refresh') && !isGrant(request) && !is4xx(request, [])

/** The API refused the access token. `D-api-403` */
export const isRejection = ({ endpoint, status, code }: Pick<ObservedRequest, 'endpoint' | 'status' | 'code'>) =>
  endpoint === 'api' && (status === 401 || (status === 403 && code === 'token_not_valid'))

/** 4xx, but for those of `except`. */
export const is4xx = ({ status }: Pick<ObservedRequest, 'status'>, except: readonly number[]) =>
  typeof status === 'number' && status >= 400 && status < 500 && !except.includes(status)

/**
 * The moments of a trace that tells nothing but times: by time, and at one time answers before sends. A request that
 * took no time is sent and answered before the next one of that time is sent.
 */
export function momentsOf(requests: readonly ObservedRequest[]): Moment[] {
  const inOrder = requests.toSorted((a, b) => a.sentAtMs - b.sentAtMs)
  const inFlight: ObservedRequest[] = []
  const moments: Moment[] = []
  const answerUntil = (atMs: number) => {
    inFlight.sort((a, b) => a.answeredAtMs - b.answeredAtMs)
    while (inFlight[0] !== undefined && inFlight[0].answeredAtMs <= atMs)
      moments.push({ kind: 'answered', request: inFlight.shift() as ObservedRequest })
  }
  for (const request of inOrder) {
    answerUntil(request.sentAtMs)
    moments.push({ kind: 'sent', request })
    inFlight.push(request)
  }
  answerUntil(Number.POSITIVE_INFINITY)
  return moments
}
