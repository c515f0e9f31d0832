import { AuthError } from '../../../src/index.ts'
import {
  createMonitors,
  createWatch,
  type Finding,
  judging,
  type Moment,
  type MonitorPolicy,
  type Need,
  type ObservedRequest,
  type ObservedSend,
  type Settlement,
} from '../../../src/monitors/index.ts'
import { DEFAULT_POLICY } from '../../../src/policy/defaults.ts'

/** All that monitors ask for, but a look through what was given out. */
const TOLD: readonly Need[] = [
  'demands',
  'settlements',
  'aborts',
  'signOuts',
  'origins',
  'requestIds',
  'tokens',
  'credentials',
]

/** Notes the traffic of one account as it passes, and has the monitors judge it. */
export function createTape(nowMs: () => number, configuredOrigin: string, policy: MonitorPolicy) {
  const watch = createWatch(judging(createMonitors(policy), TOLD))
  const findings: Finding[] = []
  const observe = (moment: Moment) => void findings.push(...watch.observe(moment))

  const sendOf = async (request: Request): Promise<ObservedSend> => {
    const { method, headers } = request
    const { pathname: path, origin } = new URL(request.url)
    const authorization = headers.get('authorization')
    const said = method === 'POST' ? ((await request.clone().json()) as Record<string, string>) : {}
    const endpoint = ENDPOINTS[path] ?? 'api'
    const access = claimsOf(endpoint === 'validate' ? said.token : authorization?.replace(/^Bearer /, ''))
    const refresh = claimsOf(endpoint === 'refresh' ? said.refresh : undefined)
    return {
      sentAtMs: nowMs(),
      endpoint,
      method,
      path,
      origin,
      configuredOrigin,
      requestId: headers.get(REQUEST_ID) ?? undefined,
      authScheme: authorization?.startsWith('Bearer ') ? 'Bearer' : 'none',
      accessId: access?.jti,
      accessExpAtMs: access && access.exp * 1000,
      refreshId: refresh?.jti,
      refreshExpAtMs: refresh && refresh.exp * 1000,
      credentialsId: endpoint === 'create' ? JSON.stringify(said) : undefined,
    }
  }
  const granted = async (response: Response, endpoint: string): Promise<Partial<ObservedRequest>> => {
    if (response.status !== 200 || (endpoint !== 'create' && endpoint !== 'refresh')) return {}
    const body = (await response
      .clone()
      .json()
      .catch(() => ({}))) as Record<string, string>
    const access = claimsOf(body.access)
    const refresh = claimsOf(body.refresh)
    return {
      grantedAccessId: access?.jti,
      grantedAccessExpAtMs: access && access.exp * 1000,
      grantedRefreshId: refresh?.jti,
      grantedRefreshExpAtMs: refresh && refresh.exp * 1000,
    }
  }

  type Command = 'signIn' | 'signOut' | 'reset'
  const operator = (action: Command) => observe({ kind: 'operator', atMs: nowMs(), action })
  // A command counts from the end of the request in flight. `D-sign-in`
  let tokenRequests = 0
  const waiting: Command[] = []
  let demands = 0

  return {
    findings: findings as readonly Finding[],
    /** Somebody asks for something that needs a token. */
    demanded: () => observe({ kind: 'demanded', atMs: nowMs() }),
    /** A caller asks for a token, and this is what it came to. */
    asked(token: Promise<string>, forced: boolean, timeoutMs: number, signal: AbortSignal) {
      const demandId = String(++demands)
      observe({ kind: 'demanded', atMs: nowMs(), demandId, forced, deadlineAtMs: nowMs() + timeoutMs })
      signal.addEventListener('abort', () => observe({ kind: 'aborted', atMs: nowMs(), demandId }))
      const settled = (result: Settlement) => observe({ kind: 'settled', atMs: nowMs(), demandId, result })
      token.then(
        (access) => {
          const { jti, exp = 0 } = claimsOf(access) ?? {}
          settled({ kind: 'token', accessId: jti, accessExpAtMs: exp * 1000 })
        },
        (error: unknown) => settled({ kind: 'error', code: error instanceof AuthError ? error.code : undefined }),
      )
    },
    operator(action: Command) {
      operator(action)
      if (tokenRequests > 0 && action !== 'signOut') waiting.push(action)
    },
    /** Sends a request, and notes both ends as the client sees them. */
    async passing(request: Request, send: (request: Request) => Promise<Response>) {
      const sent = await sendOf(request)
      const isOfTokens = sent.endpoint === 'create' || sent.endpoint === 'refresh'
      if (isOfTokens) tokenRequests += 1
      observe({ kind: 'sent', request: sent })
      const ended = (status: number | 'dropped', more: Partial<ObservedRequest> = {}) => {
        observe({ kind: 'answered', request: { ...sent, ...more, answeredAtMs: nowMs(), status } })
        if (!isOfTokens) return
        tokenRequests -= 1
        for (const action of waiting.splice(0)) operator(action)
      }
      try {
        const response = await send(request)
        ended(response.status, await granted(response, sent.endpoint))
        return response
      } catch (error) {
        ended('dropped', { abandoned: request.signal.aborted })
        throw error
      }
    },
  }
}

/** The header by which the two sends of one API request are known. */
export const REQUEST_ID = 'x-request-id'

const ENDPOINTS: Readonly<Record<string, ObservedSend['endpoint']>> = {
  [DEFAULT_POLICY.paths.create]: 'create',
  [DEFAULT_POLICY.paths.refresh]: 'refresh',
  [DEFAULT_POLICY.paths.validate]: 'validate',
}

/** What names a token and when it expires. */
function claimsOf(token: string | undefined): { jti: string; exp: number } | undefined {
  const payload = token?.split('.')[1]
  if (payload === undefined) return undefined
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti: string; exp: number }
}
