import type { PolicyId } from '../policy/catalogue.ts'
import type { Format, Instant, Locator } from './exchange.ts'

/** How far a finding can be trusted. */
export type Confidence = 'high' | 'medium' | 'low'

/** As strong as its clause: `required` → error, `decision` → warning, `recommended` → note, `deprecated` → warning, then error. */
export type Severity = 'error' | 'warning' | 'note'

/** A request of the recording that a finding is about. */
export interface Evidence {
  readonly at: Locator
  readonly time: Instant
  /** `POST /api/v2/token/refresh/ → 429`. */
  readonly request: string
}

/** What a client did that the policy forbids, with the evidence. Holds no secret. */
export interface AuditFinding {
  /** Same for the same finding in the same recording: `invariant-3/1`. */
  readonly id: string
  /** Id of the rule: the clause's or decision's, or `invariant-N`. */
  readonly rule: string
  readonly verdict: 'fail' | 'inconclusive'
  readonly severity: Severity
  readonly confidence: Confidence
  /** The clauses and decisions that were broken, the first is the one to name. */
  readonly ids: readonly PolicyId[]
  readonly account?: string | undefined
  /** What the offence follows from: the 429 before a send within its pause. */
  readonly trigger?: Evidence | undefined
  readonly offence?: Evidence | undefined
  /** What was seen: `a refresh was sent 41.2 s after a 429`. */
  readonly observed: string
  /** What the clause asks for: `allowed from 2026-01-05T10:14:05.000Z`. */
  readonly required: string
  /** What to change in the client, one sentence. */
  readonly remedy: string
  /** Why it is not sure, where the verdict is `inconclusive`. */
  readonly because?: string | undefined
  /** The waiver that covers it: it does not count then. */
  readonly waived?: { readonly reason: string; readonly expires: string } | undefined
}

/** A rule and what came of it. */
export interface RuleResult {
  readonly rule: string
  /** The rule in one sentence. */
  readonly title: string
  readonly ids: readonly PolicyId[]
  /** The gravest of its findings; without one, as it would be today. */
  readonly severity: Severity
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
  /** Why it could not be judged. */
  readonly because?: string | undefined
  readonly findings: number
  /** How many of its findings are not listed, for there are too many; without those that a waiver covers. */
  readonly unlisted?: { readonly fail: number; readonly inconclusive: number } | undefined
  /** The waiver that covers that it could not be judged. */
  readonly waived?: { readonly reason: string; readonly expires: string } | undefined
}

/** A file that was read. */
export interface AuditedFile {
  readonly file: string
  readonly format: Format
  readonly producer?: string | undefined
  readonly exchanges: number
  readonly skipped: number
}

/** A minute of the traffic, for timelines. Times ms since the epoch. */
export interface TimelineEntry {
  readonly atMs: number
  readonly answeredAtMs: number
  readonly account?: string | undefined
  readonly endpoint: 'create' | 'refresh' | 'validate' | 'api'
  readonly status: number | 'dropped'
  readonly at: Locator
  /** Short fingerprint of the access token that was granted, and its expiry where that is known. */
  readonly granted?: { readonly accessId: string; readonly expiresAtMs?: number | undefined } | undefined
}

/** The whole verdict. */
export interface AuditReport {
  /** Version of this schema. */
  readonly schema: 1
  /** Of this package. */
  readonly version: string
  readonly files: readonly AuditedFile[]
  /** From the first request to the last answer; `undefined` where there is none. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly exchanges: number
  readonly accounts: number
  /** Which readings of the policy were judged: `D-budget: create, refresh and validate count, for each account`. */
  readonly readings: readonly string[]
  /** What the reader of the report has to know: an order that was restored by a sort, times that are known to the second. */
  readonly notes: readonly string[]
  readonly rules: readonly RuleResult[]
  readonly findings: readonly AuditFinding[]
  /** The requests around each finding (two minutes each way), and all token requests, at most 10 000. */
  readonly timeline: readonly TimelineEntry[]
  /** Some of the timeline was left out. */
  readonly timelineCut: boolean
}
