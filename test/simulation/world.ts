import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { macrotask } from '../../src/clock.ts'
import {
  type AccountRecord,
  type AuthClient,
  type AuthClientOptions,
  AuthError,
  type AuthEvent,
  createAuthClient,
  memoryStore,
  type TokenStore,
} from '../../src/index.ts'
import type { Moment, ObservedSend } from '../../src/monitors/index.ts'
import { type CallFault, type SandboxModes, type SignerFactory, synchronousSigner } from '../../src/sandbox/index.ts'
import { createService } from '../../src/sandbox/sandbox.ts'
import type { Served } from '../../src/sandbox/wire.ts'
import { virtualClock } from '../../src/testing.ts'
import { createJudge, type Grant, type Sender } from './judge.ts'
import { createMachine, type Machine, type ProcessClock } from './machine.ts'
import { createRandom, type Random } from './random.ts'
import { DAY, HOUR, MINUTE, SECOND } from './units.ts'
import { arrivalOf, lateResponse } from './wire.ts'

/** What can be left out of a world, to find the shortest story. */
export const SOURCES = [
  ...['bursts', 'tokens', 'forced', 'validates', 'aborts', 'faults', 'storms', 'server', 'passwords', 'jumps'],
  ...['suspends', 'kills', 'restarts', 'chaos', 'signOuts', 'probes', 'outages', 'latency'],
] as const
export type Source = (typeof SOURCES)[number]

export interface WorldOptions {
  readonly seed: number
  /** Which world of the seed. */
  readonly index: number
  readonly days: number
  /** How many clients share the account; drawn by default. */
  readonly clients?: number | undefined
  readonly without?: readonly Source[] | undefined
  /** What is wrong with the clients on purpose, to see that it is found. Not for worlds of another thread. */
  readonly sabotage?: Sabotage | undefined
}

export interface Sabotage {
  readonly policy?: AuthClientOptions['policy']
  readonly store?: (store: TokenStore) => TokenStore
  readonly fetch?: (fetch: Transport) => Transport
}

type Transport = NonNullable<AuthClientOptions['fetch']>

export interface Violation {
  /** A monitor's id, or the check that only a simulation can do. */
  readonly check: string
  readonly evidence: string
  /** Since the world began. */
  readonly atMs: number
  /** What led to it. */
  readonly story: readonly string[]
}

export interface WorldReport {
  readonly days: number
  readonly requests: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly happened: Readonly<Record<string, number>>
  readonly excused: Readonly<Record<string, number>>
  readonly violation: Violation | undefined
  readonly hash: string
}

/** A client in its process. */
interface Process extends Sender {
  readonly name: string
  readonly slot: Slot
  readonly clock: ProcessClock
  readonly random: Random
  readonly inFlight: Set<{ request: ObservedSend; stale: boolean }>
  auth: AuthClient
  alive: boolean
  busySinceMs: number
  otherPasswordAtMs: number
  apiPausedUntilMs: number
  /** The newest token it is known to have had, by order of issue. */
  newest: number
}

/** Where a client runs, one process after the other. */
interface Slot {
  readonly name: string
  readonly machine: Machine
  readonly callback: boolean
  password: string
  process: Process | undefined
  starts: number
}

const BASE_URL = 'https://sandbox.test'
const USERNAME = 'demo'
const API = '/api/v2/whoami/'
/** API requests whose callers give up: only these may be left without an answer. */
const WATCHED = '/api/v2/status/200/'
const TOKEN_PATHS: Readonly<Record<string, 'create' | 'refresh' | 'validate'>> = {
  '/api/v2/token/': 'create',
  '/api/v2/token/create': 'create',
  '/api/v2/token/refresh/': 'refresh',
  '/api/v2/token/validate/': 'validate',
}
const PASSWORD = 'sim-password-'
const LONGEST_RETRY_AFTER_MS = 15 * MINUTE
const LONGEST_BACK_OFF_MS = 15 * MINUTE
/** A request in flight, a full budget, a demand every so often. */
const SLACK_MS = 4 * MINUTE
const API_REQUESTS_PER_DAY = 216
/** Longest way to a slow store, and back, ms. */
const STORE_LEG_MS = 80
const STORY_LINES = 400
/** What is at least left of a lease that is renewed: whoever stands still for less keeps it. `D-one-at-a-time` */
const LEASE_LEFT_MS = 10 * SECOND
/** Longest that a command of an operator may take: what is in flight, a token, the store. */
const COMMAND_MS = 200 * SECOND

const LATCHED = ['INVALID_CREDENTIALS', 'SIGN_IN_REJECTED', 'REFRESH_UNAUTHORIZED', 'SIGNED_OUT']

/** Lives one world, at most until its first violation. */
export async function runWorld(options: WorldOptions): Promise<WorldReport> {
  const { seed, index, days, sabotage = {} } = options
  const { fetch: wrapFetch = (fetch) => fetch, store: wrapStore = (store) => store } = sabotage
  const without = new Set(options.without)
  const root = createRandom(`${seed}/${index}`)
  const shape = root.fork('shape')
  const clock = virtualClock({ pass: macrotask })
  const startMs = clock.now()

  // --- What is written down ---------------------------------------------------------------------------------------
  const hash = createHash('sha256')
  const story: string[] = []
  let unhashed = ''
  let violation: Violation | undefined
  const counters = { requests: {}, faults: {}, happened: {} } as Record<
    'requests' | 'faults' | 'happened',
    Record<string, number>
  >
  const count = (table: keyof typeof counters, what: string, by = 1) => {
    counters[table][what] = (counters[table][what] ?? 0) + by
  }
  const note = (who: string, what: string) => {
    const line = `${clock.now() - startMs} ${who} ${what}`
    unhashed += `${line}\n`
    if (unhashed.length > 16_384) {
      hash.update(unhashed)
      unhashed = ''
    }
    story.push(line)
    if (story.length > 2 * STORY_LINES) story.splice(0, STORY_LINES)
  }
  const violate = (check: string, evidence: string, who = '') => {
    note(who || 'judge', `VIOLATION ${check}: ${evidence}`)
    violation ??= { check, evidence, atMs: clock.now() - startMs, story: story.slice(-STORY_LINES) }
  }

  // --- The world --------------------------------------------------------------------------------------------------
  const flavour = shape.pick(['plain', 'plain', 'slow', 'faulty'] as const)
  const slotCount = options.clients ?? (flavour === 'faulty' ? 1 : shape.pick([1, 1, 2, 2, 3]))
  const machines = ['A', 'B'].map((name) =>
    createMachine(
      clock,
      name,
      shape.chance(0.5) ? 0 : Math.round(shape.between(-2 * HOUR, 2 * HOUR)),
      shape.chance(0.5) ? 0 : Math.round(shape.between(0, DAY) * 1024) / 1024,
    ),
  ) as [Machine, Machine]
  const proactive = shape.chance(0.75) ? 'timer' : 'onDemand'
  const refreshUnauthorized = shape.chance(0.75) ? 'fail' : 'recreate'
  const steady: Partial<SandboxModes> = {
    accessLifetimeS: shape.chance(0.1) ? 900 : 3600,
    skewMs: shape.pick([0, 0, -90 * SECOND, 40 * SECOND, 3 * HOUR]),
    names: shape.pick(['reference', 'reference', 'guide', 'new'] as const),
    omitExpirySeconds: shape.chance(0.3),
    validateReportsLifetime: shape.chance(0.5),
    copyRefreshIat: shape.chance(0.3),
    rotate: !shape.chance(0.15),
    blacklist: !shape.chance(0.15),
  }
  const usual = { latencyMs: shape.pick([0, 40]), replyLatencyMs: shape.pick([0, 60]) }
  if (without.has('latency')) Object.assign(usual, { latencyMs: 0, replyLatencyMs: 0 })
  let password = `${PASSWORD}0`
  let passwords = 0
  const { sandbox, serve } = createService({
    clock,
    signer: rememberingSigner,
    users: [{ username: USERNAME, password }],
    logLimit: 1,
    ...steady,
    ...usual,
  })
  const memory = memoryStore({ clock })
  const storeNowMs = () => clock.now()
  let storeDown = false
  /** How old a token has to be before the API knows it, ms. */
  let lagMs = 0
  /** Faults are off: whoever asks now must be served soon. */
  let calm = false
  const closing = { done: false }
  const on = (source: Source) => !without.has(source) && !calm && !closing.done

  // --- What is known of tokens ------------------------------------------------------------------------------------
  const tokens = new Map<string, { jti: string; expAtMs: number }>()
  const grants = new Map<string, Grant>()
  const lookAt = (token: string) => {
    const known = tokens.get(token)
    if (known !== undefined) return known
    const { jti, exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const seen = { jti: String(jti), expAtMs: exp * 1000 - sandbox.modes.skewMs }
    if (tokens.size > 1000) tokens.clear()
    tokens.set(token, seen)
    return seen
  }
  const orderOf = (jti: string) => Number(jti.slice(jti.indexOf('-') + 1))
  let forcedAtMs = Number.NEGATIVE_INFINITY
  const judge = createJudge(
    () => clock.now(),
    (id) => grants.get(id),
    (token) => lookAt(token).jti,
    () => forcedAtMs,
    ({ monitor, evidence, atMs }, sender) => violate(monitor, `${evidence} (at ${atMs - startMs})`, sender?.name),
  )

  // --- The server's own view --------------------------------------------------------------------------------------
  let received = 0
  let slotLostAtMs = Number.NEGATIVE_INFINITY
  const ended = new Map<number, { status: number | 'dropped'; fault: string | undefined; code: string | undefined }>()
  const tokenSends: number[] = []
  sandbox.onRequest(({ index: at, endpoint, status, fault, code }) => {
    ended.set(at, { status, fault, code })
    count('requests', `${endpoint} ${status}`)
    if (fault !== undefined) for (const word of fault.split(' ')) count('faults', kindOfFault(endpoint, word))
    if (endpoint === 'api' || status !== 429 || fault !== undefined) return
    // When it was answered died with the process that had taken its slot: the server may have counted it later.
    if (clock.now() - slotLostAtMs < 2 * MINUTE) count('happened', 'throttled for a slot of a killed process')
    else violate('server-throttled', 'the server itself answered 429: it counted an eleventh request')
  })
  const countSend = () => {
    const nowMs = clock.now()
    tokenSends.push(nowMs)
    while ((tokenSends[0] ?? nowMs) <= nowMs - MINUTE) tokenSends.shift()
    if (tokenSends.length > 10) violate('ten-per-minute', `the log has ${tokenSends.length} token requests in 60 s`)
  }

  /** API requests that are to be sent still: what nobody could do, or was refused before it was sent, is done later. */
  let owed = 0

  // --- Processes --------------------------------------------------------------------------------------------------
  const never = () => new Promise<never>(() => {})
  const mix = (process: Process, input: string | URL | Request, init: RequestInit | undefined): ObservedSend => {
    const url = input instanceof Request ? input.url : String(input)
    const path = url.slice(BASE_URL.length).split('?')[0] ?? ''
    const endpoint = TOKEN_PATHS[path] ?? 'api'
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
    const headers = init?.headers as Headers
    const base = { sentAtMs: clock.now(), endpoint, method, path } as const
    if (endpoint === 'api') {
      const authorization = headers.get('authorization') ?? ''
      const token = authorization.startsWith('Bearer ') ? lookAt(authorization.slice(7)) : undefined
      if (token !== undefined) process.newest = Math.max(process.newest, orderOf(token.jti))
      const requestId = headers.get('x-request-id') ?? undefined
      const authScheme = token === undefined ? 'none' : 'Bearer'
      return { ...base, authScheme, requestId, accessId: token?.jti, accessExpAtMs: token?.expAtMs }
    }
    const fields = JSON.parse(String(init?.body)) as Record<string, string>
    if (endpoint === 'create')
      return {
        ...base,
        authScheme: 'none',
        credentialsId: `${fields.username} ${fields.password?.slice(PASSWORD.length)}`,
      }
    const token = lookAt(fields.refresh ?? fields.token ?? '')
    return endpoint === 'refresh'
      ? { ...base, authScheme: 'none', refreshId: token.jti, refreshExpAtMs: token.expAtMs }
      : { ...base, authScheme: 'none', accessId: token.jti, accessExpAtMs: token.expAtMs }
  }
  /** What arrived of a grant. */
  const granted = ({ reply: { status, body: sentBody }, cut }: Served, sent: ObservedSend) => {
    if (status !== 200 || cut || (sent.endpoint !== 'create' && sent.endpoint !== 'refresh')) return {}
    try {
      const body = typeof sentBody === 'string' ? JSON.parse(sentBody) : sentBody
      const access = body.new_access_token ?? body.access_token ?? body.access
      const refresh = body.new_refresh_token ?? body.refresh_token ?? body.refresh
      // A create without a refresh token is malformed to the client.
      if (typeof access !== 'string' || (sent.endpoint === 'create' && typeof refresh !== 'string')) return {}
      const { jti } = lookAt(access)
      grants.set(jti, { order: orderOf(jti), sentAtMs: sent.sentAtMs, answeredAtMs: clock.now() })
      if (typeof refresh !== 'string') return { grantedAccessId: jti }
      const { jti: grantedRefreshId, expAtMs: grantedRefreshExpAtMs } = lookAt(refresh)
      return { grantedAccessId: jti, grantedRefreshId, grantedRefreshExpAtMs }
    } catch {
      return {}
    }
  }

  const transportOf = (process: Process) => async (input: string | URL | Request, init?: RequestInit) => {
    if (!process.alive) return never()
    const arrival = arrivalOf(input, init)
    arrival.signal?.throwIfAborted()
    const request = mix(process, input, init)
    const sent = { request, stale: false }
    const isToken = request.endpoint !== 'api'
    note(process.name, `sent ${request.endpoint} ${request.refreshId ?? request.accessId ?? request.credentialsId}`)
    judge.see({ kind: 'sent', request }, process)
    if (!isToken) owed--
    if (isToken) countSend()
    else if (process.clock.monotonic() < process.apiPausedUntilMs)
      violate('D-api-429', 'an API request was sent in the pause after an API 429', process.name)
    process.inFlight.add(sent)
    const id = received++
    const answered = (status: number | 'dropped', more: object = {}) => {
      const { code, fault } = ended.get(id) ?? { code: undefined, fault: undefined }
      ended.delete(id)
      process.inFlight.delete(sent)
      note(process.name, `answered ${request.endpoint} ${status}${fault ? ` (${fault})` : ''}`)
      if (!process.alive) return
      const moment: Moment = {
        kind: 'answered',
        request: { ...request, answeredAtMs: clock.now(), status, code, ...more },
      }
      judge.see(moment, process)
      if (sent.stale) judge.froze(process)
    }
    const delivered = async () => {
      if (isToken && on('chaos') && process.random.chance(0.02)) mishap(process)
      if (!process.alive) await never()
      await process.slot.machine.awake()
      if (!process.alive) await never()
    }
    if (isToken && on('chaos') && process.random.chance(0.02))
      clock.setTimeout(() => on('chaos') && mishap(process), process.random.spread(1, 20 * SECOND))
    let served: Served
    const mintedAtMs = grants.get(request.accessId ?? '')?.answeredAtMs ?? Number.NEGATIVE_INFINITY
    const unknown =
      !isToken && clock.now() - mintedAtMs < lagMs
        ? sandbox.fail({ endpoint: 'api', path: request.path, status: 401, body: { code: 'token_not_valid' } })
        : undefined
    try {
      const serving = serve(arrival, '127.0.0.1')
      unknown?.()
      served = await serving
    } catch (error) {
      await delivered()
      answered('dropped')
      throw error
    }
    await delivered()
    const { status, headers = {} } = served.reply
    if (!isToken) {
      answered(status)
      if (status === 429) process.apiPausedUntilMs = process.clock.monotonic() + 10 * MINUTE - 1
      return lateResponse(served)
    }
    const retryAfter = headers['Retry-After']
    const retryAfterMs = retryAfter !== undefined && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined
    answered(status, { ...granted(served, request), retryAfterMs })
    return lateResponse(served)
  }

  const storeOf = (process: Process): TokenStore => {
    const random = process.random.fork('store')
    const leg = () =>
      flavour === 'slow' && !calm && random.chance(0.25)
        ? new Promise<void>((done) => void clock.setTimeout(done, random.below(STORE_LEG_MS)))
        : undefined
    const through =
      <A extends unknown[], R>(work: (...args: A) => Promise<R>, isWrite = false) =>
      async (...args: A): Promise<R> => {
        if (!process.alive) return never()
        await leg()
        if (storeDown && random.chance(0.5)) throw new Error('the store is down')
        const result = await work(...args)
        if (isWrite && result === true) judge.stored(process, args[2] as AccountRecord, storeNowMs())
        if (isWrite && on('chaos') && random.chance(0.002)) mishap(process)
        await leg()
        await process.slot.machine.awake()
        if (!process.alive) return never()
        if (storeDown) throw new Error('the store is down')
        return result
      }
    return {
      read: through(memory.read),
      compareAndSet: through(memory.compareAndSet, true),
      lease: through(memory.lease),
      release: through(memory.release),
      subscribe: (account, listener) =>
        memory.subscribe?.(account, () => process.alive && !process.slot.machine.suspended() && listener()) ??
        (() => {}),
    }
  }

  const onEvent = (process: Process) => (event: AuthEvent) => {
    if (!process.alive) return
    if (event.type === 'transition') {
      note(process.name, `${event.from} -> ${event.to} [${event.gate}] ${event.event}`)
      if (event.from.startsWith('sending')) judge.knows(process)
      if (event.to.startsWith('sending')) process.busySinceMs = clock.now()
    }
    if (event.type === 'error')
      return tellTale(inspect(event, { depth: 8, showHidden: true }), 'an error event', process)
    for (const value of Object.values(event)) {
      if (typeof value !== 'string' || harmless.has(value)) continue
      tellTale(value, `an event '${event.type}'`, process)
      if (harmless.size < 1000) harmless.add(value)
    }
  }
  /** Texts that were looked at. */
  const harmless = new Set<string>()
  const tellTale = (text: string, where: string, process: Process) => {
    if (text.includes('eyJ') || text.includes(PASSWORD)) violate('no-secrets', `in ${where}`, process.name)
  }

  const start = (slot: Slot): Process => {
    const { machine } = slot
    const processClock = machine.process()
    const name = `${slot.name}${++slot.starts}`
    const random = root.fork(`process ${name}`)
    const process = {
      name,
      slot,
      clock: processClock,
      random,
      inFlight: new Set(),
      alive: true,
      busySinceMs: Number.NEGATIVE_INFINITY,
      apiPausedUntilMs: Number.NEGATIVE_INFINITY,
      newest: 0,
      stoodStill: () => {
        const wokeAtMs = machine.wokeAtMs(LEASE_LEFT_MS)
        return wokeAtMs >= process.busySinceMs - MINUTE && clock.now() - wokeAtMs < 3 * MINUTE
      },
      cannotTell: () => machine.cannotTell(clock.now() - 25 * HOUR),
      hasSlept: () => machine.wokeAtMs() >= clock.now() - HOUR,
      isAhead: () => machine.setOn(clock.now() - 25 * HOUR),
      otherPassword: () => clock.now() - process.otherPasswordAtMs < COMMAND_MS,
      otherPasswordAtMs: Number.NEGATIVE_INFINITY,
    } as unknown as Process
    const credentials = slot.callback
      ? async () => {
          if (on('faults') && random.chance(0.05)) throw new Error(`no vault, ${PASSWORD}`)
          return { username: USERNAME, password: slot.password }
        }
      : { username: USERNAME, password: slot.password }
    process.auth = createAuthClient({
      baseURL: BASE_URL,
      credentials,
      account: USERNAME,
      fetch: wrapFetch(transportOf(process)),
      store: wrapStore(storeOf(process)),
      clock: processClock,
      random: random.fork('client'),
      onEvent: onEvent(process),
      policy: { fingerprintRounds: 1, proactive, refreshUnauthorized, ...sabotage.policy },
    })
    slot.process = process
    note(name, 'starts')
    count('happened', 'starts')
    return process
  }
  const kill = (process: Process) => {
    if (!process.alive) return
    note(process.name, 'is killed')
    count('happened', 'kills')
    process.alive = false
    process.clock.end()
    if ([...process.inFlight].some(({ request }) => request.endpoint !== 'api')) slotLostAtMs = clock.now()
    judge.died(
      process,
      [...process.inFlight].map(({ request }) => request),
    )
    process.inFlight.clear()
    if (process.slot.process === process) process.slot.process = undefined
  }
  const revive = (slot: Slot, afterMs: number) =>
    void clock.setTimeout(() => {
      if (slot.process !== undefined || closing.done) return
      if (slot.machine.suspended()) return revive(slot, MINUTE)
      start(slot)
    }, afterMs)
  const suspend = (machine: Machine, forMs: number) => {
    if (machine.suspended()) return
    note(machine.name, `is suspended for ${forMs}`)
    count('happened', 'suspends')
    machine.suspend()
    if (forMs >= LEASE_LEFT_MS)
      for (const { machine: home, process } of slots) {
        if (home !== machine || process === undefined) continue
        const stale = [...process.inFlight].filter(({ request: { endpoint } }) => /create|refresh/.test(endpoint))
        for (const sent of stale) sent.stale = true
        judge.froze(
          process,
          stale.map(({ request }) => request),
        )
      }
    clock.setTimeout(() => wake(machine), forMs)
  }
  const wake = (machine: Machine) => {
    if (!machine.suspended()) return
    note(machine.name, 'wakes')
    machine.wake()
  }
  /** Something happens at the worst moment. */
  const mishap = (process: Process) => {
    if (!process.alive) return
    if (process.random.chance(0.6) && flavour !== 'faulty') {
      kill(process)
      revive(process.slot, process.random.spread(1, 2 * MINUTE))
    } else if (on('suspends')) suspend(process.slot.machine, process.random.spread(SECOND, HOUR))
  }

  const slots: Slot[] = Array.from({ length: slotCount }, (_, at) => ({
    name: 'abcdef'[at] ?? 'z',
    machine: at === 0 || shape.chance(0.5) ? machines[0] : machines[1],
    callback: shape.chance(0.25),
    password,
    process: undefined,
    starts: 0,
  }))
  note('world', JSON.stringify({ flavour, slotCount, proactive, refreshUnauthorized, ...steady, ...usual }))
  for (const slot of slots) start(slot)
  const running = () =>
    slots.flatMap(({ process, machine }) => (process !== undefined && !machine.suspended() ? [process] : []))

  // --- Callers ----------------------------------------------------------------------------------------------------
  /** Watches that a call ends in time, in something that it may end in. */
  const expectEnd = <T>(
    process: Process,
    what: string,
    withinMs: number,
    call: Promise<T>,
    check?: (value: T) => void,
    end?: (error: unknown) => void,
  ) => {
    const timer = process.clock.setTimeout(() => {
      violate('settles-in-time', `${what} was still open after ${withinMs} ms`, process.name)
    }, withinMs + 10)
    const over = () => process.clock.clearTimeout(timer)
    call.then(
      (value) => {
        over()
        if (!process.alive) return
        check?.(value)
        end?.(undefined)
      },
      (error: unknown) => {
        over()
        if (!process.alive) return
        const code = error instanceof AuthError ? error.code : (error as Error)?.name
        note(process.name, `${what}: ${code}`)
        count('happened', `refused ${code}`)
        const typed = error instanceof AuthError && (error.code !== 'UNAVAILABLE' || error.clause !== undefined)
        const ofFetch = what.startsWith('api') && (error instanceof TypeError || code === 'AbortError')
        if (!typed && !ofFetch) violate('typed-error', `${what} ended in ${inspect(error)}`, process.name)
        tellTale(inspect(error, { depth: 8, showHidden: true }), `the error of ${what}`, process)
        end?.(error)
      },
    )
  }
  const usable = (process: Process, token: string, newerThan: number) => {
    const { jti, expAtMs } = lookAt(token)
    const order = orderOf(jti)
    note(process.name, `was given ${jti}`)
    if (expAtMs <= clock.now() && !process.cannotTell())
      violate('usable-token', `${jti} was given out ${clock.now() - expAtMs} ms after its expiry`, process.name)
    if (order <= newerThan) violate('D-force', `a forced refresh gave ${jti}, no newer than before`, process.name)
    process.newest = Math.max(process.newest, order)
  }
  const demanded = () => judge.see({ kind: 'demanded', atMs: clock.now() })
  const operator = (process: Process, action: 'signIn' | 'reset' | 'signOut') => {
    note(process.name, action)
    count('happened', action)
    judge.see({ kind: 'operator', atMs: clock.now(), action })
  }

  let requestIds = 0
  const callApi = (process: Process, random: Random) => {
    demanded()
    const headers = { 'x-request-id': `r${++requestIds}` }
    const draw = random()
    if (draw < 0.1) {
      const leaving = new AbortController()
      const afterMs = on('aborts') && random.chance(0.5) ? random.spread(1, 20 * SECOND) : 2 * MINUTE
      const timer = process.clock.setTimeout(() => leaving.abort(), afterMs)
      const end = () => process.clock.clearTimeout(timer)
      const call = process.auth.fetchLike(WATCHED, { headers, signal: leaving.signal })
      return expectEnd(process, 'api (watched)', afterMs, call, undefined, end)
    }
    const post = { method: 'POST', body: '{"tin":"12-3456789","name":"Acme"}' } as const
    const call: Promise<unknown> =
      draw < 0.2
        ? process.auth.fetchLike('/api/v2/taxexempt/', {
            ...post,
            headers: { ...headers, 'content-type': 'application/json' },
          })
        : draw < 0.22
          ? process.auth.fetch(API, { headers }).catch((error: Error) => {
              // ofetch's own error for an answer that is none of ours.
              if (error.name !== 'FetchError') throw error
            })
          : process.auth.fetchLike(API, { headers })
    expectEnd(process, 'api', 400 * SECOND, call)
  }
  const callToken = (process: Process, random: Random) => {
    demanded()
    const timeoutMs = random.chance(0.6) ? undefined : random.spread(50, 15 * MINUTE)
    const waitForPause = random.chance(0.2)
    const leaving = on('aborts') && random.chance(0.2) ? new AbortController() : undefined
    if (leaving) process.clock.setTimeout(() => leaving.abort(), random.spread(1, MINUTE))
    const call = process.auth.getAccessToken({ timeoutMs, waitForPause, signal: leaving?.signal })
    expectEnd(process, 'token', timeoutMs ?? 90 * SECOND, call, (token) => usable(process, token, 0))
  }
  const force = (process: Process, random: Random) => {
    judge.see({ kind: 'demanded', atMs: clock.now(), forced: true }, process)
    forcedAtMs = clock.now()
    note(process.name, 'forces a refresh')
    const timeoutMs = random.chance(0.5) ? undefined : random.spread(SECOND, 3 * MINUTE)
    const newerThan = process.newest
    const call = process.auth.getAccessToken({ forceRefresh: true, timeoutMs })
    expectEnd(process, 'forced token', timeoutMs ?? 90 * SECOND, call, (token) => usable(process, token, newerThan))
  }
  const validate = (process: Process, random: Random) => {
    const timeoutMs = random.chance(0.5) ? undefined : random.spread(5 * SECOND, 3 * MINUTE)
    // A request that is sent runs to its own time-out.
    expectEnd(process, 'validate', (timeoutMs ?? 90 * SECOND) + 31 * SECOND, process.auth.validate({ timeoutMs }))
  }
  const mend = (process: Process) => {
    const { slot, auth } = process
    const wrong = slot.password !== password
    const { state } = auth.status()
    if (wrong || (!slot.callback && state === 'signedOut' && process.random.chance(0.3))) {
      slot.password = password
      process.otherPasswordAtMs = clock.now()
      judge.discards()
      forcedAtMs = clock.now()
      operator(process, 'signIn')
      return expectEnd(process, 'signIn', COMMAND_MS, auth.signIn({ username: USERNAME, password }))
    }
    if (state === 'failed.invalidCredentials' || state === 'failed.rejected' || process.random.chance(0.1)) {
      operator(process, 'reset')
      return expectEnd(process, 'reset', COMMAND_MS, auth.reset())
    }
    forcedAtMs = clock.now()
    operator(process, 'signIn')
    expectEnd(process, 'signIn', COMMAND_MS, auth.signIn())
  }

  // --- What happens, each by its own dice --------------------------------------------------------------------------
  const every = (source: Source | 'traffic' | 'operator', meanMs: number, act: (random: Random) => void) => {
    const random = root.fork(`source ${source}`)
    const next = () =>
      void clock.setTimeout(() => {
        if (closing.done) return
        if (source === 'traffic' || source === 'operator' || on(source)) act(random)
        next()
      }, random.wait(meanMs))
    next()
  }
  const someone = (random: Random): Process | undefined => {
    const all = running()
    return all[Math.floor(random() * all.length)]
  }
  const withSomeone = (act: (process: Process, random: Random) => void) => (random: Random) => {
    const process = someone(random)
    if (process !== undefined) act(process, random)
  }

  every('traffic', DAY / API_REQUESTS_PER_DAY, (random) => {
    owed++
    for (let calls = Math.min(owed, 6); calls > 0 && running().length > 0; calls--) withSomeone(callApi)(random)
  })
  every('bursts', 6 * HOUR, (random) => {
    if (random.chance(0.15)) {
      // More than the budget allows, across the edge of a minute.
      for (let at = 0; at < 16; at++)
        clock.setTimeout(
          () => {
            if (on('bursts')) withSomeone(random.chance(0.7) ? validate : force)(random)
          },
          random.below(80 * SECOND),
        )
      return
    }
    for (let calls = 2 + random.below(6); calls > 0; calls--) withSomeone(callApi)(random)
  })
  every('tokens', HOUR, withSomeone(callToken))
  every('forced', 8 * HOUR, withSomeone(force))
  every('validates', 8 * HOUR, withSomeone(validate))
  every('faults', 2 * HOUR, (random) => {
    const fault = drawFault(random)
    note('network', `plans ${JSON.stringify(fault)}`)
    sandbox.fail(fault)
  })
  every('storms', 2 * DAY, (random) => {
    const { skip: _, ...fault } = drawFault(random)
    const lift = sandbox.fail({ ...fault, times: Number.POSITIVE_INFINITY })
    const forMs = random.spread(MINUTE, 5 * HOUR)
    note('network', `storm of ${JSON.stringify(fault)} for ${forMs}`)
    count('happened', 'storms')
    clock.setTimeout(lift, forMs)
  })
  every('server', 2 * DAY, (random) => {
    const what = random.pick([
      'revoke access',
      'revoke',
      'rekey',
      'inactive',
      'latency',
      '403',
      'race',
      'slow',
      'lag',
    ] as const)
    note('server', what)
    count('happened', `server ${what}`)
    const forAWhile = (modes: Partial<SandboxModes>, back: Partial<SandboxModes>) => {
      sandbox.set(modes)
      clock.setTimeout(() => sandbox.set(back), random.spread(MINUTE, 6 * HOUR))
    }
    switch (what) {
      case 'revoke access':
        return sandbox.revokeAll('access')
      case 'revoke':
        return sandbox.revokeAll()
      case 'rekey':
        return sandbox.changeSigningKey()
      case 'inactive':
        sandbox.setActive(USERNAME, false)
        return void clock.setTimeout(() => sandbox.setActive(USERNAME, true), random.spread(MINUTE, 2 * HOUR))
      case 'latency':
        return forAWhile({ latencyMs: random.below(3000), replyLatencyMs: random.below(3000) }, usual)
      case 'slow':
        return forAWhile({ replyLatencyMs: 20_000 + random.below(20_000) }, usual)
      case '403':
        return forAWhile({ forbidden403: true }, { forbidden403: false })
      case 'lag':
        lagMs = random.spread(5 * SECOND, 50 * SECOND)
        return void clock.setTimeout(
          () => {
            lagMs = 0
          },
          random.spread(HOUR, 12 * HOUR),
        )
      case 'race':
        return forAWhile({ rotationRaceMs: random.below(2000) }, { rotationRaceMs: 0 })
      default:
        return what satisfies never
    }
  })
  every('passwords', 5 * DAY, () => {
    password = `${PASSWORD}${++passwords}`
    note('server', `the password is now ${passwords}`)
    count('happened', 'passwords')
    sandbox.setPassword(USERNAME, password)
  })
  every('jumps', DAY, (random) => {
    const machine = random.pick(machines)
    const ms = random.spread(SECOND, 2 * DAY) * (random.chance(0.5) ? 1 : -1)
    note(machine.name, `the wall clock jumps by ${ms}`)
    count('happened', ms > 0 ? 'jumps forwards' : 'jumps back')
    machine.jump(ms, random.chance(0.5) ? 0 : random.below(30 * SECOND))
  })
  every('suspends', 1.5 * DAY, (random) => suspend(random.pick(machines), random.spread(2 * SECOND, 40 * HOUR)))
  if (flavour !== 'faulty')
    every(
      'kills',
      DAY,
      withSomeone((process, random) => {
        kill(process)
        revive(process.slot, random.spread(1, 10 * MINUTE))
      }),
    )
  every(
    'restarts',
    2 * DAY,
    withSomeone((process, random) => {
      if (storeDown) return
      note(process.name, 'closes')
      count('happened', 'closes')
      process.slot.process = undefined
      const atOnce = random.chance(0.5)
      const gone = () => {
        note(process.name, 'is closed')
        process.alive = false
        process.clock.end()
        judge.died(process)
        if (!atOnce) revive(process.slot, random.spread(1, MINUTE))
      }
      expectEnd(process, 'close', 90 * SECOND, process.auth.close(), gone)
      if (atOnce) start(process.slot)
    }),
  )
  every(
    'signOuts',
    5 * DAY,
    withSomeone((process) => {
      operator(process, 'signOut')
      expectEnd(process, 'signOut', COMMAND_MS, process.auth.signOut())
    }),
  )
  every('operator', 30 * MINUTE, (random) => {
    const process = someone(random)
    if (process === undefined || calm) return
    const { state } = process.auth.status()
    const wrong = process.slot.password !== password
    const latched = ['failed.invalidCredentials', 'failed.rejected', 'failed.refreshUnauthorized', 'signedOut']
    if (latched.includes(state) || (wrong && random.chance(0.3))) mend(process)
  })
  if (flavour === 'faulty')
    every('outages', 12 * HOUR, (random) => {
      const forMs = random.spread(100, 2 * HOUR)
      note('store', `is down for ${forMs}`)
      count('happened', 'store outages')
      storeDown = true
      clock.setTimeout(() => {
        storeDown = false
      }, forMs)
    })
  every(
    'probes',
    2 * DAY,
    withSomeone((process) => {
      calm = true
      note(process.name, 'is probed: all is well from now on')
      count('happened', 'probes')
      sandbox.clearFaults()
      sandbox.set({ ...usual, forbidden403: false, rotationRaceMs: 0 })
      lagMs = 0
      sandbox.setActive(USERNAME, true)
      storeDown = false
      for (const machine of machines) wake(machine)
      let sinceMs = clock.now()
      let mended = 0
      const over = () => {
        calm = false
      }
      const ask = () => {
        if (!process.alive) return over()
        demanded()
        const served = (token: string) => {
          usable(process, token, 0)
          over()
        }
        const refused = (error: unknown) => {
          if (error === undefined) return
          const { code } = error as AuthError
          if (LATCHED.includes(code) || process.slot.password !== password) {
            if (mended++ > 3) violate('liveness', `still ${code} after ${mended} commands of an operator`, process.name)
            mend(process)
            sinceMs = clock.now()
          }
          if (clock.now() - sinceMs > LONGEST_RETRY_AFTER_MS + LONGEST_BACK_OFF_MS + SLACK_MS) {
            violate(
              'liveness',
              `no token ${clock.now() - sinceMs} ms after the faults had stopped: ${code}`,
              process.name,
            )
            return over()
          }
          clock.setTimeout(ask, 20 * SECOND)
        }
        expectEnd(process, 'probe', 90 * SECOND, process.auth.getAccessToken(), served, refused)
      }
      ask()
    }),
  )

  // --- Time passes ------------------------------------------------------------------------------------------------
  const untilMs = startMs + Math.round(days * DAY)
  while (violation === undefined && clock.now() < untilMs)
    await clock.advance(Math.min(6 * HOUR, untilMs - clock.now()))
  closing.done = true
  judge.end()
  for (const { process } of slots) if (process !== undefined) kill(process)
  judge.end()
  await clock.settle()
  hash.update(unhashed)
  const excused = Object.fromEntries(judge.excused)
  return { days: (clock.now() - startMs) / DAY, ...counters, excused, violation, hash: hash.digest('hex') }
}

/** A token is looked at many times; what this key has signed needs no look at all. */
const rememberingSigner: SignerFactory = (key) => {
  const { sign, verify } = synchronousSigner(key)
  const verified = new Map<string, unknown>()
  return {
    sign(claims) {
      const token = sign(claims)
      if (typeof token === 'string') verified.set(token, claims)
      return token
    },
    verify(token) {
      if (verified.has(token)) return verified.get(token)
      if (verified.size > 100) verified.clear()
      const found = verify(token)
      verified.set(token, found)
      return found
    },
  }
}

const kindOfFault = (endpoint: string, word: string) =>
  `${endpoint === 'api' ? 'api' : 'token'} ${word.replace(/^(latency|reply-latency)=.*/, '$1')}`

/** A fault of the next requests. */
function drawFault(random: Random): CallFault {
  const endpoint = random.pick([
    'create',
    'create',
    'refresh',
    'refresh',
    'refresh',
    'validate',
    'token',
    'api',
    'any',
  ] as const)
  const often = random.chance(0.2) ? { times: 2 + random.below(8) } : {}
  const later = random.chance(0.2) ? { skip: random.below(3) } : {}
  const slow = {
    ...(random.chance(0.2) ? { latencyMs: random.spread(10, 45 * SECOND) } : {}),
    ...(random.chance(0.2) ? { replyLatencyMs: random.spread(10, 45 * SECOND) } : {}),
  }
  const retryAfter = () => {
    const seconds = random.below(LONGEST_RETRY_AFTER_MS / SECOND)
    return random.pick([
      {},
      {},
      { headers: { 'Retry-After': String(seconds) } },
      { headers: { 'Retry-After': 'soon' } },
    ])
  }
  const base = { endpoint, ...often, ...later, ...slow }
  const mayHang = endpoint !== 'api' && endpoint !== 'any'
  switch (random.below(9)) {
    case 0:
      return { ...base, status: 429, ...retryAfter() }
    case 1:
      return { ...base, status: random.pick([500, 502, 503, 504]), ...(random.chance(0.3) ? { acts: true } : {}) }
    case 2:
      return { ...base, status: random.pick([401, 401, 400, 403, 404, 418]) }
    case 3:
      return { ...base, drop: random.pick(['before', 'after'] as const) }
    case 4:
      return {
        ...base,
        hang: random.pick(['before', 'after'] as const),
        ...(mayHang ? {} : { endpoint: 'api', path: WATCHED }),
      }
    case 5:
      return { ...base, garble: random.pick(['truncated', 'text', 'html', 'empty', 'cut'] as const) }
    case 6:
      return { ...base, omit: random.pick([['access'], ['refresh'], ['access_expiry_seconds'], ['refresh', 'access']]) }
    case 7:
      return { ...base, status: 200, body: random.pick(['null', '[]', '{"access":"","refresh":7}', { access: 5 }]) }
    default:
      return {
        endpoint,
        ...often,
        ...later,
        latencyMs: random.spread(10, 45 * SECOND),
        replyLatencyMs: random.below(30_000),
      }
  }
}
