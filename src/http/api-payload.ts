import type { Call } from './api-call.ts'
import { readUpTo } from './body-bytes.ts'

/** The body of a request. */
export interface Payload {
  /** `undefined`: none, or the target brings it. */
  readonly body: RequestInit['body'] | undefined
  readonly replayable: boolean
}

/** `D-one-shot-body` */
export function payloadOf({ init, target, method, signal }: Call, limitBytes: number): Payload | Promise<Payload> {
  if (init?.body !== undefined && init.body !== null) return snapshot(init.body)
  // In Firefox a Request has no `body` property: only reading tells, and a GET has none to read.
  if (typeof target === 'string' || target.body === null || /^(get|head)$/i.test(method))
    return { body: undefined, replayable: true }
  return buffered(target, limitBytes, signal)
}

/** What is sent is what was given, as with `fetch`, though the caller may use a buffer again before the replay. */
function snapshot(body: NonNullable<RequestInit['body']>): Payload {
  if (typeof body === 'string' || body instanceof Blob) return { body, replayable: true }
  if (body instanceof ArrayBuffer) return { body: body.slice(0), replayable: true }
  if (ArrayBuffer.isView(body)) {
    const { buffer, byteOffset, byteLength } = body
    return { body: buffer.slice(byteOffset, byteOffset + byteLength), replayable: true }
  }
  if (body instanceof URLSearchParams) return { body: new URLSearchParams(body), replayable: true }
  if (body instanceof FormData) {
    const copy = new FormData()
    for (const [name, value] of body) copy.append(name, value)
    return { body: copy, replayable: true }
  }
  return { body, replayable: false }
}

/**
 * Reads the body of a `Request` ahead, up to `limitBytes`. A larger one is left to the transport, whole, so that it keeps
 * its length and needs no streaming upload.
 */
async function buffered(request: Request, limitBytes: number, signal: AbortSignal | undefined): Promise<Payload> {
  const ahead = request.clone()
  const bytes = await readUpTo(ahead, limitBytes, signal)
  if (bytes === undefined && !signal?.aborted) return { body: undefined, replayable: false }
  // To its owner the request is as used as after a `fetch`.
  void request.body?.cancel().catch(() => {})
  signal?.throwIfAborted()
  return { body: bytes, replayable: true }
}
