import type { Finding, Monitor } from '../monitors/index.ts'
import { type AccountAudit, createAccountAudit } from './account.ts'
import type { Broken } from './docket.ts'
import type { Exchange, Happening } from './exchange.ts'
import { withPersons } from './persons.ts'
import { createProcesses, isOfProcess, type Processes } from './processes.ts'
import { createSightings, type Reading } from './readings.ts'
import { createReplays, type Replays } from './replays.ts'

/** What was found in some of the traffic of an account. */
export interface Judged extends Pick<AccountAudit, 'listed' | 'unlisted' | 'files'> {
  readonly account: string | undefined
}

/** Who judges what: each account by itself, in it each process where the recording tells them apart, and each origin. */
export interface Judges {
  /** Takes the next item, in the order of time. */
  see(item: Exchange | Happening): void
  /** Nothing more comes: what was found. */
  end(): readonly Judged[]
  /** How many accounts were seen. */
  accounts(): number
  /** Origin and account of each that is remembered: `https://host name`. */
  keys(): Iterable<string>
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

/** Those who judge an account. */
interface Bench {
  readonly account: string | undefined
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
  const ofTraffic = tellPersons ? ofAccount : withPersons(ofAccount)
  const ofFleet = ofAccount.filter((each) => !isOfProcess(each))
  const ofProcess = ofAccount.filter(isOfProcess)
  const sightings = createSightings(readings)
  /** The one that was seen last comes last. */
  const benches = new Map<string, Bench>()
  const origins = new Map<string, AccountAudit>()
  const judged: Judged[] = []
  let forgotten = 0

  const created = (of: readonly Monitor[], account: string | undefined) =>
    createAccountAudit(of, readings, { onFound, counts: (broken) => counts(broken, account) })
  const close = (audit: AccountAudit, account: string | undefined) => {
    audit.end()
    const { listed, unlisted, files } = audit
    if (listed.size > 0) judged.push({ account, listed, unlisted, files })
  }
  const createBench = (account: string | undefined): Bench => {
    const processes = createProcesses(sightings, (client) => auditOf(bench, client, ofProcess))
    const bench: Bench = { account, replays: readings.map(createReplays), processes, audits: new Map() }
    return bench
  }
  const benchOf = (key: string, account: string | undefined): Bench => {
    const bench = benches.get(key) ?? createBench(account)
    benches.delete(key)
    benches.set(key, bench)
    const [idlest] = benches
    if (benches.size > mostAccounts && idlest !== undefined) {
      benches.delete(idlest[0])
      for (const audit of idlest[1].audits.values()) close(audit, idlest[1].account)
      forgotten++
    }
    return bench
  }
  const auditOf = ({ audits, account }: Bench, name: string, of: readonly Monitor[]): AccountAudit => {
    const audit = audits.get(name) ?? created(of, account)
    audits.set(name, audit)
    return audit
  }
  const judgeOf = (account: string | undefined, client: string | undefined, origin: string) => {
    // A journal's account is one of its origin; what else happened there tells no origin.
    const bench = benchOf(`${client === undefined ? origin : ''} ${account ?? ''}`, account)
    const { replays, processes } = bench
    const whole = auditOf(bench, '', client === undefined ? ofTraffic : ofFleet)
    const budget = perOrigin ? (origins.get(origin) ?? created(ofOrigin, undefined)) : undefined
    if (budget !== undefined) origins.set(origin, budget)
    return (item: Exchange | Happening) => {
      if (client !== undefined && item.kind === 'exchange') processes.adopt(item, client)
      const isTold = item.kind === 'happening' || item.sameAs === undefined
      const sighting = sightings.of(item, isTold ? undefined : replays.map((requestIdOf) => requestIdOf(item)))
      whole.see(sighting)
      if (client !== undefined) processes.see(sighting, client)
      if (item.kind === 'exchange') budget?.see(sighting)
    }
  }
  // Traffic is mostly of one account for long: then nothing is looked up.
  let latest:
    | {
        readonly account: string | undefined
        readonly client: string | undefined
        readonly origin: string
        readonly judge: ReturnType<typeof judgeOf>
      }
    | undefined

  return {
    see(item) {
      const { account, client } = item
      const origin = item.kind === 'exchange' ? (item.request.origin ?? '') : ''
      if (latest === undefined || latest.account !== account || latest.client !== client || latest.origin !== origin)
        latest = { account, client, origin, judge: judgeOf(account, client, origin) }
      latest.judge(item)
    },
    end() {
      for (const { audits, account } of benches.values()) for (const audit of audits.values()) close(audit, account)
      for (const audit of origins.values()) close(audit, undefined)
      return judged
    },
    accounts: () => benches.size + forgotten,
    keys: () => benches.keys(),
    forgotten: () => forgotten,
  }
}
