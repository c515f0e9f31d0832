import { AuthError } from '../errors.ts'

/**
 * Where the token may go, and what no request may be. Messages name origins and rules, never a path, a query or a header.
 *
 * @see decision `D-origin`
 */

const isLoopback = (hostname: string) =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)

const configInvalid = (message: string) =>
  new AuthError('CONFIG_INVALID', `option 'baseURL' ${message}`, { clause: 'D-origin' })

/**
 * The configured base: https, or http on a loopback host. Its path is a prefix of every configured path.
 *
 * @throws {AuthError} `CONFIG_INVALID`
 * @see decision `D-origin`
 */
export function parseBaseURL(text: string): URL {
  if (!URL.canParse(text)) throw configInvalid('is not an absolute URL')
  const base = new URL(text)
  if (base.username !== '' || base.password !== '') throw configInvalid('holds credentials; pass them as `credentials`')
  if (base.search !== '' || base.hash !== '') throw configInvalid('holds a query or a fragment')
  if (base.protocol === 'https:' || (base.protocol === 'http:' && isLoopback(base.hostname))) return base
  throw configInvalid('must be https, or http on localhost, 127.0.0.0/8 or [::1]')
}

/** The URL of a configured path, which begins with `/`, below the base; trailing slashes stay. `D-create-path` */
export function resolvePath(base: URL, path: string): URL {
  if (!path.startsWith('/'))
    throw new AuthError('CONFIG_INVALID', `a path of option 'paths' must begin with '/'`, { clause: 'D-create-path' })
  return new URL(`${base.origin}${base.pathname.replace(/\/+$/, '')}${path}`)
}

// Parsing is most of what a send costs this library.
const parsed = (url: string | URL) => (typeof url === 'string' ? new URL(url) : url)
const originOf = (url: URL) => (url.origin === 'null' ? url.protocol : url.origin)
// `blob:https://host/…` shares the origin and is no place of it.
const isSameOrigin = (a: URL, b: URL) => a.origin === b.origin && a.protocol === b.protocol

/**
 * @throws {AuthError} `ORIGIN_REFUSED` when the URL is of another origin than the base
 * @see decision `D-origin`
 */
export function assertSameOrigin(url: string | URL, base: URL): void {
  if (typeof url === 'string' && !URL.canParse(url))
    throw new AuthError('ORIGIN_REFUSED', 'not an absolute URL', { clause: 'D-origin' })
  const asked = parsed(url)
  if (isSameOrigin(asked, base)) return
  const message = `${originOf(asked)} is refused: the token goes to ${base.origin} only`
  throw new AuthError('ORIGIN_REFUSED', message, { clause: 'D-origin' })
}

/**
 * Refuses Basic authentication, in a header or in the URL, and API V1.
 *
 * @param base its path, if it has one, comes before `/api/v1/`
 * @throws {AuthError} `REQUEST_REFUSED`
 * @see clause `no-basic-auth`, `no-api-v1`
 */
export function refuseForbidden(url: string | URL, headers: RequestInit['headers'], base?: URL): void {
  const { pathname, username, password } = parsed(url)
  const given = headers instanceof Headers ? headers : new Headers(headers)
  const basic = /^\s*basic\b/i.test(given.get('authorization') ?? '')
  if (basic || username !== '' || password !== '')
    throw new AuthError('REQUEST_REFUSED', 'Basic authentication is refused', { clause: 'no-basic-auth' })
  const prefix = base?.pathname.replace(/\/+$/, '') ?? ''
  const path = decoded(pathname.startsWith(prefix) ? pathname.slice(prefix.length) : pathname)
  if (/^\/+api\/+v1(\/|$)/.test(path))
    throw new AuthError('REQUEST_REFUSED', 'API V1 is refused: use /api/v2/', { clause: 'no-api-v1' })
}

const decoded = (path: string) => {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** `fetch`, as much of it as this library needs. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** How far redirects are followed. */
export interface FollowOptions {
  /** Redirects followed for one request. 5. */
  readonly maxRedirects: number
  /** `false`: a redirect that would turn the request into a GET is not followed, but returned. Default `true`. */
  readonly mayBecomeGet?: boolean
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const BODY_HEADERS = ['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type']

const redirectRefused = (message: string, status: number) =>
  new AuthError('ORIGIN_REFUSED', `redirect refused: ${message}`, { clause: 'D-origin', status })

/**
 * `fetch` that follows redirects within the origin of the request, and refuses others. 303 becomes a GET, and so does a
 * POST on 301 and 302; 307 and 308 send the same again.
 *
 * @throws {AuthError} `ORIGIN_REFUSED` (another origin, too many, a target nobody can see), `BODY_NOT_REPLAYABLE`
 * (307 or 308 with a stream), `REQUEST_REFUSED` (a target that is refused); whatever `fetch` throws
 * @see decision `D-origin`
 */
export async function fetchFollowing(
  fetch: Fetch,
  input: string | URL | Request,
  init: RequestInit | undefined,
  { maxRedirects, mayBecomeGet = true }: FollowOptions,
): Promise<Response> {
  let url: URL | undefined
  let next: RequestInit = { ...init, redirect: 'manual' }
  let response = await fetch(input, next)
  for (let followed = 0; ; followed++) {
    const { status } = response
    if (response.type === 'opaqueredirect') throw redirectRefused('this runtime hides its target', status)
    const location = REDIRECTS.has(status) ? response.headers.get('location') : null
    if (location === null) return response
    const sent = input instanceof Request && followed === 0 ? asInit(input, next) : next
    const becomesGet = turnsIntoGet(sent.method?.toUpperCase() ?? 'GET', status)
    if (becomesGet && !mayBecomeGet) return response
    void response.body?.cancel().catch(() => {})
    if (followed >= maxRedirects) throw redirectRefused(`more than ${maxRedirects}`, status)
    url = target(location, url ?? new URL(input instanceof Request ? input.url : input), status)
    next = becomesGet ? asGet(sent) : replayable(sent, status)
    refuseForbidden(url, next.headers)
    response = await fetch(url.href, next)
  }
}

/** What a `Request` says, as far as a redirect of it needs, under what `init` says. */
const asInit = (request: Request, init: RequestInit): RequestInit => ({
  method: request.method,
  headers: request.headers,
  body: request.body,
  signal: request.signal,
  credentials: request.credentials,
  ...init,
})

function target(location: string, from: URL, status: number): URL {
  if (!URL.canParse(location, from)) throw redirectRefused('its target is not a URL', status)
  const url = new URL(location, from)
  if (!isSameOrigin(url, from)) throw redirectRefused(`${originOf(url)} is not ${from.origin}`, status)
  return url
}

const turnsIntoGet = (method: string, status: number) =>
  status === 303 ? method !== 'GET' && method !== 'HEAD' : (status === 301 || status === 302) && method === 'POST'

function asGet({ body: _, ...sent }: RequestInit): RequestInit {
  const headers = new Headers(sent.headers)
  for (const name of BODY_HEADERS) headers.delete(name)
  return { ...sent, method: 'GET', headers }
}

function replayable(sent: RequestInit, status: number): RequestInit {
  if (!isStream(sent.body)) return sent
  const message = 'redirect refused: the body is a stream and cannot be sent twice'
  throw new AuthError('BODY_NOT_REPLAYABLE', message, { clause: 'D-one-shot-body', status })
}

const isStream = (body: RequestInit['body']) =>
  typeof body === 'object' && body !== null && ('getReader' in body || Symbol.asyncIterator in body)
