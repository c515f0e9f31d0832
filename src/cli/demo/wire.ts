import { buffer } from 'node:stream/consumers'
import type { VirtualClock } from '../../virtual-clock.ts'

/** One request and its answer. */
export type Send = (request: Request) => Promise<Response>

/** What the client did, in the order in which it did it; the server's log says what became of it. */
export type WireMoment =
  | { readonly kind: 'sent'; readonly send: WireSend }
  | { readonly kind: 'answered'; readonly send: WireSend }
  | { readonly kind: 'demanded'; readonly atMs: number }
  | { readonly kind: 'operator'; readonly atMs: number; readonly action: 'signIn' | 'reset' | 'signOut' }

/** What finds the entry of a request in the server's log. */
export interface WireSend {
  readonly atMs: number
  readonly path: string
  readonly accessJti: string | undefined
  /** The header that the demo gives each of its API requests. */
  readonly requestId: string | undefined
}

/** Notes what passes between the client and the server. */
export interface Wire {
  readonly send: Send
  readonly moments: readonly WireMoment[]
  demanded(): void
  operator(action: 'signIn' | 'reset' | 'signOut'): void
}

/** The name of the header by which the two sends of one request are known. */
export const REQUEST_ID = 'x-request-id'

/** A wire of real HTTP. */
export function createWire(clock: VirtualClock): Wire {
  const moments: WireMoment[] = []
  return {
    moments,
    demanded: () => void moments.push({ kind: 'demanded', atMs: clock.now() }),
    operator: (action) => void moments.push({ kind: 'operator', atMs: clock.now(), action }),
    async send(request) {
      const { pathname: path } = new URL(request.url)
      const requestId = request.headers.get(REQUEST_ID) ?? undefined
      const send = { atMs: clock.now(), path, accessJti: jtiOf(request.headers.get('authorization')), requestId }
      moments.push({ kind: 'sent', send })
      try {
        const { status, headers, body } = await fetch(request)
        const bytes = body === null ? null : await buffer(body)
        return new Response(bytes?.length ? new Uint8Array(bytes) : null, { status, headers })
      } finally {
        moments.push({ kind: 'answered', send })
      }
    },
  }
}

/** The `jti` of a Bearer token, by which the server's log names it. */
function jtiOf(authorization: string | null): string | undefined {
  const payload = /^Bearer [^.]+\.([^.]+)\./.exec(authorization ?? '')?.[1]
  if (payload === undefined) return undefined
  const { jti } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti?: string }
  return jti
}
