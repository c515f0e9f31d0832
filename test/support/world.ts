import { onTestFinished } from 'vitest'
import {
  type AuthClient,
  type AuthClientOptions,
  AuthError,
  type AuthEvent,
  createAuthClient,
  memoryStore,
  type TokenStore,
} from '../../src/index.ts'
import {
  createSandbox,
  type RequestEntry,
  type Sandbox,
  type SandboxOptions,
  synchronousSigner,
} from '../../src/sandbox/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing.ts'

export const SECOND = 1_000
export const MINUTE = 60_000
export const HOUR = 3_600_000

export const USERNAME = 'demo'
export const PASSWORD = 'demo-password'
export const BASE_URL = 'https://sandbox.test'
/** A resource that answers 200 to whoever brings a good token. */
export const WHO_AM_I = '/api/v2/whoami/'

/** A promise's end, without throwing. */
export type Settled<T> = { value: T; error?: undefined } | { value?: undefined; error: unknown } | undefined

export interface WorldOptions {
  sandbox?: Omit<SandboxOptions, 'clock' | 'signer'>
  client?: Partial<AuthClientOptions>
  policy?: AuthClientOptions['policy']
  /** Draws of the client, in turn; 0.5 after the last. */
  draws?: number[]
  /** Stands between the clients and the sandbox. */
  transport?: (fetch: Transport) => Transport
  /** One store for all clients of the world: the memory store it is given, or something around it. */
  store?: (memory: TokenStore) => TokenStore
}

/** What a client takes as `fetch`. */
export type Transport = NonNullable<AuthClientOptions['fetch']>

/** One sandbox and one client on one virtual clock. The client's latch hashes with one round: nothing here takes real time. */
export interface World {
  readonly clock: VirtualClock
  readonly sandbox: Sandbox
  /** Where every client of this world keeps its record, unless it is given another one. */
  readonly store: TokenStore
  readonly auth: AuthClient
  readonly events: AuthEvent[]
  /** The server's log, or the part of it for some endpoints. */
  log(...endpoints: RequestEntry['endpoint'][]): RequestEntry[]
  /** `create 200, refresh 502`: the token requests, in words. */
  tokenRequests(): string
  /** When the requests to some endpoints were received, ms since the world began. */
  times(...endpoints: RequestEntry['endpoint'][]): number[]
  /** The status that an API request of a client is answered with. */
  call(client?: AuthClient): Promise<number>
  /** Another client on the same store: a member of the fleet, or a restart. Closed with the world. */
  client(options?: Partial<AuthClientOptions>): AuthClient
  /** A client whose process can be killed: nothing it was about to store or to receive arrives any more. */
  mortal(options?: Partial<AuthClientOptions>): { auth: AuthClient; kill(): void }
  /** Lets everything happen that can at this instant, then gives what the promise came to; fails if it is still open. */
  now<T>(promise: Promise<T>): Promise<T>
  /** As `now`, for a promise that must reject with an `AuthError`; with `ms`, after that time. */
  refused(promise: Promise<unknown>, ms?: number): Promise<AuthError>
  /** Lets time pass, then gives what the promise came to; fails if it is still open. */
  within<T>(ms: number, promise: Promise<T>): Promise<T>
  /** Where a promise is at this instant; `undefined` while it is open. */
  peek<T>(promise: Promise<T>): Promise<Settled<T>>
}

export function createWorld(options: WorldOptions = {}): World {
  const { sandbox: sandboxOptions, client: clientOptions, policy, draws = [], transport = (fetch) => fetch } = options
  const clock = virtualClock()
  const startMs = clock.now()
  const store = (options.store ?? ((memory) => memory))(memoryStore({ clock }))
  const sandbox = createSandbox({ ...sandboxOptions, clock, signer: synchronousSigner })
  const events: AuthEvent[] = []
  const remaining = [...draws]
  const clients: AuthClient[] = []

  const client = (overrides: Partial<AuthClientOptions> = {}) => {
    const created = createAuthClient({
      baseURL: BASE_URL,
      credentials: { username: USERNAME, password: PASSWORD },
      fetch: transport(sandbox.fetch),
      store,
      clock,
      random: () => remaining.shift() ?? 0.5,
      onEvent: (event) => events.push(event),
      ...clientOptions,
      ...overrides,
      policy: { fingerprintRounds: 1, ...policy, ...overrides.policy },
    })
    clients.push(created)
    return created
  }

  const settled = async <T>(promise: Promise<T>): Promise<Settled<T>> => {
    let end: Settled<T>
    promise.then(
      (value) => {
        end = { value }
      },
      (error: unknown) => {
        end = { error }
      },
    )
    await clock.settle()
    return end
  }
  const opened = <T>(end: Settled<T>, when: string): T => {
    if (end === undefined) throw new Error(`the promise is still open ${when}`)
    if (end.error !== undefined) throw end.error
    return end.value as T
  }

  const world: World = {
    clock,
    sandbox,
    store,
    events,
    auth: client(),
    log: (...endpoints) => sandbox.log.filter((entry) => endpoints.length === 0 || endpoints.includes(entry.endpoint)),
    tokenRequests: () =>
      world
        .log('create', 'refresh', 'validate')
        .map(({ endpoint, status }) => `${endpoint} ${status}`)
        .join(', '),
    times: (...endpoints) => world.log(...endpoints).map(({ atMs }) => atMs - startMs),
    call: async (caller = world.auth) => (await caller.fetchLike(WHO_AM_I)).status,
    client,
    mortal(options) {
      let alive = true
      const whileAlive =
        <A extends unknown[], R>(act: (...args: A) => Promise<R>) =>
        async (...args: A): Promise<R> => {
          if (!alive) return new Promise<never>(() => {})
          const result = await act(...args)
          return alive ? result : new Promise<never>(() => {})
        }
      const auth = client({
        ...options,
        fetch: whileAlive(transport(sandbox.fetch)),
        store: {
          read: whileAlive(store.read),
          compareAndSet: whileAlive(store.compareAndSet),
          lease: whileAlive(store.lease),
          release: whileAlive(store.release),
        },
      })
      const kill = () => {
        alive = false
      }
      return { auth, kill }
    },
    peek: settled,
    now: async (promise) => opened(await settled(promise), 'at this instant'),
    async refused(promise, ms = 0) {
      promise.catch(() => {})
      if (ms > 0) await clock.advance(ms)
      const end = await settled(promise)
      if (end?.error instanceof AuthError) return end.error
      throw new Error(`expected an AuthError, got ${end === undefined ? 'an open promise' : JSON.stringify(end)}`, {
        cause: end?.error,
      })
    },
    async within(ms, promise) {
      promise.catch(() => {})
      await clock.advance(ms)
      return opened(await settled(promise), `after ${ms} ms`)
    },
  }
  onTestFinished(async () => {
    const closed = Promise.all(clients.map((each) => each.close()))
    for (let minutes = 0; minutes < 3 && (await settled(closed)) === undefined; minutes++) await clock.advance(MINUTE)
  })
  return world
}
