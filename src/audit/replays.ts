import { isRejection } from '../monitors/observed.ts'
import type { Exchange } from './exchange.ts'
import { type Reading, readAs } from './readings.ts'

/** A send that follows a failed one of the same kind this soon is taken for the same request, ms: sooner than people ask again. */
const REPLAY_WITHIN_MS = 2_000
/** How many kinds are remembered. */
const REMEMBERED = 10_000

/**
 * Guesses which sends are one API request, where the recording does not tell. A request that went out before the failure was
 * there, or in one instant with the one that failed, is another one; where the times leave that open, one reading has it so and
 * the other not.
 */
export type Replays = (exchange: Exchange) => string | undefined

export function createReplays(reading: Reading): Replays {
  const latest = new Map<string, { id: string; exchange: Exchange; sentAtMs: number; answeredAtMs: number }>()
  let count = 0
  return (exchange) => {
    const { sameAs, request } = exchange
    if (request.endpoint !== 'api') return undefined
    if (request.requestId !== undefined || sameAs === undefined) return request.requestId
    const { sentAtMs, answeredAtMs } = readAs(exchange, reading)
    const before = latest.get(sameAs)
    const waitedMs = sentAtMs - (before?.answeredAtMs ?? 0)
    const follows =
      before !== undefined &&
      hasFailed(before.exchange) &&
      !isAskedAnew(before.exchange, exchange) &&
      sentAtMs > before.sentAtMs &&
      waitedMs >= 0 &&
      waitedMs <= REPLAY_WITHIN_MS
    const id = follows ? before.id : `inferred-${++count}`
    latest.delete(sameAs)
    latest.set(sameAs, { id, exchange, sentAtMs, answeredAtMs })
    if (latest.size > REMEMBERED)
      for (const oldest of latest.keys()) {
        latest.delete(oldest)
        break
      }
    return id
  }
}

const hasFailed = ({ request: { status } }: Exchange) =>
  status === 'dropped' || status === 401 || status === 403 || status === 429 || status >= 500

/**
 * After a 401 the same token says nothing of a replay: another caller may ask for the same. That it was sent again is
 * invariant 4's, whoever asked.
 */
const isAskedAnew = ({ request: before }: Exchange, { request }: Exchange) =>
  isRejection(before) && before.accessId === request.accessId
