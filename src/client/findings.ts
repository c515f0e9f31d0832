import type { JournalHeader, JournalLine, SentLine } from '../journal/format.ts'
import { createReplacing, leavesSending } from '../journal/replacing.ts'
import {
  createMonitors,
  createWatch,
  type Finding,
  judging,
  type Moment,
  type MonitorPolicy,
  type ObservedSend,
} from '../monitors/index.ts'
import { DEFAULT_POLICY } from '../policy/defaults.ts'
import type { Policy } from '../policy/schema.ts'

/** A timer fires late on a busy machine; a demand that is settled within this is settled in time, ms. */
const LATE_MS = 1_000
/** What this client knows of its own traffic: everything but what others print. */
const TOLD = [
  ...(['demands', 'settlements', 'aborts', 'signOuts'] as const),
  ...(['origins', 'requestIds', 'tokens', 'credentials'] as const),
]

/**
 * What any process of the account may change for the others: somebody signs in or resets there, tries in vain, or is told to
 * wait. Whoever sees one of them alone judges by these from when another one last wrote the record.
 */
const OF_THE_ACCOUNT: readonly string[] = [
  ...['invariant-1', 'invariant-7', 'invariant-9', 'invariant-10', 'create-rarely', 'D-sign-out', 'D-back-off'],
  ...['D-create-4xx', 'D-refresh-401', 'D-refresh-unavailable', 'refresh-before-expiry', 'rotate-within-12h'],
]

/** How many access tokens are remembered: those of a week and more. */
const REMEMBERED = 1_000

/** What the account's record tells of the other processes. */
export interface Others {
  /** How often they were seen to have written it. */
  readonly writes: number
  /** When an access token was asked for that one of them was granted, ms since the epoch, as far as is known. */
  askedForAtMs(accessId: string): number | undefined
}

const NO_OTHERS: Others = { writes: 0, askedForAtMs: () => undefined }

/**
 * Judges a client by its own journal as it is written: the same monitors that judge recordings. What other processes of the
 * account do is not in it: a token that was not granted here was adopted from the record when it is first sent.
 */
export interface Findings {
  header(header: JournalHeader): void
  line(line: JournalLine, others?: Others): void
}

/** The guide's numbers, whatever this client was told to keep to; and its readings where the guide leaves a choice. */
export const judgedBy = ({ refreshUnauthorized, budgetCounts, apiPause }: Policy): MonitorPolicy => ({
  ...DEFAULT_POLICY,
  ...{ refreshUnauthorized, budgetCounts, apiPause },
})

/** @param report never throws */
export function createFindings(policy: MonitorPolicy, report: (finding: Finding) => void): Findings {
  const monitors = judging(createMonitors(policy), TOLD)
  const ofProcess = createWatch(monitors.filter(({ id }) => !OF_THE_ACCOUNT.includes(id)))
  const fresh = () => createWatch(monitors.filter(({ id }) => OF_THE_ACCOUNT.includes(id)))
  let ofAccount = fresh()
  let writes = 0
  /** Access tokens that were granted here or adopted. */
  let held = new Set<string>()
  const sends = new Map<number, { line: SentLine; stillServes: boolean | undefined }>()
  let replacing = createReplacing()
  let origin = ''
  const observe = (moment: Moment) => {
    for (const watch of [ofAccount, ofProcess]) for (const finding of watch.observe(moment)) report(finding)
  }
  const hold = (accessId: string) => {
    held.add(accessId)
    const [oldest] = held
    if (held.size > REMEMBERED && oldest !== undefined) held.delete(oldest)
  }
  /** As good as granted. One that this process has had before is none: sent again, it is a finding. */
  const adopt = (request: ObservedSend, { askedForAtMs }: Others) => {
    const { accessId, accessExpAtMs, sentAtMs } = request
    if (accessId === undefined || held.has(accessId)) return
    hold(accessId)
    const { accessLifetimeMs } = policy
    const beganAtMs =
      askedForAtMs(accessId) ?? (accessExpAtMs === undefined ? sentAtMs : accessExpAtMs - accessLifetimeMs)
    const grant = { ...request, endpoint: 'refresh', requestId: undefined, accessId: undefined, status: 200 } as const
    const granted = { grantedAccessId: accessId, grantedAccessExpAtMs: accessExpAtMs }
    ofProcess.observe({
      kind: 'answered',
      request: { ...grant, ...granted, sentAtMs: Math.min(beganAtMs, sentAtMs), answeredAtMs: sentAtMs },
    })
  }
  const requestOf = (
    { kind: _, by: __, send: ___, atMs, requestId, ...request }: SentLine,
    stillServes: boolean | undefined,
  ) => ({
    ...request,
    stillServes,
    sentAtMs: atMs,
    requestId: requestId === undefined ? undefined : String(requestId),
    origin: request.origin ?? origin,
    configuredOrigin: origin,
  })
  return {
    header(header) {
      origin = header.origin
      // Another salt, and other fingerprints of the same tokens and credentials.
      held = new Set()
      replacing = createReplacing()
      ofAccount = fresh()
    },
    line(line, others = NO_OTHERS) {
      if (others.writes !== writes) ofAccount = fresh()
      writes = others.writes
      switch (line.kind) {
        case 'sent': {
          const { accessId } = line
          const stillServes = (accessId !== undefined && replacing.stillServes(accessId, line.atMs)) || undefined
          if (accessId !== undefined) replacing.used(accessId)
          sends.set(line.send, { line, stillServes })
          const request = requestOf(line, stillServes)
          adopt(request, others)
          return observe({ kind: 'sent', request })
        }
        case 'answered': {
          const sent = sends.get(line.send)
          if (sent === undefined) return
          sends.delete(line.send)
          const { kind: _, by: __, send: ___, atMs, ...outcome } = line
          if (outcome.grantedAccessId !== undefined) {
            hold(outcome.grantedAccessId)
            replacing.granted(outcome.grantedAccessId, atMs)
          }
          const request = requestOf(sent.line, sent.stillServes)
          return observe({ kind: 'answered', request: { ...request, ...outcome, answeredAtMs: atMs } })
        }
        case 'demanded': {
          const { atMs, demand, deadlineAtMs, forced } = line
          const about = { demandId: String(demand), deadlineAtMs: deadlineAtMs + LATE_MS, forced }
          return observe({ kind: 'demanded', atMs, ...about })
        }
        case 'settled': {
          const { atMs, demand, accessId, accessExpAtMs, code } = line
          if (accessId !== undefined) replacing.used(accessId)
          const result =
            code === undefined
              ? ({ kind: 'token', accessId, accessExpAtMs } as const)
              : ({ kind: 'error', code: code ?? undefined } as const)
          return observe({ kind: 'settled', atMs, demandId: String(demand), result })
        }
        case 'transition':
          if (leavesSending(line)) replacing.stored()
          return
        case 'aborted':
          return observe({ kind: 'aborted', atMs: line.atMs, demandId: String(line.demand) })
        case 'operator':
          return observe({ kind: 'operator', atMs: line.atMs, action: line.action, credentialsId: line.credentialsId })
        default:
          return
      }
    },
  }
}
