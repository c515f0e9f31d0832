import {
  createMonitors,
  createWatch,
  type Finding,
  type MonitorPolicy,
  type ObservedRequest,
  type ObservedSend,
} from '../../../src/monitors/index.ts'
import { DEFAULT_POLICY } from '../../../src/policy/defaults.ts'

/** Notes the traffic of one account as it passes, and has the monitors judge it. */
export function createTape(nowMs: () => number, policy: Partial<MonitorPolicy>) {
  const watch = createWatch(createMonitors({ ...DEFAULT_POLICY, ...policy }))

  const sendOf = async (request: Request): Promise<ObservedSend> => {
    const { method, headers } = request
    const { pathname: path } = new URL(request.url)
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
    return { grantedAccessId: claimsOf(body.access)?.jti, grantedRefreshId: claimsOf(body.refresh)?.jti }
  }

  return {
    findings: watch.findings as readonly Finding[],
    demanded: () => void watch.observe({ kind: 'demanded', atMs: nowMs() }),
    operator: (action: 'signIn' | 'signOut' | 'reset') =>
      void watch.observe({ kind: 'operator', atMs: nowMs(), action }),
    /** Sends a request, and notes both ends as the client sees them. */
    async passing(request: Request, send: (request: Request) => Promise<Response>) {
      const sent = await sendOf(request)
      watch.observe({ kind: 'sent', request: sent })
      const ended = (status: number | 'dropped', more: Partial<ObservedRequest> = {}) =>
        watch.observe({ kind: 'answered', request: { ...sent, ...more, answeredAtMs: nowMs(), status } })
      try {
        const response = await send(request)
        ended(response.status, await granted(response, sent.endpoint))
        return response
      } catch (error) {
        ended('dropped')
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
