import type { Clock } from '../../src/clock.ts'
import { AuthError } from '../../src/errors.ts'
import type { Demand, Moment, ObservedRequest, ObservedSend } from '../../src/monitors/index.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** Makes moments of what passes between a client and a server, and between a client and its callers. */
export interface Recorder {
  readonly moments: readonly Moment[]
  /** To be given to the client. */
  readonly fetch: Fetch
  demanded(more?: Omit<Demand, 'atMs'>): void
  /** Somebody asks for a token, by `timeoutMs` from now; tells what came of it. */
  demand(ask: (signal: AbortSignal) => Promise<string>, options: { timeoutMs: number }): Asked
  operator(action: 'signIn' | 'reset' | 'signOut'): void
  /** Looks through something that others can read. */
  shown(where: string, text: string): void
  elapsed(): void
}

/** A caller who can give up. */
export interface Asked {
  abort(): void
  /** Never rejects. */
  readonly ended: Promise<void>
}

/** The header by which the sends of one API request are known. */
export const REQUEST_ID = 'x-request-id'

const ENDPOINTS: Readonly<Record<string, ObservedSend['endpoint']>> = {
  '/api/v2/token/': 'create',
  '/api/v2/token/refresh/': 'refresh',
  '/api/v2/token/validate/': 'validate',
}
const SCHEMES = ['Bearer', 'Basic', 'Token'] as const

export function createRecorder(send: Fetch, clock: Clock, configuredOrigin: string): Recorder {
  const moments: Moment[] = []
  /** Ids of every token and password that passed. */
  const secrets = new Map<string, string>()
  const credentials = new Map<string, string>()
  let demands = 0
  const now = () => clock.now()
  const held = <T>(work: Promise<T>) => clock.hold?.(work) ?? work

  const token = (text: string | undefined) => {
    const [, payload] = text?.split('.') ?? []
    if (text === undefined || payload === undefined) return undefined
    const { jti, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti: string; exp: number }
    secrets.set(text, jti)
    return { id: jti, expAtMs: exp * 1000 }
  }
  const observe = (request: Request, body: string): ObservedSend => {
    const { origin, pathname: path } = new URL(request.url)
    const endpoint = ENDPOINTS[path] ?? 'api'
    const authorization = request.headers.get('authorization')
    const scheme = SCHEMES.find((name) => authorization?.startsWith(`${name} `))
    const about: ObservedSend = {
      sentAtMs: now(),
      endpoint,
      method: request.method,
      path,
      authScheme: authorization === null ? 'none' : (scheme ?? 'other'),
      requestId: request.headers.get(REQUEST_ID) ?? undefined,
      origin,
      configuredOrigin,
    }
    const fields = endpoint === 'api' ? {} : (JSON.parse(body) as Record<string, string>)
    const { username, password, refresh, token: validated } = fields
    if (endpoint === 'create' && password !== undefined) {
      const key = `${username} ${password}`
      const credentialsId = credentials.get(key) ?? `credentials-${credentials.size + 1}`
      credentials.set(key, credentialsId)
      secrets.set(password, credentialsId)
      return { ...about, credentialsId }
    }
    if (endpoint === 'refresh') {
      const { id, expAtMs } = token(refresh) ?? {}
      return { ...about, refreshId: id, refreshExpAtMs: expAtMs }
    }
    const { id, expAtMs } = token(validated ?? (scheme === 'Bearer' ? authorization?.slice(7) : undefined)) ?? {}
    return { ...about, accessId: id, accessExpAtMs: expAtMs }
  }
  /** What arrived of a grant. */
  const granted = async (endpoint: ObservedSend['endpoint'], response: Response): Promise<Partial<ObservedRequest>> => {
    if (response.status !== 200 || (endpoint !== 'create' && endpoint !== 'refresh')) return {}
    const body = await response
      .clone()
      .json()
      .catch(() => ({}))
    const access = token(body.access)
    const refresh = token(body.refresh)
    return {
      grantedAccessId: access?.id,
      grantedAccessExpAtMs: access?.expAtMs,
      grantedRefreshId: refresh?.id,
      grantedRefreshExpAtMs: refresh?.expAtMs,
    }
  }

  return {
    moments,
    async fetch(input, init) {
      const request = new Request(input, init)
      const body = typeof init?.body === 'string' ? init.body : await held(request.clone().text())
      const sent = observe(request, body)
      moments.push({ kind: 'sent', request: sent })
      const answered = (status: ObservedRequest['status'], more: Partial<ObservedRequest>) =>
        moments.push({ kind: 'answered', request: { ...sent, answeredAtMs: now(), status, ...more } })
      try {
        const response = await send(request)
        const retryAfter = response.headers.get('retry-after')
        const retryAfterMs = retryAfter === null ? undefined : Number(retryAfter) * 1000
        answered(response.status, { retryAfterMs, ...(await held(granted(sent.endpoint, response))) })
        return response
      } catch (error) {
        answered('dropped', { abandoned: request.signal.aborted })
        throw error
      }
    },
    demanded: (more = {}) => void moments.push({ kind: 'demanded', atMs: now(), ...more }),
    demand(ask, { timeoutMs }) {
      const demandId = `demand-${++demands}`
      const caller = new AbortController()
      moments.push({ kind: 'demanded', atMs: now(), demandId, deadlineAtMs: now() + timeoutMs })
      const ended = ask(caller.signal).then(
        (access) => {
          const { id, expAtMs } = token(access) ?? {}
          const result = { kind: 'token', accessId: id, accessExpAtMs: expAtMs } as const
          moments.push({ kind: 'settled', atMs: now(), demandId, result })
        },
        (error: unknown) => {
          const code = error instanceof AuthError ? error.code : undefined
          moments.push({ kind: 'settled', atMs: now(), demandId, result: { kind: 'error', code } })
        },
      )
      const abort = () => {
        moments.push({ kind: 'aborted', atMs: now(), demandId })
        caller.abort()
      }
      return { abort, ended }
    },
    operator: (action) => void moments.push({ kind: 'operator', atMs: now(), action }),
    shown(where, text) {
      const secretIds = [...secrets].flatMap(([secret, id]) => (text.includes(secret) ? [id] : []))
      moments.push({ kind: 'shown', atMs: now(), where, secretIds })
    },
    elapsed: () => void moments.push({ kind: 'elapsed', atMs: now() }),
  }
}
