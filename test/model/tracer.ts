import type { LifecycleEvent, Outcome, PairFacts } from '../../machines/index.ts'
import { createMonitors, type Moment, type Monitor, type ObservedRequest } from '../../src/monitors/index.ts'
import { DEFAULT_POLICY } from '../../src/policy/defaults.ts'
import type { Lengths } from './bounds.ts'
import type { Watcher } from './watcher.ts'

/**
 * What the chart is told and does, as the traffic that would have been seen, before the monitors of the policy. Tokens
 * are called by their generation. The chart knows no leeway but what its deadlines hold, so the monitors judge without.
 */

/** The monitors that the chart alone can break. What is left is the client's: wire, origin, replays. */
const OF_THE_CHART: readonly string[] = [
  ...[1, 2, 3, 4, 5, 7, 8, 9, 10].map((number) => `invariant-${number}`),
  'refresh-lives-24h',
]

export interface TracedPolicy {
  readonly lengths: Pick<Lengths, 'pause' | 'young' | 'refresh'>
  /** Without it nobody counts sends: the world fills the budget when it likes. */
  readonly budget?: { readonly limit: number; readonly windowMs: number }
}

export const monitorsOf = ({ lengths, budget }: TracedPolicy): readonly Monitor[] =>
  createMonitors({
    ...DEFAULT_POLICY,
    pauseMs: lengths.pause,
    youngRejectionMs: lengths.young,
    refreshLifetimeMs: lengths.refresh,
    skewLeewayMs: 0,
    ...(budget ? { budgetLimit: budget.limit, budgetWindowMs: budget.windowMs } : {}),
  }).filter(({ id }) => OF_THE_CHART.includes(id) && (budget !== undefined || id !== 'invariant-2'))

const STATUS = {
  'outcome.granted': 200,
  'outcome.throttled': 429,
  'outcome.unauthorized': 401,
  'outcome.rejected': 400,
  'outcome.unavailable': 503,
  'outcome.malformed': 200,
} as const

const PATHS = { create: '/api/v2/token/', refresh: '/api/v2/token/refresh/', api: '/api/v2/taxexempt/' } as const
const givesOthers = (event: LifecycleEvent) =>
  event.type === 'operator.newCredentials' || (event.type === 'operator.signIn' && event.credentials === 'other')

type Sent = 'create' | 'refresh'

export class Tracer {
  readonly #monitors: readonly Monitor[]
  readonly #youngMs: number
  #states: readonly unknown[]
  /** How many credentials there have been. */
  #credentials = 0
  /** With which of them the create in flight was sent. */
  #sentWith = 0
  readonly findings: string[] = []

  constructor(monitors: readonly Monitor[], youngMs: number, states?: readonly unknown[]) {
    this.#monitors = monitors
    this.#youngMs = youngMs
    this.#states = states ?? monitors.map(({ initial }) => initial)
  }

  clone(): Tracer {
    const copy = new Tracer(this.#monitors, this.#youngMs, this.#states)
    copy.#credentials = this.#credentials
    copy.#sentWith = this.#sentWith
    return copy
  }

  #observe(moment: Moment) {
    this.#states = this.#monitors.map(({ id, step }, at) =>
      step(this.#states[at], moment, (evidence) => this.findings.push(`${id}: ${evidence}`)),
    )
  }

  #request = (endpoint: 'create' | 'refresh' | 'api', atMs: number) => ({
    sentAtMs: atMs,
    endpoint,
    method: 'POST',
    path: PATHS[endpoint],
    authScheme: endpoint === 'api' ? ('Bearer' as const) : ('none' as const),
  })
  #token = (endpoint: 'create' | 'refresh', atMs: number, pair: PairFacts | null) => ({
    ...this.#request(endpoint, atMs),
    ...(endpoint === 'create'
      ? { credentialsId: `c${this.#sentWith}` }
      : { refreshId: `r${pair?.generation}`, refreshExpAtMs: pair?.refreshUsableUntilMs }),
  })
  #grant = (pair: PairFacts) => ({
    sentAtMs: pair.youngUntilMs - this.#youngMs,
    grantedAccessId: `a${pair.generation}`,
    grantedRefreshId: pair.refreshUsableUntilMs === 0 ? undefined : `r${pair.generation}`,
    grantedRefreshExpAtMs: pair.refreshUsableUntilMs,
  })

  /** The chart started a request, which a deferral may yet hold back; it has to be allowed all the same. */
  sent(request: Sent, atMs: number, pair: PairFacts | null) {
    this.#sentWith = this.#credentials
    this.#observe({ kind: 'sent', request: this.#token(request, atMs, pair) })
  }

  /** The request of `pair` in flight has ended, and what `noted` says takes effect. */
  ended(request: Sent, outcome: Outcome, pair: PairFacts | null, noted: readonly LifecycleEvent[]) {
    this.#answered(request, outcome, pair)
    const newer = outcome.type === 'outcome.granted' || outcome.type === 'outcome.adopted'
    this.#takesEffect(newer ? noted.filter(({ type }) => type !== 'record.adopted') : noted, outcome.atMs)
  }

  #takesEffect(noted: readonly LifecycleEvent[], atMs: number) {
    for (const event of noted)
      if (event.type === 'operator.newCredentials' || event.type === 'operator.reset')
        this.#observe({ kind: 'operator', atMs, action: 'reset' })
      else if (event.type === 'record.adopted')
        this.#latched(event.facts.latch === 'invalidCredentials', atMs, this.#sentWith)
      else if (givesOthers(event)) this.#observe({ kind: 'operator', atMs, action: 'signIn' })
  }

  #answered(request: Sent, outcome: Outcome, pair: PairFacts | null) {
    const { atMs: answeredAtMs } = outcome
    const answer = (rest: Pick<ObservedRequest, 'status'> & Partial<ObservedRequest>, as: Sent = request) =>
      this.#observe({ kind: 'answered', request: { ...this.#token(as, answeredAtMs, pair), answeredAtMs, ...rest } })
    switch (outcome.type) {
      case 'outcome.adopted':
      case 'outcome.deferred':
        // Nothing was sent: as a refresh that nobody answered, which teaches nothing; or one that was refused.
        answer({ status: 'reason' in outcome && outcome.reason === 'expired' ? 401 : 'dropped' }, 'refresh')
        if (outcome.type === 'outcome.deferred' && outcome.reason === 'latched' && outcome.latch !== 'createFailed')
          this.#latched(outcome.latch === 'invalidCredentials', answeredAtMs, this.#sentWith)
        return
      case 'outcome.granted':
        answer({ status: 200, ...this.#grant(outcome.pair) })
        return
      case 'outcome.throttled':
        answer({ status: 429, retryAfterMs: outcome.untilMs - answeredAtMs })
        return
      default:
        answer({ status: STATUS[outcome.type] })
    }
  }

  /** Another client found the credentials to be wrong. */
  #latched(invalid: boolean, atMs: number, credentials: number) {
    if (invalid)
      this.#observe({
        kind: 'answered',
        request: {
          ...this.#request('create', atMs),
          credentialsId: `c${credentials}`,
          answeredAtMs: atMs,
          status: 401,
        },
      })
  }

  /** A process that was killed, or signs out, hears no answer. Whether a create failed is not known then. */
  cutOff(atMs: number) {
    const request = { ...this.#request('refresh', atMs), answeredAtMs: atMs, status: 'dropped' as const }
    this.#observe({ kind: 'answered', request })
  }

  /** A token is handed out, and used at once. */
  served(pair: PairFacts, atMs: number) {
    const request = {
      ...this.#request('api', atMs),
      accessId: `a${pair.generation}`,
      accessExpAtMs: pair.usableUntilMs,
    }
    this.#observe({ kind: 'sent', request })
    this.#observe({ kind: 'answered', request: { ...request, answeredAtMs: atMs, status: 200 } })
  }

  /** Before the oracle is told. */
  told(event: LifecycleEvent, before: Watcher) {
    if (event.type === 'demand.withdrawn') return
    const { atMs } = event
    const operator = (action: 'signIn' | 'reset' | 'signOut') => this.#observe({ kind: 'operator', atMs, action })
    switch (event.type) {
      case 'demand':
        this.#observe({ kind: 'demanded', atMs })
        return
      case 'token.rejected': {
        const request = { ...this.#request('api', atMs), accessId: `a${event.generation}` }
        this.#observe({ kind: 'answered', request: { ...request, answeredAtMs: atMs, status: 401 } })
        return
      }
      case 'validate.throttled': {
        const request = { ...this.#request('api', atMs), endpoint: 'validate' as const }
        const retryAfterMs = event.untilMs - atMs
        this.#observe({ kind: 'answered', request: { ...request, answeredAtMs: atMs, status: 429, retryAfterMs } })
        return
      }
      case 'operator.signIn':
        if (event.credentials === 'other') this.#credentials += 1
        operator('signIn')
        return
      case 'operator.newCredentials':
        // The latch of the old ones is gone, as after a reset.
        this.#credentials += 1
        operator('reset')
        return
      case 'operator.signOut':
        if (before.inFlight !== null) this.cutOff(atMs)
        operator('signOut')
        return
      case 'operator.reset':
        operator('reset')
        return
      case 'record.adopted': {
        // A record without the latch or mark that we know of: somebody has lifted it. The latch of a refresh is another.
        const { latch } = event.facts
        const lifted =
          (before.createLatched || before.failedUnasked) && (latch === null || latch === 'refreshUnauthorized')
        if (lifted) operator('reset')
        // Credentials that wait for the record are newer than its latch.
        const since = before.loading ? before.noted.filter(givesOthers).length : 0
        if (before.inFlight === null)
          this.#latched(event.facts.latch === 'invalidCredentials', atMs, this.#credentials - since)
        if (before.loading) this.#takesEffect(before.noted, atMs)
      }
    }
  }

  /** After the oracle was told: what it now holds without a grant that was seen. */
  holds(before: PairFacts | null, after: PairFacts | null, atMs: number, adopted: boolean) {
    if (after === null) {
      if (adopted && before !== null) this.#observe({ kind: 'operator', atMs, action: 'signOut' })
      return
    }
    const known = after.generation === before?.generation && after.refreshUsableUntilMs === before.refreshUsableUntilMs
    if (known) return
    // Somebody else's request: what it brought counts, when it was sent does not.
    const request = { ...this.#request('create', atMs), credentialsId: `c${this.#credentials}`, answeredAtMs: atMs }
    this.#observe({ kind: 'answered', request: { ...request, status: 200, ...this.#grant(after) } })
    if (after.refreshUsableUntilMs === 0) {
      // Its refresh token is gone: somebody had it refused.
      const dropped = { ...this.#request('refresh', atMs), refreshId: `r${after.generation}`, answeredAtMs: atMs }
      this.#observe({ kind: 'answered', request: { ...dropped, status: 401 } })
    }
    if (after.rejected) {
      const refused = { ...this.#request('api', atMs), accessId: `a${after.generation}` }
      this.#observe({ kind: 'answered', request: { ...refused, answeredAtMs: atMs, status: 401 } })
    }
  }

  /** What later moments depend on: ids that can still come up, times from now. */
  key(nowMs: number, generations: ReadonlySet<number>): string {
    const word = (id: string) => {
      const number = Number(id.slice(1))
      if (id.startsWith('c')) return number === this.#credentials ? 'c' : number === this.#sentWith ? 's' : ''
      return /^[ar]\d+$/.test(id) ? (generations.has(number) ? `${id[0]}${number - Math.max(...generations)}` : '') : id
    }
    const write = (name: string, value: unknown): string => {
      if (typeof value === 'number') {
        if (name === 'throttledAtMs') return ''
        if (!name.endsWith('Ms')) return String(value)
        return value <= nowMs - (name.includes('ntil') ? 0 : this.#youngMs) ? 'p' : String(value - nowMs)
      }
      if (typeof value === 'string') return word(value)
      if (Array.isArray(value))
        return value
          .map((inner) => write(name, inner))
          .filter(Boolean)
          .join()
      if (value === null || typeof value !== 'object') return String(value)
      return Object.entries(value)
        .map(([key, inner]) => write(key, inner))
        .join(';')
    }
    return this.#states.map((state) => write('', state)).join('!')
  }
}
