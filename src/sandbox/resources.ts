import { parseBody, textField } from './body.ts'
import {
  accessNotValid,
  asForbidden,
  badAuthorizationHeader,
  methodNotAllowed,
  notAuthenticated,
  notFound,
  type Reply,
  userInactive,
  userNotFound,
} from './replies.ts'
import { type Call, type Handler, noteToken, type Server } from './server.ts'
import { admit } from './token-endpoints.ts'
import type { TokenClaims } from './tokens.ts'
import type { Account } from './users.ts'

interface Caller {
  account: Account
  claims: TokenClaims
}

type Resource = (call: Call, caller: Caller, argument: string) => Reply

const REDIRECTS = [301, 302, 303, 307, 308]

const error = (status: number, code: string, message: string): Reply => ({
  status,
  body: { errors: [{ code, message }], data: null, success: false },
})

const taxExempt: Resource = ({ method, bodyText, headers }) => {
  if (method !== 'POST') return methodNotAllowed(method, 'POST')
  const { fields, refusal } = parseBody(bodyText, headers.get('Content-Type'))
  if (refusal) return refusal.status === 415 ? refusal : error(400, 'parse_error', 'The body is not a JSON object.')
  const tin = textField(fields, 'tin')
  const name = textField(fields, 'name')
  if (tin === undefined) return error(400, 'required', 'tin: this field is required.')
  if (!/^\d{2}-?\d{7}$/.test(tin)) return error(400, 'invalid', 'tin: nine digits are needed.')
  if (name === undefined) return error(400, 'required', 'name: this field is required.')
  const { webhook_urls = [] } = fields
  if (!Array.isArray(webhook_urls)) return error(400, 'invalid', 'webhook_urls: a list is needed.')
  const data = { tin, name, webhook_urls, tax_exempt: true }
  return { status: 200, body: { success_message: 'Tax exempt check completed.', data, success: true } }
}

const whoAmI: Resource = ({ method }, { account, claims }) =>
  method === 'GET'
    ? { status: 200, body: { username: account.username, token: { exp: claims.exp, jti: claims.jti } } }
    : methodNotAllowed(method, 'GET')

/** `?to=URL&status=302&hops=1`: with more than one hop it first leads back to itself. */
const redirect: Resource = ({ url }) => {
  const to = url.searchParams.get('to')
  const status = Number(url.searchParams.get('status') ?? 302)
  const hops = Number(url.searchParams.get('hops') ?? 1)
  if (to === null || !REDIRECTS.includes(status) || !(hops >= 1))
    return error(400, 'invalid', `to (a URL) is needed; status is one of ${REDIRECTS.join(', ')}; hops is 1 or more.`)
  const next = new URLSearchParams({ to, status: String(status), hops: String(hops - 1) })
  return { status, headers: { Location: hops > 1 ? `${url.pathname}?${next}` : to } }
}

const answerStatus: Resource = (_call, _caller, argument) => {
  const status = Number(argument)
  return status < 200 || status > 599 ? notFound : { status, body: { detail: `Status ${status}, as asked for.` } }
}

const RESOURCES: readonly [path: RegExp, resource: Resource][] = [
  [/^\/api\/v2\/taxexempt\/$/, taxExempt],
  [/^\/api\/v2\/whoami\/$/, whoAmI],
  [/^\/api\/v2\/redirect\/$/, redirect],
  [/^\/api\/v2\/status\/(\d{3})\/$/, answerStatus],
]

/** Every path but the token endpoints. As in DRF: the path, then authentication, then the throttle, then the view. */
export const api: Handler = async (server, call) => {
  const caller = await authenticate(server, call)
  for (const [path, resource] of RESOURCES) {
    const match = path.exec(call.url.pathname)
    if (match === null) continue
    if (!('account' in caller)) return server.modes.forbidden403 ? asForbidden(caller) : caller
    const overLimit = server.throttle?.options.counts === 'all' ? admit(server, call) : undefined
    return overLimit ?? resource(call, caller, match[1] ?? '')
  }
  return notFound
}

/** Who calls, or the reply that refuses the call. */
async function authenticate(server: Server, { headers, notes }: Call): Promise<Caller | Reply> {
  const [scheme, token, ...rest] = (headers.get('Authorization') ?? '').split(/\s+/)
  if (scheme !== 'Bearer') return notAuthenticated
  if (token === undefined || token === '' || rest.length > 0) return badAuthorizationHeader
  const presented = await server.tokens.inspect(token)
  noteToken(server, notes, presented)
  const fault = server.tokens.fault(presented)
  const { claims } = presented
  if (claims === undefined || fault !== undefined) return accessNotValid(fault ?? 'invalid')
  if (claims.token_type !== 'access') return accessNotValid('wrongType')
  const account = server.users.byId(claims.user_id)
  if (account === undefined || account.deleted) return userNotFound
  return account.active ? { account, claims } : userInactive
}
