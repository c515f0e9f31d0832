import type { InspectionEvent } from 'xstate'
import { type AuthClient, AuthError, createAuthClient, memoryStore, type TokenStore } from '../../../src/index.ts'
import type { Finding, MonitorPolicy } from '../../../src/monitors/index.ts'
import { type CallFault, createSandbox, type Endpoint, synchronousSigner } from '../../../src/sandbox/index.ts'
import { virtualClock } from '../../../src/testing.ts'
import type { Act, Answer, OtherDeed, Patience, Scenario, Setting } from './acts.ts'
import { createObserver } from './observer.ts'
import { slowStore } from './slow-store.ts'
import { createTape, REQUEST_ID } from './tape.ts'

/** What a path through the public client came to. */
export interface Run {
  /** Transitions that were taken, and guards that said no: see `observer.ts`. */
  readonly seen: ReadonlySet<string>
  readonly findings: readonly Finding[]
  /** What cannot be: the observer's and the client's faults, callers who got something else than a token or an error of ours. */
  readonly faults: readonly string[]
}

/** Long enough for whatever a path waits for. */
const DAY_MS = 86_400_000
/** Nobody's time is up unless a path says so, each back-off is as long as the first, and hashing takes no time. */
const PATIENT = {
  tokenRequestTimeoutMs: DAY_MS,
  callerTimeoutMs: DAY_MS,
  backOffMinMs: 30_000,
  backOffMaxMs: 30_000,
  fingerprintRounds: 1,
} as const
/** Draws the middle: a refresh is due after 47.5 min, a back-off lasts 37.5 s. */
const DRAWN = 0.5

const BASE_URL = 'https://sandbox.test'
const USERNAME = 'demo'
const PASSWORD = 'demo-password'
const WHO_AM_I = '/api/v2/whoami/'

/** Plays a scenario against a sandbox on the virtual clock. Everything that a token request needs is there at once; it is answered when the path says so. */
export async function play({ acts, setting = {} }: Scenario): Promise<Run> {
  const stage = createStage(setting)
  for (const act of acts) {
    await stage.perform(act)
    await stage.settle()
  }
  return stage.end()
}

function createStage({ policy, sandbox: modes, deaf = false, callback = false }: Setting) {
  const clock = virtualClock()
  const sandbox = createSandbox({ throttle: false, ...modes, clock, signer: synchronousSigner })
  const memory = memoryStore({ clock })
  const tape = createTape(clock.now, { ...PATIENT, ...policy } as Partial<MonitorPolicy>)
  const observer = createObserver()
  const faults: string[] = []

  const plan = (endpoint: Endpoint, answer: Answer, delays: Pick<CallFault, 'replyLatencyMs'> = {}) => {
    const effect = effectOf(answer)
    if (effect !== undefined || delays.replyLatencyMs) sandbox.fail({ endpoint, ...delays, ...effect })
  }
  const withModes = async <T>(changed: Setting['sandbox'], work: () => Promise<T>): Promise<T> => {
    const before = { ...sandbox.modes }
    sandbox.set(changed ?? {})
    const result = await work()
    sandbox.set(before)
    return result
  }

  // Token requests of the client under test wait here for the path's answer; those of the others do not.
  const inFlight: { readonly endpoint: 'create' | 'refresh'; go(): void }[] = []
  const held = async (request: Request): Promise<void> => {
    const { pathname } = new URL(request.url)
    const endpoint = pathname.endsWith('/token/') ? 'create' : pathname.endsWith('/refresh/') ? 'refresh' : undefined
    if (endpoint === undefined) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const entry = { endpoint, go: resolve } as const
    inFlight.push(entry)
    request.signal.addEventListener('abort', () => reject(request.signal.reason), { once: true })
    await promise.finally(() => void inFlight.splice(inFlight.indexOf(entry), 1))
  }
  const transport =
    (before: (request: Request) => Promise<void>): typeof globalThis.fetch =>
    async (input, init) =>
      tape.passing(new Request(input, init), async (request) => {
        await before(request)
        return sandbox.fetch(request)
      })

  const { store, holdReads, answerReads, down } = slowStore(memory, deaf)

  const passwords = { server: PASSWORD, callback: 'right' as 'held' | 'right' | 'wrong' | 'down' }
  const asked: (() => void)[] = []
  const giveCredentials = async () => {
    if (passwords.callback === 'held') {
      const { promise, resolve } = Promise.withResolvers<void>()
      asked.push(resolve)
      await promise
    }
    if (passwords.callback === 'down') throw new Error('the vault of the passwords is away')
    return { username: USERNAME, password: passwords.callback === 'wrong' ? 'not this one' : passwords.server }
  }

  const clients: AuthClient[] = []
  const create = (before: (request: Request) => Promise<void>, own: TokenStore, inspect?: (event: unknown) => void) => {
    const client = createAuthClient({
      baseURL: BASE_URL,
      credentials: inspect && callback ? giveCredentials : { username: USERNAME, password: passwords.server },
      account: USERNAME,
      store: own,
      clock,
      random: () => DRAWN,
      fetch: transport(before),
      policy: { ...PATIENT, ...policy, ...(inspect === undefined && { proactive: 'onDemand' }) },
      ...(inspect && { inspect }),
    })
    clients.push(client)
    return client
  }
  let main: AuthClient | undefined
  const auth = (): AuthClient => {
    if (main === undefined) throw new Error('the path has not started its client')
    return main
  }

  // Whatever anybody asks ends in a token or in an error of ours; who gets what is the specification suite's business.
  const open = new Set<Promise<unknown>>()
  const expected = (work: Promise<unknown>) => {
    const watched = work.catch((error: unknown) => {
      if (!(error instanceof AuthError)) faults.push(`somebody got ${error}`)
    })
    open.add(watched)
    void watched.finally(() => open.delete(watched))
  }
  const callers: { readonly patience: Patience; readonly leaves: AbortController; settled: boolean }[] = []
  const ask = (patience: Patience, timeoutMs: number | undefined) => {
    const caller = { patience, leaves: new AbortController(), settled: false }
    callers.push(caller)
    tape.demanded()
    const token = auth().getAccessToken({
      signal: caller.leaves.signal,
      timeoutMs,
      forceRefresh: patience === 'forced',
      waitForPause: patience === 'patient',
    })
    const settled = () => {
      caller.settled = true
    }
    token.then(settled, settled)
    expected(token)
  }

  let calls = 0

  const operate = (does: Extract<Act, { act: 'operator' }>['does']) => {
    // A reset waits for the request in flight; it is noted when the chart hears of it.
    if (does !== 'reset') tape.operator(does === 'signOut' ? 'signOut' : 'signIn')
    if (does === 'signOut') return expected(auth().signOut())
    if (does === 'reset') return expected(auth().reset())
    if (does === 'signIn') return expected(auth().signIn())
    passwords.server = `${passwords.server}+`
    sandbox.setPassword(USERNAME, passwords.server)
    expected(auth().signIn({ username: USERNAME, password: passwords.server }))
  }

  let second: AuthClient | undefined
  const asOther = async (does: OtherDeed) => {
    second ??= create(async () => {}, memory)
    const { getAccessToken, reset, signOut, status, validate } = second
    const token = async (options: object = {}) => {
      tape.demanded()
      await getAccessToken(options).catch(() => {})
    }
    await clock.settle()
    switch (does) {
      case 'signsIn':
        return token()
      case 'refreshes':
        return token({ forceRefresh: true })
      case 'resets':
        tape.operator('reset')
        return reset()
      case 'signsOut':
        tape.operator('signOut')
        return signOut()
      case 'isThrottled':
        plan(status().usable ? 'validate' : 'create', 429)
        return status().usable ? void (await validate().catch(() => {})) : token()
      case 'isUnauthorized':
        plan('create', 401)
        return token()
      case 'isRejected':
        plan('create', 400)
        return token()
      case 'fails':
        plan('create', 503)
        return token()
      case 'isRefusedItsRefresh':
        plan('refresh', 401)
        return token({ forceRefresh: true })
      default:
        return does satisfies never
    }
  }

  const perform = async (act: Act): Promise<void> => {
    switch (act.act) {
      case 'start':
        if (act.held) holdReads()
        main = create(held, store, (event) => {
          if (isReset(event)) tape.operator('reset')
          observer.inspect(event)
        })
        return
      case 'read':
        return answerReads()
      case 'ask':
        return ask(act.patience, act.timeoutMs)
      case 'leave': {
        const caller = callers.find(({ patience, settled }) => patience === act.patience && !settled)
        if (caller === undefined) throw new Error(`no ${act.patience} caller waits`)
        caller.settled = true
        caller.leaves.abort()
        return
      }
      case 'answer': {
        const [first] = inFlight
        if (first === undefined) throw new Error('no token request is in flight')
        return withModes(act.modes, async () => {
          plan(first.endpoint, act.answer)
          first.go()
          await clock.settle()
        })
      }
      case 'pass':
        return clock.advance(act.ms)
      case 'jump':
        return clock.jumpWall(act.ms)
      case 'call':
        plan('api', act.status, { replyLatencyMs: act.afterMs })
        tape.demanded()
        return expected(auth().fetchLike(WHO_AM_I, { headers: { [REQUEST_ID]: String(++calls) } }))
      case 'validate':
        plan('validate', act.status)
        return expected(auth().validate())
      case 'store':
        return down(act.is === 'down')
      case 'other':
        return withModes(act.modes, () => asOther(act.does))
      case 'operator':
        return operate(act.does)
      case 'callback':
        passwords.callback = act.is
        if (act.is !== 'held') for (const go of asked.splice(0)) go()
        return
      case 'together':
        for (const each of act.acts) void perform(each)
        return
      case 'onceIdle': {
        const { actor } = auth()
        const watching = actor.subscribe(({ tags, state }) => {
          if (tags.has('busy') || state === 'loading') return
          watching.unsubscribe()
          void perform(act.then)
        })
        return
      }
      default:
        return act satisfies never
    }
  }

  return {
    perform,
    settle: () => clock.settle(),
    /** Closes the clients; what is in flight is not answered any more. */
    async end(): Promise<Run> {
      const { seen } = observer
      const run = { seen: new Set(seen), findings: [...tape.findings] }
      const closing = Promise.all(clients.map((client) => client.close()))
      for (const { go } of inFlight) go()
      down(true)
      down(false)
      passwords.callback = 'right'
      for (const go of asked.splice(0)) go()
      let closed = false
      void closing.then(() => {
        closed = true
      })
      for (let minutes = 0; minutes < 5 && !(closed && open.size === 0); minutes++) await clock.advance(60_000)
      if (!closed) faults.push('the client does not close')
      if (open.size > 0) faults.push(`${open.size} of those who asked were told nothing`)
      return { ...run, faults: [...faults, ...observer.faults] }
    },
  }
}

const isReset = (inspected: unknown) => {
  const { type, event } = inspected as InspectionEvent & { event?: { type: string } }
  return type === '@xstate.event' && event?.type === 'operator.reset'
}

/** What the sandbox is told to do to the next request. */
function effectOf(answer: Answer): Pick<CallFault, 'status' | 'garble' | 'drop'> | undefined {
  if (answer === 200) return undefined
  if (answer === 'unusable') return { garble: 'text' }
  return answer === 'lost' ? { drop: 'after' } : { status: answer }
}
