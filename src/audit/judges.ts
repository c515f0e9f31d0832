import type { Finding, Monitor, Need } from '../monitors/index.ts'
import { type AccountAudit, createAccountAudit } from './account.ts'
import { type Broken, createRooms, type Unlisted } from './docket.ts'
import type { Exchange, Happening } from './exchange.ts'
import { WHOSE } from './findings.ts'
import { withPersons } from './persons.ts'
import { createProcesses, isOfProcess, type Processes } from './processes.ts'
import { createSightings, type Reading } from './readings.ts'
import { createReplays, type Replays } from './replays.ts'
import { withStoring } from './storing.ts'
import { createStrangers, STRANGERS, type Strangers } from './strangers.ts'
import { originOf } from './survey.ts'
import type { Traffic } from './unknown-accounts.ts'

/** What was found in some of the traffic of an account. */
export interface Judged extends Pick<AccountAudit, 'listed' | 'unlisted' | 'files' | 'hides'> {
  readonly account: string | undefined
  readonly origin: string | undefined
  /** Whose requests these are was guessed, and why; `undefined`: it is known. */
  readonly guessed: string | undefined
}

type IsOfApi = (origin: string | undefined) => boolean

/** Who judges what: each account by itself, in it each process where the recording tells them apart, and each origin. */
export interface Judges {
  /** Takes the next item, in the order of time. */
  see(item: Exchange | Happening): void
  /** Nothing more comes: what was found. */
  end(): readonly Judged[]
  /** How many accounts were seen at origins that count. */
  accounts(isOfApi: IsOfApi): number
  /** Whose traffic it was, of those that are remembered, at origins that count. */
  seen(isOfApi: IsOfApi): readonly Traffic[]
  /** How many of them were given up for want of memory; one that comes again is judged anew. */
  forgotten(): number
}

export interface JudgesOptions {
  readonly onFound: (finding: Finding) => void
  /** The budget is one for each origin, and not for each account. `D-budget` */
  readonly perOrigin: boolean
  /** The recordings tell what people did; a journal, which names its client, always does. */
  readonly tellPersons: boolean
  /** Whether a finding of this account counts that is not listed. */
  readonly counts: (broken: Broken, account: string | undefined) => boolean
  /** How many accounts are remembered at once. Default 2 000. */
  readonly mostAccounts?: number | undefined
}

/** Each takes some 20 kB: behind an address of an access log there may be a million. */
const MOST_ACCOUNTS = 2_000

type Who = Pick<Judged, 'account' | 'origin'>
/** Nobody's in particular: everybody's at an origin. */
type Whose = Who & { readonly everybodys?: true; readonly strangers?: Strangers | undefined }

/** Those who judge an account. */
interface Bench extends Who {
  asked: boolean
  /** Of requests that tell no account. */
  readonly strangers: Strangers | undefined
  readonly replays: readonly Replays[]
  readonly processes: Processes
  readonly audits: Map<string, AccountAudit>
}

export function createJudges(
  monitors: readonly Monitor[],
  readings: readonly Reading[],
  { perOrigin, tellPersons, onFound, counts, mostAccounts = MOST_ACCOUNTS }: JudgesOptions,
): Judges {
  const ofOrigin = monitors.filter(({ id }) => perOrigin && id === 'invariant-2')
  const ofAccount = monitors.filter((each) => !ofOrigin.includes(each))
  // A client is named by journals, which tell what people did, and by traces, which tell no tokens to judge that by.
  const ofTraffic = tellPersons ? ofAccount : withStoring(withPersons(ofAccount))
  const ofFleet = ofAccount.filter((each) => !isOfProcess(each))
  const ofProcess = ofAccount.filter(isOfProcess)
  const sightings = createSightings(readings)
  /** The one that was seen last comes last. */
  const benches = new Map<string, Bench>()
  const origins = new Map<string, { audit: AccountAudit; who: Whose }>()
  const judged: Judged[] = []
  /** Of those without findings in the list: how many there were, by what is known of them. */
  const rest = new Map<string, Judged & { readonly unlisted: Map<string, Unlisted> }>()
  const roomOf = createRooms()
  /** By origin, what requests of nobody's in particular do not tell: they may be anybody's there. */
  const hiddenAt = new Map<string | undefined, Set<Need>>()
  /** How many, by where they were. */
  const forgotten = new Map<string | undefined, number>()

  const created = (of: readonly Monitor[], { account, origin }: Who) =>
    createAccountAudit(of, readings, { room: roomOf(origin), onFound, counts: (broken) => counts(broken, account) })
  const close = (audit: AccountAudit, { account, origin, everybodys, strangers }: Whose) => {
    audit.end()
    const { listed, unlisted, files, hides } = audit
    const guessed = everybodys ? undefined : audit.isGuessed() ? WHOSE : strangers?.areSeveral() ? STRANGERS : undefined
    if (listed.size > 0) return void judged.push({ account, origin, guessed, listed, unlisted, files, hides })
    if (unlisted.size === 0) return
    const key = JSON.stringify([origin, guessed, [...files].sort(), [...hides].sort()])
    const all = rest.get(key) ?? { account: undefined, origin, guessed, listed, unlisted: new Map(), files, hides }
    rest.set(key, all)
    for (const [rule, { fail, inconclusive }] of unlisted) {
      const before = all.unlisted.get(rule) ?? { fail: 0, inconclusive: 0 }
      all.unlisted.set(rule, { fail: before.fail + fail, inconclusive: before.inconclusive + inconclusive })
    }
  }
  const createBench = (who: Who): Bench => {
    const processes = createProcesses(sightings, (client) => auditOf(bench, client, ofProcess))
    const strangers = who.account === undefined ? createStrangers() : undefined
    const replays = readings.map(createReplays)
    const bench: Bench = { ...who, asked: false, strangers, replays, processes, audits: new Map() }
    return bench
  }
  const benchOf = (who: Who): Bench => {
    const key = `${who.origin ?? ''} ${who.account ?? ''}`
    const bench = benches.get(key) ?? createBench(who)
    benches.delete(key)
    benches.set(key, bench)
    const [idlest] = benches
    if (benches.size > mostAccounts && idlest !== undefined) {
      benches.delete(idlest[0])
      for (const audit of idlest[1].audits.values()) close(audit, idlest[1])
      forgotten.set(idlest[1].origin, (forgotten.get(idlest[1].origin) ?? 0) + 1)
    }
    return bench
  }
  const auditOf = (bench: Bench, name: string, of: readonly Monitor[]): AccountAudit => {
    const { audits } = bench
    const audit = audits.get(name) ?? created(of, bench)
    audits.set(name, audit)
    return audit
  }
  const budgetOf = (sentTo: string, origin: string | undefined): AccountAudit => {
    const who = { account: undefined, origin, everybodys: true } as const
    const known = origins.get(sentTo) ?? { audit: created(ofOrigin, who), who }
    origins.set(sentTo, known)
    return known.audit
  }
  const judgeOf = (who: Who, client: string | undefined, sentTo: string) => {
    const bench = benchOf(who)
    const { strangers, replays, processes } = bench
    const whole = auditOf(bench, '', client === undefined ? ofTraffic : ofFleet)
    const budget = perOrigin ? budgetOf(sentTo, who.origin) : undefined
    return (item: Exchange | Happening) => {
      bench.asked ||= item.kind === 'exchange' && item.request.endpoint !== 'api'
      if (item.kind === 'exchange') strangers?.see(item)
      if (client !== undefined && item.kind === 'exchange') processes.adopt(item, client)
      const isTold = item.kind === 'happening' || item.sameAs === undefined
      const sighting = sightings.of(item, isTold ? undefined : replays.map((requestIdOf) => requestIdOf(item)))
      whole.see(sighting)
      if (client !== undefined) processes.see(sighting, client)
      if (item.kind === 'exchange') budget?.see(sighting)
    }
  }
  // Traffic is mostly of one account for long: then nothing is looked up.
  let latest: (Who & { client: string | undefined; sentTo: string; judge: ReturnType<typeof judgeOf> }) | undefined

  return {
    see(item) {
      const { account, client } = item
      // A journal's account is one of its origin; what else happened there tells no origin.
      const origin = item.kind === 'exchange' ? originOf(item) : undefined
      const sentTo = item.kind === 'exchange' ? (item.request.origin ?? '') : ''
      if (item.kind === 'exchange' && item.hides !== undefined && account === undefined)
        hiddenAt.set(origin, new Set([...(hiddenAt.get(origin) ?? []), ...item.hides]))
      if (
        latest === undefined ||
        latest.account !== account ||
        latest.client !== client ||
        latest.sentTo !== sentTo ||
        latest.origin !== origin
      )
        latest = { account, origin, client, sentTo, judge: judgeOf({ account, origin }, client, sentTo) }
      latest.judge(item)
    },
    end() {
      for (const bench of benches.values()) for (const audit of bench.audits.values()) close(audit, bench)
      for (const { audit, who } of origins.values()) close(audit, who)
      return [...judged, ...rest.values()].map((each) => ({
        ...each,
        hides: new Set([...each.hides, ...(hiddenAt.get(each.origin) ?? [])]),
      }))
    },
    accounts: (isOfApi) =>
      [...benches.values()].filter(({ origin }) => isOfApi(origin)).length +
      [...forgotten].reduce((sum, [origin, count]) => sum + (isOfApi(origin) ? count : 0), 0),
    seen: (isOfApi) => [...benches.values()].filter(({ origin }) => isOfApi(origin)),
    forgotten: () => [...forgotten.values()].reduce((sum, count) => sum + count, 0),
  }
}
