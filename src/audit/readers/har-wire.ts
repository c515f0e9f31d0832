import type { ObservedRequest } from '../../monitors/index.ts'
import { roleOf, type Target } from '../target.ts'
import { field, number, text } from './json-values.ts'

/** Where a request went. */
export interface Destination {
  readonly endpoint: ObservedRequest['endpoint']
  readonly method: string
  readonly url: URL
}

/** The request of an entry, if it is one to the API, or why it is none. */
export function destinationOf(entry: unknown, target: Target): Destination | { readonly why: string } {
  const request = field(entry, 'request')
  const method = text(field(request, 'method'))?.toUpperCase() ?? ''
  const said = text(field(request, 'url')) ?? ''
  if (!/^[A-Z]{1,20}$/.test(method)) return { why: 'no method' }
  const url = URL.parse(said)
  if (url === null) return { why: 'no URL' }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { why: 'not HTTP' }
  const role = roleOf(target, { origin: url.origin, path: url.pathname })
  return 'why' in role ? role : { endpoint: role.endpoint, method, url }
}

/** Safari says where each answer came from. */
const WITHOUT_WIRE = /cache|service worker|override/i
/** Errors of browsers for what they never sent. */
const BLOCKED = /ERR_BLOCKED_BY_(CLIENT|ADMINISTRATOR|CSP)|ERR_CACHE_MISS|blocked:|csp/i

/** Why nothing of this entry went over the wire in the client's name, if so. */
export function offTheWire(entry: unknown, method: string, headers: ReadonlyMap<string, string>): string | undefined {
  const either = (name: string) => field(entry, name) ?? field(field(entry, 'response'), name)
  const is = (name: string) => {
    const value = either(name)
    return value !== undefined && value !== null && value !== false && value !== ''
  }
  const initiator = text(field(field(entry, '_initiator'), 'type'))
  if (initiator === 'preflight' || (method === 'OPTIONS' && !headers.has('authorization'))) return 'a CORS preflight'
  if (method === 'CONNECT') return 'a tunnel through a proxy'
  if (is('_fromCache') || is('fromDiskCache') || is('_fromDiskCache')) return 'answered by a cache'
  if (is('_fetchedViaServiceWorker')) return 'answered by a service worker'
  if (WITHOUT_WIRE.test(text(either('_fetchType')) ?? '')) return 'answered by a cache or service worker'
  if (is('_blocked_reason') || BLOCKED.test(failureOf(entry))) return 'blocked before it was sent'
  return undefined
}

const failureOf = (entry: unknown) => {
  const response = field(entry, 'response')
  return text(field(response, '_error')) ?? text(field(response, '_failureText')) ?? text(field(entry, '_error')) ?? ''
}

/** The client gave it up itself: Chromium's and Firefox's words. */
const ABANDONED = /ERR_ABORTED|NS_BINDING_ABORTED|^cancell?ed$/i

/** What came back: no answer is status 0, or -1 with Playwright. */
export function statusOf(entry: unknown): Pick<ObservedRequest, 'status' | 'abandoned'> | { readonly why: string } {
  const status = number(field(field(entry, 'response'), 'status'))
  if (status === 0 || status === -1)
    return ABANDONED.test(failureOf(entry)) ? { status: 'dropped', abandoned: true } : { status: 'dropped' }
  return status !== undefined && Number.isInteger(status) && status >= 100 && status <= 599
    ? { status }
    : { why: 'no usable status' }
}
