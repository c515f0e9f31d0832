/** A request as the caller made it, before it carries a token. */
export interface Call {
  readonly id: number
  readonly url: URL
  /** What the transport is given: the caller's `Request`, which knows more than `RequestInit` can say, or the URL. */
  readonly target: Request | string
  readonly method: string
  readonly headers: Headers
  readonly signal: AbortSignal | undefined
  readonly redirect: RequestInit['redirect']
  readonly init: RequestInit | undefined
}

export function callOf(input: RequestInfo | URL, init: RequestInit | undefined, root: URL, id: number): Call {
  const request = input instanceof Request ? input : undefined
  const url = request === undefined ? absolute(String(input), root) : new URL(request.url)
  return {
    id,
    url,
    target: request ?? url.href,
    method: init?.method ?? request?.method ?? 'GET',
    headers: new Headers(init?.headers ?? request?.headers),
    // `null` takes the request's own signal away.
    signal: (init?.signal === undefined ? request?.signal : init.signal) ?? undefined,
    redirect: init?.redirect ?? request?.redirect ?? 'follow',
    init,
  }
}

/** A path goes below the root, as with `resolvePath`; what names a host of its own is left to the guard. */
function absolute(text: string, root: URL): URL {
  const isPath = text.startsWith('/') && !/^[/\\]/.test(text.slice(1))
  return new URL(isPath ? `.${text}` : text, root)
}
