import * as z from 'zod/mini'
import { configError, unknownOptionError } from './config-error.ts'
import { DEFAULT_POLICY } from './defaults.ts'
import { LONGEST_LIFETIME_MS, LONGEST_WAIT_MS } from './limits.ts'

/**
 * Every number and switch of the policy. Only what differs from the default has to be given; see {@link PolicyOptions}.
 * Lengths are whole milliseconds. What the guide requires can be made looser too, for servers that differ from it: the
 * auditor judges by the guide all the same.
 */
export interface Policy {
  /**
   * How long an access token lives when neither the reply nor the token says so; the windows below are stated for it.
   * Milliseconds, 1_000–3_155_760_000_000. Default 3_600_000.
   * @see clause `access-lives-1h`, decision `D-lifetimes`, `D-short-lifetimes`
   */
  readonly accessLifetimeMs: number
  /**
   * How long a refresh token lives when neither the reply nor the token says so.
   * Milliseconds, 1_000–3_155_760_000_000. Default 86_400_000.
   * @see clause `refresh-lives-24h`, decision `D-lifetimes`
   */
  readonly refreshLifetimeMs: number
  /**
   * The refresh window opens this long before the access token expires; shorter than `accessLifetimeMs`.
   * Milliseconds, 0–2_147_483_647. Default 900_000.
   * @see clause `refresh-before-expiry`, decision `D-jitter`, `D-short-lifetimes`
   */
  readonly refreshWindowStartMs: number
  /**
   * The refresh window closes this long before the access token expires; at most `refreshWindowStartMs`.
   * Milliseconds, 0–2_147_483_647. Default 600_000.
   * @see clause `refresh-before-expiry`, decision `D-jitter`, `D-short-lifetimes`
   */
  readonly refreshWindowEndMs: number
  /**
   * A refresh is due at the latest this long after the last grant, or after half the refresh token's lifetime if that
   * is earlier; at most `refreshLifetimeMs`.
   * Milliseconds, 1_000–3_155_760_000_000. Default 43_200_000.
   * @see clause `rotate-within-12h`, decision `D-proactive`
   */
  readonly rotateWithinMs: number
  /**
   * A token is not sent in this time before its expiry; never more than 1/120 of its lifetime.
   * Milliseconds, 0–2_147_483_647. Default 30_000.
   * @see decision `D-skew`, `D-short-lifetimes`
   */
  readonly skewLeewayMs: number
  /**
   * Who starts a refresh that is due: a timer, or the next demand (jobs, serverless, the command line).
   * `'timer'` or `'onDemand'`. Default 'timer'.
   * @see decision `D-proactive`
   */
  readonly proactive: 'timer' | 'onDemand'
  /**
   * What an unexplained 401 to a refresh does: stop and say so, or sign in again (for servers that revoke at will).
   * `'fail'` or `'recreate'`. Default 'fail'.
   * @see decision `D-refresh-401`
   */
  readonly refreshUnauthorized: 'fail' | 'recreate'
  /**
   * How often the timer tries to refresh one generation while the server is unavailable.
   * Attempts, 1–100. Default 6.
   * @see decision `D-refresh-unavailable`
   */
  readonly refreshAttemptsPerGeneration: number
  /**
   * The first back-off; each further one is twice as long.
   * Milliseconds, 1_000–2_147_483_647. Default 30_000.
   * @see decision `D-back-off`
   */
  readonly backOffMinMs: number
  /**
   * The longest back-off, before the draw lengthens it by up to a half; at least `backOffMinMs`.
   * Milliseconds, 1_000–1_431_655_764. Default 600_000.
   * @see decision `D-back-off`
   */
  readonly backOffMaxMs: number
  /**
   * Rounds of PBKDF2-SHA-256 for the fingerprint of latched credentials. Fewer only in tests.
   * Rounds, 1–10_000_000. Default 600_000.
   * @see decision `D-create-4xx`
   */
  readonly fingerprintRounds: number
  /**
   * How long no token request is sent after a 429; a longer `Retry-After` wins.
   * Milliseconds, 1_000–2_147_483_647. Default 600_000.
   * @see clause `pause-after-429`, decision `D-pause-length`
   */
  readonly pauseMs: number
  /**
   * How many requests may be sent in any `budgetWindowMs`.
   * Requests, 1–10_000. Default 10.
   * @see clause `ten-per-minute`
   */
  readonly budgetLimit: number
  /**
   * The sliding window of the budget.
   * Milliseconds, 1_000–2_147_483_647. Default 60_000.
   * @see clause `ten-per-minute`
   */
  readonly budgetWindowMs: number
  /**
   * What the budget counts: create, refresh and validate, or API requests too.
   * `'token'` or `'all'`. Default 'token'.
   * @see decision `D-budget`
   */
  readonly budgetCounts: 'token' | 'all'
  /**
   * Who shares one budget: each account has its own, or all accounts at one origin.
   * `'account'` or `'origin'`. Default 'account'.
   * @see decision `D-budget`
   */
  readonly budgetScope: 'account' | 'origin'
  /**
   * How long a lease on an account holds unless it is renewed.
   * Milliseconds, 1_000–2_147_483_647. Default 15_000.
   * @see decision `D-one-at-a-time`
   */
  readonly leaseMs: number
  /**
   * How often a held lease is renewed; shorter than `leaseMs`.
   * Milliseconds, 100–2_147_483_647. Default 5_000.
   * @see decision `D-one-at-a-time`
   */
  readonly leaseRenewMs: number
  /**
   * How long a caller waits for a token, unless it says otherwise.
   * Milliseconds, 1–2_147_483_647. Default 90_000.
   * @see decision `D-time-outs`
   */
  readonly callerTimeoutMs: number
  /**
   * How long a create, refresh or validate may take, and a credentials callback.
   * Milliseconds, 1–2_147_483_647. Default 30_000.
   * @see decision `D-time-outs`, `D-credentials`
   */
  readonly tokenRequestTimeoutMs: number
  /**
   * A rejected access token younger than this is neither refreshed nor marked; shorter than `accessLifetimeMs`.
   * Milliseconds, 0–2_147_483_647. Default 60_000.
   * @see decision `D-young-rejection`
   */
  readonly youngRejectionMs: number
  /**
   * The body of a `Request` is kept for a replay up to this size; a larger one is sent once.
   * Bytes, 0–1_073_741_824. Default 1_048_576.
   * @see decision `D-one-shot-body`
   */
  readonly replayBodyBytes: number
  /**
   * Whether API requests pause after an API 429.
   * `true` or `false`. Default true.
   * @see decision `D-api-429`
   */
  readonly apiPause: boolean
  /**
   * How many redirects within the origin are followed.
   * Redirects, 0–20. Default 5.
   * @see decision `D-origin`
   */
  readonly maxRedirects: number
  /**
   * Paths of the token requests, used exactly as written; each begins with `/` and has no query.
   * Defaults `/api/v2/token/`, `/api/v2/token/refresh/`, `/api/v2/token/validate/`.
   * @see decision `D-create-path`
   */
  readonly paths: { readonly create: string; readonly refresh: string; readonly validate: string }
  /**
   * Names of the JSON fields that the token requests send; letters, digits, `_` and `-`.
   * Defaults `username`, `password`, `refresh`, `token`.
   * @see decision `D-wire-names`
   */
  readonly wireNames: {
    readonly username: string
    readonly password: string
    readonly refresh: string
    readonly token: string
  }
}

/** What {@link parsePolicy} takes: any part of a {@link Policy}. */
export type PolicyOptions = {
  readonly [Name in keyof Policy]?: (Policy[Name] extends object ? Partial<Policy[Name]> : Policy[Name]) | undefined
}

// The message of each issue is what is allowed; `configError` completes the sentence.
const grouped = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, '_')
const whole = (unit: string, min: number, max: number) => {
  const allowed = `a whole number of ${unit} from ${grouped(min)} to ${grouped(max)}`
  return z.int(allowed).check(z.gte(min, allowed), z.lte(max, allowed))
}
const ms = (min: number, max: number = LONGEST_WAIT_MS) => whole('milliseconds', min, max)
const oneOf = <const Values extends readonly [string, string]>(values: Values) =>
  z.enum(values, `'${values[0]}' or '${values[1]}'`)
const path = () => {
  const allowed = `a path that begins with one '/' and has no query, fragment, space or backslash`
  return z.string(allowed).check(z.regex(/^\/(?!\/)[^\s?#\\]*$/, allowed))
}
const fieldName = () => {
  const allowed = `the name of a JSON field, of letters, digits, '_' and '-'`
  return z.string(allowed).check(z.regex(/^[\w-]+$/, allowed))
}

const optionsSchema = z.strictObject(
  {
    accessLifetimeMs: z.optional(ms(1_000, LONGEST_LIFETIME_MS)),
    refreshLifetimeMs: z.optional(ms(1_000, LONGEST_LIFETIME_MS)),
    refreshWindowStartMs: z.optional(ms(0)),
    refreshWindowEndMs: z.optional(ms(0)),
    rotateWithinMs: z.optional(ms(1_000, LONGEST_LIFETIME_MS)),
    skewLeewayMs: z.optional(ms(0)),
    proactive: z.optional(oneOf(['timer', 'onDemand'])),
    refreshUnauthorized: z.optional(oneOf(['fail', 'recreate'])),
    refreshAttemptsPerGeneration: z.optional(whole('attempts', 1, 100)),
    backOffMinMs: z.optional(ms(1_000)),
    // Lengthened by a half, it still fits a timer.
    backOffMaxMs: z.optional(ms(1_000, Math.floor(LONGEST_WAIT_MS / 1.5))),
    fingerprintRounds: z.optional(whole('rounds', 1, 10_000_000)),
    pauseMs: z.optional(ms(1_000)),
    budgetLimit: z.optional(whole('requests', 1, 10_000)),
    budgetWindowMs: z.optional(ms(1_000)),
    budgetCounts: z.optional(oneOf(['token', 'all'])),
    budgetScope: z.optional(oneOf(['account', 'origin'])),
    leaseMs: z.optional(ms(1_000)),
    leaseRenewMs: z.optional(ms(100)),
    callerTimeoutMs: z.optional(ms(1)),
    tokenRequestTimeoutMs: z.optional(ms(1)),
    youngRejectionMs: z.optional(ms(0)),
    replayBodyBytes: z.optional(whole('bytes', 0, 2 ** 30)),
    apiPause: z.optional(z.boolean('true or false')),
    maxRedirects: z.optional(whole('redirects', 0, 20)),
    paths: z.optional(
      z.strictObject(
        { create: z.optional(path()), refresh: z.optional(path()), validate: z.optional(path()) },
        'an object with any of create, refresh, validate',
      ),
    ),
    wireNames: z.optional(
      z.strictObject(
        {
          username: z.optional(fieldName()),
          password: z.optional(fieldName()),
          refresh: z.optional(fieldName()),
          token: z.optional(fieldName()),
        },
        'an object with any of username, password, refresh, token',
      ),
    ),
  },
  'an object of policy options',
)

/**
 * A whole policy from the options given, the defaults for the rest.
 *
 * @throws AuthError `CONFIG_INVALID` for an unknown, malformed or contradictory option
 */
export function parsePolicy(input: unknown = {}): Policy {
  const parsed = optionsSchema.safeParse(input)
  if (!parsed.success) throw issueError(input, parsed.error.issues[0])
  const options = parsed.data
  const policy: Policy = {
    ...withDefaults(DEFAULT_POLICY, options),
    paths: withDefaults(DEFAULT_POLICY.paths, options.paths),
    wireNames: withDefaults(DEFAULT_POLICY.wireNames, options.wireNames),
  }
  refuseContradictions(policy)
  return policy
}

function withDefaults<T extends object>(defaults: T, given: object = {}): T {
  return { ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) }
}

function issueError(input: unknown, issue: z.core.$ZodIssue | undefined): Error {
  const at = (path: readonly PropertyKey[]) =>
    path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], input)
  const path = issue?.path ?? []
  if (issue?.code === 'unrecognized_keys') {
    const option = [...path, issue.keys[0] ?? '']
    const known = Object.keys(path.length === 0 ? DEFAULT_POLICY : DEFAULT_POLICY[path[0] as 'paths' | 'wireNames'])
    return unknownOptionError(option.join('.'), at(option), known)
  }
  return configError(path.length === 0 ? 'policy' : path.join('.'), at(path), issue?.message ?? '')
}

function refuseContradictions(policy: Policy): void {
  const contradictions: [boolean, keyof Policy, string, keyof Policy][] = [
    [policy.refreshWindowStartMs >= policy.accessLifetimeMs, 'refreshWindowStartMs', 'less than', 'accessLifetimeMs'],
    [policy.refreshWindowEndMs > policy.refreshWindowStartMs, 'refreshWindowEndMs', 'at most', 'refreshWindowStartMs'],
    [policy.rotateWithinMs > policy.refreshLifetimeMs, 'rotateWithinMs', 'at most', 'refreshLifetimeMs'],
    [policy.youngRejectionMs >= policy.accessLifetimeMs, 'youngRejectionMs', 'less than', 'accessLifetimeMs'],
    [policy.backOffMinMs > policy.backOffMaxMs, 'backOffMinMs', 'at most', 'backOffMaxMs'],
    [policy.leaseRenewMs >= policy.leaseMs, 'leaseRenewMs', 'less than', 'leaseMs'],
  ]
  for (const [broken, option, relation, other] of contradictions)
    if (broken) throw configError(option, policy[option], `${relation} ${other}, which is ${policy[other]}`)
  const { username, password } = policy.wireNames
  if (username === password) throw configError('wireNames.password', password, 'another name than wireNames.username')
}
