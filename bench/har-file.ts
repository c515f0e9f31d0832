import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'

/**
 * Writes a HAR as DevTools does, the same bytes for the same size: a page that loads scripts and pictures, and a client of the
 * API that refreshes every 47 minutes.
 */
export async function writeHar(path: string, megabytes: number): Promise<{ entries: number }> {
  const file = createWriteStream(path)
  const wanted = megabytes * 1_000_000
  let entries = 0
  let length = 0
  const write = async (text: string) => {
    length += text.length
    if (!file.write(text)) await once(file, 'drain')
  }
  await write(
    '{\n  "log": {\n    "version": "1.2",\n    "creator": { "name": "WebInspector", "version": "537.36" },\n    "pages": [],\n    "entries": [\n',
  )
  while (length < wanted) {
    if (entries > 0) await write(',\n')
    await write(JSON.stringify(entryOf(entries++), undefined, 2))
  }
  await write('\n    ]\n  }\n}\n')
  file.end()
  await finished(file)
  return { entries }
}

const START_MS = Date.UTC(2026, 0, 5, 10)
const SPACING_MS = 1500
const CLIENT = 'https://app1.compliancely.com'

const jwt = (type: string, number: number, expS: number) =>
  ['{"alg":"HS256"}', JSON.stringify({ token_type: type, exp: expS, jti: `${type}${number}` }), `${type}-${number}`]
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')

/** JSON of about so many bytes, full of quotes, as an answer's body. */
const rows = (bytes: number, seed: number) =>
  JSON.stringify(
    Array.from({ length: Math.ceil(bytes / 60) }, (_, n) => ({ id: seed * 1000 + n, name: `row "${n}"`, tin: 'é 00' })),
  )

function entryOf(number: number) {
  const atMs = START_MS + number * SPACING_MS
  const generation = Math.floor((atMs - START_MS) / 2_820_000)
  const isRefresh = number > 0 && generation > Math.floor((atMs - SPACING_MS - START_MS) / 2_820_000)
  const expS = Math.floor(atMs / 1000) + 3600
  const pair = { access: jwt('access', generation, expS), refresh: jwt('refresh', generation, expS + 82_800) }
  if (number === 0)
    return entry(atMs, 'POST', '/api/v2/token/', { username: 'demo', password: 'demo-password' }, JSON.stringify(pair))
  if (isRefresh)
    return entry(atMs, 'POST', '/api/v2/token/refresh/', { refresh: `r${generation - 1}` }, JSON.stringify(pair))
  if (number % 10 === 3)
    return entry(atMs, 'GET', `/static/p${number}.png`, undefined, 'iVBORw0K'.repeat(4000), 'base64')
  if (number % 10 === 7) return entry(atMs, 'GET', `/static/s${number}.js`, undefined, 'var a = "b\\n";\n'.repeat(1500))
  return entry(
    atMs,
    'POST',
    `/api/v2/taxexempt/?n=${number}`,
    { tin: `${number}` },
    rows(4000, number),
    undefined,
    pair.access,
  )
}

function entry(
  atMs: number,
  method: string,
  path: string,
  body: object | undefined,
  text: string,
  encoding?: string,
  token?: string,
) {
  return {
    _initiator: { type: 'script', url: `${CLIENT}/static/app.js`, lineNumber: 1 },
    _priority: 'High',
    _resourceType: 'fetch',
    cache: {},
    request: {
      method,
      url: CLIENT + path,
      httpVersion: 'http/2.0',
      headers: [
        { name: ':authority', value: 'app1.compliancely.com' },
        { name: 'accept', value: '*/*' },
        { name: 'user-agent', value: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)' },
        ...(token === undefined ? [] : [{ name: 'authorization', value: `Bearer ${token}` }]),
      ],
      queryString: [],
      cookies: [],
      headersSize: -1,
      bodySize: body === undefined ? 0 : 40,
      ...(body === undefined ? {} : { postData: { mimeType: 'application/json', text: JSON.stringify(body) } }),
    },
    response: {
      status: 200,
      statusText: '',
      httpVersion: 'http/2.0',
      headers: [{ name: 'content-type', value: 'application/json' }],
      cookies: [],
      content: {
        size: text.length,
        mimeType: 'application/json',
        text,
        ...(encoding === undefined ? {} : { encoding }),
      },
      redirectURL: '',
      headersSize: -1,
      bodySize: -1,
      _transferSize: text.length,
      _error: null,
    },
    startedDateTime: new Date(atMs).toISOString(),
    time: 120,
    timings: { blocked: 2, dns: -1, ssl: -1, connect: -1, send: 0.2, wait: 110, receive: 7.8, _blocked_queueing: 1 },
  }
}
