export { backOffMs } from './back-off.ts'
export {
  CATALOGUE,
  CLAUSES,
  type Clause,
  type ClauseId,
  DECISIONS,
  type Decision,
  type DecisionId,
  INVARIANTS,
  type Invariant,
  type InvariantNumber,
  isPolicyId,
  POLICY_IDS,
  type PolicyEntry,
  type PolicyId,
  policyEntry,
  type Strength,
} from './catalogue.ts'
export { configError, nearestName, unknownOptionError } from './config-error.ts'
export {
  type AccessDeadlines,
  accessDeadlines,
  drawRefreshAtMs,
  type LifetimeEvidence,
  pauseLengthMs,
  type RefreshDue,
  refreshDeadlines,
  type Throttled,
  tokenLifetimes,
} from './deadlines.ts'
export { DEFAULT_POLICY } from './defaults.ts'
export {
  apiReplyKind,
  type Endpoint,
  REPLIES,
  type Reaction,
  type ReplyRow,
  reactionTo,
  type TokenEndpoint,
  tokenReplyKind,
} from './outcomes.ts'
export { type Policy, type PolicyOptions, parsePolicy } from './schema.ts'
