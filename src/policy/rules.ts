import type { Situation } from './facts.ts'

/**
 * The failure policy as pure questions about a {@link Situation}. The chart's guards are these functions and nothing
 * else; each names the clause or decision it answers for.
 */

/** `pause-after-429` */
export const pauseRuns = (s: Situation) => s.atMs < s.pausedUntilMs
/** `D-back-off` */
export const backOffRuns = (s: Situation) => s.atMs < s.backOffUntilMs
/** `ten-per-minute`, `D-budget`, and the lease of `D-one-at-a-time` */
export const budgetFull = (s: Situation) => s.atMs < s.fullUntilMs
/** May a create or refresh be sent now? */
export const gateOpen = (s: Situation) => !pauseRuns(s) && !backOffRuns(s) && !budgetFull(s)

/** `access-lives-1h`: present, before its expiry less the leeway, not rejected. */
export const accessUsable = (s: Situation) => s.pair !== null && !s.pair.rejected && s.atMs < s.pair.usableUntilMs
/** `refresh-lives-24h` */
export const refreshUsable = (s: Situation) => s.pair !== null && s.atMs < s.pair.refreshUsableUntilMs

export const someoneWaits = (s: Situation) => s.waiting.plain || s.waiting.patient || s.waiting.forced
const anyTokenDoes = (s: Situation) => s.waiting.plain || s.waiting.patient

const due = (s: Situation) => s.pair !== null && s.atMs >= s.pair.refreshAtMs

/** `D-proactive`: the timer starts a due refresh by itself, up to a number of attempts; otherwise a caller has to ask. */
const refreshWanted = (s: Situation) =>
  s.waiting.forced ||
  (due(s) && (s.proactive === 'timer' ? s.refreshAttempts < s.refreshAttemptsLimit : someoneWaits(s)))

/** `refresh-before-expiry`, `rotate-within-12h`, `D-force` */
export const refreshDue = (s: Situation) => gateOpen(s) && refreshWanted(s) && refreshUsable(s)
/** `D-refresh-expired-first` */
export const refreshDueButExpired = (s: Situation) => gateOpen(s) && refreshWanted(s) && !refreshUsable(s)

/** `create-rarely`: only a demand signs in, and only when nothing is held. */
export const demandMayCreate = (s: Situation) => someoneWaits(s) && gateOpen(s) && s.pair === null
/** `expired-access-refreshes`, `refresh-once` */
export const demandMayRefresh = (s: Situation) => someoneWaits(s) && gateOpen(s) && refreshUsable(s)
/** `both-expired-creates` */
export const demandMayReCreate = (s: Situation) => someoneWaits(s) && gateOpen(s) && !refreshUsable(s)
/** `D-create-unavailable`: a new demand may try after the back-off. */
export const demandMayTryAgain = (s: Situation) => someoneWaits(s) && gateOpen(s)

/**
 * The one rule for serving: a usable access token is served at once. The exception is `onDemand` with a refresh due
 * that may start now: the caller waits for it (`D-proactive`).
 */
export const callersMayBeServed = (s: Situation) =>
  anyTokenDoes(s) && accessUsable(s) && !(s.proactive === 'onDemand' && due(s) && gateOpen(s))
/** As above, where nothing more will be sent: stopped. */
export const callersMayBeServedStopped = (s: Situation) => anyTokenDoes(s) && accessUsable(s)

/** `no-retry-on-invalid-credentials`, `D-create-4xx`, `D-refresh-401` */
export const latched = (s: Situation) => s.latch !== null
/** Someone waits and a latch holds: they have to be told. */
export const callersMustStop = (s: Situation) => someoneWaits(s) && latched(s)
/** `reauth-failure-stops` */
export const createFailedBefore = (s: Situation) => s.createFailed

/** `D-refresh-401`: the server may have rotated or outlived the token, so a 401 says nothing about the account. */
export const refreshTokenMayBeSpent = (s: Situation) =>
  s.unfinished || !refreshUsable(s) || s.refreshUnauthorized === 'recreate'

/** `D-stale-401`, `D-young-rejection`: is a rejection of `generation` news about the token we hold? */
export const rejectionCounts = (s: Situation, generation: number, atMs: number) =>
  s.pair !== null &&
  s.pair.generation === generation &&
  !s.pair.rejected &&
  atMs >= s.pair.youngUntilMs &&
  atMs >= s.rejectionsIgnoredUntilMs

/** `D-pause`, `D-force`: those who do not wait for the end of a pause. A usable token is served instead. */
export const pauseRefuses = (s: Situation) =>
  pauseRuns(s) && (s.waiting.forced || (s.waiting.plain && !accessUsable(s)))
/** `D-back-off`, `D-force`: nobody waits for the end of a back-off. */
export const backOffRefuses = (s: Situation) =>
  backOffRuns(s) && (s.waiting.forced || (anyTokenDoes(s) && !accessUsable(s)))
