import type { CallFault, Garble } from './faults.ts'
import type { Endpoint, Notes } from './log.ts'
import { type WireNames, wireName } from './modes.ts'
import { gatewayPage, type Reply, usualReply } from './replies.ts'

/** A connection that broke; to the caller of `fetch` what Node's own says then. */
export class ConnectionDropped extends TypeError {
  constructor() {
    const cause = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })
    super('fetch failed', { cause })
  }
}

/** The reply of a fault with `status`. */
export function faultReply({ status = 500, body, headers }: CallFault, endpoint: Endpoint): Reply {
  const usual = usualReply(status, endpoint)
  if (body === undefined) return { ...usual, headers: { ...usual.headers, ...headers } }
  return { status, headers: { ...usual.headers, ...headers }, body, type: looksLikeJson(body) ? JSON_TYPE : TEXT_TYPE }
}

/** The reply without some of its fields, which go by their reference names. */
export function without(reply: Reply, fields: readonly string[], names: WireNames): Reply {
  if (typeof reply.body !== 'object' || reply.body === null) return reply
  const left = { ...reply.body } as Record<string, unknown>
  for (const field of fields) delete left[wireName(field, names)]
  return { ...reply, body: left }
}

/** Statuses whose replies have no body. */
const BODILESS = [204, 205, 304]
const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain; charset=utf-8'
const HTML_TYPE = 'text/html; charset=utf-8'

/** The reply, spoilt; `cut` is done where the body is sent. */
export function garbled(reply: Reply, garble: Garble): Reply {
  const text = bodyText(reply)
  switch (garble) {
    case 'truncated':
      return { ...reply, body: text.slice(0, Math.ceil(text.length / 2)), type: JSON_TYPE }
    case 'text':
      return { ...reply, body: 'OK', type: TEXT_TYPE }
    case 'html':
      return { ...reply, body: gatewayPage(reply.status), type: HTML_TYPE }
    case 'empty':
      return { ...reply, body: '', type: JSON_TYPE }
    case 'cut':
      return reply
  }
}

/** Notes the `code` of a reply. */
export function noteCode(notes: Notes, { body }: Reply): void {
  if (typeof body !== 'object' || body === null || !('code' in body) || typeof body.code !== 'string') return
  notes.code = body.code
}

/** A reply as it leaves. */
export interface Served {
  readonly reply: Reply
  /** When the server made it, by its own clock, ms since the epoch. */
  readonly madeAtMs: number
  /** The connection breaks in the middle of the body. */
  readonly cut: boolean
}

/** The reply as a `Response`. */
export function toResponse(served: Served): Response {
  const { status } = served.reply
  const headers = headersOf(served)
  const text = textOf(served)
  return new Response(served.cut && text !== null ? cutInHalf(text) : text, { status, headers })
}

export function headersOf({ reply, madeAtMs }: Pick<Served, 'reply' | 'madeAtMs'>): Headers {
  const headers = new Headers({ Date: new Date(madeAtMs).toUTCString(), ...reply.headers })
  if (hasBody(reply) && !headers.has('Content-Type'))
    headers.set('Content-Type', typeof reply.body === 'string' ? (reply.type ?? HTML_TYPE) : JSON_TYPE)
  return headers
}

/** The whole body, also of a reply that is cut; `null` when it has none. */
export const textOf = ({ reply }: Pick<Served, 'reply'>): string | null => (hasBody(reply) ? bodyText(reply) : null)

/** What reading a body says whose connection broke. */
export const terminated = () => new TypeError('terminated')

const hasBody = ({ status, body }: Reply) => body !== undefined && !BODILESS.includes(status)

const bodyText = ({ body }: Reply): string => (typeof body === 'string' ? body : (JSON.stringify(body) ?? ''))

const looksLikeJson = (body: unknown) => typeof body === 'string' && /^\s*[[{]/.test(body)

function cutInHalf(text: string): ReadableStream<Uint8Array> {
  const half = new TextEncoder().encode(text.slice(0, Math.ceil(text.length / 2)))
  let sent = false
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent) return controller.error(terminated())
      sent = true
      controller.enqueue(half)
    },
  })
}
