import type { DecodedLine } from '../../journal/decode.ts'
import type { AnsweredLine, DemandedLine, JournalHeader, SentLine, SettledLine } from '../../journal/format.ts'
import { createReplacing } from '../../journal/replacing.ts'
import type { Exchange, Happening, Item, Locator } from '../exchange.ts'

/** A timer fires late on a busy machine; a demand that is settled within this is settled in time, ms. */
const LATE_MS = 1_000
/** How many requests and demands of a process may be open at once; beyond that the oldest are taken for lost. */
const MAX_OPEN = 10_000

interface Open<Line> {
  readonly line: Line
  readonly at: Locator
  /** Its token still serves, for the next pair is being stored. */
  readonly stillServes?: boolean | undefined
}

type ProcessLine = Exclude<DecodedLine, { readonly kind: 'header' | 'other' | 'broken' }>

/** A process that wrote a journal: its requests until they are answered, its demands until they are settled. */
export interface JournalProcess {
  header: JournalHeader
  /** Of its latest line, ms. */
  lineAtMs: number
  /** Adds what a line of it completes; gives `false` for an answer to a request that is not there. */
  take(line: ProcessLine, at: Locator, items: Item[]): boolean
  /** What is still open when there is no more of it. */
  end(): readonly Item[]
}

export function createJournalProcess(first: JournalHeader): JournalProcess {
  const sends = new Map<number, Open<SentLine>>()
  const demands = new Map<number, Open<DemandedLine>>()
  const replacing = createReplacing()

  /** Of the latest create, or given since. */
  let credentialsId: string | undefined
  /** The latest time that a line of it tells, ms. */
  let lastAtMs = first.startedAtMs
  const nameOf = (number: number) => `${process.header.client}/${number}`

  // Field by field: for each of millions of requests, copying "the rest" of an object costs more than all else.
  const exchange = (
    { line, at, stillServes }: Open<SentLine>,
    answered: Exchange['answered'],
    answeredAt: Locator,
    outcome: Partial<AnsweredLine> & Pick<AnsweredLine, 'status'>,
  ): Exchange => ({
    kind: 'exchange',
    at,
    account: process.header.account,
    client: process.header.client,
    sent: { earliestMs: line.atMs, latestMs: line.atMs },
    answered,
    answeredAt,
    request: {
      endpoint: line.endpoint,
      method: line.method,
      path: line.path,
      authScheme: line.authScheme,
      // Each process judges its replays by itself: its own number will do.
      requestId: line.requestId === undefined ? undefined : String(line.requestId),
      accessId: line.accessId,
      accessExpAtMs: line.accessExpAtMs,
      stillServes,
      refreshId: line.refreshId,
      refreshExpAtMs: line.refreshExpAtMs,
      credentialsId: line.credentialsId,
      origin: line.origin ?? process.header.origin,
      configuredOrigin: process.header.origin,
      status: outcome.status,
      abandoned: outcome.abandoned,
      code: outcome.code,
      retryAfterMs: outcome.retryAfterMs,
      grantedAccessId: outcome.grantedAccessId,
      grantedAccessExpAtMs: outcome.grantedAccessExpAtMs,
      grantedRefreshId: outcome.grantedRefreshId,
      grantedRefreshExpAtMs: outcome.grantedRefreshExpAtMs,
    },
  })
  /** The process ended first, or what it wrote is lost. Until when the connection lasted, nobody can say. */
  const unanswered = (open: Open<SentLine>) => {
    const earliestMs = open.line.atMs
    const answered = { earliestMs, latestMs: Math.max(earliestMs, lastAtMs) }
    return exchange(open, answered, open.at, { status: 'dropped' })
  }
  const happened = (at: Locator, moment: Happening['moment']): Happening => {
    const { account, client } = process.header
    return { kind: 'happening', at, account, client, moment }
  }
  const demand = ({ line, at }: Open<DemandedLine>, deadlineAtMs: number | undefined) => {
    const { atMs, forced } = line
    return happened(at, { kind: 'demanded', atMs, demandId: nameOf(line.demand), deadlineAtMs, forced })
  }
  /** The process went on past the deadline; else nobody can say what became of the demand. */
  const unsettled = (open: Open<DemandedLine>) => {
    const { deadlineAtMs } = open.line
    return demand(open, lastAtMs > deadlineAtMs + LATE_MS ? deadlineAtMs : undefined)
  }
  const pushed = <Line>(open: Map<number, Open<Line>>, number: number, next: Open<Line>) => {
    open.set(number, next)
    if (open.size <= MAX_OPEN) return undefined
    const [oldest] = open as Iterable<[number, Open<Line>]>
    if (oldest !== undefined) open.delete(oldest[0])
    return oldest?.[1]
  }

  const answered = (line: AnsweredLine, at: Locator) => {
    const open = sends.get(line.send)
    if (open === undefined) return undefined
    sends.delete(line.send)
    if (line.grantedAccessId !== undefined) replacing.granted(line.grantedAccessId, line.atMs)
    const answeredAtMs = Math.max(line.atMs, open.line.atMs)
    return exchange(open, { earliestMs: answeredAtMs, latestMs: answeredAtMs }, at, line)
  }
  const settled = ({ atMs, demand: number, tookMs, accessId, accessExpAtMs, code }: SettledLine, at: Locator) => {
    const open = demands.get(number)
    demands.delete(number)
    if (accessId !== undefined) replacing.used(accessId)
    const result =
      code === undefined
        ? ({ kind: 'token', accessId, accessExpAtMs } as const)
        : ({ kind: 'error', code: code ?? undefined } as const)
    const end = happened(at, { kind: 'settled', atMs, demandId: nameOf(number), result })
    if (open === undefined) return [end]
    // Time-outs run on the monotonic clock, which a sleep or a clock that is set does not move. `D-skew`
    const { deadlineAtMs, atMs: demandedAtMs } = open.line
    const inTime = tookMs <= deadlineAtMs - demandedAtMs + LATE_MS
    return [demand(open, inTime ? Math.max(deadlineAtMs, atMs) : deadlineAtMs), end]
  }

  const process: JournalProcess = {
    header: first,
    lineAtMs: Number.NEGATIVE_INFINITY,
    take(line, at, items) {
      lastAtMs = Math.max(lastAtMs, line.atMs)
      switch (line.kind) {
        case 'sent': {
          if (line.endpoint === 'create') credentialsId = line.credentialsId
          const { accessId } = line
          const stillServes = (accessId !== undefined && replacing.stillServes(accessId, line.atMs)) || undefined
          if (accessId !== undefined) replacing.used(accessId)
          const lost = pushed(sends, line.send, { line, at, stillServes })
          if (lost !== undefined) items.push(unanswered(lost))
          return true
        }
        case 'answered': {
          const complete = answered(line, at)
          if (complete !== undefined) items.push(complete)
          return complete !== undefined
        }
        case 'demanded': {
          const lost = pushed(demands, line.demand, { line, at })
          if (lost !== undefined) items.push(unsettled(lost))
          return true
        }
        case 'settled':
          items.push(...settled(line, at))
          return true
        case 'stored':
          replacing.stored()
          return true
        case 'aborted':
          items.push(happened(at, { kind: 'aborted', atMs: line.atMs, demandId: nameOf(line.demand) }))
          return true
        case 'operator': {
          const { atMs, action, credentialsId: given } = line
          const otherCredentials = given !== undefined && given !== credentialsId
          credentialsId = given ?? credentialsId
          items.push(happened(at, { kind: 'operator', atMs, action, credentialsId: given, otherCredentials }))
          return true
        }
        case 'gap':
          items.push({ kind: 'skipped', at, why: `${line.lines} lines were left out while it was written` })
          return true
        default:
          return line satisfies never
      }
    },
    end() {
      const left = [...[...sends.values()].map(unanswered), ...[...demands.values()].map(unsettled)]
      sends.clear()
      demands.clear()
      return left
    },
  }
  return process
}
