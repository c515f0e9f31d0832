import type { Arrival } from '../../src/sandbox/server.ts'
import { headersOf, type Served, terminated, textOf, toResponse } from '../../src/sandbox/wire.ts'

/** A call of `fetch` as it arrives at the server, without the `Request` that takes far longer than all the rest. */
export function arrivalOf(input: string | URL | Request, init: RequestInit | undefined): Arrival {
  const body = init?.body ?? ''
  // Whatever else a client may send, this world's clients do not.
  if (input instanceof Request || typeof body !== 'string') throw new Error('only a URL, with text for a body')
  const headers = init?.headers
  return {
    method: init?.method ?? 'GET',
    url: urlOf(String(input)),
    // The client makes them anew for each send.
    headers: headers instanceof Headers ? headers : new Headers(headers),
    signal: init?.signal ?? undefined,
    text: () => body,
  }
}

const urls = new Map<string, URL>()
const urlOf = (text: string) => {
  const url = urls.get(text) ?? new URL(text)
  urls.set(text, url)
  return url
}

/**
 * The `Response` of a reply, as far as the client reads it without one. A real one, with its stream, takes longer than
 * client and server together: it comes into being for whoever wants more than status, headers and text.
 */
export const lateResponse = (served: Served): Response => new LateResponse(served) as unknown as Response

class LateResponse {
  readonly ok: boolean
  readonly status: number
  readonly statusText = ''
  readonly type = 'default'
  readonly redirected = false
  readonly url = ''
  readonly #served: Served
  #headers: Headers | undefined
  #whole: Response | undefined

  constructor(served: Served) {
    const { status } = served.reply
    this.#served = served
    this.status = status
    this.ok = status >= 200 && status < 300
  }
  #response(): Response {
    this.#whole ??= toResponse(this.#served)
    return this.#whole
  }
  get headers() {
    this.#headers ??= headersOf(this.#served)
    return this.#headers
  }
  get body() {
    if (textOf(this.#served) === null) return null
    return { cancel: async () => {}, getReader: () => this.#response().body?.getReader() }
  }
  get bodyUsed() {
    return this.#whole?.bodyUsed ?? false
  }
  async text() {
    if (this.#served.cut) throw terminated()
    return textOf(this.#served) ?? ''
  }
  json() {
    return this.#response().json()
  }
  arrayBuffer() {
    return this.#response().arrayBuffer()
  }
  blob() {
    return this.#response().blob()
  }
  clone() {
    return this.#response().clone()
  }
}
