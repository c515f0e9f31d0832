import { type AuditReport, audit, type RuleResult } from '../../src/audit/index.ts'
import { DEFAULT_TARGET } from '../../src/audit/target.ts'
import { byOf, encodeLine, JOURNAL, JOURNAL_VERSION, type JournalLine, PRODUCER } from '../../src/journal/format.ts'
import type { Moment, ObservedRequest, ObservedSend } from '../../src/monitors/index.ts'
import { type Items, START_MS, trace } from '../unit/monitors/traces.ts'
import { entry, har, inChunks, jwt } from './har-support.ts'

/** Traces of the monitors' tests as recordings: the bytes that a reader is given. */

const OWN = 'https://sandbox.test'
/** Later than anything: of a demand whose time-out nobody tells. */
const NEVER_MS = 8.64e15
const HOUR_MS = 3_600_000

type Pair = { readonly sent: ObservedRequest; readonly answer: ObservedRequest | undefined }

/** Ids are hex in a journal; `r1` is none. */
const hex = (id: string | undefined) => (id === undefined ? undefined : Buffer.from(id).toString('hex'))

/** By which an answer finds its send. */
const keyOf = ({ sentAtMs, endpoint, path, accessId, refreshId, credentialsId, requestId }: ObservedSend) =>
  JSON.stringify([sentAtMs, endpoint, path, accessId, refreshId, credentialsId, requestId])

/** Numbers for names, as they come. */
function numbers() {
  const known = new Map<string, number>()
  return (name: string) => {
    const number = known.get(name) ?? known.size + 1
    known.set(name, number)
    return number
  }
}

/**
 * A journal that tells this trace, line for line; each origin that a client is configured for is a process.
 *
 * @param clientDigit another one for each process of a fleet
 */
export function asJournal(items: Items, { clientDigit = 0 } = {}): string {
  const lines: string[] = []
  const clients = numbers()
  const begun = new Set<number>()
  const requests = numbers()
  const demands = numbers()
  const demandedAtMs = new Map<number, number>()
  const open: { of: string; send: number; by: string }[] = []
  let sends = 0
  let unnamed = 0

  const process = (origin = OWN) => {
    const number = clients(origin)
    const client = `${clientDigit}${String(number).padStart(7, '0')}-0000-4000-8000-000000000000`
    if (!begun.has(number)) {
      begun.add(number)
      const header = { journal: JOURNAL, version: JOURNAL_VERSION, producer: PRODUCER, startedAtMs: START_MS } as const
      lines.push(encodeLine({ ...header, origin, account: 'abcd', client }))
    }
    return byOf(client)
  }
  const put = (line: JournalLine) => void lines.push(encodeLine(line))
  const demanded = (by: string, atMs: number, deadlineAtMs = NEVER_MS, id = `unnamed ${++unnamed}`, forced = false) => {
    const demand = demands(id)
    demandedAtMs.set(demand, atMs)
    put({ kind: 'demanded', by, atMs, demand, deadlineAtMs, ...(forced && { forced: true }) })
  }

  const tell = (moment: Moment) => {
    switch (moment.kind) {
      case 'sent': {
        const { sentAtMs, endpoint, method, path, authScheme, configuredOrigin, origin, ...more } = moment.request
        const by = process(configuredOrigin ?? origin)
        const send = ++sends
        open.push({ of: keyOf(moment.request), send, by })
        const basics = {
          kind: 'sent',
          by,
          atMs: Math.round(sentAtMs),
          send,
          endpoint,
          method,
          path,
          authScheme,
        } as const
        return put({
          ...basics,
          ...(configuredOrigin !== undefined && { origin }),
          ...(more.requestId !== undefined && { requestId: requests(more.requestId) }),
          accessId: hex(more.accessId),
          accessExpAtMs: more.accessExpAtMs,
          refreshId: hex(more.refreshId),
          refreshExpAtMs: more.refreshExpAtMs,
          credentialsId: hex(more.credentialsId),
        })
      }
      case 'answered': {
        const at = open.findIndex(({ of }) => of === keyOf(moment.request))
        const [{ send, by } = { send: 0, by: '' }] = open.splice(at, 1)
        const { answeredAtMs, status, abandoned, code, retryAfterMs, ...more } = moment.request
        const atMs = Math.round(answeredAtMs)
        put({
          ...{ kind: 'answered', by, atMs, send, status, abandoned, code, retryAfterMs },
          grantedAccessId: hex(more.grantedAccessId),
          grantedAccessExpAtMs: more.grantedAccessExpAtMs,
          grantedRefreshId: hex(more.grantedRefreshId),
          grantedRefreshExpAtMs: more.grantedRefreshExpAtMs,
        })
        if (more.grantedAccessId === undefined) return
        // The pair is stored at once.
        const step = { from: 'sending.refreshing', to: 'valid', gate: 'open', event: 'outcome.granted' } as const
        return put({ kind: 'transition', by, atMs, region: 'tokens', ...step, ids: [], why: '', generation: 1 })
      }
      case 'demanded':
        return demanded(process(), moment.atMs, moment.deadlineAtMs, moment.demandId, moment.forced)
      case 'settled': {
        const demand = demands(moment.demandId)
        const tookMs = moment.atMs - (demandedAtMs.get(demand) ?? moment.atMs)
        const basics = { kind: 'settled', by: process(), atMs: moment.atMs, demand, tookMs } as const
        const { result } = moment
        return put(
          result.kind === 'error'
            ? { ...basics, code: result.code ?? null }
            : { ...basics, accessId: hex(result.accessId), accessExpAtMs: result.accessExpAtMs },
        )
      }
      case 'aborted':
        return put({ kind: 'aborted', by: process(), atMs: moment.atMs, demand: demands(moment.demandId) })
      case 'operator': {
        const { atMs, action, credentialsId } = moment
        return put({ kind: 'operator', by: process(), atMs, action, credentialsId: hex(credentialsId) })
      }
      case 'elapsed':
        // Time shows in a journal by what else is in it: somebody asks.
        return demanded(process(), moment.atMs)
      case 'shown':
        // No journal tells it.
        return undefined
      default:
        return moment satisfies never
    }
  }
  for (const moment of trace(items)) tell(moment)
  return lines.join('')
}

/** How long a request was held before it went out, ms; at most since the latest answer before, for it may owe it its token. */
export interface Held {
  readonly blockedMs: number
  readonly connectMs: number
}
interface HarOptions {
  /** So much longer takes each request, and as much later are all that follow: what happened at one instant comes apart. */
  readonly lineMs?: number
  /** By request, in turn. Default: it went out at once. */
  readonly held?: readonly Held[]
}

/** A HAR with the requests of this trace, whole: bodies, Authorization, JWTs with the expiries that it tells. */
export function asHar(items: Items, { lineMs = 0, held = [] }: HarOptions = {}): string {
  const pairs = pairsOf(trace(items))
  const expiries = new Map<string, number>()
  const learn = (id: string | undefined, atMs: number | undefined) => {
    if (id !== undefined && atMs !== undefined) expiries.set(id, atMs)
  }
  for (const { sent, answer } of pairs) {
    learn(sent.accessId, sent.accessExpAtMs)
    learn(sent.refreshId, sent.refreshExpAtMs)
    learn(answer?.grantedAccessId, answer?.grantedAccessExpAtMs)
    learn(answer?.grantedRefreshId, answer?.grantedRefreshExpAtMs)
  }
  const token = (id: string | undefined) => {
    if (id === undefined) return undefined
    const expAtMs = expiries.get(id)
    return jwt({ jti: id, ...(expAtMs !== undefined && { exp: expAtMs / 1000 }) })
  }
  const times = pairs.map(({ sent, answer }, index) => {
    const sentAtMs = sent.sentAtMs + 2 * lineMs * index
    return { sentAtMs, lastedMs: (answer?.answeredAtMs ?? sent.sentAtMs) - sent.sentAtMs + lineMs }
  })
  const answeredAtMs = times.map(({ sentAtMs, lastedMs }) => sentAtMs + lastedMs)
  const entries = pairs.map((pair, index) => {
    const { sentAtMs, lastedMs } = times[index] ?? { sentAtMs: 0, lastedMs: 0 }
    const before = answeredAtMs.filter((atMs, of) => of !== index && atMs <= sentAtMs)
    const freeMs = Math.min(...before.map((atMs) => sentAtMs - atMs), HOUR_MS)
    const { blockedMs, connectMs } = held[index % held.length] ?? { blockedMs: 0, connectMs: 0 }
    const blocked = Math.min(blockedMs, freeMs)
    const connect = Math.min(connectMs, freeMs - blocked)
    return {
      ...entryOf(pair, index, token),
      // When it was issued: it went out later, by as much as it was held.
      startedDateTime: new Date(sentAtMs - blocked - connect).toISOString(),
      time: blocked + connect + lastedMs,
      timings: { blocked, connect, send: 0, wait: lastedMs, receive: 0 },
    }
  })
  return har(entries)
}

function pairsOf(moments: readonly Moment[]): readonly Pair[] {
  const pairs: { sent: ObservedRequest; answer: ObservedRequest | undefined }[] = []
  for (const moment of moments) {
    if (moment.kind === 'sent') pairs.push({ sent: moment.request as ObservedRequest, answer: undefined })
    if (moment.kind !== 'answered') continue
    const told = keyOf(moment.request)
    const pair = pairs.find(({ sent, answer }) => answer === undefined && keyOf(sent) === told)
    if (pair !== undefined) pair.answer = moment.request
  }
  return pairs
}

function entryOf({ sent, answer }: Pair, index: number, token: (id: string | undefined) => string | undefined) {
  const { endpoint, method, path, authScheme, accessId, refreshId, credentialsId, requestId } = sent
  const query = endpoint === 'api' ? `?request=${requestId ?? index}` : ''
  const bodies = {
    create: { username: 'demo', password: `password-${credentialsId}` },
    refresh: { refresh: token(refreshId) },
    validate: { token: token(accessId) },
    api: undefined,
  }
  const authorization =
    endpoint !== 'api' || authScheme === 'none' ? undefined : `${authScheme} ${token(accessId) ?? 'a-secret'}`
  const status = answer?.status ?? 'dropped'
  return entry({
    method,
    url: `${sent.origin ?? OWN}${endpoint === 'api' ? path : DEFAULT_TARGET.paths[endpoint]}${query}`,
    headers: { Accept: '*/*', ...(authorization !== undefined && { Authorization: authorization }) },
    ...(bodies[endpoint] && { body: bodies[endpoint] }),
    status: status === 'dropped' ? 0 : status,
    answer: { access: token(answer?.grantedAccessId), refresh: token(answer?.grantedRefreshId), code: answer?.code },
    answerHeaders: answer?.retryAfterMs === undefined ? {} : { 'Retry-After': String(answer.retryAfterMs / 1000) },
    more: answer?.abandoned === true ? { _error: 'net::ERR_ABORTED' } : {},
  })
}

/** When these recordings are audited: well after them. */
export const AUDITED_AT_MS = START_MS + 48 * HOUR_MS

/** What the auditor says of this text. */
export const audited = (...texts: readonly string[]) =>
  audit(
    texts.map((text, index) => ({ name: `recording-${index + 1}`, bytes: inChunks(new TextEncoder().encode(text)) })),
    { nowMs: AUDITED_AT_MS, key: new Uint8Array(32).fill(7) },
  )

/** Ids of the rules with this verdict. */
export const rulesThat = (verdict: RuleResult['verdict'], { rules }: AuditReport) =>
  rules.filter((rule) => rule.verdict === verdict).map(({ rule }) => rule)
