import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createActor, fromPromise } from 'xstate'
import { type LifecycleEvent, tokenLifecycle } from '../../machines/index.ts'
import { type AuthClient, AuthError, type AuthEvent } from '../../src/index.ts'
import type { CallFault } from '../../src/sandbox/index.ts'
import { faultyStore, recorder } from '../support/doubles.ts'
import { createWorld, MINUTE, SECOND, USERNAME, WHO_AM_I } from '../support/world.ts'

const PLANTED_PASSWORD = 'canary-password-7f3a'
const QUERY_SECRET = 'canary-query-11ee'
const credentials = { username: USERNAME, password: PLANTED_PASSWORD }

/** Everything a value shows: as text, as JSON, and to the most curious inspection. */
function shown(value: unknown): string {
  const deep = inspect(value, {
    showHidden: true,
    depth: Number.POSITIVE_INFINITY,
    maxStringLength: null,
    maxArrayLength: null,
  })
  const parts = [deep, String(value)]
  try {
    parts.push(JSON.stringify(value) ?? '')
  } catch {
    // Circular: the inspection has it all.
  }
  for (let error = value; error instanceof Error; error = error.cause) parts.push(error.message, error.stack ?? '')
  return parts.join('\n')
}

/** Every string that can be reached from a value: hidden and symbol properties, prototypes, maps, sets, bytes. */
function reachable(root: unknown): string {
  const strings = new Set<string>()
  const seen = new Set<unknown>()
  const rest = [root]
  while (rest.length > 0) {
    const value = rest.pop()
    if (typeof value === 'string') strings.add(value)
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue
    seen.add(value)
    if (value instanceof Map) rest.push(...value.keys(), ...value.values())
    if (value instanceof Set) rest.push(...value)
    if (value instanceof Headers) rest.push(...value.values())
    if (value instanceof Uint8Array) strings.add(new TextDecoder().decode(value))
    for (const { value: property } of Object.values(Object.getOwnPropertyDescriptors(value))) rest.push(property)
    for (const symbol of Object.getOwnPropertySymbols(value))
      rest.push(Object.getOwnPropertyDescriptor(value, symbol)?.value)
    rest.push(Object.getPrototypeOf(value))
  }
  return [...strings].join('\n')
}

/** A world with planted secrets, that keeps all it is told; tokens are known from what the wire carried. */
function plantedWorld(options: Parameters<typeof createWorld>[0] = {}) {
  const events: AuthEvent[] = []
  const inspected: unknown[] = []
  const secrets = new Set([PLANTED_PASSWORD])
  const { transport: recording } = recorder()
  const world = createWorld({
    ...options,
    sandbox: { users: [credentials], ...options.sandbox },
    transport: (fetch) => async (input, init) => {
      const answer = await recording(fetch)(input, init)
      const text = await answer.clone().text()
      for (const [token] of text.matchAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g)) secrets.add(token)
      return answer
    },
    client: {
      credentials,
      onEvent: (event) => events.push(event),
      inspect: (event) => inspected.push(event),
      ...options.client,
    },
  })
  /** Fails when a secret, or the signature of a token, shows in any of these. */
  const expectClean = (what: Record<string, unknown>) => {
    expect(secrets.size).toBeGreaterThan(0)
    const needles = [...secrets].flatMap((secret) =>
      secret.startsWith('eyJ') ? [secret, ...secret.split('.').slice(1)] : [secret],
    )
    for (const [name, value] of Object.entries(what)) {
      const text = typeof value === 'string' ? value : `${shown(value)}\n${reachable(value)}`
      for (const needle of needles) expect(text.includes(needle), `${name} shows a secret`).toBe(false)
    }
  }
  const everything = (auth: AuthClient = world.auth) => ({
    client: auth,
    status: auth.status(),
    snapshot: auth.actor.getSnapshot(),
    events,
    inspected: reachable(inspected),
    log: world.sandbox.log,
  })
  return { ...world, events, secrets, expectClean, everything }
}

const FAULTS: [string, CallFault][] = [
  ['400', { endpoint: 'token', status: 400 }],
  ['401', { endpoint: 'token', status: 401 }],
  ['403', { endpoint: 'token', status: 403 }],
  ['429', { endpoint: 'token', status: 429 }],
  ['500', { endpoint: 'token', status: 500 }],
  ['502', { endpoint: 'token', status: 502 }],
  ['a dropped connection', { endpoint: 'token', drop: 'before' }],
  ['a lost reply', { endpoint: 'token', drop: 'after' }],
  ['a time-out', { endpoint: 'token', hang: 'after' }],
  ['broken JSON', { endpoint: 'token', garble: 'truncated' }],
  ['a body cut off', { endpoint: 'token', garble: 'cut' }],
  ['a page', { endpoint: 'token', garble: 'html' }],
  ['no access token', { endpoint: 'token', omit: ['access'] }],
  ['a redirect to another host', { endpoint: 'token', status: 307, headers: { location: 'https://evil.test/' } }],
]

const caught = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.fail('expected an error'),
    (error) => error,
  )

describe('canary', () => {
  it('finds what is planted: the search can fail', async () => {
    const { auth, expectClean, now } = plantedWorld()
    const token = await now(auth.getAccessToken())
    expect(() => expectClean({ leak: { deep: [{ token }] } })).toThrow(/shows a secret/)
    expect(() => expectClean({ leak: new Error('a', { cause: new Error(PLANTED_PASSWORD) }) })).toThrow()
    const hidden = Object.defineProperty({}, 'secret', { value: PLANTED_PASSWORD, enumerable: false })
    expect(() => expectClean({ hidden })).toThrow(/shows a secret/)
  })

  it('shows nothing in a life without accidents', async () => {
    const { auth, clock, everything, expectClean, now, secrets } = plantedWorld()
    const snapshots: unknown[] = []
    auth.actor.subscribe((snapshot) => snapshots.push(snapshot))
    await now(auth.fetchLike(WHO_AM_I))
    await now(auth.validate())
    await clock.advance(50 * MINUTE)
    await now(auth.getAccessToken({ forceRefresh: true }))
    expectClean({ ...everything(), snapshots })
    await now(auth.signOut())
    await now(auth.signIn(credentials))
    expectClean({ ...everything(), snapshots })
    await now(auth.close())
    expectClean(everything())
    expect(secrets.size).toBeGreaterThanOrEqual(9)
  })

  it.each(FAULTS)('shows nothing when a sign-in meets %s', async (_, fault) => {
    const { auth, clock, everything, expectClean, now, sandbox } = plantedWorld()
    sandbox.fail(fault)
    const failed = caught(auth.getAccessToken())
    await clock.advance(31 * SECOND)
    const error = await now(failed)
    expect(error).toBeInstanceOf(AuthError)
    expectClean({ ...everything(), error })
  })

  it.each(FAULTS)('shows nothing when a refresh meets %s', async (_, fault) => {
    const { auth, clock, everything, expectClean, now, sandbox } = plantedWorld()
    await now(auth.getAccessToken())
    sandbox.fail(fault)
    const ended = auth.getAccessToken({ forceRefresh: true }).catch((error: unknown) => error)
    await clock.advance(31 * SECOND)
    const end = await now(ended)
    expectClean({ ...everything(), ...(end instanceof Error ? { end } : {}) })
  })

  it.each(FAULTS)('shows nothing when a validate meets %s', async (_, fault) => {
    const { auth, clock, everything, expectClean, now, sandbox } = plantedWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail(fault)
    const ended = auth.validate().catch((error: unknown) => error)
    await clock.advance(31 * SECOND)
    expectClean({ ...everything(), end: await now(ended) })
  })

  it.each([401, 403, 404, 429, 500])('shows no token in the error of auth.fetch for %d', async (status) => {
    const { auth, clock, everything, expectClean, now, sandbox } = plantedWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status, times: 2 })
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    const error = await now(caught(auth.fetch(WHO_AM_I, { headers: { authorization: 'Bearer mine' } })))
    expectClean({ ...everything(), error })
  })

  it('shows no token in hooks, contexts and errors of auth.fetch', async () => {
    const { auth, expectClean, now, sandbox } = plantedWorld()
    const contexts: string[] = []
    const hook = (context: object) => void contexts.push(shown(context))
    const hooks = { onRequest: hook, onRequestError: hook, onResponse: hook, onResponseError: hook }
    await now(auth.fetch(WHO_AM_I, hooks))
    sandbox.fail({ endpoint: 'api', drop: 'after' })
    const error = await now(caught(auth.fetch(WHO_AM_I, hooks)))
    expectClean({ contexts: contexts.join('\n'), error })
    expect(contexts.length).toBeGreaterThanOrEqual(4)
  })

  it('shows no query of the caller in its own errors and events', async () => {
    const { auth, clock, events, now, refused, sandbox } = plantedWorld()
    const path = `${WHO_AM_I}?tin=${QUERY_SECRET}`
    await now(auth.fetchLike(path))
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status: 401 })
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    const failed = await refused(auth.fetchLike(path))
    const foreign = await refused(auth.fetchLike(`https://evil.test/?tin=${QUERY_SECRET}`))
    for (const value of [failed, foreign, events, auth.status(), sandbox.log])
      expect(shown(value)).not.toContain(QUERY_SECRET)
  })

  it('shows nothing of what a credentials callback threw or gave', async () => {
    for (const callback of [
      () => Promise.reject(new Error(`no such password: ${PLANTED_PASSWORD}`)),
      () => ({ username: USERNAME, password: '', old: PLANTED_PASSWORD }),
      () => credentials,
    ]) {
      const { auth, everything, expectClean, now } = plantedWorld({
        client: { account: USERNAME, credentials: callback },
      })
      const end = await now(
        auth.getAccessToken().then(
          () => undefined,
          (error: unknown) => error,
        ),
      )
      expectClean({ ...everything(), end })
    }
  })

  it('shows nothing of wrong credentials, latched, and of those that replace them', async () => {
    const { auth, everything, expectClean, refused, sandbox, now } = plantedWorld()
    sandbox.setPassword(USERNAME, 'canary-second-aa01')
    const error = await refused(auth.getAccessToken())
    expectClean({ ...everything(), error })
    await now(auth.signIn({ username: USERNAME, password: 'canary-second-aa01' }))
    expectClean(everything())
    expect(shown(everything())).not.toContain('canary-second-aa01')
  })

  it('shows nothing when the store fails', async () => {
    const { around, down } = faultyStore()
    const { auth, everything, expectClean, now, refused } = plantedWorld({ store: around })
    await now(auth.getAccessToken())
    down()
    const error = await refused(auth.getAccessToken({ forceRefresh: true }))
    expectClean({ ...everything(), error })
  })

  it('keeps tokens out of sight in the record that a store is given', async () => {
    const { auth, expectClean, now, store } = plantedWorld()
    await now(auth.getAccessToken())
    const read = await store.read(`https://sandbox.test ${USERNAME}`)
    expect(read.record?.pair).not.toBeNull()
    expectClean({ read, store })
  })

  it('shows nothing in a wrong configuration', async () => {
    const { client, expectClean } = plantedWorld()
    for (const options of [
      { credentials: { username: '', password: PLANTED_PASSWORD } },
      { credentials: { username: USERNAME, passwort: PLANTED_PASSWORD } as never },
      { credentials: { username: USERNAME, password: [PLANTED_PASSWORD] } as never },
      { credentials: `${USERNAME}:${PLANTED_PASSWORD}` as never },
      { baseURL: `https://${USERNAME}:${PLANTED_PASSWORD}@sandbox.test` },
      { baseURL: `https://sandbox.test/?password=${PLANTED_PASSWORD}` },
      { password: PLANTED_PASSWORD } as never,
    ]) {
      let error: unknown
      try {
        client(options)
      } catch (thrown) {
        error = thrown
      }
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
      expectClean({ error })
    }
  })

  it('holds no token in the machine: a persisted snapshot has facts and times alone', async () => {
    const { auth, expectClean, now } = plantedWorld()
    await now(auth.getAccessToken())
    const { facts } = auth.actor.getSnapshot()
    const actor = createActor(
      tokenLifecycle.provide({
        actors: {
          load: fromPromise<LifecycleEvent>(async () => ({ type: 'record.adopted', atMs: facts.atMs, facts })),
        },
      }),
      { input: { atMs: facts.atMs } },
    )
    actor.start()
    await Promise.resolve()
    const persisted = actor.getPersistedSnapshot()
    actor.stop()
    expectClean({ persisted, snapshot: reachable(actor.getSnapshot()) })
  })
})
