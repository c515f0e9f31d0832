import type { Moment, Need, ObservedRequest } from '../../monitors/index.ts'
import type { RequestEntry } from '../../sandbox/index.ts'
import type { WireMoment, WireSend } from './wire.ts'

/** What the log and the wire tell between them. */
export const TOLD: readonly Need[] = ['demands', 'signOuts', 'requestIds', 'tokens', 'credentials']

/**
 * The server's log as the monitors read it. What was asked and answered is the log's; the order at the client, the ids of
 * API requests and the demands, which no server sees, are the wire's.
 */
export function traceOf(log: readonly RequestEntry[], wire: readonly WireMoment[]): Moment[] {
  const entries = new Map<string, RequestEntry[]>()
  for (const entry of log) entries.set(keyOf(entry), [...(entries.get(keyOf(entry)) ?? []), entry])
  const take = (send: WireSend): RequestEntry => {
    const candidates = entries.get(keyOf(send)) ?? []
    const same = candidates.findIndex(({ endpoint, accessJti }) => endpoint !== 'api' || accessJti === send.accessJti)
    // A server that did not act has not looked at the token.
    const at = same >= 0 ? same : candidates.findIndex(({ acted }) => !acted)
    const [entry] = at < 0 ? [] : candidates.splice(at, 1)
    if (entry === undefined) throw new Error(`the server's log has no entry for a request to ${send.path}`)
    return entry
  }
  const requests = new Map<WireSend, ObservedRequest>()
  const request = (send: WireSend): ObservedRequest => {
    const observed = requests.get(send) ?? observe(take(send), send)
    requests.set(send, observed)
    return observed
  }
  const moments = wire.map(
    (moment): Moment =>
      moment.kind === 'sent' || moment.kind === 'answered'
        ? { kind: moment.kind, request: request(moment.send) }
        : moment,
  )
  const left = [...entries.values()].flat()
  if (left.length > 0) throw new Error(`the server's log has ${left.length} requests that nobody sent`)
  return moments
}

const keyOf = ({ atMs, path }: Pick<WireSend, 'atMs' | 'path'>) => `${atMs} ${path}`

function observe(entry: RequestEntry, { requestId, accessJti }: WireSend): ObservedRequest {
  const { atMs, answeredAtMs, endpoint, method, path, authScheme, status, code } = entry
  // A grant that was lost or spoilt on its way back is none.
  const arrived = status === 200 && entry.fault === undefined
  return {
    sentAtMs: atMs,
    answeredAtMs,
    endpoint,
    method,
    path,
    authScheme,
    status,
    code,
    requestId,
    accessId: entry.accessJti ?? accessJti,
    accessExpAtMs: entry.accessExpAtMs,
    refreshId: entry.refreshJti,
    refreshExpAtMs: entry.refreshExpAtMs,
    credentialsId: entry.credentialsFingerprint,
    grantedAccessId: arrived ? entry.grantedAccessJti : undefined,
    grantedRefreshId: arrived ? entry.grantedRefreshJti : undefined,
  }
}
