/** The bytes of a body, or `undefined` when there are more than `limitBytes`, or the signal fired first. */
export async function readUpTo(
  source: Request | Response,
  limitBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (!source.body) {
    const whole = await source.arrayBuffer()
    return whole.byteLength > limitBytes ? undefined : new Uint8Array(whole)
  }
  const reader = source.body.getReader()
  const stop = () => void reader.cancel().catch(() => {})
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const chunks: Uint8Array[] = []
    let length = 0
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.byteLength
      if (length > limitBytes) {
        stop()
        return undefined
      }
      chunks.push(next.value)
    }
    return signal?.aborted ? undefined : joined(chunks, length)
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}
