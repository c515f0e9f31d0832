import type { AuthScheme, Endpoint } from './log.ts'
import { api } from './resources.ts'
import type { Handler } from './server.ts'
import { create, refresh, validate } from './token-endpoints.ts'

const HANDLERS: Record<Endpoint, Handler> = { create, refresh, validate, api }

const ENDPOINTS: Record<string, Endpoint> = {
  '/api/v2/token': 'create',
  '/api/v2/token/create': 'create',
  '/api/v2/token/refresh': 'refresh',
  '/api/v2/token/validate': 'validate',
}

/** Which endpoint a path belongs to; both with and without a slash at the end. */
export function endpointOf(path: string): Endpoint {
  const key = path.replace(/\/$/, '')
  return (Object.hasOwn(ENDPOINTS, key) && ENDPOINTS[key]) || 'api'
}

export const handlerOf = (endpoint: Endpoint): Handler => HANDLERS[endpoint]

/** The scheme of an `Authorization` header. */
export function authSchemeOf(authorization: string | null): AuthScheme {
  const scheme = authorization?.trim().split(/\s+/)[0]
  if (!scheme) return 'none'
  return scheme === 'Bearer' || scheme === 'Basic' || scheme === 'Token' ? scheme : 'other'
}
