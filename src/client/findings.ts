import type { JournalHeader, JournalLine, SentLine } from '../journal/format.ts'
import {
  createMonitors,
  createWatch,
  type Finding,
  judging,
  type Moment,
  type MonitorPolicy,
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

/** Judges a client by its own journal as it is written: the same monitors that judge recordings. */
export interface Findings {
  header(header: JournalHeader): void
  line(line: JournalLine): void
}

/** The guide's numbers, whatever this client was told to keep to; and its readings where the guide leaves a choice. */
export const judgedBy = ({ refreshUnauthorized, budgetCounts, apiPause }: Policy): MonitorPolicy => ({
  ...DEFAULT_POLICY,
  ...{ refreshUnauthorized, budgetCounts, apiPause },
})

/** @param report never throws */
export function createFindings(policy: MonitorPolicy, report: (finding: Finding) => void): Findings {
  const watch = createWatch(judging(createMonitors(policy), TOLD))
  const sends = new Map<number, SentLine>()
  let origin = ''
  const observe = (moment: Moment) => {
    for (const finding of watch.observe(moment)) report(finding)
  }
  const requestOf = ({ kind: _, by: __, send: ___, atMs, requestId, ...request }: SentLine) => ({
    ...request,
    sentAtMs: atMs,
    requestId: requestId === undefined ? undefined : String(requestId),
    origin: request.origin ?? origin,
    configuredOrigin: origin,
  })
  return {
    header(header) {
      origin = header.origin
    },
    line(line) {
      switch (line.kind) {
        case 'sent':
          sends.set(line.send, line)
          return observe({ kind: 'sent', request: requestOf(line) })
        case 'answered': {
          const sent = sends.get(line.send)
          if (sent === undefined) return
          sends.delete(line.send)
          const { kind: _, by: __, send: ___, atMs, ...outcome } = line
          return observe({ kind: 'answered', request: { ...requestOf(sent), ...outcome, answeredAtMs: atMs } })
        }
        case 'demanded': {
          const { atMs, demand, deadlineAtMs, forced } = line
          const about = { demandId: String(demand), deadlineAtMs: deadlineAtMs + LATE_MS, forced }
          return observe({ kind: 'demanded', atMs, ...about })
        }
        case 'settled': {
          const { atMs, demand, accessId, accessExpAtMs, code } = line
          const result =
            code === undefined
              ? ({ kind: 'token', accessId, accessExpAtMs } as const)
              : ({ kind: 'error', code: code ?? undefined } as const)
          return observe({ kind: 'settled', atMs, demandId: String(demand), result })
        }
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
