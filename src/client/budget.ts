import type { Policy } from '../policy/schema.ts'
import { type AccountRecord, slotFreeAtMs } from '../store/record.ts'
import type { RecordKeeper } from './record-keeper.ts'
import type { Timeline } from './timeline.ts'

/**
 * At most so many sends in any window, counted in a record: the account's own, or one that all accounts of an origin
 * share. `ten-per-minute`, `D-budget`
 */
export interface Budget {
  /** Takes a slot: its name; or when one is free, on the timeline. */
  take(): Promise<{ readonly slotMs: number } | { readonly untilMs: number }>
  /** The request that took the slot was answered. */
  answered(slotMs: number): Promise<void>
  /** When a slot is free, on the timeline; `undefined` when one is now. */
  fullUntilMs(): number | undefined
  /** The slot was taken for nothing. */
  unused(slotMs: number): Promise<void>
  /** How many slots are free now. */
  left(): number
}

const ascending = (times: readonly number[]) => times.toSorted((a, b) => a - b)

export function createBudget(
  keeper: RecordKeeper,
  timeline: Timeline,
  {
    budgetLimit,
    budgetWindowMs,
    tokenRequestTimeoutMs,
  }: Pick<Policy, 'budgetLimit' | 'budgetWindowMs' | 'tokenRequestTimeoutMs'>,
): Budget {
  const freeAtMs = ({ sends }: AccountRecord, nowMs: number) => slotFreeAtMs(sends, nowMs, budgetLimit, budgetWindowMs)
  const running = ({ sends }: AccountRecord, nowMs: number) => sends.filter((sentMs) => sentMs + budgetWindowMs > nowMs)
  const onTimeline = (storeMs: number) => timeline.nowMs() + storeMs - keeper.nowMs()

  return {
    async take() {
      // What others took since, and the store's time.
      await keeper.read()
      let slotMs = 0
      let untilMs = 0
      const written = await keeper.change((record, nowMs) => {
        // Until it is answered: the process may die first, and the server may count the request as late as that.
        slotMs = nowMs + tokenRequestTimeoutMs
        untilMs = freeAtMs(record, nowMs)
        return untilMs > 0 ? null : { ...record, sends: ascending([...running(record, nowMs), slotMs]) }
      })
      return written === 'stored' ? { slotMs } : { untilMs: onTimeline(untilMs) }
    },
    // The slot runs from the answer on: the server counted the request at some moment before it, and only then is it
    // sure that no eleventh falls into the server's window.
    async answered(slotMs) {
      await keeper.keep((record, nowMs) => {
        const index = record.sends.indexOf(slotMs)
        // A slot that ended before its answer counts again from there: it was counted by the server all the same.
        const others = index < 0 ? record.sends : record.sends.toSpliced(index, 1)
        return {
          ...record,
          sends: ascending([...running({ ...record, sends: others }, nowMs), nowMs + timeline.partMs()]),
        }
      })
    },
    async unused(slotMs) {
      await keeper.keep((record) => {
        const index = record.sends.indexOf(slotMs)
        return index < 0 ? null : { ...record, sends: record.sends.toSpliced(index, 1) }
      })
    },
    fullUntilMs() {
      const untilMs = freeAtMs(keeper.known(), keeper.nowMs())
      return untilMs > 0 ? onTimeline(untilMs) : undefined
    },
    left: () => Math.max(0, budgetLimit - running(keeper.known(), keeper.nowMs()).length),
  }
}
