import { DEFAULT_POLICY } from '../policy/defaults.ts'
import type { Policy } from '../policy/schema.ts'
import { usableAccessOnly } from './access-tokens.ts'
import { noSendInBackOff } from './back-off.ts'
import { abortsAlone, settlesInTime } from './callers.ts'
import { configuredOriginOnly, nothingSecretShown } from './exposure.ts'
import { failedCreateStops, noRetryOfRejected, noRetryOnInvalidCredentials } from './failed-creates.ts'
import { attemptsEnd, discardsBoth, refreshUnauthorizedStops } from './failed-refreshes.ts'
import { createRarely, validateOptionally } from './habits.ts'
import type { Monitor } from './monitor.ts'
import { apiPauseAfter429, oneInFlight, pauseAfter429, tenPerMinute } from './pace.ts'
import { refreshBeforeExpiry, rotateInTime } from './proactive.ts'
import { livingRefreshOnly, noNeedlessCreate, spentOnce } from './refresh-tokens.ts'
import { noYoungRefresh, refreshOnce } from './rejections.ts'
import { twiceAtMost } from './replays.ts'
import { nothingAfterSignOut } from './sign-out.ts'
import { bearerOnEveryRequest, noApiV1, noBasicAuth } from './wire.ts'

export { COVERAGE, type Coverage } from './coverage.ts'
export { createWatch, type Finding, judge, judging, type Monitor, type Need, type Watch } from './monitor.ts'
export {
  type Demand,
  type Moment,
  momentsOf,
  type ObservedRequest,
  type ObservedSend,
  type Settlement,
  timeOf,
} from './observed.ts'

/** The numbers and switches of the policy that monitors judge by. */
export type MonitorPolicy = Pick<
  Policy,
  | ('budgetLimit' | 'budgetWindowMs' | 'budgetCounts' | 'pauseMs' | 'apiPause' | 'backOffMinMs' | 'backOffMaxMs')
  | ('accessLifetimeMs' | 'refreshLifetimeMs' | 'refreshWindowEndMs' | 'rotateWithinMs' | 'skewLeewayMs')
  | ('youngRejectionMs' | 'refreshUnauthorized' | 'refreshAttemptsPerGeneration' | 'tokenRequestTimeoutMs')
>

/** All monitors: the invariants by number, then the clauses and decisions that none of them shows. */
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
  settlesInTime,
  nothingSecretShown,
  abortsAlone(policy),
  configuredOriginOnly,
  bearerOnEveryRequest,
  noBasicAuth,
  noApiV1,
  refreshOnce(policy),
  livingRefreshOnly,
  refreshBeforeExpiry(policy),
  rotateInTime(policy),
  createRarely(policy),
  validateOptionally,
  noYoungRefresh(policy),
  noSendInBackOff(policy),
  attemptsEnd(policy),
  refreshUnauthorizedStops(policy),
  noRetryOfRejected,
  nothingAfterSignOut,
  ...(policy.apiPause ? [apiPauseAfter429(policy)] : []),
]
