import { createSandbox, type RequestEntry, type Sandbox, type SandboxModes } from '../../src/sandbox/index.ts'
import type { Orders } from './member.ts'
import type { Place } from './places.ts'
import { type Ended, fleet } from './spawn.ts'

/** A day of a fleet, compressed: tokens live for seconds, the rules of the vendor are as they are. */
export interface DayOptions {
  /** Names the account: two days in one place never meet. */
  readonly name: string
  readonly processes: number
  /** Of each process. */
  readonly callers: number
  readonly forMs: number
  readonly modes?: Partial<SandboxModes>
  /** What each process is told beside that. */
  readonly differ?: (index: number) => Partial<Orders>
  /** Trouble, once the server listens. */
  readonly trouble?: (sandbox: Sandbox) => void
}

/** What came of it, by the server's own log. */
export interface DayReport {
  readonly processes: number
  readonly calls: number
  /** Different tokens that callers were given. */
  readonly tokens: number
  /** Codes of errors, with how often. */
  readonly errors: Readonly<Record<string, number>>
  /** `create 200` and the like, in order. */
  readonly requests: readonly string[]
  /** The most token requests in any 60 s. */
  readonly worstAMinute: number
  /** The shortest time between two grants, ms. */
  readonly leastBetweenGrantsMs: number
  /** What no fleet may do; empty when all is well. */
  readonly wrong: readonly string[]
}

const MINUTE_MS = 60_000
export const PASSWORD = 'demo-password'

export async function day(place: Place, options: DayOptions): Promise<DayReport> {
  const { name, processes, callers, forMs, modes = {}, differ, trouble } = options
  const sandbox = createSandbox({ users: [{ username: name, password: PASSWORD }], ...modes })
  const listening = await sandbox.listen()
  try {
    trouble?.(sandbox)
    const orders = { store: place.url, baseURL: listening.url, username: name, password: PASSWORD, callers, forMs }
    return report(await fleet(processes, orders, differ), sandbox.log)
  } finally {
    await listening.close()
  }
}

function report(ended: readonly Ended[], log: readonly RequestEntry[]): DayReport {
  const told = ended.map((each) => each.told)
  const errors: Record<string, number> = {}
  for (const each of told)
    for (const [code, times] of Object.entries(each.errors)) errors[code] = (errors[code] ?? 0) + times
  const sent = log.filter(({ endpoint }) => endpoint !== 'api')
  const grants = sent.filter(({ grantedAccessJti }) => grantedAccessJti !== undefined)
  return {
    processes: ended.length,
    calls: told.reduce((sum, { calls }) => sum + calls, 0),
    tokens: new Set(told.flatMap(({ tokens }) => tokens)).size,
    errors,
    requests: sent.map(({ endpoint, status }) => `${endpoint} ${status}`),
    worstAMinute: Math.max(0, ...sent.map((last) => sent.filter(isWithinMinuteBefore(last)).length)),
    leastBetweenGrantsMs: Math.min(...grants.map(({ atMs }, at) => atMs - (grants[at - 1]?.atMs ?? 0))),
    wrong: [...overlapping(sent), ...replayed(sent), ...duringPause(sent)],
  }
}

const isWithinMinuteBefore =
  (last: RequestEntry) =>
  ({ atMs }: RequestEntry) =>
    atMs <= last.atMs && atMs > last.atMs - MINUTE_MS

/** Invariant 1: one create or refresh in flight. */
const overlapping = (sent: readonly RequestEntry[]) =>
  sent.flatMap((one, index) =>
    sent
      .slice(index + 1)
      .filter((other) => other.atMs < one.answeredAtMs)
      .map((other) => `a ${other.endpoint} was received before the ${one.endpoint} before it was answered`),
  )

/** Invariant 5: no refresh token twice once it was rotated. */
const replayed = (sent: readonly RequestEntry[]) => {
  const spent = new Set<string>()
  return sent.flatMap(({ endpoint, refreshJti = '', grantedAccessJti }) => {
    if (endpoint !== 'refresh') return []
    const again = spent.has(refreshJti)
    if (grantedAccessJti !== undefined) spent.add(refreshJti)
    return again ? ['a refresh token was sent again that had been rotated'] : []
  })
}

/** Invariant 3: nothing within ten minutes after a 429, which is longer than any of these days. */
const duringPause = (sent: readonly RequestEntry[]) => {
  const throttled = sent.findIndex(({ status }) => status === 429)
  const after = throttled < 0 ? [] : sent.slice(throttled + 1)
  return after.map(({ endpoint }) => `a ${endpoint} was sent within the pause`)
}
