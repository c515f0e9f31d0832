import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, SECOND, WHO_AM_I } from '../support/world.ts'

const THROTTLED = { code: 'API_THROTTLED', clause: 'D-api-429' }

describe('D-api-429', () => {
  it('hands the 429 to its caller, and fails the next ones at once with the time', async () => {
    const { auth, clock, log, now, refused, sandbox } = createWorld()
    sandbox.fail({ endpoint: 'api', status: 429 })
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(429)
    const retryAtMs = clock.now() + 10 * MINUTE
    expect(await refused(auth.fetchLike(WHO_AM_I))).toMatchObject({ ...THROTTLED, retryAtMs })
    await clock.advance(10 * MINUTE - 1)
    expect(await refused(auth.fetch(WHO_AM_I))).toMatchObject({ ...THROTTLED, retryAtMs })
    expect(log('api')).toHaveLength(1)
    await clock.advance(1)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
  })

  it('waits for a longer Retry-After', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld()
    sandbox.fail({ endpoint: 'api', status: 429, headers: { 'retry-after': '900' } })
    await now(auth.fetchLike(WHO_AM_I))
    expect(await refused(auth.fetchLike(WHO_AM_I))).toMatchObject({ retryAtMs: clock.now() + 15 * MINUTE })
  })

  it('pauses when the replay is throttled', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status: 401 })
    sandbox.fail({ endpoint: 'api', status: 429 })
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(429)
    expect(await refused(auth.fetchLike(WHO_AM_I))).toMatchObject(THROTTLED)
  })

  it('lets token requests go on', async () => {
    const { auth, now, sandbox, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'api', status: 429 })
    await now(auth.fetchLike(WHO_AM_I))
    await now(auth.getAccessToken({ forceRefresh: true }))
    await now(auth.validate())
    expect(tokenRequests()).toBe('create 200, refresh 200, validate 200')
    expect(auth.status().pausedUntilMs).toBeUndefined()
  })

  it('lets API requests go on during the pause of the token requests', async () => {
    const { auth, now, refused, sandbox } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    await refused(auth.getAccessToken({ forceRefresh: true }))
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
  })

  it('concerns this client only', async () => {
    const { auth, client, now, sandbox } = createWorld()
    sandbox.fail({ endpoint: 'api', status: 429 })
    await now(auth.fetchLike(WHO_AM_I))
    expect((await now(client().fetchLike(WHO_AM_I))).status).toBe(200)
  })

  it('holds back a request whose token came while the pause began', async () => {
    const { auth, log, now, refused, sandbox, within } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'api', status: 429, replyLatencyMs: SECOND })
    sandbox.fail({ endpoint: 'refresh', status: 400 })
    const throttled = auth.fetchLike(WHO_AM_I)
    await within(SECOND, throttled)
    expect(await refused(auth.fetchLike(WHO_AM_I))).toMatchObject(THROTTLED)
    expect(log('api')).toHaveLength(1)
  })

  it('can be switched off', async () => {
    const { auth, log, now, sandbox } = createWorld({ policy: { apiPause: false } })
    sandbox.fail({ endpoint: 'api', status: 429 })
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(429)
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(200)
    expect(log('api')).toHaveLength(2)
  })
})
