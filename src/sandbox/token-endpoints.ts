import { fieldErrors, type ParsedBody, parseBody, textField } from './body.ts'
import { wireName } from './modes.ts'
import {
  accountInactive,
  EXPIRY_FIELDS,
  methodNotAllowed,
  noActiveAccount,
  type Reply,
  serverError,
  throttled,
  tokenBlacklisted,
  tokenNotValid,
} from './replies.ts'
import { type Call, type Handler, noteToken, type Server } from './server.ts'
import type { Minted, PresentedToken } from './tokens.ts'
import { wait } from './waiting.ts'

const NO_TOKEN: PresentedToken = { claims: undefined, verified: false }

/** `POST /api/v2/token/`: a pair for a user name and a password. */
export const create: Handler = async (server, call) => {
  const body = parseBody(call.bodyText, call.headers.get('Content-Type'))
  const username = textField(body.fields, 'username')
  const password = textField(body.fields, 'password')
  call.notes.account = username
  if (username !== undefined && password !== undefined)
    call.notes.credentialsFingerprint = server.users.fingerprint(username, password)

  const refused = refuse(server, call, body, ['username', 'password'])
  if (refused) return refused
  const account = server.users.authenticate(username ?? '', password ?? '')
  if (account === undefined) return noActiveAccount
  return grant(server, call, server.tokens.mint('access', account.id), server.tokens.mint('refresh', account.id))
}

/** `POST /api/v2/token/refresh/`: new tokens for a refresh token. */
export const refresh: Handler = async (server, call) => {
  const { users, tokens, modes, clock } = server
  const body = parseBody(call.bodyText, call.headers.get('Content-Type'))
  const presented = await inspect(server, call, body, 'refresh')
  const refused = refuse(server, call, body, ['refresh'])
  if (refused) return refused

  const fault = tokens.fault(presented)
  const { claims } = presented
  if (claims === undefined || (fault !== undefined && fault !== 'revoked')) return tokenNotValid(fault ?? 'invalid')
  if (claims.token_type !== 'refresh') return tokenNotValid('wrongType')
  if (fault !== undefined) return tokenNotValid(fault)
  const account = users.byId(claims.user_id)
  if (account === undefined || account.deleted) return serverError
  if (!account.active) return accountInactive

  if (modes.rotationRaceMs > 0) await wait(clock, modes.rotationRaceMs)
  const access = tokens.mint('access', account.id, modes.copyRefreshIat ? claims.iat : undefined)
  if (!modes.rotate) return grant(server, call, access)
  if (modes.blacklist) tokens.revoke(claims)
  return grant(server, call, access, tokens.mint('refresh', account.id))
}

/** `POST /api/v2/token/validate/`: is this token good? */
export const validate: Handler = async (server, call) => {
  const { tokens, modes } = server
  const body = parseBody(call.bodyText, call.headers.get('Content-Type'))
  const presented = await inspect(server, call, body, 'token')
  const refused = refuse(server, call, body, ['token'])
  if (refused) return refused

  const fault = tokens.fault(presented)
  const { claims } = presented
  if (claims === undefined || (fault !== undefined && fault !== 'revoked')) return tokenNotValid(fault ?? 'invalid')
  if (fault === 'revoked') return claims.token_type === 'refresh' ? tokenBlacklisted : tokenNotValid('invalid')
  if (!modes.validateReportsLifetime) return { status: 200, body: {} }
  const leftS = Math.floor((claims.exp * 1000 - tokens.nowMs()) / 1000)
  return { status: 200, body: { [EXPIRY_FIELDS[claims.token_type]]: leftS } }
}

/** Looks at the token in the body before anything is decided, so that a refused request is logged with it too. */
async function inspect(server: Server, call: Call, body: ParsedBody, field: string): Promise<PresentedToken> {
  const token = textField(body.fields, field)
  if (token === undefined) return NO_TOKEN
  const presented = await server.tokens.inspect(token)
  noteToken(server, call.notes, presented)
  return presented
}

/** In DRF's order: throttle, method, body, fields. */
function refuse(server: Server, call: Call, body: ParsedBody, names: readonly string[]): Reply | undefined {
  const overLimit = admit(server, call)
  if (overLimit) return overLimit
  if (call.method !== 'POST') return methodNotAllowed(call.method, 'POST')
  return body.refusal ?? fieldErrors(body.fields, names)
}

/** Counts the call; the 429 when it is over the limit. */
export function admit({ throttle }: Server, { notes, address }: Call): Reply | undefined {
  if (throttle === undefined) return undefined
  const { keyBy, retryAfter } = throttle.options
  const key = keyBy === 'user' && notes.account !== undefined ? `user ${notes.account}` : `ip ${address}`
  const refusal = throttle.log.admit(key)
  return refusal && throttled(retryAfter ? refusal.waitS : undefined)
}

/** The 200 with one or two new tokens. */
async function grant({ modes }: Server, { notes }: Call, ...minted: Minted[]): Promise<Reply> {
  const body: Record<string, unknown> = {}
  for (const { claims } of minted) {
    if (claims.token_type === 'access') notes.grantedAccessJti = claims.jti
    else notes.grantedRefreshJti = claims.jti
  }
  for (const { claims, token } of minted) {
    const kind = claims.token_type
    body[wireName(kind, modes.names)] = await token
    if (!modes.omitExpirySeconds)
      body[EXPIRY_FIELDS[kind]] = kind === 'access' ? modes.accessLifetimeS : modes.refreshLifetimeS
  }
  return { status: 200, body }
}
