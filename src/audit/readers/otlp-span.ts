import { shownPath } from '../../journal/path.ts'
import type { ObservedRequest } from '../../monitors/index.ts'
import type { Exchange, Instant, Item, Locator } from '../exchange.ts'
import { roleOf } from '../target.ts'
import { isToken, tokenClaims } from './fingerprints.ts'
import { authorizationOf, retryAfterMs } from './headers.ts'
import { EARLIEST_MS, LATEST_MS } from './iso-times.ts'
import { field, text } from './json-values.ts'
import { type Attributes, attributesOf } from './otlp-values.ts'
import type { ReadContext } from './reader.ts'

/** How long a request may have been on its way between a client and the server whose clock tells of it, ms. */
export const ON_THE_WAY_MS = 1_000

/** Whose spans these are. */
export interface Service {
  readonly account?: string | undefined
  readonly client?: string | undefined
}

/** A span that stands for an HTTP request, or why none does. */
export interface SpanOf {
  readonly item: Item
  readonly side?: 'client' | 'server' | undefined
  /** Of the request: a client's span is the parent of its server's. */
  readonly traceId?: string | undefined
  readonly spanId?: string | undefined
  readonly parentId?: string | undefined
}

/** The name of a service and its instance, as far as they can be shown. */
export function serviceOf(resource: unknown): Service {
  const attributes = attributesOf(resource)
  const shown = (name: string) =>
    attributes
      .text(name)
      ?.replaceAll(/[^\w./@:-]/g, '_')
      .slice(0, 64) || undefined
  return { account: shown('service.name'), client: shown('service.instance.id') }
}

const KINDS: Readonly<Record<string, 'client' | 'server'>> = {
  2: 'server',
  SPAN_KIND_SERVER: 'server',
  3: 'client',
  SPAN_KIND_CLIENT: 'client',
}

export function readSpan(span: unknown, at: Locator, { target, fingerprints }: ReadContext): SpanOf {
  const skipped = (why: string): SpanOf => ({ item: { kind: 'skipped', at, why } })
  const side = KINDS[String(field(span, 'kind'))]
  const attributes = attributesOf(span)
  const method = attributes.text('http.request.method_original', 'http.request.method', 'http.method')?.toUpperCase()
  if (side === undefined || method === undefined || !/^[A-Z]{1,20}$/.test(method)) return skipped('no HTTP request')
  const url = urlOf(attributes)
  if (url === undefined) return skipped('no URL')
  const role = roleOf(target, url)
  if ('why' in role) return skipped(role.why)
  const times = timesOf(span, side)
  if (times === undefined) return skipped('no usable times')

  const { endpoint } = role
  const { scheme, token } = authorizationOf(attributes.header('request', 'authorization'))
  const accessId = endpoint === 'api' && isToken(token) ? fingerprints.token(token) : undefined
  const [traceId, spanId, parentId] = ['traceId', 'spanId', 'parentSpanId'].map((name) => idOf(field(span, name)))
  const status = attributes.number('http.response.status_code', 'http.status_code')
  const isAnswered = status !== undefined && Number.isInteger(status) && status >= 100 && status <= 999
  const headers = new Map([
    ['retry-after', attributes.header('response', 'retry-after') ?? ''],
    ['date', attributes.header('response', 'date') ?? ''],
  ])
  const request: Exchange['request'] = {
    endpoint,
    method,
    path: shownPath(url.path),
    origin: url.origin,
    authScheme: scheme,
    accessId,
    accessExpAtMs: accessId === undefined || token === undefined ? undefined : tokenClaims(token).expAtMs,
    status: isAnswered ? status : 'dropped',
    retryAfterMs: isAnswered && status >= 400 ? retryAfterMs(headers, times.answered.latestMs) : undefined,
  } satisfies Partial<ObservedRequest>
  const item: Exchange = {
    kind: 'exchange',
    at,
    // A server's service has the traffic of everybody; a client's is set by {@link ofService}.
    ...(side === 'client' ? {} : userOf(attributes, fingerprints)),
    ...times,
    request,
    // A replay is a sibling of the first send. `http.request.resend_count` is often left out.
    sameAs:
      endpoint === 'api' && parentId !== undefined
        ? fingerprints.body(traceId ?? '', parentId, method, url.full)
        : undefined,
    ...(endpoint === 'api' && scheme === 'none' ? { authHidden: true } : {}),
  }
  return { item, side, traceId, spanId, parentId }
}

/** The item of a span, as one of this service. */
export const ofService = ({ item, side }: Pick<SpanOf, 'item' | 'side'>, service: Service): Item =>
  item.kind === 'exchange' && side === 'client' ? { ...item, ...service } : item

const idOf = (value: unknown) => {
  const id = text(value)
  return id !== undefined && /^[\w+/=-]{1,64}$/.test(id) && !/^0+$/.test(id) ? id : undefined
}

const userOf = (attributes: Attributes, { account }: ReadContext['fingerprints']) => {
  const user = attributes.text('user.id', 'enduser.id', 'user.name')
  return user === undefined || user === '' ? { accountGuessed: true as const } : { account: account(user) }
}

function urlOf(attributes: Attributes): { origin: string | undefined; path: string; full: string } | undefined {
  const full = attributes.text('url.full', 'http.url')
  if (full !== undefined && URL.canParse(full)) {
    const { origin, pathname, search } = new URL(full)
    return { origin: origin === 'null' ? undefined : origin, path: pathname, full: origin + pathname + search }
  }
  const target = attributes.text('url.path', 'http.target')
  if (target === undefined || !target.startsWith('/')) return undefined
  const scheme = attributes.text('url.scheme', 'http.scheme') ?? 'https'
  const host = attributes.text('http.host', 'server.address', 'net.peer.name', 'net.host.name')
  const port = attributes.number('server.port', 'net.peer.port', 'net.host.port')
  const base = `${scheme}://${host}${port === undefined || host?.includes(':') ? '' : `:${port}`}`
  const origin = host !== undefined && URL.canParse(base) ? new URL(base).origin : undefined
  const query = attributes.text('url.query')
  const path = target.split(/[?#]/, 1)[0] ?? target
  return { origin, path, full: `${origin}${target}${query === undefined ? '' : `?${query}`}` }
}

/** A server sees when a request arrived and when its answer left; the client sent it before and had the answer after. */
function timesOf(span: unknown, side: 'client' | 'server'): { sent: Instant; answered: Instant } | undefined {
  const start = nanoInstantOf(field(span, 'startTimeUnixNano'))
  const end = nanoInstantOf(field(span, 'endTimeUnixNano'))
  if (start === undefined || end === undefined) return undefined
  const answered = {
    earliestMs: Math.max(start.earliestMs, end.earliestMs),
    latestMs: Math.max(start.latestMs, end.latestMs),
  }
  if (side === 'client') return { sent: start, answered }
  return {
    sent: { ...start, earliestMs: start.earliestMs - ON_THE_WAY_MS },
    answered: { ...answered, latestMs: answered.latestMs + ON_THE_WAY_MS },
  }
}

/** Nanoseconds: as text to the last one; as a number of JSON they have lost some, which does not matter to a millisecond. */
function nanoInstantOf(value: unknown): Instant | undefined {
  const digits =
    typeof value === 'number' && Number.isSafeInteger(Math.round(value / 1e3)) ? BigInt(Math.round(value)) : value
  const nanoseconds = /^\d{7,20}$/.exec(String(digits))?.[0]
  if (nanoseconds === undefined) return undefined
  const earliestMs = Number(nanoseconds.slice(0, -6))
  const latestMs = earliestMs + (/[1-9]/.test(nanoseconds.slice(-6)) ? 1 : 0)
  return earliestMs >= EARLIEST_MS && latestMs < LATEST_MS ? { earliestMs, latestMs } : undefined
}
