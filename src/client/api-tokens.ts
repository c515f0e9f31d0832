import type { AcquireOptions, TokenSource } from '../http/token-source.ts'
import { backOffMs } from '../policy/back-off.ts'
import * as rules from '../policy/rules.ts'
import type { AccountRecord } from '../store/record.ts'
import type { Callers } from './callers.ts'
import { refusal, storeRefusal } from './messages.ts'
import type { Change } from './record-keeper.ts'
import { type Session, tellFacts, toWallMs } from './session.ts'
import { sleepUntil } from './waiting.ts'

/** What the API adapter asks of the client and tells it: tokens, and what the API said of them. */
export function createApiTokens(session: Session, callers: Pick<Callers, 'acquire' | 'timedOut'>): TokenSource {
  const { clock, timeline, policy, random, vault, keeper, budget, lifecycle } = session
  let apiPausedUntilMs = 0

  const storeDown = () => storeRefusal(session.storeTrouble(), 'D-store-down', undefined, clock.now())
  const takeSlot = async ({ signal, timeoutMs = policy.callerTimeoutMs }: AcquireOptions) => {
    const deadlineMs = timeline.nowMs() + timeoutMs
    for (;;) {
      const taken = await budget.take().catch(() => {
        throw storeDown()
      })
      if ('slotMs' in taken) return () => void budget.answered(taken.slotMs)
      const full = () => refusal('BUDGET_EXHAUSTED', 'ten-per-minute', toWallMs(session, taken.untilMs), clock.now())
      if (taken.untilMs > deadlineMs) throw full()
      await sleepUntil(session, taken.untilMs, { signal, timeoutMs, tooLong: full })
    }
  }

  const keepAndTell = (change: Change) =>
    void keeper.keep(change).then(
      () => tellFacts(session),
      () => {},
    )
  const backedOff =
    (drawn: number) =>
    (record: AccountRecord, nowMs: number): AccountRecord => {
      const step = record.rejectionBackOff?.step ?? 0
      const rejectionBackOff = { startMs: nowMs, lengthMs: backOffMs(step, drawn, policy), step: step + 1 }
      return { ...record, rejectionBackOff }
    }

  return {
    acquire: (options = {}) => callers.acquire('plain', options),
    rejected(refused) {
      const held = vault.facts()
      if (held === null || held.generation !== refused) return 'stale'
      if (held.rejected) return 'replay'
      if (!rules.rejectionCounts(lifecycle.context(), refused, timeline.nowMs())) return 'ignore'
      vault.reject(refused)
      lifecycle.send({ type: 'token.rejected', atMs: timeline.nowMs(), generation: refused })
      void keeper.keep((record) =>
        record.pair?.generation === refused ? { ...record, rejectedGeneration: refused } : null,
      )
      return 'replay'
    },
    accepted() {
      if (keeper.known().rejectionBackOff === null) return
      keepAndTell((record) => ({ ...record, rejectionBackOff: null }))
    },
    replayRejected() {
      keepAndTell(backedOff(random()))
    },
    slot: policy.budgetCounts === 'all' ? takeSlot : undefined,
    apiPausedUntilMs: () => (apiPausedUntilMs > timeline.nowMs() ? toWallMs(session, apiPausedUntilMs) : 0),
    apiThrottled(pauseMs) {
      apiPausedUntilMs = Math.max(apiPausedUntilMs, timeline.nowMs() + pauseMs)
    },
  }
}
