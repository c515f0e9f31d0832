import { shownPath } from '../../journal/path.ts'
import type { Need } from '../../monitors/index.ts'
import type { Abilities, Exchange, Item, Locator } from '../exchange.ts'
import { roleOf } from '../target.ts'
import { timesOf } from './access-log-times.ts'
import { type Batches, batchesOf } from './batches.ts'
import { isToken, tokenClaims } from './fingerprints.ts'
import { authorizationOf } from './headers.ts'
import { field, isObject, number, parsed, text } from './json-values.ts'
import { type Line, linesOf, MAX_LINE_BYTES, textOf } from './lines.ts'
import type { FormatReader, Input, ReadContext } from './reader.ts'

const STATUS = ['status', 'response_code', 'status_code']
const PATH = ['request_uri', 'uri', 'path', 'request', 'url', 'x_envoy_original_path']
/** Who it was, where a log says so: nobody's standard. */
const ACCOUNT = ['account', 'user_id', 'jwt_claim_sub', 'sub']

const SERVER = 'An access log is its server’s'
const LACKS: Readonly<Partial<Record<Need, string>>> = {
  tokens: `${SERVER}: it holds no bodies, so which tokens were granted does not show.`,
  credentials: `${SERVER}: it holds no bodies, so which credentials were sent does not show.`,
  requestIds: `${SERVER}: which requests are one, sent again, does not show.`,
  demands: `${SERVER}: who asked the client for a token does not show.`,
  settlements: `${SERVER}: what those who asked for a token were given does not show.`,
  aborts: `${SERVER}: who gave a request up, and why, does not show for sure.`,
  signOuts: `${SERVER}: a sign-out sends nothing.`,
  outputs: `${SERVER}: what the client prints does not show.`,
  origins: `${SERVER}: where the client sends elsewhere does not show.`,
}

/**
 * Access logs of nginx and Envoy in JSON, a line an entry, by the names that their manuals and the usual ingress charts use.
 * Times are the server's: when a request arrived and when its answer left.
 */
export const accessLogReader: FormatReader = {
  format: 'access-log',
  title: 'access logs of nginx and Envoy in JSON',
  recognises: ({ keys }) => STATUS.some((name) => keys.has(name)) && PATH.some((name) => keys.has(name)),
  read: (input, context) => ({ format: 'access-log', batches: readLog(input, context), abilities }),
}

const abilities = (): Abilities => ({ tells: [], lacks: LACKS })

function readLog({ file, bytes }: Input, context: ReadContext): Batches<Item> {
  const read = (line: Line, items: Item[]) => {
    const at = { file, line: line.number }
    const why = line.tooLong
      ? `longer than ${MAX_LINE_BYTES} bytes`
      : line.cutOff
        ? 'cut off at the end of the file'
        : ''
    const entry = line.tooLong ? undefined : parsed(textOf(line))
    if (isObject(entry)) items.push(readEntry(entry, at, context))
    else items.push({ kind: 'skipped', at, why: why || 'no JSON object' })
  }
  return batchesOf(linesOf(bytes), read)
}

/** What stands for "nothing" in a log. */
const given = (value: unknown) => {
  const found = text(value)?.trim()
  return found === undefined || found === '' || found === '-' ? undefined : found
}

function readEntry(entry: object, at: Locator, { target, fingerprints }: ReadContext): Item {
  const skipped = (why: string): Item => ({ kind: 'skipped', at, why })
  const first = (...names: readonly string[]) => names.map((name) => given(field(entry, name))).find(Boolean)
  const [, requestMethod, requestPath] = /^([A-Za-z]+) (\S+)(?: HTTP\/[\d.]+)?$/.exec(first('request') ?? '') ?? []
  const method = (first('request_method', 'method', 'http_method') ?? requestMethod)?.toUpperCase()
  const asked = first('request_uri', 'x_envoy_original_path', 'uri', 'path', 'url') ?? requestPath
  if (method === undefined || !/^[A-Z]{1,20}$/.test(method) || asked === undefined) return skipped('no HTTP request')
  const url = urlOf(asked, first, target.origins)
  if (url === undefined) return skipped('no URL')
  const role = roleOf(target, url)
  if ('why' in role) return skipped(role.why)
  const times = timesOf(entry)
  if (times === undefined) return skipped('no usable time')
  const status = STATUS.map((name) => number(field(entry, name))).find((found) => found !== undefined)
  if (status === undefined || !Number.isInteger(status) || status < 0 || status > 999) return skipped('no status')

  const { endpoint } = role
  const user = first('remote_user')
  const authorization = first('http_authorization', 'authorization')
  // A user name in the log is Basic's.
  const {
    scheme,
    token,
    hidden = false,
  } = authorization === undefined && user !== undefined
    ? { scheme: 'Basic' as const, token: undefined, hidden: false }
    : authorizationOf(authorization)
  const presents = endpoint === 'api' && isToken(token)
  // nginx writes 499 and Envoy 0 with `DC` where the client went away first.
  const left = status === 499 || (status === 0 && /\bDC\b/.test(first('response_flags') ?? ''))
  const request: Exchange['request'] = {
    endpoint,
    method,
    path: shownPath(url.path),
    origin: url.origin,
    authScheme: scheme,
    accessId: presents ? fingerprints.token(token) : undefined,
    accessExpAtMs: presents ? tokenClaims(token).expAtMs : undefined,
    status: left || status < 100 ? 'dropped' : status,
    abandoned: left ? true : undefined,
  }
  const named = user ?? first(...ACCOUNT)
  const who =
    named ?? first('x_forwarded_for', 'http_x_forwarded_for', 'remote_addr', 'downstream_remote_address', 'client_ip')
  return {
    kind: 'exchange',
    at,
    // Everybody's requests are in one log: without a name, those from one address are taken for one account's.
    account: who === undefined ? undefined : fingerprints.account(named ?? addressOf(who)),
    ...(named === undefined ? { accountGuessed: true } : {}),
    ...times,
    request,
    ...(endpoint === 'api' && (hidden || (authorization === undefined && user === undefined))
      ? { authHidden: true }
      : {}),
  }
}

/** The first of those that a request was forwarded for, without its port. */
const addressOf = (who: string) => (who.split(',', 1)[0] ?? who).trim().replace(/^(\d+(?:\.\d+){3}|\[.*\]):\d+$/, '$1')

type First = (...names: readonly string[]) => string | undefined

/** Where no scheme is told, that of the origin which was given for this host. */
function urlOf(asked: string, first: First, origins: readonly string[]) {
  if (URL.canParse(asked)) {
    const { origin, pathname } = new URL(asked)
    return { origin: origin === 'null' ? undefined : origin, path: pathname }
  }
  if (!asked.startsWith('/')) return undefined
  const path = asked.split(/[?#]/, 1)[0] ?? asked
  const host = first('http_host', 'host', 'authority', 'vhost', 'server_name')
  const scheme = first('scheme', 'x_forwarded_proto', 'http_x_forwarded_proto')
  if (host === undefined) return { origin: undefined, path }
  const known =
    scheme === undefined ? origins.find((origin) => URL.canParse(origin) && new URL(origin).host === host) : undefined
  const origin = known ?? `${scheme ?? 'https'}://${host}`
  return { origin: URL.canParse(origin) ? new URL(origin).origin : undefined, path }
}
