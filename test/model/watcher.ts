import type { Deferral, Facts, LifecycleEvent, Outcome, PairFacts } from '../../machines/index.ts'

/** What the policy allows, from what the chart has been told. Written from policy.md, not from the chart. */
export class Watcher {
  pair: PairFacts | null = null
  pausedUntilMs = 0
  fullUntilMs = 0
  backOffUntilMs = 0
  /** A create was refused: 401 or another 4xx. */
  createLatched = false
  /** A refresh was refused for good. */
  refreshLatched = false
  /** A create failed and nobody asked since. */
  failedUnasked = false
  unfinished = false
  signedOut = false
  inFlight: 'create' | 'refresh' | null = null
  #loading = true
  /** One create without a new demand is the answer to a refused refresh. */
  owedCreate = false
  readonly refreshUnauthorized: 'fail' | 'recreate'
  #waitsForOutcome: LifecycleEvent[] = []

  constructor(refreshUnauthorized: 'fail' | 'recreate') {
    this.refreshUnauthorized = refreshUnauthorized
  }

  usable = (atMs: number) => this.pair !== null && !this.pair.rejected && atMs < this.pair.usableUntilMs
  refreshable = (atMs: number) => this.pair !== null && atMs < this.pair.refreshUsableUntilMs
  gateOpen = (atMs: number) => atMs >= Math.max(this.pausedUntilMs, this.fullUntilMs, this.backOffUntilMs)

  /** The deadlines still ahead. */
  deadlines(atMs: number): number[] {
    const { usableUntilMs = 0, refreshAtMs = 0, refreshUsableUntilMs = 0 } = this.pair ?? {}
    const all = [
      usableUntilMs,
      refreshAtMs,
      refreshUsableUntilMs,
      this.pausedUntilMs,
      this.fullUntilMs,
      this.backOffUntilMs,
    ]
    return all.filter((deadlineMs) => deadlineMs > atMs)
  }

  /** What is wrong with sending this now. */
  mayNotSend(request: 'create' | 'refresh', atMs: number): string[] {
    const wrong: string[] = []
    const say = (broken: boolean, text: string) => broken && wrong.push(`${request}: ${text}`)
    say(this.inFlight !== null, `a ${this.inFlight} is in flight`)
    say(atMs < this.pausedUntilMs, `inside the pause, ${this.pausedUntilMs - atMs} ms before its end`)
    say(atMs < this.backOffUntilMs, `inside the back-off, ${this.backOffUntilMs - atMs} ms before its end`)
    say(atMs < this.fullUntilMs, 'the budget is full or the lease held')
    say(this.failedUnasked, 'a create failed and nobody asked since')
    say(this.createLatched, 'the credentials are latched')
    say(this.signedOut, 'signed out')
    if (request === 'create') say(this.refreshable(atMs), 'a usable refresh token is held')
    else {
      say(!this.refreshable(atMs), 'the refresh token is not usable')
      say(this.refreshLatched, 'this refresh token was refused for good')
    }
    return wrong
  }

  told(event: LifecycleEvent) {
    if (event.type === 'demand.withdrawn') return
    const { atMs } = event
    switch (event.type) {
      case 'demand':
        this.failedUnasked = false
        return
      case 'token.rejected':
        if (this.pair?.generation === event.generation && atMs >= this.pair.youngUntilMs)
          this.pair = { ...this.pair, rejected: true }
        return
      case 'validate.throttled':
        this.pausedUntilMs = Math.max(this.pausedUntilMs, event.untilMs)
        return
      case 'store.unavailable':
        this.backOffUntilMs = Math.max(this.backOffUntilMs, event.untilMs)
        return
      case 'woke':
        if (!this.#loading) this.pair = event.pair
        return
      case 'operator.signOut':
        this.pair = null
        this.signedOut = true
        this.unfinished = false
        this.inFlight = null
        this.#waitsForOutcome = []
        this.#loading = false
        return
      case 'record.adopted':
      case 'operator.signIn':
      case 'operator.newCredentials':
      case 'operator.reset':
        this.#applyOrKeep(event)
        return
      default:
        return event satisfies Outcome
    }
  }

  #applyOrKeep(event: LifecycleEvent) {
    const endsLoading = this.#loading && event.type === 'record.adopted'
    if (endsLoading) this.#loading = false
    const waits = this.#loading || this.inFlight !== null
    if (waits) this.#waitsForOutcome.push(event)
    // The gate's part counts at once.
    this.#operator(event, !waits)
    if (endsLoading) for (const earlier of this.#waitsForOutcome.splice(0)) this.#operator(earlier, true)
  }

  #operator(event: LifecycleEvent, whole: boolean) {
    switch (event.type) {
      case 'record.adopted':
        this.adopt(event.facts, whole)
        return
      case 'operator.signIn':
        this.failedUnasked = false
        if (event.credentials === 'other') {
          this.backOffUntilMs = 0
          if (whole) this.#forget()
        } else if (whole && this.refreshLatched) {
          this.refreshLatched = false
          this.#dropRefresh()
        }
        if (whole) this.signedOut = false
        return
      case 'operator.newCredentials':
        this.backOffUntilMs = 0
        // A refresh token that was refused stays refused, whatever the password. `D-refresh-401`
        if (whole) this.createLatched = this.failedUnasked = false
        return
      case 'operator.reset':
        this.backOffUntilMs = 0
        this.failedUnasked = false
        if (whole) this.#forget()
    }
  }

  #forget() {
    this.pair = null
    this.createLatched = this.refreshLatched = this.failedUnasked = this.unfinished = false
  }

  #dropRefresh() {
    if (this.pair !== null) this.pair = { ...this.pair, refreshUsableUntilMs: 0 }
  }

  adopt(facts: Facts, whole: boolean) {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, facts.pausedUntilMs)
    this.fullUntilMs = Math.max(this.fullUntilMs, facts.fullUntilMs)
    this.backOffUntilMs = facts.backOffUntilMs
    if (!whole) return
    this.pair = facts.pair
    this.createLatched = facts.latch === 'invalidCredentials' || facts.latch === 'rejected'
    this.refreshLatched = facts.latch === 'refreshUnauthorized'
    this.failedUnasked = facts.createFailed
    this.unfinished = facts.unfinished
    this.signedOut = facts.signedOut
  }

  sent(request: 'create' | 'refresh') {
    this.inFlight = request
    this.owedCreate = false
  }

  ended(outcome: Outcome) {
    const request = this.inFlight
    this.inFlight = null
    const { atMs } = outcome
    if ('fullUntilMs' in outcome && outcome.fullUntilMs !== undefined)
      this.fullUntilMs = Math.max(this.fullUntilMs, outcome.fullUntilMs)
    switch (outcome.type) {
      case 'outcome.granted':
        this.pair = outcome.pair
        this.backOffUntilMs = 0
        this.createLatched = this.refreshLatched = this.failedUnasked = this.unfinished = false
        break
      case 'outcome.adopted':
        this.adopt(outcome.facts, true)
        break
      case 'outcome.throttled':
        this.pausedUntilMs = Math.max(this.pausedUntilMs, outcome.untilMs)
        break
      case 'outcome.unauthorized':
        if (request === 'create') this.createLatched = this.failedUnasked = true
        else if (this.unfinished || !this.refreshable(atMs) || this.refreshUnauthorized === 'recreate') {
          this.#dropRefresh()
          this.unfinished = false
        } else this.refreshLatched = true
        break
      case 'outcome.rejected':
        if (request === 'create') this.createLatched = this.failedUnasked = true
        else this.pair = null
        break
      case 'outcome.unavailable':
      case 'outcome.malformed':
        this.backOffUntilMs = Math.max(this.backOffUntilMs, outcome.untilMs)
        if (request === 'create') this.failedUnasked = true
        else this.unfinished = true
        break
      case 'outcome.deferred':
        this.#deferred(outcome)
        break
      default:
        outcome satisfies never
    }
    // What was adopted from the store is older than what it was given since.
    const newer = outcome.type === 'outcome.granted' || outcome.type === 'outcome.adopted'
    for (const event of this.#waitsForOutcome.splice(0))
      if (!newer || event.type !== 'record.adopted') this.#operator(event, true)
  }

  #deferred(deferral: Deferral) {
    switch (deferral.reason) {
      case 'pause':
        this.pausedUntilMs = Math.max(this.pausedUntilMs, deferral.untilMs)
        return
      case 'budget':
      case 'lease':
        this.fullUntilMs = Math.max(this.fullUntilMs, deferral.untilMs)
        return
      case 'backOff':
      case 'store':
      case 'credentials':
        this.backOffUntilMs = Math.max(this.backOffUntilMs, deferral.untilMs)
        return
      case 'expired':
        this.#dropRefresh()
        return
      case 'latched':
        return
      default:
        deferral satisfies never
    }
  }
}
