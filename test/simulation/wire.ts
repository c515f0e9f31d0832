import type { Arrival } from '../../src/sandbox/server.ts'
import { type Served, toResponse } from '../../src/sandbox/wire.ts'

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

/** The `Response` of a reply, which comes into being when somebody wants more than its status. */
export const lateResponse = (served: Served): Response => new LateResponse(served) as unknown as Response

class LateResponse {
  readonly #served: Served
  #whole: Response | undefined

  constructor(served: Served) {
    this.#served = served
  }
  #response(): Response {
    this.#whole ??= toResponse(this.#served)
    return this.#whole
  }
  get status() {
    return this.#served.reply.status
  }
  get ok() {
    return this.status >= 200 && this.status < 300
  }
  get type() {
    return 'default' as const
  }
  get redirected() {
    return false
  }
  get url() {
    return ''
  }
  get statusText() {
    return ''
  }
  get headers() {
    return this.#response().headers
  }
  get body() {
    return this.#response().body
  }
  get bodyUsed() {
    return this.#whole?.bodyUsed ?? false
  }
  text() {
    return this.#response().text()
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
