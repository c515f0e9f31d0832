import type { Clock } from '../clock.ts'
import type { Notes } from './log.ts'
import type { SandboxModes } from './modes.ts'
import type { Reply } from './replies.ts'
import type { Throttle, ThrottleOptions } from './throttle.ts'
import type { PresentedToken, Tokens } from './tokens.ts'
import type { Users } from './users.ts'

/** The parts of the server that its endpoints share. */
export interface Server {
  clock: Clock
  modes: Readonly<SandboxModes>
  users: Users
  tokens: Tokens
  throttle: { log: Throttle; options: Required<ThrottleOptions> } | undefined
}

/** A request as it arrived. */
export interface Arrival {
  method: string
  url: URL
  headers: Headers
  /** The caller's: it gives up. */
  signal: AbortSignal | undefined
  text(): string | Promise<string>
  /** What it came as: holding it keeps its signal alive. */
  request?: Request
}

/** A request as an endpoint sees it. */
export interface Call {
  method: string
  url: URL
  headers: Headers
  bodyText: string
  /** Where it came from; requests of one address share a throttle. */
  address: string
  notes: Notes
}

/** Serves one endpoint. */
export type Handler = (server: Server, call: Call) => Promise<Reply>

/** Notes whose token was presented, as far as that can be known. */
export function noteToken({ users, modes }: Server, notes: Notes, { claims }: PresentedToken): void {
  if (claims === undefined) return
  const expAtMs = claims.exp * 1000 - modes.skewMs
  notes.account = users.byId(claims.user_id)?.username
  if (claims.token_type === 'access') {
    notes.accessJti = claims.jti
    notes.accessExpAtMs = expAtMs
  } else {
    notes.refreshJti = claims.jti
    notes.refreshExpAtMs = expAtMs
  }
}
