import type { Moment, ObservedSend } from '../../src/monitors/index.ts'
import type { Arrival } from '../../src/sandbox/server.ts'
import type { Served } from '../../src/sandbox/wire.ts'
import { BASE_URL, credentialsIdOf, TOKEN_PATHS } from './limits.ts'
import type { Process } from './process.ts'
import type { Setting } from './setting.ts'
import { MINUTE, SECOND } from './units.ts'
import { arrivalOf, lateResponse } from './wire.ts'

/** The way to the server and back, of each process; `mishap` happens to it at the worst moments. */
export function createTransport(setting: Setting, mishap: (process: Process) => void) {
  const { clock, sandbox, serve, state, on, judge, server, tokens, trace } = setting
  const { lookAt, orderOf, grants, granted } = tokens
  const { ended, countSend } = server
  const { note, violate } = trace
  let received = 0
  const never = () => new Promise<never>(() => {})
  const mix = (process: Process, { url, method, headers, text }: Arrival): ObservedSend => {
    const { origin, pathname: path } = url
    const endpoint = TOKEN_PATHS[path] ?? 'api'
    const base = { sentAtMs: clock.now(), endpoint, method, path, origin, configuredOrigin: BASE_URL } as const
    if (endpoint === 'api') {
      const authorization = headers.get('authorization') ?? ''
      const token = authorization.startsWith('Bearer ') ? lookAt(authorization.slice(7)) : undefined
      if (token !== undefined) process.newest = Math.max(process.newest, orderOf(token.jti))
      const requestId = headers.get('x-request-id') ?? undefined
      const authScheme = token === undefined ? 'none' : 'Bearer'
      return { ...base, authScheme, requestId, accessId: token?.jti, accessExpAtMs: token?.expAtMs }
    }
    const fields = JSON.parse(text() as string) as Record<string, string>
    if (endpoint === 'create')
      return {
        ...base,
        authScheme: 'none',
        credentialsId: credentialsIdOf(fields.username, fields.password),
      }
    const token = lookAt(fields.refresh ?? fields.token ?? '')
    return endpoint === 'refresh'
      ? { ...base, authScheme: 'none', refreshId: token.jti, refreshExpAtMs: token.expAtMs }
      : { ...base, authScheme: 'none', accessId: token.jti, accessExpAtMs: token.expAtMs }
  }

  const transportOf = (process: Process) => async (input: string | URL | Request, init?: RequestInit) => {
    if (!process.alive) return never()
    const arrival = arrivalOf(input, init)
    arrival.signal?.throwIfAborted()
    const request = mix(process, arrival)
    const sent = { request, stale: false }
    const isToken = request.endpoint !== 'api'
    note(process.name, `sent ${request.endpoint} ${request.refreshId ?? request.accessId ?? request.credentialsId}`)
    judge.see({ kind: 'sent', request }, process)
    if (!isToken) state.owed--
    if (isToken) countSend()
    else if (process.clock.monotonic() < process.apiPausedUntilMs)
      violate('D-api-429', 'an API request was sent in the pause after an API 429', process.name)
    process.inFlight.add(sent)
    const id = received++
    const answered = (status: number | 'dropped', more: object = {}) => {
      const { code, fault } = ended.get(id) ?? { code: undefined, fault: undefined }
      ended.delete(id)
      process.inFlight.delete(sent)
      note(process.name, `answered ${request.endpoint} ${status}${fault ? ` (${fault})` : ''}`)
      if (!process.alive) return
      const moment: Moment = {
        kind: 'answered',
        request: { ...request, answeredAtMs: clock.now(), status, code, ...more },
      }
      judge.see(moment, process)
      if (sent.stale) judge.froze(process)
    }
    const delivered = async () => {
      if (isToken && on('chaos') && process.random.chance(0.02)) mishap(process)
      if (!process.alive) await never()
      await process.slot.machine.awake()
      if (!process.alive) await never()
    }
    if (isToken && on('chaos') && process.random.chance(0.02))
      clock.setTimeout(() => on('chaos') && mishap(process), process.random.spread(1, 20 * SECOND))
    let served: Served
    const mintedAtMs = grants.get(request.accessId ?? '')?.answeredAtMs ?? Number.NEGATIVE_INFINITY
    const unknown =
      !isToken && clock.now() - mintedAtMs < state.lagMs
        ? sandbox.fail({ endpoint: 'api', path: request.path, status: 401, body: { code: 'token_not_valid' } })
        : undefined
    try {
      const serving = serve(arrival, '127.0.0.1')
      unknown?.()
      served = await serving
    } catch (error) {
      await delivered()
      answered('dropped', { abandoned: arrival.signal?.aborted })
      throw error
    }
    await delivered()
    const { status, headers = {} } = served.reply
    if (!isToken) {
      answered(status)
      if (status === 429) process.apiPausedUntilMs = process.clock.monotonic() + 10 * MINUTE - 1
      return lateResponse(served)
    }
    const retryAfter = headers['Retry-After']
    const retryAfterMs = retryAfter !== undefined && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined
    answered(status, { ...granted(served, request), retryAfterMs })
    return lateResponse(served)
  }

  return transportOf
}
