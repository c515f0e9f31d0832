import { DEFAULT_POLICY } from '../policy/defaults.ts'
import type { Policy } from '../policy/schema.ts'
import { usableAccessOnly } from './access-tokens.ts'
import type { Monitor } from './monitor.ts'
import { oneInFlight, pauseAfter429, tenPerMinute } from './pace.ts'
import { discardsBoth, failedCreateStops, noRetryOnInvalidCredentials, refreshOnce, twiceAtMost } from './recovery.ts'
import { livingRefreshOnly, noNeedlessCreate, spentOnce } from './refresh-tokens.ts'
import { bearerOnEveryRequest, noApiV1, noBasicAuth } from './wire.ts'

export { createWatch, type Finding, judge, type Monitor, type Watch } from './monitor.ts'
export { type Moment, momentsOf, type ObservedRequest, type ObservedSend } from './observed.ts'

/** The numbers of the policy that monitors judge by. */
export type MonitorPolicy = Pick<
  Policy,
  'budgetLimit' | 'budgetWindowMs' | 'pauseMs' | 'youngRejectionMs' | 'refreshLifetimeMs' | 'skewLeewayMs'
>

/** All monitors: the invariants by number, then the clauses. */
export const createMonitors = (policy: MonitorPolicy = DEFAULT_POLICY): readonly Monitor[] => [
  oneInFlight,
  tenPerMinute(policy),
  pauseAfter429(policy),
  usableAccessOnly(policy),
  spentOnce,
  twiceAtMost,
  noRetryOnInvalidCredentials,
  discardsBoth,
  failedCreateStops,
  noNeedlessCreate(policy),
  refreshOnce(policy),
  livingRefreshOnly,
  bearerOnEveryRequest,
  noBasicAuth,
  noApiV1,
]
