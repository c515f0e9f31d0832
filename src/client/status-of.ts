import { type Session, toWallMs } from './session.ts'
import type { AuthStatus } from './status.ts'

/** What only the client itself remembers. */
export interface Remembered {
  lastError: AuthStatus['lastError']
  skewMs: number | undefined
}

/** `auth.status()`; `apiPausedUntilMs` is wall-clock time, 0 when no pause runs. */
export function statusOf(session: Session, { lastError, skewMs }: Remembered, apiPausedUntilMs: number): AuthStatus {
  const { vault, budget, lifecycle, timeline } = session
  const { state, gate, facts } = lifecycle.snapshot()
  const { pair } = facts
  const ahead = <Name extends string>(name: Name, atMs: number | undefined) =>
    atMs !== undefined && atMs > timeline.nowMs() ? ({ [name]: toWallMs(session, atMs) } as Record<Name, number>) : {}
  return {
    state,
    gate,
    usable: vault.usable() !== undefined,
    generation: pair?.generation ?? 0,
    ...ahead('usableUntilMs', pair?.usableUntilMs),
    ...ahead('refreshAtMs', pair?.refreshAtMs),
    ...ahead('refreshUsableUntilMs', pair?.refreshUsableUntilMs),
    ...ahead('pausedUntilMs', facts.pausedUntilMs),
    ...ahead('backOffUntilMs', facts.backOffUntilMs),
    ...(apiPausedUntilMs > 0 ? { apiPausedUntilMs } : {}),
    budgetLeft: budget.left(),
    ...(skewMs === undefined ? {} : { skewMs }),
    ...(lastError === undefined ? {} : { lastError }),
  }
}
