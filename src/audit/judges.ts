import type { Monitor } from '../monitors/index.ts'
import { type AccountAudit, type Broken, createAccountAudit } from './account.ts'
import type { Exchange, Happening } from './exchange.ts'
import { withPersons } from './persons.ts'
import { createProcesses, isOfProcess, type Processes } from './processes.ts'
import { createSightings, type Reading } from './readings.ts'
import { createReplays, type Replays } from './replays.ts'

/** Who judges what: each account by itself, in it each process where the recording tells them apart, and each origin. */
export interface Judges {
  /** Takes the next item, in the order of time. */
  see(item: Exchange | Happening): void
  /** Everything that is left. */
  end(): void
  readonly audits: Iterable<{ readonly audit: AccountAudit; readonly account: string | undefined }>
  /** How many accounts were seen. */
  accounts(): number
}

/**
 * @param perOrigin the budget is one for each origin, and not for each account. `D-budget`
 * @param tellPersons the recordings tell what people did; a journal, which names its client, always does
 */
export function createJudges(
  monitors: readonly Monitor[],
  readings: readonly Reading[],
  options: {
    readonly perOrigin: boolean
    readonly tellPersons: boolean
    readonly onBroken: (broken: Broken) => void
  },
): Judges {
  const { perOrigin, tellPersons, onBroken } = options
  const ofOrigin = monitors.filter(({ id }) => perOrigin && id === 'invariant-2')
  const ofAccount = monitors.filter((each) => !ofOrigin.includes(each))
  const ofTraffic = tellPersons ? ofAccount : withPersons(ofAccount)
  const ofFleet = ofAccount.filter((each) => !isOfProcess(each))
  const ofProcess = ofAccount.filter(isOfProcess)
  const sightings = createSightings(readings)
  const audits = new Map<string, { audit: AccountAudit; account: string | undefined }>()
  const accounts = new Map<string, { replays: readonly Replays[]; processes: Processes }>()

  const auditOf = (key: string, account: string | undefined, of: readonly Monitor[]): AccountAudit => {
    const known = audits.get(key)
    if (known !== undefined) return known.audit
    const audit = createAccountAudit(of, readings, onBroken)
    audits.set(key, { audit, account })
    return audit
  }
  const accountOf = (key: string, account: string | undefined) => {
    const known = accounts.get(key)
    if (known !== undefined) return known
    const processes = createProcesses(sightings, (client) => auditOf(`${key} ${client}`, account, ofProcess))
    const created = { replays: readings.map(createReplays), processes }
    accounts.set(key, created)
    return created
  }
  const judgeOf = (account: string | undefined, client: string | undefined, origin: string) => {
    // A journal's account is one of its origin; what else happened there tells no origin.
    const key = `${client === undefined ? origin : ''} ${account ?? ''}`
    const { replays, processes } = accountOf(key, account)
    const whole = auditOf(key, account, client === undefined ? ofTraffic : ofFleet)
    const budget = perOrigin ? auditOf(`origin ${origin}`, undefined, ofOrigin) : undefined
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
  let latest: { account?: string; client?: string; origin: string; judge: ReturnType<typeof judgeOf> } | undefined

  return {
    see(item) {
      const { account, client } = item
      const origin = item.kind === 'exchange' ? (item.request.origin ?? '') : ''
      if (latest === undefined || latest.account !== account || latest.client !== client || latest.origin !== origin) {
        const judge = judgeOf(account, client, origin)
        latest = { ...(account !== undefined && { account }), ...(client !== undefined && { client }), origin, judge }
      }
      latest.judge(item)
    },
    end() {
      for (const { audit } of audits.values()) audit.end()
    },
    audits: { [Symbol.iterator]: () => audits.values() },
    accounts: () => accounts.size,
  }
}
