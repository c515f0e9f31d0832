import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

const PAUSE = 10 * MINUTE

describe('pause-after-429', () => {
  it('a throttled create is followed by ten minutes of silence, however often somebody asks', async () => {
    const { auth, sandbox, clock, refused, now, times, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 429 })
    const until = { code: 'THROTTLED', clause: 'pause-after-429', retryAtMs: clock.now() + PAUSE }
    expect(await refused(auth.getAccessToken())).toMatchObject(until)
    for (let second = 0; second < 600; second += 10) {
      expect(await refused(auth.getAccessToken())).toMatchObject(until)
      await clock.advance(10 * SECOND)
    }
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 429, create 200')
    expect(times('create')).toEqual([0, PAUSE])
  })

  it.each(['create', 'refresh', 'validate'] as const)(
    'a 429 to %s pauses all three token requests',
    async (endpoint) => {
      const { auth, sandbox, clock, now, peek, refused, log } = createWorld()
      if (endpoint !== 'create') await now(auth.getAccessToken())
      await clock.advance(2 * MINUTE)
      const sentBefore = log().length
      sandbox.fail({ endpoint, status: 429 })
      const pausedUntilMs = clock.now() + PAUSE
      await peek<unknown>(
        endpoint === 'validate' ? auth.validate() : auth.getAccessToken({ forceRefresh: endpoint === 'refresh' }),
      )
      expect(log().at(-1)).toMatchObject({ endpoint, status: 429 })
      const throttled = { code: 'THROTTLED', clause: 'pause-after-429', retryAtMs: pausedUntilMs }
      expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject(throttled)
      if (endpoint === 'create') expect(await refused(auth.signIn())).toMatchObject(throttled)
      else expect(await refused(auth.validate())).toMatchObject(throttled)
      expect(auth.status()).toMatchObject({ gate: 'paused', pausedUntilMs })
      await clock.advance(PAUSE - 1)
      await peek(auth.getAccessToken({ forceRefresh: true }))
      expect(log()).toHaveLength(sentBefore + 1)
      await clock.advance(1)
      await now(auth.getAccessToken({ forceRefresh: true }))
      expect(log()).toHaveLength(sentBefore + 2)
    },
  )

  it('counts from the receipt of the answer', async () => {
    const { auth, sandbox, clock, refused } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 429, replyLatencyMs: 15 * SECOND })
    const startMs = clock.now()
    const error = await refused(auth.getAccessToken(), 15 * SECOND)
    expect(error.retryAtMs).toBe(startMs + 15 * SECOND + PAUSE)
  })

  it('survives a restart', async () => {
    const { auth, client, sandbox, clock, now, refused, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 429 })
    const retryAtMs = clock.now() + PAUSE
    await refused(auth.getAccessToken())
    await now(auth.close())
    await clock.advance(9 * MINUTE)
    const restarted = client()
    expect(await refused(restarted.getAccessToken())).toMatchObject({ code: 'THROTTLED', retryAtMs })
    await clock.advance(MINUTE)
    await now(restarted.getAccessToken())
    expect(tokenRequests()).toBe('create 429, create 200')
  })

  it('a usable token is served meanwhile', async () => {
    const { auth, sandbox, clock, now, call, tokenRequests } = createWorld()
    await now(call())
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    await clock.advance(50 * MINUTE)
    expect(tokenRequests()).toBe('create 200, refresh 429')
    expect(auth.status().gate).toBe('paused')
    expect(await now(call())).toBe(200)
  })

  it('a second 429 after the pause pauses for ten minutes again', async () => {
    const { auth, sandbox, clock, now, refused, times } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 429, times: 3 })
    for (let i = 0; i < 3; i++) {
      await refused(auth.getAccessToken())
      await clock.advance(PAUSE)
    }
    await now(auth.getAccessToken())
    expect(times('create')).toEqual([0, PAUSE, 2 * PAUSE, 3 * PAUSE])
  })

  it('nothing is sent at its end when nobody asks', async () => {
    const { auth, sandbox, clock, refused, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 429 })
    await refused(auth.getAccessToken())
    await clock.advance(24 * HOUR)
    expect(tokenRequests()).toBe('create 429')
  })

  it('the wall clock may be set: the pause is ten minutes all the same', async () => {
    const { auth, sandbox, clock, refused, now, times } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 429 })
    await refused(auth.getAccessToken())
    clock.jumpWall(HOUR)
    await clock.advance(PAUSE - 1)
    expect((await refused(auth.getAccessToken())).code).toBe('THROTTLED')
    await clock.advance(1)
    await now(auth.getAccessToken())
    expect(times('create')).toEqual([0, PAUSE + HOUR])
  })
})
