import type { AnsweredLine, DemandedLine, JournalHeader, SentLine, SettledLine } from '../../journal/format.ts'
import type { Exchange, Happening, Item, Locator } from '../exchange.ts'

/** A timer fires late on a busy machine; a demand that is settled within this is settled in time, ms. */
const LATE_MS = 1_000
/** How many requests and demands of a process may be open at once; beyond that the oldest are taken for lost. */
const MAX_OPEN = 10_000

interface Open<Line> {
  readonly line: Line
  readonly at: Locator
}

/** A process that wrote a journal: its requests until they are answered, its demands until they are settled. */
export interface JournalProcess {
  header: JournalHeader
  /** Of its latest line, ms. */
  lastAtMs: number
  sent(line: SentLine, at: Locator): Item | undefined
  answered(line: AnsweredLine): Exchange | undefined
  demanded(line: DemandedLine, at: Locator): Item | undefined
  settled(line: SettledLine, at: Locator): readonly Happening[]
  /** A happening of this process. */
  happened(at: Locator, moment: Happening['moment']): Happening
  /** What is still open when there is no more of it. */
  end(): Iterable<Item>
}

export function createJournalProcess(first: JournalHeader): JournalProcess {
  const sends = new Map<number, Open<SentLine>>()
  const demands = new Map<number, Open<DemandedLine>>()

  const whose = () => ({ account: process.header.account, client: process.header.client })
  const nameOf = (number: number) => `${process.header.client}/${number}`

  const exchange = (
    { line, at }: Open<SentLine>,
    answered: Exchange['answered'],
    outcome: Pick<Exchange['request'], 'status'>,
  ): Exchange => {
    const { kind: _, by: __, send: ___, atMs, requestId, origin, ...request } = line
    return {
      kind: 'exchange',
      at,
      ...whose(),
      sent: { earliestMs: atMs, latestMs: atMs },
      answered,
      request: {
        ...request,
        requestId: requestId === undefined ? undefined : nameOf(requestId),
        origin: origin ?? process.header.origin,
        configuredOrigin: process.header.origin,
        ...outcome,
      },
    }
  }
  /** The process ended first, or what it wrote is lost. Until when the connection lasted, nobody can say. */
  const unanswered = (open: Open<SentLine>) => {
    const earliestMs = open.line.atMs
    return exchange(open, { earliestMs, latestMs: Math.max(earliestMs, process.lastAtMs) }, { status: 'dropped' })
  }
  const demand = ({ line, at }: Open<DemandedLine>, deadlineAtMs: number | undefined) => {
    const { atMs, forced } = line
    return process.happened(at, { kind: 'demanded', atMs, demandId: nameOf(line.demand), deadlineAtMs, forced })
  }
  /** The process went on past the deadline; else nobody can say what became of the demand. */
  const unsettled = (open: Open<DemandedLine>) => {
    const { deadlineAtMs } = open.line
    return demand(open, process.lastAtMs > deadlineAtMs + LATE_MS ? deadlineAtMs : undefined)
  }
  const pushed = <Line>(open: Map<number, Open<Line>>, number: number, next: Open<Line>) => {
    open.set(number, next)
    if (open.size <= MAX_OPEN) return undefined
    const [oldest] = open as Iterable<[number, Open<Line>]>
    if (oldest !== undefined) open.delete(oldest[0])
    return oldest?.[1]
  }

  const process: JournalProcess = {
    header: first,
    lastAtMs: first.startedAtMs,
    sent(line, at) {
      const lost = pushed(sends, line.send, { line, at })
      return lost && unanswered(lost)
    },
    answered({ kind: _, by: __, send, atMs, ...outcome }) {
      const open = sends.get(send)
      if (open === undefined) return undefined
      sends.delete(send)
      const answeredAtMs = Math.max(atMs, open.line.atMs)
      return exchange(open, { earliestMs: answeredAtMs, latestMs: answeredAtMs }, outcome)
    },
    demanded(line, at) {
      const lost = pushed(demands, line.demand, { line, at })
      return lost && unsettled(lost)
    },
    settled({ atMs, demand: number, tookMs, accessId, accessExpAtMs, code }, at) {
      const open = demands.get(number)
      demands.delete(number)
      const result =
        code === undefined
          ? ({ kind: 'token', accessId, accessExpAtMs } as const)
          : ({ kind: 'error', code: code ?? undefined } as const)
      const settled = process.happened(at, { kind: 'settled', atMs, demandId: nameOf(number), result })
      if (open === undefined) return [settled]
      // Time-outs run on the monotonic clock, which a sleep or a clock that is set does not move. `D-skew`
      const { deadlineAtMs, atMs: demandedAtMs } = open.line
      const inTime = tookMs <= deadlineAtMs - demandedAtMs + LATE_MS
      return [demand(open, inTime ? Math.max(deadlineAtMs, atMs) : deadlineAtMs), settled]
    },
    happened: (at, moment) => ({ kind: 'happening', at, ...whose(), moment }),
    *end() {
      for (const open of sends.values()) yield unanswered(open)
      for (const open of demands.values()) yield unsettled(open)
      sends.clear()
      demands.clear()
    },
  }
  return process
}
