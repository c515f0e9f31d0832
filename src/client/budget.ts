import type { Policy } from '../policy/schema.ts'
import { type AccountRecord, slotFreeAtMs } from '../store/record.ts'
import type { RecordKeeper } from './record-keeper.ts'
import type { Timeline } from './timeline.ts'

/**
 * At most so many sends in any window, counted in a record: the account's own, or one that all accounts of an origin
 * share. `ten-per-minute`, `D-budget`
 */
export interface Budget {
  /** Takes a slot: when it was taken, the store's time; or when one is free, on the timeline. */
  take(): Promise<{ readonly sentMs: number } | { readonly untilMs: number }>
  /** The request that took the slot was answered. */
  answered(sentMs: number): Promise<void>
  /** When a slot is free, on the timeline; `undefined` when one is now. */
  fullUntilMs(): number | undefined
  /** How many slots are free now. */
  left(): number
}

export function createBudget(
  keeper: RecordKeeper,
  timeline: Timeline,
  { budgetLimit, budgetWindowMs }: Pick<Policy, 'budgetLimit' | 'budgetWindowMs'>,
): Budget {
  const freeAtMs = ({ sends }: AccountRecord, nowMs: number) => slotFreeAtMs(sends, nowMs, budgetLimit, budgetWindowMs)
  const running = ({ sends }: AccountRecord, nowMs: number) => sends.filter((sentMs) => sentMs + budgetWindowMs > nowMs)
  const onTimeline = (storeMs: number) => timeline.nowMs() + storeMs - keeper.nowMs()

  return {
    async take() {
      // What others took since, and the store's time.
      await keeper.read()
      let sentMs = 0
      let untilMs = 0
      const written = await keeper.change((record, nowMs) => {
        sentMs = nowMs
        untilMs = freeAtMs(record, nowMs)
        return untilMs > 0 ? null : { ...record, sends: [...running(record, nowMs), nowMs] }
      })
      return written === 'stored' ? { sentMs } : { untilMs: onTimeline(untilMs) }
    },
    // The slot runs from the answer on: the server counted the request at some moment before it, and only then is it
    // sure that no eleventh falls into the server's window.
    async answered(sentMs) {
      await keeper.keep((record, nowMs) => {
        const index = record.sends.indexOf(sentMs)
        if (index < 0) return null
        return {
          ...record,
          sends: record.sends.with(index, Math.max(sentMs, nowMs + timeline.partMs())).toSorted((a, b) => a - b),
        }
      })
    },
    fullUntilMs() {
      const untilMs = freeAtMs(keeper.known(), keeper.nowMs())
      return untilMs > 0 ? onTimeline(untilMs) : undefined
    },
    left: () => Math.max(0, budgetLimit - running(keeper.known(), keeper.nowMs()).length),
  }
}
