import type { Demand, Moment, ObservedRequest, Settlement } from '../../../src/monitors/index.ts'

export const START_MS = Date.UTC(2026, 0, 5, 8)
export const HOUR_S = 3600
/** `s` seconds after the start, ms since the epoch. */
export const at = (s: number) => START_MS + s * 1000

/** A request, `s` seconds after the start, that takes no time. */
export function request(
  s: number,
  endpoint: ObservedRequest['endpoint'],
  more: Partial<ObservedRequest> = {},
): ObservedRequest {
  const sentAtMs = at(s)
  const authScheme = endpoint === 'api' ? 'Bearer' : 'none'
  const path = endpoint === 'api' ? '/api/v2/whoami/' : `/api/v2/token/${endpoint}/`
  const basics = { endpoint, method: 'POST', path, authScheme, status: 200 } as const
  return { sentAtMs, answeredAtMs: sentAtMs, ...basics, ...more }
}
export type More = Partial<ObservedRequest>
/** Generation n: access token `a`n, refresh token `r`n. */
export const create = (s: number, n: number, more: More = {}) =>
  request(s, 'create', { credentialsId: 'mine', grantedAccessId: `a${n}`, grantedRefreshId: `r${n}`, ...more })
export const failedCreate = (s: number, status: ObservedRequest['status'], more: More = {}) =>
  request(s, 'create', { credentialsId: 'mine', status, ...more })
export const refresh = (s: number, n: number, more: More = {}) =>
  request(s, 'refresh', { refreshId: `r${n - 1}`, grantedAccessId: `a${n}`, grantedRefreshId: `r${n}`, ...more })
export const failedRefresh = (s: number, n: number, status: ObservedRequest['status'], more: More = {}) =>
  request(s, 'refresh', { refreshId: `r${n}`, status, ...more })
export const validate = (s: number, n: number, more: More = {}) =>
  request(s, 'validate', { accessId: `a${n}`, ...more })
export const api = (s: number, n: number, more: More = {}) => request(s, 'api', { accessId: `a${n}`, ...more })

export const demand = (s: number, more: Omit<Demand, 'atMs'> = {}): Moment => ({
  kind: 'demanded',
  atMs: at(s),
  ...more,
})
export const operator = (s: number, action: 'signIn' | 'reset' | 'signOut', credentialsId?: string): Moment => ({
  kind: 'operator',
  atMs: at(s),
  action,
  credentialsId,
})
export const sent = (of: ObservedRequest): Moment => ({ kind: 'sent', request: of })
export const answered = (of: ObservedRequest): Moment => ({ kind: 'answered', request: of })

export const settled = (s: number, demandId: string, result: Settlement): Moment => ({
  kind: 'settled',
  atMs: at(s),
  demandId,
  result,
})
export const aborted = (s: number, demandId: string): Moment => ({ kind: 'aborted', atMs: at(s), demandId })
export const shown = (s: number, ...secretIds: string[]): Moment => ({
  kind: 'shown',
  atMs: at(s),
  where: 'the log',
  secretIds,
})
export const elapsed = (s: number): Moment => ({ kind: 'elapsed', atMs: at(s) })

/** A request stands for its send and its answer. */
export type Items = readonly (ObservedRequest | Moment)[]
export const trace = (items: Items): Moment[] =>
  items.flatMap((item) => ('kind' in item ? [item] : [sent(item), answered(item)]))

/** A trace that keeps a rule, narrowly, and its twin that breaks it. */
export interface Twins {
  readonly monitor: string
  readonly rule: string
  readonly clean: Items
  readonly twin: Items
  /** What the findings of the twin say, each of them. */
  readonly says?: readonly string[]
}
