import type { Deferral, Facts, LifecycleEvent, Outcome, PairFacts } from '../../machines/index.ts'

/** What the policy says of the one who watches: its switches, and who waits for a token. */
export interface WatchedPolicy {
  readonly proactive: 'timer' | 'onDemand'
  readonly refreshUnauthorized: 'fail' | 'recreate'
  readonly refreshAttemptsLimit: number
}
export interface Asking {
  /** Somebody waits. */
  readonly anyone: boolean
  /** Somebody waits for a newer generation. */
  readonly forced: boolean
  /** Somebody waits who would take any token. */
  readonly unforced: boolean
}

const isSameSignIn = (event: LifecycleEvent) => event.type === 'operator.signIn' && event.credentials === 'same'

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
  /** Nobody waited when the request in flight was sent. */
  unasked = false
  /** Refreshes of this generation that nobody had asked for and that ended in the unknown. */
  attempts = 0
  loading = true
  /** One create without a demand is the answer to a refresh that was refused. Invariant 8 */
  owedCreate = false
  /** What waits for the request in flight, or for the record. */
  noted: readonly LifecycleEvent[] = []
  readonly policy: WatchedPolicy

  constructor(policy: WatchedPolicy) {
    this.policy = policy
  }

  clone(): Watcher {
    return Object.assign(new Watcher(this.policy), this)
  }

  usable(atMs: number) {
    return this.pair !== null && !this.pair.rejected && atMs < this.pair.usableUntilMs
  }
  refreshable(atMs: number) {
    return this.pair !== null && atMs < this.pair.refreshUsableUntilMs
  }
  gateOpen(atMs: number) {
    return atMs >= Math.max(this.pausedUntilMs, this.fullUntilMs, this.backOffUntilMs)
  }
  latched() {
    return this.createLatched || this.refreshLatched
  }
  due(atMs: number) {
    return this.pair !== null && atMs >= this.pair.refreshAtMs
  }
  /** `D-proactive`, `D-refresh-unavailable`: may the timer start a refresh, as far as the pair goes? */
  dueByTimer(atMs: number) {
    const { proactive, refreshAttemptsLimit } = this.policy
    return proactive === 'timer' && this.due(atMs) && this.attempts < refreshAttemptsLimit
  }

  /** The deadlines still ahead. */
  deadlines(atMs: number): number[] {
    const { usableUntilMs = 0, refreshAtMs = 0, refreshUsableUntilMs = 0 } = this.pair ?? {}
    const { pausedUntilMs, fullUntilMs, backOffUntilMs } = this
    const all = [usableUntilMs, refreshAtMs, refreshUsableUntilMs, pausedUntilMs, fullUntilMs, backOffUntilMs]
    return all.filter((deadlineMs) => deadlineMs > atMs)
  }

  /** What is wrong with sending this now. */
  mayNotSend(request: 'create' | 'refresh', atMs: number, asking: Asking): string[] {
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
    if (request === 'create' && this.owedCreate) return wrong
    const usable = this.usable(atMs)
    const due = this.due(atMs)
    say(usable && !asking.forced && !due, 'the access token is usable and not due')
    say(
      usable && asking.unforced && (this.policy.proactive === 'timer' || !due),
      'somebody waits, though the access token is usable',
    )
    say(!asking.anyone && !(usable && this.dueByTimer(atMs)), 'nobody asked')
    return wrong
  }

  told(event: LifecycleEvent, someoneWaits: boolean) {
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
        if (!this.loading) this.#hold(event.pair)
        return
      case 'operator.signOut':
        this.#hold(null)
        this.signedOut = true
        this.unfinished = false
        this.inFlight = null
        this.noted = []
        this.loading = false
        return
      case 'record.adopted':
        this.#learnGate(event)
        if (this.inFlight !== null && !this.loading) this.#note(event)
        else {
          this.#adopt(event.facts, someoneWaits)
          this.#endLoading()
        }
        return
      case 'operator.signIn':
      case 'operator.newCredentials':
      case 'operator.reset':
        this.#learnGate(event)
        if (this.inFlight !== null || this.loading) this.#note(event)
        else this.#operator(event)
        return
      default:
        return event satisfies Outcome
    }
  }

  /** Of what the store held, the latest counts. */
  #note(event: LifecycleEvent) {
    const earlier = event.type === 'record.adopted' ? this.#withoutRecords() : this.noted
    this.noted = [...earlier, event]
  }
  #withoutRecords(generation?: number): readonly LifecycleEvent[] {
    return this.noted.filter(
      (event) =>
        event.type !== 'record.adopted' ||
        (generation !== undefined && (event.facts.pair === null || event.facts.pair.generation !== generation)),
    )
  }

  #endLoading() {
    if (!this.loading) return
    this.loading = false
    this.#replay(() => {})
  }

  #replay(adopt: (facts: Facts) => void) {
    const { noted } = this
    this.noted = []
    for (const event of noted)
      if (event.type === 'record.adopted') adopt(event.facts)
      else {
        this.#learnGate(event)
        this.#operator(event)
      }
  }

  /** A sign-in with the same credentials joined the request: that its create failed stands. Invariant 9 */
  #replayAfterOutcome(someoneWaits: boolean) {
    const operator = this.noted.some((event) => !isSameSignIn(event) && event.type !== 'record.adopted')
    const { failedUnasked } = this
    this.#replay((facts) => this.#adoptOlder(facts, someoneWaits))
    if (failedUnasked && !operator) this.failedUnasked = true
  }

  /** The gate's part counts at once. Only other credentials end a back-off. `D-back-off` */
  #learnGate(event: LifecycleEvent) {
    if (event.type === 'operator.signIn' && event.credentials === 'other') this.backOffUntilMs = 0
    if (event.type === 'operator.newCredentials') this.backOffUntilMs = 0
    if (event.type !== 'record.adopted') return
    this.pausedUntilMs = Math.max(this.pausedUntilMs, event.facts.pausedUntilMs)
    this.fullUntilMs = Math.max(this.fullUntilMs, event.facts.fullUntilMs)
    this.backOffUntilMs = event.facts.backOffUntilMs
  }

  #operator(event: LifecycleEvent) {
    switch (event.type) {
      case 'operator.signIn':
        this.signedOut = false
        this.failedUnasked = false
        if (event.credentials === 'other') this.#forget()
        else if (this.refreshLatched) {
          // A refresh that nobody can explain is answered by a sign-in: the pair is due. `D-refresh-401`
          this.refreshLatched = false
          this.#dropRefresh()
          this.pair = this.pair && { ...this.pair, refreshAtMs: 0 }
        }
        return
      case 'operator.newCredentials':
        // As a sign-in with them; a refresh token that was refused stays refused, whatever the password. `D-refresh-401`
        this.failedUnasked = false
        this.createLatched = false
        return
      case 'operator.reset':
        this.#forget()
    }
  }

  #forget() {
    this.#hold(null)
    this.createLatched = this.refreshLatched = this.failedUnasked = this.unfinished = false
  }

  #dropRefresh() {
    if (this.pair !== null) this.pair = { ...this.pair, refreshUsableUntilMs: 0 }
  }

  #hold(pair: PairFacts | null) {
    if (pair === null || pair.generation !== this.pair?.generation) this.attempts = 0
    this.pair = pair
  }

  #adopt(facts: Facts, someoneWaits: boolean) {
    this.#hold(facts.pair)
    this.attempts = facts.refreshAttempts
    this.createLatched = facts.latch === 'invalidCredentials' || facts.latch === 'rejected'
    this.refreshLatched = facts.latch === 'refreshUnauthorized'
    // Another process's failed create answers none of our callers.
    this.failedUnasked = facts.createFailed && !someoneWaits
    this.unfinished = facts.unfinished
    this.signedOut = facts.signedOut
  }

  /** What was stored before an outcome, which says more of the pair that it used and of the account. */
  #adoptOlder(facts: Facts, someoneWaits: boolean) {
    const { pair, attempts, createLatched, refreshLatched, failedUnasked, unfinished } = this
    this.#adopt(facts, someoneWaits)
    this.createLatched ||= createLatched
    this.failedUnasked ||= failedUnasked
    // There is room for one latch.
    if (this.createLatched) this.refreshLatched = false
    if (facts.pair === null || facts.pair.generation !== pair?.generation) return
    Object.assign(this, { pair, attempts, unfinished: unfinished || facts.unfinished })
    this.refreshLatched ||= refreshLatched
  }

  sent(request: 'create' | 'refresh', asking: Asking) {
    this.inFlight = request
    this.unasked = !asking.anyone
    this.owedCreate = false
  }

  ended(outcome: Outcome, someoneWaits: boolean) {
    const request = this.inFlight
    this.inFlight = null
    const { atMs } = outcome
    if ('fullUntilMs' in outcome && outcome.fullUntilMs !== undefined)
      this.fullUntilMs = Math.max(this.fullUntilMs, outcome.fullUntilMs)
    // What defers lies ahead, or the same would be asked again within the moment.
    const untilMs = 'untilMs' in outcome ? Math.max(outcome.untilMs, atMs + 1) : 0
    switch (outcome.type) {
      case 'outcome.granted':
        this.#hold(outcome.pair)
        this.backOffUntilMs = 0
        this.createLatched = this.refreshLatched = this.failedUnasked = this.unfinished = false
        break
      case 'outcome.adopted':
        this.#learnGate({ type: 'record.adopted', atMs, facts: outcome.facts })
        this.#adopt(outcome.facts, someoneWaits)
        break
      case 'outcome.throttled':
        this.pausedUntilMs = Math.max(this.pausedUntilMs, untilMs)
        break
      case 'outcome.unauthorized':
        if (request === 'create') this.createLatched = this.failedUnasked = true
        else if (
          // The actor may know better.
          outcome.spent ??
          (this.unfinished || !this.refreshable(atMs) || this.policy.refreshUnauthorized === 'recreate')
        ) {
          this.#dropRefresh()
          this.unfinished = false
          this.owedCreate = true
        } else this.refreshLatched = true
        break
      case 'outcome.rejected':
        if (request === 'create') this.createLatched = this.failedUnasked = true
        else {
          // Both tokens are gone, whatever the store said of them before.
          if (this.pair !== null) this.noted = this.#withoutRecords(this.pair.generation)
          this.#hold(null)
          this.unfinished = false
          this.owedCreate = true
        }
        break
      case 'outcome.unavailable':
      case 'outcome.malformed':
        this.backOffUntilMs = Math.max(this.backOffUntilMs, untilMs)
        if (request === 'create') this.failedUnasked = true
        else {
          this.unfinished = true
          if (this.unasked) this.attempts += 1
        }
        break
      case 'outcome.deferred':
        this.#deferred(outcome, untilMs, someoneWaits)
        break
      default:
        outcome satisfies never
    }
    // What was adopted from the store is older than what it was given since.
    if (outcome.type === 'outcome.granted' || outcome.type === 'outcome.adopted') this.noted = this.#withoutRecords()
    // Whatever waited is looked at first; then the next demand signs in.
    if (this.noted.length > 0) this.owedCreate = false
    this.#replayAfterOutcome(someoneWaits)
  }

  #deferred(deferral: Deferral, untilMs: number, someoneWaits: boolean) {
    switch (deferral.reason) {
      case 'pause':
        this.pausedUntilMs = Math.max(this.pausedUntilMs, untilMs)
        return
      case 'budget':
      case 'lease':
        this.fullUntilMs = Math.max(this.fullUntilMs, untilMs)
        return
      case 'backOff':
      case 'store':
      case 'credentials':
        this.backOffUntilMs = Math.max(this.backOffUntilMs, untilMs)
        return
      case 'expired':
        this.#dropRefresh()
        return
      case 'latched':
        if (deferral.latch === 'createFailed') this.failedUnasked = !someoneWaits
        else if (deferral.latch === 'refreshUnauthorized') this.refreshLatched = true
        else this.createLatched = true
        return
      default:
        deferral satisfies never
    }
  }
}
