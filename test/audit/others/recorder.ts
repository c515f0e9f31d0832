import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, sleep } from '../../../src/clock.ts'

/** How long an answer takes from here to the client, ms. */
const WAY_BACK_MS = 20

/** A proxy that writes down everything, secrets too: for tests alone. */
export interface Recorder {
  /** For the client's base URL. */
  readonly url: string
  /** HAR 1.2 of what has been answered, in the order in which it was sent. */
  har(): string
  /** Holds the answers to the next requests for this path back until so many of them are under way. */
  together(count: number, path: string): void
  close(): Promise<void>
}

interface Meeting {
  readonly path: string
  missing: number
  readonly complete: Promise<void>
  readonly end: () => void
}

interface Answer {
  readonly status: number
  readonly statusText: string
  readonly headers: OutgoingHttpHeaders
  readonly body: Buffer
}

/** Starts one in front of `upstream`. What the client sends is stamped as it comes, what it gets as it leaves for the client. */
export async function record(upstream: string, clock: Clock): Promise<Recorder> {
  const entries: { order: number; entry: object }[] = []
  const meetings: Meeting[] = []
  let orders = 0

  const meet = async (path: string) => {
    const meeting = meetings.find((each) => each.path === path && each.missing > 0)
    if (meeting === undefined) return
    meeting.missing--
    if (meeting.missing === 0) meeting.end()
    await meeting.complete
  }
  const server = createServer(async (incoming, outgoing) => {
    const order = orders++
    const startedAtMs = clock.now()
    try {
      const body = await bytesOf(incoming)
      const { method = 'GET', url = '/' } = incoming
      const answer = await ask(new URL(url, upstream), incoming, body)
      // Last: those that met leave together, before anybody can react to one of them.
      await meet(url)
      const timeMs = clock.now() - startedAtMs
      const sent = { url: new URL(url, origin).href, method, headers: incoming.headers, body }
      entries.push({ order, entry: entryOf(sent, answer, startedAtMs, timeMs) })
      // As on a network; and cause and effect are further apart than a HAR's times are exact.
      await sleep(clock, WAY_BACK_MS)
      outgoing.writeHead(answer.status, answer.headers).end(answer.body)
    } catch {
      incoming.socket.destroy()
    }
  })
  await new Promise<void>((listening) => void server.listen(0, '127.0.0.1', listening))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url: origin,
    har() {
      const inOrder = entries.toSorted((a, b) => a.order - b.order).map(({ entry }) => entry)
      return JSON.stringify({
        log: { version: '1.2', creator: { name: 'recorder', version: '1' }, entries: inOrder },
      })
    },
    together(count, path) {
      const { promise: complete, resolve: end } = Promise.withResolvers<void>()
      meetings.push({ path, missing: count, complete, end })
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

async function bytesOf(stream: AsyncIterable<Buffer> | IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Of one connection, not of the message. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'host', 'content-length']
const endToEnd = (headers: OutgoingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)))

function ask(url: URL, { method, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body.length === 0 ? {} : { 'content-length': body.length }
    const asked = request(url, { method, agent: false, headers: { ...endToEnd(headers), ...length } }, (answered) => {
      const { statusCode: status = 0, statusMessage: statusText = '' } = answered
      bytesOf(answered).then(
        (bytes) => resolve({ status, statusText, headers: endToEnd(answered.headers), body: bytes }),
        reject,
      )
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

interface Sent {
  readonly url: string
  readonly method: string
  readonly headers: OutgoingHttpHeaders
  readonly body: Buffer
}

const listed = (headers: OutgoingHttpHeaders) =>
  Object.entries(headers).map(([name, value]) => ({ name, value: String(value) }))

function entryOf({ url, method, headers, body }: Sent, answer: Answer, startedAtMs: number, timeMs: number) {
  const mimeType = String(headers['content-type'] ?? '')
  const sizes = { headersSize: -1, httpVersion: 'HTTP/1.1', cookies: [] }
  return {
    startedDateTime: new Date(startedAtMs).toISOString(),
    time: timeMs,
    timings: { send: 0, wait: timeMs, receive: 0 },
    cache: {},
    request: {
      ...{ ...sizes, method, url, headers: listed(headers), queryString: [], bodySize: body.length },
      ...(body.length === 0 ? {} : { postData: { mimeType, text: body.toString() } }),
    },
    response: {
      ...{ ...sizes, status: answer.status, statusText: answer.statusText, redirectURL: '' },
      ...{ headers: listed(answer.headers), bodySize: answer.body.length },
      content: {
        ...{ size: answer.body.length, mimeType: String(answer.headers['content-type'] ?? '') },
        text: answer.body.toString(),
      },
    },
  }
}
