import { systemClock } from '../clock.ts'
import { type CallFault, checkFault, createFaultPlan, describeFault, type Fault } from './faults.ts'
import type { Listening, ListenOptions } from './listener.ts'
import { createLog, type RequestEntry } from './log.ts'
import { checkModes, type SandboxModes } from './modes.ts'
import { checkOptions, type SandboxOptions } from './options.ts'
import type { Reply } from './replies.ts'
import { authSchemeOf, endpointOf, handlerOf } from './routes.ts'
import type { Arrival, Call, Server } from './server.ts'
import { joseSigner } from './signer.ts'
import { createThrottle } from './throttle.ts'
import { createTokens, type TokenKind } from './tokens.ts'
import { createUsers, DEFAULT_USER, type SandboxUser } from './users.ts'
import { hang, wait } from './waiting.ts'
import { ConnectionDropped, faultReply, garbled, noteCode, type Served, toResponse, without } from './wire.ts'

/** The V2 server, simulated: what it answers, what it was asked, and what can be made to go wrong. */
export interface Sandbox {
  /**
   * Answers a request; takes the arguments of the global `fetch` and can be given as a client's `fetch`. The host does
   * not matter. Redirects are answered, not followed. Rejects with `TypeError('fetch failed')` when the connection
   * drops, and with the signal's reason when the caller aborts: while the request or the reply is on its way at once,
   * while the server acts as soon as it has acted.
   */
  fetch(input: Request | URL | string, init?: RequestInit): Promise<Response>
  /** Serves the same over real HTTP. Node only. */
  listen(options?: ListenOptions): Promise<Listening>
  /** Every request that has ended, by order of receipt. Live: it grows. */
  readonly log: readonly RequestEntry[]
  /** Calls `listener` with each entry as its request ends. Returns the function that removes it. */
  onRequest(listener: (entry: RequestEntry) => void): () => void
  /** How many requests have been received and have not ended. */
  pending(): number

  /**
   * Plans a fault for the next requests of an endpoint, or changes the server's modes at once (`endpoint: 'server'`).
   * Faults befall requests in the order they were planned. Returns the function that takes a planned one back.
   */
  fail(fault: Fault): () => void
  /** Takes back every planned fault; the modes stay. */
  clearFaults(): void
  /** Changes modes; the rest stay. */
  set(modes: Partial<SandboxModes>): void
  /** The modes as they are now. */
  readonly modes: Readonly<SandboxModes>
  /** Refuses all tokens issued so far: of one kind, or of both. */
  revokeAll(kind?: TokenKind): void
  /** Signs with another key from now on: every earlier token is garbage. */
  changeSigningKey(): void
  /** Forgets what the throttle counted, and ends its lock-outs. */
  resetThrottle(): void

  addUser(user: SandboxUser): void
  setPassword(username: string, password: string): void
  /** An inactive user cannot sign in, refresh, or use the API. */
  setActive(username: string, active: boolean): void
  /** A refresh for a deleted user is answered 500, as on simplejwt 5.5.1. */
  deleteUser(username: string): void
  /** The server's clock: the sandbox's and `skewMs`, ms since the epoch. */
  nowMs(): number
}

const DEFAULT_SIGNING_KEY = 'compliancely-auth sandbox: signs nothing but simulated tokens'

/** A sandbox and its service, for those who bring requests of their own making and need no `Response`: the simulation. */
export interface Service {
  readonly sandbox: Sandbox
  /** Serves one request that came from the address `peer`. Rejects as {@link Sandbox.fetch}. */
  serve(arrival: Arrival, peer: string): Promise<Served>
}

/** Creates a {@link Sandbox}. Throws `CONFIG_INVALID` when an option is unknown or its value is not one. */
export const createSandbox = (options: SandboxOptions = {}): Sandbox => createService(options).sandbox

/** Creates a {@link Service}. */
export function createService(options: SandboxOptions): Service {
  const { modes, throttle, faults, logLimit } = checkOptions(options)
  const { clock = systemClock(), signer = joseSigner, signingKey = DEFAULT_SIGNING_KEY } = options
  let drawn = 0
  const { jti = (kind: TokenKind) => `${kind}-${++drawn}`, users: initialUsers = [DEFAULT_USER] } = options

  const users = createUsers(initialUsers)
  const tokens = createTokens({ clock, modes, signer, signingKey, jti })
  const counted = throttle && { log: createThrottle(throttle, () => clock.now()), options: throttle }
  const server: Server = { clock, modes, users, tokens, throttle: counted }
  const log = createLog(clock, logLimit)
  const plan = createFaultPlan()

  const fail = (fault: Fault) => {
    const checked = checkFault(fault)
    if (checked.endpoint !== 'server') return plan.add(checked)
    const { endpoint: _, ...changes } = checked
    Object.assign(modes, changes)
    return () => {}
  }

  /** Those that are being served. A request whose signal nobody else holds would be collected with its abort. */
  const arrivals = new Set<Arrival>()

  const serve = async (arrival: Arrival, peer: string): Promise<Served> => {
    const { method, url, headers, signal } = arrival
    signal?.throwIfAborted()
    const path = url.pathname
    const endpoint = endpointOf(path)
    const entry = log.open({ endpoint, method, path, authScheme: authSchemeOf(headers.get('Authorization')) })
    const { notes } = entry
    notes.requestId = requestIdOf(headers)
    const fault = plan.take(endpoint, path)
    const cut = fault?.garble === 'cut'
    if (fault !== undefined) notes.fault = describeFault(fault)

    const answer = async (): Promise<Served> => {
      const address = headers.get('X-Forwarded-For')?.split(',')[0]?.trim() || peer
      const call: Call = {
        method,
        url,
        headers,
        bodyText: await arrival.text(),
        address,
        notes,
      }
      await wait(clock, modes.latencyMs + (fault?.latencyMs ?? 0), signal)
      await interrupt(fault, 'before', signal)
      const reply = await act(call, fault)
      const madeAtMs = tokens.nowMs()
      await wait(clock, modes.replyLatencyMs + (fault?.replyLatencyMs ?? 0), signal)
      await interrupt(fault, 'after', signal)
      if (!cut) noteCode(notes, reply)
      return { reply, madeAtMs, cut }
    }
    const act = async (call: Call, fault: CallFault | undefined): Promise<Reply> => {
      const instead = fault?.status === undefined ? undefined : faultReply(fault, endpoint)
      if (instead !== undefined && !fault?.acts) return instead
      notes.acted = true
      const reply = await handlerOf(endpoint)(server, call)
      if (fault?.garble !== undefined) return garbled(reply, fault.garble)
      if (fault?.omit !== undefined) return without(reply, fault.omit, modes.names)
      return instead ?? reply
    }

    arrivals.add(arrival)
    try {
      const served = await answer()
      entry.close(cut ? 'dropped' : served.reply.status)
      return served
    } catch (error) {
      entry.close('dropped')
      throw error
    } finally {
      arrivals.delete(arrival)
    }
  }
  const respond = async (request: Request, peer: string) => toResponse(await serve(arrivalOf(request), peer))

  for (const fault of faults) fail(fault)

  const sandbox: Sandbox = {
    async fetch(input, init) {
      return respond(input instanceof Request && init === undefined ? input : new Request(input, init), '127.0.0.1')
    },
    async listen(listenOptions) {
      const { listen } = await import('./listener.ts')
      return listen(respond, listenOptions)
    },
    log: log.entries,
    onRequest: log.subscribe,
    pending: log.pending,
    fail,
    clearFaults: plan.clear,
    set: (changes) => void Object.assign(modes, checkModes(changes)),
    get modes() {
      return Object.freeze({ ...modes })
    },
    revokeAll: tokens.revokeAll,
    changeSigningKey: tokens.changeSigningKey,
    resetThrottle: () => counted?.log.reset(),
    addUser: users.add,
    setPassword: users.setPassword,
    setActive: users.setActive,
    deleteUser: users.delete,
    nowMs: tokens.nowMs,
  }
  return { sandbox, serve }
}

/** An id, and nothing long enough to be a token. */
const requestIdOf = (headers: Headers) => /^[\w.-]{1,64}$/.exec(headers.get('X-Request-Id') ?? '')?.[0]

const arrivalOf = (request: Request): Arrival => ({
  request,
  method: request.method,
  url: new URL(request.url),
  headers: request.headers,
  signal: request.signal,
  text: () => (request.body === null ? '' : request.text()),
})

/** Breaks the connection, or leaves the caller without an answer, if the fault says so for this moment. */
async function interrupt(
  fault: CallFault | undefined,
  moment: 'before' | 'after',
  signal: AbortSignal | undefined,
): Promise<void> {
  if (fault?.drop === moment) throw new ConnectionDropped()
  if (fault?.hang === moment) await hang(signal)
}
