import type { Clock } from '../clock.ts'

/** Where a request went; `api` is every path that is not one of the three token endpoints. */
export type Endpoint = 'create' | 'refresh' | 'validate' | 'api'

/** How a request said who it is. `other` is any further scheme. */
export type AuthScheme = 'Bearer' | 'Basic' | 'Token' | 'other' | 'none'

/** What the server learned about one request. Holds no token, no password, no query and no body. */
export interface RequestEntry {
  /** Order of receipt, from 0. */
  readonly index: number
  /** When the request was received, sandbox's clock (without `skewMs`), ms since the epoch. */
  readonly atMs: number
  /** When the reply left, or the connection ended. */
  readonly answeredAtMs: number
  readonly endpoint: Endpoint
  readonly method: string
  /** Path without query. */
  readonly path: string
  /** `dropped`: no reply reached the caller, because of a fault or because the caller aborted. */
  readonly status: number | 'dropped'
  /** `code` of the reply's body. */
  readonly code?: string
  /** `X-Request-Id` of the request, where it looks like an id. */
  readonly requestId?: string
  /** User name: as given on create, else by the token. */
  readonly account?: string
  /** `jti` of the access token that was presented, on the API or to validate. */
  readonly accessJti?: string
  /** Expiry of that token, on the sandbox's clock. */
  readonly accessExpAtMs?: number
  /** `jti` of the refresh token that was presented, to refresh or to validate. */
  readonly refreshJti?: string
  /** Expiry of that token, on the sandbox's clock. */
  readonly refreshExpAtMs?: number
  /** The tokens that were issued, also when the reply was lost. */
  readonly grantedAccessJti?: string
  readonly grantedRefreshJti?: string
  /** On create: equal for equal user name and password, within one sandbox; says nothing about either. */
  readonly credentialsFingerprint?: string
  readonly authScheme: AuthScheme
  /** The fault that befell the request, in a few words. */
  readonly fault?: string
  /** The server processed the request: it counted for the throttle, and what it asked for was done or refused. */
  readonly acted: boolean
}

type Found =
  | ('requestId' | 'account' | 'credentialsFingerprint' | 'code' | 'fault')
  | ('accessJti' | 'accessExpAtMs' | 'refreshJti' | 'refreshExpAtMs' | 'grantedAccessJti' | 'grantedRefreshJti')

/** What is found out while a request is served; becomes part of its entry. */
export type Notes = { -readonly [Name in Found]?: RequestEntry[Name] | undefined } & {
  authScheme: AuthScheme
  acted: boolean
}

/** An entry in the making. */
export interface OpenEntry {
  readonly notes: Notes
  /** Completes the entry: it is logged and those who listen are told. */
  close(status: number | 'dropped'): void
}

/** The log of requests, by order of receipt; a request appears when it has ended. */
export interface RequestLog {
  readonly entries: readonly RequestEntry[]
  /** Requests received and not yet ended. */
  pending(): number
  open(request: { endpoint: Endpoint; method: string; path: string; authScheme: AuthScheme }): OpenEntry
  subscribe(listener: (entry: RequestEntry) => void): () => void
}

/** Creates an empty log that keeps the latest `limit` entries. */
export function createLog(clock: Clock, limit: number): RequestLog {
  const entries: RequestEntry[] = []
  const listeners = new Set<(entry: RequestEntry) => void>()
  let received = 0
  let ended = 0

  const insert = (entry: RequestEntry) => {
    let at = entries.length
    while (at > 0 && (entries[at - 1]?.index ?? 0) > entry.index) at--
    entries.splice(at, 0, entry)
    if (entries.length > limit) entries.shift()
  }
  const tell = (entry: RequestEntry) => {
    for (const listener of [...listeners]) {
      try {
        listener(entry)
      } catch (error) {
        // A listener's mistake is reported as its own, and is no fault of the request.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  return {
    entries,
    pending: () => received - ended,
    open({ authScheme, ...request }) {
      const index = received++
      const atMs = clock.now()
      const notes: Notes = { authScheme, acted: false }
      return {
        notes,
        close(status) {
          ended++
          const entry: Record<string, unknown> = { index, atMs, answeredAtMs: clock.now(), ...request, status }
          for (const [name, value] of Object.entries(notes)) if (value !== undefined) entry[name] = value
          const frozen = Object.freeze(entry as unknown as RequestEntry)
          insert(frozen)
          tell(frozen)
        },
      }
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
