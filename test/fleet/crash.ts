import { createAuthClient } from '../../src/client/client.ts'
import { sleep, systemClock } from '../../src/clock.ts'
import type { AuthError } from '../../src/errors.ts'
import type { PolicyOptions } from '../../src/policy/schema.ts'
import { createSandbox, type Fault, type RequestEntry } from '../../src/sandbox/index.ts'
import type { Secret } from '../../src/secret.ts'
import type { AccountRecord } from '../../src/store/record.ts'
import { createRandom } from '../simulation/random.ts'
import type { Place } from './places.ts'
import { member } from './spawn.ts'

/** What the process does that dies. */
export const DEEDS = ['create', 'refresh', 'refused create', 'throttled create', 'rejected refresh'] as const
export type Deed = (typeof DEEDS)[number]

/** One process that died, and how the next one fared. */
export interface Crash {
  readonly deed: Deed
  /** The step at which it died: `during write`; `undefined` where it lived, for it had fewer. */
  readonly step: string | undefined
  /** What it had sent, as the server saw it: `create 200`. */
  readonly dead: readonly string[]
  /** What the next process sent, and what came of it. */
  readonly next: readonly string[]
  /** The server had granted something to it that was not stored yet. */
  readonly lost: boolean
  /** What may not be; empty when all is well. */
  readonly wrong: readonly string[]
  /** How long the survivor waited, ms. */
  readonly waitedMs: number
}

/** Short, so that nobody waits for long: the rules are the same. */
const POLICY: PolicyOptions = {
  leaseMs: 2_000,
  leaseRenewMs: 1_500,
  tokenRequestTimeoutMs: 5_000,
  fingerprintRounds: 1,
}
const PASSWORD = 'demo-password'
const FAULTS: Partial<Record<Deed, Fault>> = {
  'refused create': { endpoint: 'create', status: 401 },
  'throttled create': { endpoint: 'create', status: 429 },
  'rejected refresh': { endpoint: 'refresh', status: 400 },
}
/** How often a survivor asks again that the store let down. */
const PATIENCE = 20
const AGAIN_MS = 500
const clock = systemClock()

/**
 * Lets processes do something, each die at a step that is drawn, and others go on: as many as asked for, of every deed.
 *
 * @param seed names the draws: the same place, seed and number, the same deaths
 */
export async function crashes(
  place: Place,
  seed: string | number,
  count: number,
  onDone: (crash: Crash) => void = () => {},
  atOnce = 4,
): Promise<readonly Crash[]> {
  const steps = new Map<Deed, readonly string[]>()
  for (const deed of DEEDS) steps.set(deed, (await live(place, deed, `${seed} whole`, -1)).steps)
  const done: Crash[] = []
  let next = 0
  const lane = async () => {
    for (let at = next++; at < count; at = next++) {
      const deed = DEEDS[at % DEEDS.length] as Deed
      let killAt = createRandom(`${seed} ${at}`).below(steps.get(deed)?.length ?? 1)
      let died = await live(place, deed, `${seed} ${at}`, killAt)
      // On another day it may have fewer steps: a lease that was renewed less often.
      while (died.crash.step === undefined && killAt > 0) {
        killAt--
        died = await live(place, deed, `${seed} ${at} ${killAt}`, killAt)
      }
      done[at] = died.crash
      onDone(died.crash)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return done
}

async function live(place: Place, deed: Deed, draw: string, killAt: number) {
  const username = `${deed} ${draw}`
  const sandbox = createSandbox({ users: [{ username, password: PASSWORD }] })
  const listening = await sandbox.listen()
  const store = await place.open()
  const client = () =>
    createAuthClient({ baseURL: listening.url, credentials: { username, password: PASSWORD }, store, policy: POLICY })
  const forceRefresh = deed.endsWith('refresh')
  try {
    if (forceRefresh) {
      await using first = client()
      await first.getAccessToken()
    }
    const fault = FAULTS[deed]
    if (fault !== undefined) sandbox.fail(fault)
    const requestId = 'the-dead'
    const { told, signal } = await member({
      ...{ store: place.url, baseURL: listening.url, username, password: PASSWORD, policy: POLICY },
      ...{ callers: 1, forceRefresh, killAt, requestId },
    })
    const { record } = await store.read(`${listening.url} ${username}`)
    sandbox.clearFaults()
    await using survivor = client()
    const startedAtMs = clock.monotonic()
    const served = await outcomeOf(() => survivor.getAccessToken({ forceRefresh, timeoutMs: 20_000 }))
    const waitedMs = clock.monotonic() - startedAtMs
    const dead = sandbox.log.filter((entry) => entry.requestId === requestId)
    const next = sandbox.log.slice(forceRefresh ? 1 : 0).filter((entry) => entry.requestId !== requestId)
    const crashed = {
      ...{ deed, step: signal === 'SIGKILL' ? told.steps.at(-1) : undefined },
      ...{ dead: inWords(dead), next: [...inWords(next), served], waitedMs, lost: isLost(dead, record) },
    }
    const wrong = [...judged(crashed, sandbox.log, record), ...forgotten(crashed, told.steps)]
    return { steps: told.steps, crash: { ...crashed, wrong } }
  } finally {
    await store.close?.()
    await listening.close()
  }
}

/** A store that is slow on a busy machine is asked again. */
async function outcomeOf(ask: () => Promise<string>): Promise<string> {
  for (let tries = 0; ; tries++) {
    const outcome = await ask().then(
      () => 'served',
      (error: AuthError) => error.code,
    )
    if (outcome !== 'STORE_UNAVAILABLE' || tries === PATIENCE) return outcome
    await sleep(clock, AGAIN_MS)
  }
}

const inWords = (log: readonly RequestEntry[]) => log.map(({ endpoint, status }) => `${endpoint} ${status}`)

const jtiOf = (token: Secret | null | undefined): string | undefined =>
  token == null ? undefined : JSON.parse(atob(token.reveal().split('.')[1] ?? '')).jti

/** The server granted something that nobody has. */
const isLost = (dead: readonly RequestEntry[], record: AccountRecord | undefined) =>
  dead.some(
    ({ grantedAccessJti }) => grantedAccessJti !== undefined && grantedAccessJti !== jtiOf(record?.pair?.access),
  )

/** What the next process has to do with what it finds, by the policy: from the record and from what the server knows. */
function expected(deed: Deed, log: readonly RequestEntry[], record: AccountRecord | undefined): readonly string[] {
  const pair = record?.pair
  if (record != null && record.pause !== null) return ['THROTTLED']
  if (record != null && record.latches.length > 0) return ['INVALID_CREDENTIALS']
  if (pair == null) return ['create 200', 'served']
  if (!deed.endsWith('refresh')) return ['served']
  const dead = log.filter(({ requestId }) => requestId !== undefined)
  const rotated = dead.some(
    ({ grantedRefreshJti }) => grantedRefreshJti !== undefined && grantedRefreshJti !== jtiOf(pair.refresh),
  )
  return rotated ? ['refresh 401', 'create 200', 'served'] : ['refresh 200', 'served']
}

function judged(
  { deed, dead, next }: Pick<Crash, 'deed' | 'dead' | 'next'>,
  log: readonly RequestEntry[],
  record: AccountRecord | undefined,
): string[] {
  const wanted = expected(deed, log, record).join(', ')
  const seen = next.join(', ')
  return [
    ...(seen === wanted ? [] : [`the next process did '${seen}', but had to do '${wanted}'`]),
    // A refresh that is rejected is followed by a sign-in, and nothing else is followed by anything.
    ...(dead.length > (dead[0] === 'refresh 400' ? 2 : 1) ? [`it had sent ${dead.length} requests`] : []),
    // What nothing but the end of a pair may bring about.
    ...(deed.endsWith('refresh') && record?.pair == null && !dead.includes('refresh 400')
      ? ['the pair was gone, and no server had refused it']
      : []),
  ]
}

/** After its answer a process writes twice: the slot of the budget, and what the answer says. Then that has to be there. */
function forgotten({ lost }: Pick<Crash, 'lost'>, steps: readonly string[]): string[] {
  const answered = steps.findLastIndex((step) => step.startsWith('after request'))
  const written = answered < 0 ? 0 : steps.slice(answered).filter((step) => step === 'after write').length
  return lost && written >= 2 ? ['a grant was lost, though the store had taken it'] : []
}
