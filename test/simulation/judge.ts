import {
  createMonitors,
  createWatch,
  type Finding,
  type Moment,
  type ObservedSend,
  type Watch,
} from '../../src/monitors/index.ts'
import type { AccountRecord } from '../../src/store/record.ts'

/** What the judge has to know of whoever sends. */
export interface Sender {
  readonly name: string
  readonly alive: boolean
  /** Stood still while it was at work: the one exception that `D-one-at-a-time` names. */
  stoodStill(): boolean
  /** Neither of its clocks can tell that a token has expired. */
  cannotTell(): boolean
  /** Stood still within the life of a token: monotonic ages are too small. `D-skew` */
  hasSlept(): boolean
  /** By its wall clock, tokens have expired that have not. */
  isAhead(): boolean
  /** Somebody has just signed it in with a password that it did not have. */
  otherPassword(): boolean
  /** As in `ObservedSend`: the credentials it would sign in with. */
  credentialsId(): string
}

interface Seen {
  moment: Moment
  readonly sender: Sender | undefined
  readonly atMs: number
  readonly stoodStill: boolean
  readonly cannotTell: boolean
  readonly hasSlept: boolean
  readonly isAhead: boolean
  readonly otherPassword: boolean
  readonly credentialsId: string
  /** Since when somebody has waited, ms. */
  readonly waitingSinceMs: number
  readonly replacing: boolean
  /** An answer whose outcome is not in the store yet: it dies with its process. */
  open: boolean
  lost?: boolean
  /** When the outcome was in the store. */
  storedAtMs?: number
  /** Of a process that stood still meanwhile: nothing, unless it is stored. */
  stale: boolean
}

/** A grant as the server made it. */
export interface Grant {
  readonly order: number
  readonly sentAtMs: number
  readonly answeredAtMs: number
}

export interface Judge {
  /** Takes a moment as it happens. It is judged once it is known whether its outcome outlives the process. */
  see(moment: Moment, sender?: Sender): void
  /** A write of the sender has landed. */
  stored(sender: Sender, record: AccountRecord, storeNowMs: number): void
  /** The process is gone: what it received and did not store, nobody received, and these never. */
  died(sender: Sender, inFlight?: Iterable<ObservedSend>): void
  /** The process stands still for longer than a lease. */
  froze(sender: Sender, inFlight?: Iterable<ObservedSend>): void
  /** The chart of the sender has the outcome of its request. */
  knows(sender: Sender): void
  /** One who asked for no token itself has its answer. */
  left(demandId: string): void
  /** Somebody gave another password: whatever pair is held is to go. */
  discards(): void
  /** Judges everything that is left. */
  end(): void
  /** Findings that an exception of the policy covers, by what covers them. */
  readonly excused: Map<string, number>
}

/** How long an outcome may be on its way to the store, ms. */
const SETTLING_MS = 60_000
/** How long before a send its process last looks at the store, ms. */
const LOOKED_MS = 1_000
/** By how much a time in the record may lie before the answer that it tells of, ms: rounding, and clocks that drift. */
const WRITTEN_BEFORE_MS = 1_000
/** Those that each client has to keep by itself: it hears of what others do a little later. */
const OF_A_CLIENT = ['invariant-4', 'invariant-8', 'invariant-13', 'refresh-once', 'D-young-rejection', 'D-api-429']
/** Those that stand on one request at a time: a process that stood still is the exception. */
const OF_THE_LEASE = ['invariant-1', 'invariant-2', 'invariant-3', 'invariant-5', 'invariant-9', 'invariant-10']
/** How long what such a process sends can be in the way of others, ms. */
const STILL_FOR_MS = 120_000

/**
 * Those that need more than this judge tells them: of failures that died with their process, which latch is in the store,
 * whether the world recreates after a refresh 401, and when a machine or the store stood still.
 */
const NOT_JUDGED = ['D-back-off', 'D-create-4xx', 'D-refresh-401', 'refresh-before-expiry']

const monitors = createMonitors().filter(({ id }) => !NOT_JUDGED.includes(id))
const ofClient = monitors.filter(({ id }) => OF_A_CLIENT.includes(id))
// Looks at one request at a time: a watch for each is far smaller than one for all.
const ofRequest = monitors.filter(({ id }) => id === 'invariant-6')
const ofAccount = monitors.filter((each) => !ofClient.includes(each) && !ofRequest.includes(each))
/** How many API requests are watched at once. */
const REQUESTS = 200

export function createJudge(
  nowMs: () => number,
  grantOf: (accessId: string) => Grant | undefined,
  jtiOf: (token: string) => string | undefined,
  forcedAtMs: () => number,
  report: (finding: Finding, sender: Sender | undefined) => void,
): Judge {
  const account = createWatch(ofAccount)
  const clients = new Map<Sender, { watch: Watch; order: number }>()
  const requests = new Map<string, Watch>()
  /** Those who have received an outcome and are still storing it. */
  const replacing = new Set<Sender>()
  const excused = new Map<string, number>()
  let queue: Seen[] = []
  /** Those who wait: whose client they are, and since when. */
  const open = new Map<string, { sender: Sender | undefined; atMs: number }>()
  const waitingSinceMs = () => open.values().next().value?.atMs ?? Number.POSITIVE_INFINITY
  /** When the latest create came to an end that nobody knew of. */
  let createDiedAtMs = Number.NEGATIVE_INFINITY
  let discarded = false
  /** Credentials that were refused since the latest grant. */
  const refused = new Set<string>()
  /** The latest 429. */
  let throttled:
    | { sender: Sender | undefined; endpoint: ObservedSend['endpoint']; stoodStill: boolean; knownAtMs: number }
    | undefined
  let sentStillAtMs = Number.NEGATIVE_INFINITY

  /** By what a finding is none: the decision that says so and, where it names the case but loosely, docs/verification.md. */
  const excuse = ({ monitor, evidence, atMs }: Finding, seen: Seen): string | undefined => {
    if (OF_THE_LEASE.includes(monitor) && seen.atMs - sentStillAtMs < STILL_FOR_MS)
      return 'D-one-at-a-time: stopped past its lease'
    // Its request was taken for lost when it stopped; the answer came after all, and it was a definite one.
    if (monitor === 'invariant-9' && evidence.includes('answered dropped') && throttled?.sender === seen.sender)
      if (throttled?.stoodStill && throttled.endpoint === 'create')
        return 'D-one-at-a-time: stood still when the 429 came'
    if (monitor === 'invariant-3' && throttled?.stoodStill) return 'D-one-at-a-time: stood still when the 429 came'
    // No other process can know of a 429 before it is stored, nor one that has looked just before.
    if (monitor === 'invariant-3' && throttled?.sender !== seen.sender && seen.atMs < (throttled?.knownAtMs ?? 0))
      return 'D-one-at-a-time: another process, while the pause was being stored'
    // A pair replaces the other once it is stored; until then the old token serves.
    if (evidence.includes('has replaced it') && seen.replacing) return 'replace-both: the next pair was being stored'
    if (monitor === 'invariant-9' && /a create followed a create answered 4\d\d/.test(evidence))
      return 'D-create-4xx: other credentials than the refused ones'
    // A latch stops those who have the refused credentials: the pair of others may be refreshed.
    if (monitor === 'invariant-7' && evidence.startsWith('a refresh') && !refused.has(seen.credentialsId))
      return 'D-create-4xx: the pair of other credentials'
    if (evidence.includes('after its expiry') && seen.cannotTell) return 'D-skew: no clock could tell'
    if (evidence.includes('after the API refused it') && seen.hasSlept) return 'D-skew: its age stood still'
    if (monitor === 'invariant-10' && seen.isAhead) return 'D-skew: the wall clock was ahead'
    if (monitor === 'invariant-10' && (discarded || seen.otherPassword)) return 'D-sign-in: another password'
    if (monitor === 'invariant-9' && seen.waitingSinceMs <= createDiedAtMs)
      return 'D-create-unavailable: somebody waited beside the process that was killed'
    // What somebody asked for by name is not what a rejection brought about.
    if (monitor === 'refresh-once' && atMs - forcedAtMs() < 240_000) return 'D-force: a forced refresh'
    return undefined
  }
  const weigh = (findings: readonly Finding[], seen: Seen) => {
    for (const finding of findings) {
      const why = excuse(finding, seen)
      if (why === undefined) report(finding, seen.sender)
      else excused.set(why, (excused.get(why) ?? 0) + 1)
    }
  }
  const clientOf = (sender: Sender) => {
    const known = clients.get(sender) ?? { watch: createWatch(ofClient), order: 0 }
    clients.set(sender, known)
    return known
  }
  const judge = (seen: Seen) => {
    const { moment, sender } = seen
    if (moment.kind === 'sent' && moment.request.endpoint !== 'api' && seen.stoodStill) sentStillAtMs = seen.atMs
    if (moment.kind === 'answered' && moment.request.status === 429 && moment.request.endpoint !== 'api')
      throttled = {
        sender,
        endpoint: moment.request.endpoint,
        stoodStill: seen.stoodStill || seen.stale,
        knownAtMs: (seen.storedAtMs ?? seen.atMs + SETTLING_MS) + LOOKED_MS,
      }
    // A throttled create changes nothing of it.
    if (moment.kind === 'answered' && moment.request.endpoint === 'create' && moment.request.status !== 429)
      createDiedAtMs = seen.lost ? seen.atMs : Number.NEGATIVE_INFINITY
    if (moment.kind === 'answered' && moment.request.endpoint === 'create' && moment.request.status === 401)
      refused.add(moment.request.credentialsId ?? '')
    if (isGrant(moment)) refused.clear()
    weigh(account.observe(moment), seen)
    if (moment.kind === 'answered' && moment.request.grantedRefreshId !== undefined) discarded = false
    if (sender === undefined) return
    if (moment.kind !== 'sent' && moment.kind !== 'answered') return weigh(clientOf(sender).watch.observe(moment), seen)
    const { requestId } = moment.request
    if (requestId !== undefined) {
      const watch = requests.get(requestId) ?? createWatch(ofRequest)
      weigh(watch.observe(moment), seen)
      requests.set(requestId, watch)
      if (requests.size > REQUESTS)
        for (const oldest of requests.keys()) {
          requests.delete(oldest)
          break
        }
    }
    const client = clientOf(sender)
    const { accessId } = moment.request
    const grant = accessId === undefined ? undefined : grantOf(accessId)
    if (moment.kind === 'sent' && grant !== undefined && grant.order > client.order) {
      // Adopted from the store: to this client it is as good as granted.
      const { request } = moment
      const { sentAtMs, answeredAtMs } = grant
      const adopted = { ...request, endpoint: 'refresh', sentAtMs, answeredAtMs, status: 200 } as const
      const granted = { grantedAccessId: accessId, grantedAccessExpAtMs: request.accessExpAtMs }
      client.watch.observe({ kind: 'answered', request: { ...adopted, ...granted } })
      client.order = grant.order
    }
    if (moment.kind === 'answered' && moment.request.grantedAccessId !== undefined)
      client.order = Math.max(client.order, grantOf(moment.request.grantedAccessId)?.order ?? 0)
    weigh(client.watch.observe(moment), seen)
    if (!sender.alive) clients.delete(sender)
  }
  const flush = (all = false) => {
    let done = 0
    for (const seen of queue) {
      if (seen.open && !all && nowMs() - seen.atMs < SETTLING_MS) break
      if (seen.open && seen.stale) lose(seen)
      judge(seen)
      done++
    }
    if (done > 0) queue = queue.slice(done)
  }
  const lose = (seen: Seen) => {
    if (seen.moment.kind !== 'answered') return
    seen.lost = true
    const { code, retryAfterMs, grantedAccessId, grantedAccessExpAtMs, grantedRefreshId, ...request } =
      seen.moment.request
    seen.moment = { kind: 'answered', request: { ...request, status: 'dropped' } }
    seen.open = false
  }
  const nobodyReceived = (sender: Sender, inFlight: Iterable<ObservedSend>) => {
    for (const request of inFlight) {
      const moment = { kind: 'answered', request: { ...request, answeredAtMs: nowMs(), status: 'dropped' } } as const
      const nothing = {
        stoodStill: false,
        cannotTell: false,
        hasSlept: false,
        isAhead: false,
        otherPassword: false,
        credentialsId: '',
        waitingSinceMs: Number.POSITIVE_INFINITY,
        replacing: false,
      }
      queue.push({ moment, sender, atMs: nowMs(), open: false, stale: false, lost: true, ...nothing })
    }
  }

  return {
    excused,
    see(moment, sender) {
      const isOpen = moment.kind === 'answered' && moment.request.endpoint !== 'api'
      if (moment.kind === 'settled') open.delete(moment.demandId)
      const stoodStill = sender?.stoodStill() ?? false
      if (sender !== undefined && (isGrant(moment) || isOfRefresh(moment))) replacing.add(sender)
      queue.push({
        ...{ moment, sender, atMs: nowMs(), open: isOpen, stale: stoodStill, stoodStill },
        cannotTell: sender?.cannotTell() ?? false,
        hasSlept: sender?.hasSlept() ?? false,
        isAhead: sender?.isAhead() ?? false,
        otherPassword: sender?.otherPassword() ?? false,
        credentialsId: sender?.credentialsId() ?? '',
        waitingSinceMs: waitingSinceMs(),
        replacing: sender !== undefined && replacing.has(sender),
      })
      if (moment.kind === 'demanded' && moment.demandId !== undefined)
        open.set(moment.demandId, { sender, atMs: nowMs() })
      flush()
    },
    left: (demandId) => void open.delete(demandId),
    stored(sender, record, storeNowMs) {
      for (const seen of queue)
        if (
          seen.open &&
          seen.sender === sender &&
          (!seen.stale || isGrant(seen.moment) || isOfRefresh(seen.moment) || isThrottle(seen.moment)) &&
          shows(record, seen, storeNowMs, jtiOf)
        ) {
          seen.open = false
          seen.storedAtMs = nowMs()
        }
      flush()
    },
    died(sender, inFlight = []) {
      for (const seen of queue) if (seen.open && seen.sender === sender) lose(seen)
      nobodyReceived(sender, inFlight)
      flush()
      for (const [demandId, demand] of open) if (demand.sender === sender) open.delete(demandId)
      clients.delete(sender)
      replacing.delete(sender)
    },
    froze(sender, inFlight = []) {
      for (const seen of queue) if (seen.open && seen.sender === sender) seen.stale = true
      nobodyReceived(sender, inFlight)
    },
    knows: (sender) => void replacing.delete(sender),
    discards() {
      discarded = true
    },
    end: () => flush(true),
  }
}

const isGrant = (moment: Moment) => moment.kind === 'answered' && moment.request.grantedAccessId !== undefined

const isThrottle = (moment: Moment) => moment.kind === 'answered' && moment.request.status === 429

const isOfRefresh = (moment: Moment) => moment.kind === 'answered' && moment.request.endpoint === 'refresh'

/** Does the record tell of this answer? */
function shows(
  record: AccountRecord,
  { moment, atMs }: Seen,
  storeNowMs: number,
  jtiOf: (token: string) => string | undefined,
): boolean {
  if (moment.kind !== 'answered') return true
  const { endpoint, status, grantedAccessId } = moment.request
  const { pair, pause, latches, refreshLatch, backOff } = record
  // An older one may still stand there, of another answer.
  const isOfThis = (startMs: number) => startMs >= atMs - WRITTEN_BEFORE_MS
  if (status === 429) return pause !== null && pause.startMs + pause.lengthMs > storeNowMs && isOfThis(pause.startMs)
  if (endpoint === 'validate') return true
  if (grantedAccessId !== undefined) return pair !== null && jtiOf(pair.access.reveal()) === grantedAccessId
  const definite = typeof status === 'number' && status >= 400 && status < 500
  if (!definite) return backOff !== null && isOfThis(backOff.startMs)
  if (endpoint === 'create') return latches.length > 0
  return status === 401 ? refreshLatch > 0 || pair === null || pair.refresh === null : pair === null
}
