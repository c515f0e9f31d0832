import type { TokenFault, TokenKind } from './tokens.ts'

/** An answer before it goes on the wire. A string is the body as it is, in `type`; anything else goes out as JSON. */
export interface Reply {
  status: number
  headers?: Record<string, string> | undefined
  body?: unknown
  /** Content type of a string body. Default `text/html; charset=utf-8`. */
  type?: string
}

/** The vendor's words, from the guide. @see clause `pause-after-429` */
const THROTTLED_DETAIL =
  'Your request has been throttled due to exceeding the allowed rate limit. Please wait for 10 minutes before trying again. If this issue persists, consider adjusting the request frequency or contact support for further assistance.'

const AUTHENTICATE = { 'WWW-Authenticate': 'Bearer realm="api"' }

const unauthorized = (body: unknown): Reply => ({ status: 401, headers: AUTHENTICATE, body })

export const badRequest = (body: unknown): Reply => ({ status: 400, body })

export const notFound: Reply = { status: 404, body: { detail: 'Not found.' } }

export const methodNotAllowed = (method: string, allow: string): Reply => ({
  status: 405,
  headers: { Allow: allow },
  body: { detail: `Method "${method}" not allowed.` },
})

export const noActiveAccount = unauthorized({ detail: 'No active account found with the given credentials' })

export const accountInactive = unauthorized({ detail: 'No active account found for the given token.' })

export const serverError: Reply = { status: 500, body: '<!doctype html><h1>Server Error (500)</h1>' }

/** The throttle's answer: the vendor's, or DRF's when `waitS` is given. */
export const throttled = (waitS?: number): Reply =>
  waitS === undefined
    ? { status: 429, body: { detail: THROTTLED_DETAIL } }
    : {
        status: 429,
        headers: { 'Retry-After': String(waitS) },
        body: { detail: `Request was throttled. Expected available in ${waitS} second${waitS === 1 ? '' : 's'}.` },
      }

const TOKEN_FAULT_MESSAGES: Record<TokenFault | 'wrongType', string> = {
  invalid: 'Token is invalid',
  expired: 'Token is expired',
  revoked: 'Token is blacklisted',
  wrongType: 'Token has wrong type',
}

/** A token endpoint refuses the token in the body. */
export const tokenNotValid = (fault: TokenFault | 'wrongType'): Reply =>
  unauthorized({ detail: TOKEN_FAULT_MESSAGES[fault], code: 'token_not_valid' })

/** Validate refuses a blacklisted refresh token. */
export const tokenBlacklisted = badRequest({ non_field_errors: [TOKEN_FAULT_MESSAGES.revoked] })

/** The API was given no token, or another scheme than Bearer. */
export const notAuthenticated = unauthorized({ detail: 'Authentication credentials were not provided.' })

export const badAuthorizationHeader = unauthorized({
  detail: 'Authorization header must contain two space-delimited values',
  code: 'bad_authorization_header',
})

/** The API refuses the access token. */
export const accessNotValid = (fault: TokenFault | 'wrongType'): Reply =>
  unauthorized({
    detail: 'Given token not valid for any token type',
    code: 'token_not_valid',
    messages: [{ token_class: 'AccessToken', token_type: 'access', message: TOKEN_FAULT_MESSAGES[fault] }],
  })

export const userNotFound = unauthorized({ detail: 'User not found', code: 'user_not_found' })

export const userInactive = unauthorized({ detail: 'User is inactive', code: 'user_inactive' })

/** The 401 as a view without authenticate header answers it. @see decision `D-api-403` */
export const asForbidden = ({ status, body }: Reply): Reply => ({ status: status === 401 ? 403 : status, body })

const GATEWAY_TITLES: Record<number, string> = {
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** A page such as a proxy sends. */
export const gatewayPage = (status: number): string => {
  const title = `${status} ${GATEWAY_TITLES[status] ?? 'Error'}`
  return `<html><head><title>${title}</title></head><body><center><h1>${title}</h1></center></body></html>`
}

/** What the server family says with `status` at an endpoint; the body of a fault that names none. */
export function usualReply(status: number, endpoint: 'create' | 'refresh' | 'validate' | 'api'): Reply {
  if (status === 401 && endpoint === 'create') return noActiveAccount
  if (status === 401 && endpoint === 'api') return accessNotValid('invalid')
  if (status === 401) return tokenNotValid('invalid')
  if (status === 403) return { status, body: { detail: 'You do not have permission to perform this action.' } }
  if (status === 404) return notFound
  if (status === 429) return throttled()
  if (status === 500) return serverError
  if (status > 500) return { status, body: gatewayPage(status) }
  if (status >= 400) return { status, body: { detail: `Refused with status ${status}.` } }
  return { status, body: {} }
}

/** The kinds of token as the names of their fields. */
export const EXPIRY_FIELDS: Record<TokenKind, string> = {
  access: 'access_expiry_seconds',
  refresh: 'refresh_expiry_seconds',
}
