import type { ObservedRequest } from '../monitors/index.ts'

/**
 * What is audited: hosts and paths. Everything else in a recording (page loads, static files, other hosts) is not looked at.
 * Any API of the same make (SimpleJWT) can be set here.
 */
export interface Target {
  /** Origins of the API, `https://host[:port]`; none: every origin that a token endpoint was called on, or every one; see `Survey`. */
  readonly origins: readonly string[]
  /** Path of each token request; matched as a whole, a missing or further slash at the end is the same. */
  readonly paths: Readonly<Record<'create' | 'refresh' | 'validate', string>>
  /** Paths that begin so are API requests. */
  readonly apiPrefix: string
}

export const DEFAULT_TARGET: Target = {
  origins: [],
  paths: {
    create: '/api/v2/token/',
    refresh: '/api/v2/token/refresh/',
    validate: '/api/v2/token/validate/',
  },
  apiPrefix: '/api/',
}

/** Without the slashes at its end; by hand, since a pattern begins anew at every slash of a path that is full of them. */
function trimmed(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end--
  return path.slice(0, end)
}

/** The role of a request, or why it is none of the target's. */
export function roleOf(
  target: Target,
  url: { readonly origin?: string | undefined; readonly path: string },
): { readonly endpoint: ObservedRequest['endpoint'] } | { readonly why: string } {
  if (target.origins.length > 0 && url.origin !== undefined && !target.origins.includes(url.origin))
    return { why: 'another host' }
  const path = trimmed(url.path)
  for (const endpoint of ['create', 'refresh', 'validate'] as const)
    if (path === trimmed(target.paths[endpoint])) return { endpoint }
  return url.path.startsWith(target.apiPrefix) ? { endpoint: 'api' } : { why: 'no API path' }
}
