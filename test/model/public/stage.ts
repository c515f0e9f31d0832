import { type AuthClient, AuthError, createAuthClient, memoryStore, type TokenStore } from '../../../src/index.ts'
import type { Finding } from '../../../src/monitors/index.ts'
import { parsePolicy } from '../../../src/policy/schema.ts'
import { createSandbox, type Endpoint, synchronousSigner } from '../../../src/sandbox/index.ts'
import { virtualClock } from '../../../src/testing.ts'
import { BASE_URL, PASSWORD, USERNAME, WHO_AM_I } from '../../support/world.ts'
import type { Act, Answer, OtherDeed, Patience, Scenario, Setting } from './acts.ts'
import { createHeldCredentials, createHeldRequests, createHeldStore } from './held.ts'
import { createObserver } from './observer.ts'
import { doAsOther, effectOf } from './others.ts'
import { createTape, REQUEST_ID } from './tape.ts'

/** What a path through the public client came to. */
export interface Run {
  /** Transitions that were taken, and guards that said no: see `observer.ts`. */
  readonly seen: ReadonlySet<string>
  readonly findings: readonly Finding[]
  /** What cannot be: the client's and the observer's faults; callers who got neither a token nor an error of ours. */
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

/** Minutes that whatever is open at the end of a path gets to settle. */
const LAST_MINUTES = 5

/**
 * Plays a path against a sandbox on the virtual clock. Everything that a token request needs is there at once; it is
 * answered when the path says so.
 */
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
  const tape = createTape(clock.now, BASE_URL, parsePolicy({ ...PATIENT, ...policy }))
  const observer = createObserver()
  const faults: string[] = []

  let password = PASSWORD
  const requests = createHeldRequests()
  const held = createHeldStore(memory, deaf)
  const credentials = createHeldCredentials(USERNAME, () => password)

  const plan = (endpoint: Endpoint, answer: Answer) => {
    const effect = effectOf(answer)
    if (effect !== undefined) sandbox.fail({ endpoint, ...effect })
  }
  const withModes = async <T>(changed: Setting['sandbox'], work: () => Promise<T>): Promise<T> => {
    const before = { ...sandbox.modes }
    sandbox.set(changed ?? {})
    const result = await work()
    sandbox.set(before)
    return result
  }

  const shared = { baseURL: BASE_URL, account: USERNAME, clock, random: () => DRAWN }
  const clients: AuthClient[] = []
  const joined = (client: AuthClient) => {
    clients.push(client)
    return client
  }
  const sent =
    (before: (request: Request) => Promise<void>): typeof globalThis.fetch =>
    async (input, init) =>
      tape.passing(new Request(input, init), async (request) => {
        await before(request)
        return sandbox.fetch(request)
      })
  const create = () =>
    joined(
      createAuthClient({
        ...shared,
        credentials: callback ? credentials.give : { username: USERNAME, password },
        store: held.store,
        fetch: sent(requests.pass),
        policy: { ...PATIENT, ...policy },
        inspect: observer.inspect,
      }),
    )
  // Never asks by itself, and is answered at once.
  const createOther = (store: TokenStore) =>
    joined(
      createAuthClient({
        ...shared,
        credentials: { username: USERNAME, password },
        store,
        fetch: sent(async () => {}),
        policy: { ...PATIENT, ...policy, proactive: 'onDemand' },
      }),
    )

  let main: AuthClient | undefined
  const auth = (): AuthClient => {
    if (main === undefined) throw new Error('the path has not started its client')
    return main
  }
  let second: AuthClient | undefined
  const asOther = async (does: OtherDeed) => {
    second ??= createOther(memory)
    await clock.settle()
    const deed = doAsOther(does, { client: second, plan, demanded: tape.demanded, operated: tape.operator })
    let done = false
    void deed.then(() => {
      done = true
    })
    // Not awaited: where the product is broken it may never end.
    await clock.settle()
    if (!done) throw new Error(`another process ${does}, and does not come to an end`)
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
  const callers: { readonly patience: Patience; readonly leaves: AbortController; waits: boolean }[] = []
  const ask = (patience: Patience) => {
    const caller = { patience, leaves: new AbortController(), waits: true }
    const { signal } = caller.leaves
    callers.push(caller)
    const forceRefresh = patience === 'forced'
    // Noted after the call: within it nothing is sent.
    const token = auth()
      .getAccessToken({ signal, forceRefresh, waitForPause: patience === 'patient' })
      .finally(() => {
        caller.waits = false
      })
    tape.asked(token, forceRefresh, PATIENT.callerTimeoutMs, signal)
    expected(token)
  }
  const leave = (kind: Patience) => {
    const caller = callers.find(({ patience, waits }) => patience === kind && waits)
    if (caller === undefined) throw new Error(`no ${kind} caller waits`)
    caller.waits = false
    caller.leaves.abort()
  }
  const answer = (act: Extract<Act, { act: 'answer' }>) => {
    const [first] = requests.waiting
    if (first === undefined) throw new Error('no token request is in flight')
    return withModes(act.modes, async () => {
      plan(first.endpoint, act.answer)
      first.go()
      await clock.settle()
    })
  }
  let calls = 0
  const call = (status: 200 | 401) => {
    plan('api', status)
    tape.demanded()
    expected(auth().fetchLike(WHO_AM_I, { headers: { [REQUEST_ID]: String(++calls) } }))
  }
  const operate = (does: Extract<Act, { act: 'operator' }>['does']) => {
    tape.operator(does === 'signInOther' ? 'signIn' : does)
    if (does === 'signOut') return expected(auth().signOut())
    if (does === 'reset') return expected(auth().reset())
    if (does === 'signIn') return expected(auth().signIn())
    password = `${password}+`
    sandbox.setPassword(USERNAME, password)
    expected(auth().signIn({ username: USERNAME, password }))
  }
  const onceIdle = (then: Act) => {
    const { actor } = auth()
    const watching = actor.subscribe(({ tags, state }) => {
      if (tags.has('busy') || state === 'loading') return
      watching.unsubscribe()
      void perform(then)
    })
  }

  const perform = async (act: Act): Promise<void> => {
    switch (act.act) {
      case 'start':
        if (act.held) held.holdReads()
        main = create()
        return
      case 'read':
        return held.answerReads()
      case 'ask':
        return ask(act.patience)
      case 'leave':
        return leave(act.patience)
      case 'answer':
        return answer(act)
      case 'pass':
        return clock.advance(act.ms)
      case 'jump':
        return clock.jumpWall(act.ms)
      case 'call':
        return call(act.status)
      case 'validate':
        plan('validate', act.status)
        return expected(auth().validate())
      case 'store':
        return held.set(act.is)
      case 'other':
        return withModes(act.modes, () => asOther(act.does))
      case 'operator':
        return operate(act.does)
      case 'callback':
        return credentials.set(act.is)
      case 'together':
        for (const each of act.acts) void perform(each)
        return
      case 'onceIdle':
        return onceIdle(act.then)
      default:
        return act satisfies never
    }
  }

  return {
    perform,
    settle: () => clock.settle(),
    /** Closes the clients, and lets go of whatever is still held: what that brings about is not part of the path. */
    async end(): Promise<Run> {
      const seen = new Set(observer.seen)
      const findings = [...tape.findings]
      let closed = false
      void Promise.all(clients.map((client) => client.close())).then(() => {
        closed = true
      })
      for (const { go } of requests.waiting) go()
      held.end()
      credentials.set('right')
      for (let minutes = 0; minutes < LAST_MINUTES && !(closed && open.size === 0); minutes++)
        await clock.advance(60_000)
      if (!closed) faults.push('the client does not close')
      if (open.size > 0) faults.push(`${open.size} of those who asked were told nothing`)
      return { seen, findings, faults: [...faults, ...observer.faults] }
    },
  }
}
