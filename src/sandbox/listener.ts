import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where the sandbox listens. */
export interface ListenOptions {
  /** Default 0: any free port. */
  port?: number
  /** Default `127.0.0.1`: this machine only. */
  host?: string
}

/** A sandbox that listens. */
export interface Listening {
  /** For `baseURL`: `http://127.0.0.1:54321`. */
  readonly url: string
  readonly port: number
  /** Ends every connection and stops listening. */
  close(): Promise<void>
}

/** Longest body that is read, bytes; more is answered 413. */
const MAX_BODY_BYTES = 1_048_576

/** Serves `serve` over HTTP. A request that it rejects has its connection destroyed; a caller who leaves aborts it. */
export async function listen(
  serve: (request: Request, peer: string) => Promise<Response>,
  { port = 0, host = '127.0.0.1' }: ListenOptions = {},
): Promise<Listening> {
  // Not an `import`: bundlers for the browser must be able to take the sandbox without this function.
  const { createServer } = process.getBuiltinModule('node:http')
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing))

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const gone = new AbortController()
    outgoing.on('close', () => gone.abort())
    try {
      const body = await read(incoming)
      if (body === undefined) return void outgoing.writeHead(413, { Connection: 'close' }).end()
      const request = toRequest(incoming, body, gone.signal)
      if (request === undefined) return void outgoing.writeHead(400, { Connection: 'close' }).end()
      await send(await serve(request, incoming.socket.remoteAddress ?? ''), outgoing)
    } catch {
      incoming.socket.destroy()
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { port: boundPort } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    port: boundPort,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function read(incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/** `undefined` when Fetch knows no such request (`TRACE`, a broken path). */
function toRequest(incoming: IncomingMessage, body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url = '/', headers: given } = incoming
  const headers = new Headers()
  for (const [name, value] of Object.entries(given))
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  try {
    const bodiless = method === 'GET' || method === 'HEAD'
    return new Request(`http://sandbox.invalid${url}`, { method, headers, signal, ...(bodiless ? {} : { body }) })
  } catch {
    return undefined
  }
}

/** Sends piece by piece, so that a body that breaks in the middle has been sent up to there. */
async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  const headers = Object.fromEntries(response.headers)
  if (response.body === null) return void outgoing.writeHead(response.status, { ...headers, 'Content-Length': 0 }).end()
  outgoing.writeHead(response.status, headers)
  for await (const chunk of response.body) await new Promise((sent) => outgoing.write(chunk, sent))
  outgoing.end()
}
