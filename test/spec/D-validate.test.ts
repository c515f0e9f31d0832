import { describe, expect, it } from 'vitest'
import { slowWrites } from '../support/doubles.ts'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

const THROTTLED = { code: 'THROTTLED', clause: 'pause-after-429' }

describe('D-validate', () => {
  it('says whether the token is valid, and until when', async () => {
    const { auth, clock, now, sandbox } = createWorld()
    await now(auth.getAccessToken())
    expect(await now(auth.validate())).toMatchObject({ valid: true })
    sandbox.set({ validateReportsLifetime: true })
    await clock.advance(10 * MINUTE)
    expect(await now(auth.validate())).toEqual({ valid: true, expiresAtMs: clock.now() + 50 * MINUTE })
  })

  it('takes its slot from the budget', async () => {
    const { auth, now } = createWorld()
    await now(auth.getAccessToken())
    const { budgetLeft } = auth.status()
    await now(auth.validate())
    expect(auth.status().budgetLeft).toBe(budgetLeft - 1)
  })

  it('obeys the pause', async () => {
    const { auth, clock, log, now, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    await refused(auth.getAccessToken({ forceRefresh: true }))
    expect(await refused(auth.validate())).toMatchObject({ ...THROTTLED, retryAtMs: clock.now() + 10 * MINUTE })
    expect(log('validate')).toEqual([])
  })

  it('goes on while a back-off keeps create and refresh back', async () => {
    const { auth, now, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    await refused(auth.getAccessToken({ forceRefresh: true }))
    expect(await now(auth.validate())).toMatchObject({ valid: true })
  })

  it('pauses every token request by its own 429', async () => {
    const { auth, clock, log, now, refused, sandbox } = createWorld()
    const token = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'validate', status: 429 })
    const retryAtMs = clock.now() + 10 * MINUTE
    expect(await refused(auth.validate())).toMatchObject({ ...THROTTLED, retryAtMs })
    expect(auth.status()).toMatchObject({ gate: 'paused', state: 'valid', pausedUntilMs: retryAtMs })
    expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject({ ...THROTTLED, retryAtMs })
    expect(await now(auth.getAccessToken())).toBe(token)
    expect(log()).toHaveLength(2)
  })

  it('pauses also when its 429 arrives while a refresh is in flight', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'validate', status: 429, replyLatencyMs: SECOND })
    sandbox.fail({ endpoint: 'refresh', latencyMs: 3 * SECOND })
    const validated = auth.validate()
    await clock.settle()
    const forced = auth.getAccessToken({ forceRefresh: true })
    expect(await refused(validated, SECOND)).toMatchObject(THROTTLED)
    expect(auth.status()).toMatchObject({ gate: 'paused', state: 'sending.refreshing' })
    await clock.advance(2 * SECOND)
    await now(forced)
    expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject(THROTTLED)
  })

  it('pauses also when its 429 arrives after the client has stopped', async () => {
    const { auth, clock, now, refused, sandbox, peek } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'validate', status: 429, replyLatencyMs: 5 * SECOND })
    const validated = auth.validate()
    await peek(validated)
    await now(auth.signOut())
    await clock.advance(5 * SECOND)
    expect(await refused(validated)).toMatchObject(THROTTLED)
    expect(auth.status()).toMatchObject({ gate: 'paused', state: 'signedOut' })
    expect(await refused(auth.signIn())).toMatchObject(THROTTLED)
  })

  it('obeys the pause of another one whose 429 is still being written', async () => {
    const { around, line } = slowWrites(() => world.clock)
    const world = createWorld({ store: around })
    const { auth, clock, log, now, refused, sandbox } = world
    await now(auth.getAccessToken())
    line.writeMs = SECOND
    sandbox.fail({ endpoint: 'validate', status: 429 })
    const first = auth.validate()
    const second = auth.validate()
    second.catch(() => {})
    expect(await refused(first, 20 * SECOND)).toMatchObject(THROTTLED)
    expect(await refused(second)).toMatchObject(THROTTLED)
    expect(log('validate')).toHaveLength(1)
    await clock.advance(10 * MINUTE)
    expect(auth.status().budgetLeft).toBe(10)
  })

  it('whose 429 comes while a refresh is being marked: the refresh is not sent, nor held against its token', async () => {
    const { around, line } = slowWrites(() => world.clock)
    const world = createWorld({ store: around })
    const { auth, clock, now, refused, sandbox, tokenRequests, within } = world
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'validate', status: 429, replyLatencyMs: 1_500 })
    const validated = auth.validate()
    validated.catch(() => {})
    await clock.settle()
    line.writeMs = SECOND
    const forced = auth.getAccessToken({ forceRefresh: true })
    expect(await refused(forced, 20 * SECOND)).toMatchObject(THROTTLED)
    expect(tokenRequests()).toBe('create 200, validate 429')
    line.writeMs = 0
    await clock.advance(10 * MINUTE)
    // A 401 now is unexplained: nothing was sent that could have rotated the token.
    sandbox.fail({ endpoint: 'refresh', status: 401 })
    expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject({ code: 'REFRESH_UNAUTHORIZED' })
    await within(MINUTE, auth.close())
  })

  it('sends nothing without a usable access token', async () => {
    const { auth, clock, log, now } = createWorld({ policy: { proactive: 'onDemand' } })
    expect(await now(auth.validate())).toEqual({ valid: false })
    expect(log()).toEqual([])
    await now(auth.getAccessToken())
    await clock.advance(HOUR)
    expect(await now(auth.validate())).toEqual({ valid: false })
    expect(log()).toHaveLength(1)
  })

  it('takes "not valid" for a rejection of the token', async () => {
    const { auth, clock, now, sandbox, tokenRequests } = createWorld()
    const token = await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.revokeAll('access')
    expect(await now(auth.validate())).toEqual({ valid: false })
    expect(await now(auth.getAccessToken())).not.toBe(token)
    expect(tokenRequests()).toBe('create 200, validate 401, refresh 200')
  })

  it('weighs that rejection like any other: a young token is kept', async () => {
    const { auth, now, sandbox } = createWorld()
    const token = await now(auth.getAccessToken())
    sandbox.revokeAll('access')
    expect(await now(auth.validate())).toEqual({ valid: false })
    expect(await now(auth.getAccessToken())).toBe(token)
  })

  it('refreshes nothing by itself', async () => {
    const { auth, clock, now, sandbox, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.revokeAll('access')
    await now(auth.validate())
    await clock.advance(MINUTE)
    expect(tokenRequests()).toBe('create 200, validate 401')
  })

  it('is no reason to distrust the token when it met an error', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld()
    const token = await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'validate', status: 502 })
    expect(await refused(auth.validate())).toMatchObject({ code: 'UNAVAILABLE', clause: 'D-validate', status: 502 })
    expect(await now(auth.getAccessToken())).toBe(token)
  })
})
