import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

describe('D-create-unavailable', () => {
  it.each([
    ['500', { status: 500 }],
    ['502', { status: 502 }],
    ['504', { status: 504 }],
    ['no connection', { drop: 'before' }],
    ['a lost reply', { drop: 'after' }],
    ['a page of a proxy', { garble: 'html' }],
    ['half of the JSON', { garble: 'truncated' }],
    ['no body', { garble: 'empty' }],
    ['no access token', { omit: ['access'] }],
  ] as const)('%s: surfaced and stopped, until a new demand after the back-off', async (_what, fault) => {
    const { auth, sandbox, clock, now, refused, log } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', ...fault })
    const error = await refused(auth.getAccessToken())
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryAtMs: clock.now() + 30 * SECOND })
    expect(auth.status()).toMatchObject({ state: 'failed.unavailable', lastError: { code: 'UNAVAILABLE' } })
    await clock.advance(24 * HOUR)
    expect(log('create')).toHaveLength(1)
    await now(auth.getAccessToken())
    expect(log('create')).toHaveLength(2)
  })

  it('no answer within 30 s', async () => {
    const { auth, sandbox, clock, refused, log } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', hang: 'before' })
    const startMs = clock.now()
    expect(await refused(auth.getAccessToken(), 30 * SECOND)).toMatchObject({
      code: 'UNAVAILABLE',
      retryAtMs: startMs + 60 * SECOND,
    })
    await clock.advance(HOUR)
    expect(log('create')).toHaveLength(1)
  })

  it('all who wait get the error, patient ones too', async () => {
    const { auth, sandbox, peek, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 502 })
    const ends = await Promise.all([
      peek(auth.getAccessToken()),
      peek(auth.getAccessToken({ waitForPause: true })),
      peek(auth.getAccessToken({ forceRefresh: true })),
    ])
    for (const end of ends) expect(end?.error).toMatchObject({ code: 'UNAVAILABLE' })
    expect(tokenRequests()).toBe('create 502')
  })

  it('a demand during the back-off gets the error and starts nothing, also when it ends', async () => {
    const { auth, sandbox, clock, refused, tokenRequests } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', status: 502 })
    const { retryAtMs } = await refused(auth.getAccessToken())
    await clock.advance(29 * SECOND)
    expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'UNAVAILABLE', retryAtMs })
    await clock.advance(HOUR)
    expect(tokenRequests()).toBe('create 502')
  })

  it('a sign-in with the same credentials counts as a new demand, and obeys the back-off', async () => {
    const { auth, sandbox, clock, now, refused, tokenRequests } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', status: 502 })
    const { retryAtMs } = await refused(auth.getAccessToken())
    expect(await refused(auth.signIn())).toMatchObject({ code: 'UNAVAILABLE', retryAtMs })
    await clock.advance(30 * SECOND)
    await now(auth.signIn())
    expect(tokenRequests()).toBe('create 502, create 200')
  })

  it('a reset clears the mark, not the back-off; a demand after it may sign in', async () => {
    const { auth, sandbox, clock, now, refused, tokenRequests } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', status: 502 })
    const { retryAtMs } = await refused(auth.getAccessToken())
    await now(auth.reset())
    expect(auth.status().state).toBe('unauthenticated')
    expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'UNAVAILABLE', retryAtMs })
    await clock.advance(30 * SECOND)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 502, create 200')
  })

  it('a grant to another client clears the mark: adopted, without a request', async () => {
    const { auth, client, sandbox, clock, now, refused, tokenRequests } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', status: 502 })
    await refused(auth.getAccessToken())
    await clock.advance(30 * SECOND)
    const token = await now(client().getAccessToken())
    expect(await now(auth.getAccessToken())).toBe(token)
    expect(tokenRequests()).toBe('create 502, create 200')
  })

  it('two clients of one store that both wait: one create, and both get the error', async () => {
    const { auth, client, sandbox, clock, peek, refused, tokenRequests } = createWorld()
    const other = client()
    sandbox.fail({ endpoint: 'create', status: 502, latencyMs: 2 * SECOND })
    const waiting = [auth.getAccessToken(), other.getAccessToken()]
    for (const each of waiting) await peek(each)
    await clock.advance(3 * SECOND)
    for (const each of waiting) expect((await refused(each)).code).toBe('UNAVAILABLE')
    await clock.advance(HOUR)
    expect(tokenRequests()).toBe('create 502')
  })

  describe('with an access token that is still usable', () => {
    // The refresh token is dead at 24:00 h, when the next refresh is due; the sign-in inside the window fails.
    const failedInTheWindow = async () => {
      const world = createWorld({ sandbox: { rotate: false }, client: { random: () => 0 } })
      await world.now(world.auth.getAccessToken())
      await world.clock.advance(24 * HOUR - SECOND)
      world.sandbox.fail({ endpoint: 'create', status: 502 })
      await world.clock.advance(2 * SECOND)
      expect(world.log('create').map(({ status }) => status)).toEqual([200, 502])
      return world
    }

    it('no timer tries again; the token is served', async () => {
      const { clock, now, call, log } = await failedInTheWindow()
      await clock.advance(10 * MINUTE)
      expect(await now(call())).toBe(200)
      expect(log('create')).toHaveLength(2)
    })

    it('waking does not forget that it stopped', async () => {
      const { auth, clock, now, call, log } = await failedInTheWindow()
      await clock.advance(2 * MINUTE)
      clock.suspend(MINUTE)
      await clock.advance(MINUTE)
      expect(auth.status().state).toBe('failed.unavailable')
      expect(await now(call())).toBe(200)
      expect(log('create')).toHaveLength(2)
    })

    it('a restart does not forget that it stopped', async () => {
      const { auth, client, clock, now, call, log } = await failedInTheWindow()
      await now(auth.close())
      await clock.advance(2 * MINUTE)
      const restarted = client()
      expect(await now(call(restarted))).toBe(200)
      await clock.advance(2 * MINUTE)
      expect(await now(call(restarted))).toBe(200)
      expect(log('create')).toHaveLength(2)
    })

    it('a new demand, once it has expired, signs in', async () => {
      const { clock, now, call, log } = await failedInTheWindow()
      await clock.advance(20 * MINUTE)
      expect(log('create')).toHaveLength(2)
      expect(await now(call())).toBe(200)
      expect(log('create').map(({ status }) => status)).toEqual([200, 502, 200])
    })
  })

  it('a new demand after a restart may try once the back-off is over, not before', async () => {
    const { auth, client, sandbox, clock, now, refused, tokenRequests } = createWorld({ client: { random: () => 0 } })
    sandbox.fail({ endpoint: 'create', status: 502 })
    const { retryAtMs } = await refused(auth.getAccessToken())
    await now(auth.close())
    const restarted = client()
    expect(await refused(restarted.getAccessToken())).toMatchObject({ code: 'UNAVAILABLE', retryAtMs })
    await clock.advance(30 * SECOND)
    expect(tokenRequests()).toBe('create 502')
    await now(restarted.getAccessToken())
    expect(tokenRequests()).toBe('create 502, create 200')
  })

  it('a process that is killed in the middle of a sign-in that no one asked for: the next one waits to be asked', async () => {
    const world = createWorld({
      sandbox: { rotate: false },
      policy: { proactive: 'onDemand' },
      client: { random: () => 0 },
    })
    const { auth, client, mortal, sandbox, clock, now, log } = world
    await now(auth.close())
    const doomed = mortal({ policy: { proactive: 'timer' } })
    await now(doomed.auth.getAccessToken())
    // The refresh token is dead, the access token is not: a timer signs in.
    await clock.advance(24 * HOUR - SECOND)
    sandbox.fail({ endpoint: 'create', latencyMs: 10 * SECOND })
    await clock.advance(2 * SECOND)
    expect(sandbox.pending()).toBe(1)
    doomed.kill()
    const next = client({ policy: { proactive: 'timer' } })
    await clock.advance(5 * MINUTE)
    expect(log('create')).toHaveLength(2)
    expect(next.status().state).toBe('failed.unavailable')
    await clock.advance(20 * MINUTE)
    await now(next.getAccessToken())
    expect(log('create')).toHaveLength(3)
  })
})
