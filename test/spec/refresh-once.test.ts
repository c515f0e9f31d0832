import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, SECOND } from '../support/world.ts'

describe('refresh-once', () => {
  const rejectedWorld = async () => {
    const world = createWorld()
    await world.now(world.call())
    await world.clock.advance(2 * MINUTE)
    world.sandbox.revokeAll('access')
    return world
  }

  it('an API request that fails on authentication is recovered by one refresh', async () => {
    const { call, now, log } = await rejectedWorld()
    expect(await now(call())).toBe(200)
    expect(
      log()
        .slice(2)
        .map(({ endpoint, status }) => `${endpoint} ${status}`),
    ).toEqual(['api 401', 'refresh 200', 'api 200'])
  })

  it('five simultaneous 401s: one refresh, five 200s', async () => {
    const { call, now, log } = await rejectedWorld()
    expect(await now(Promise.all(Array.from({ length: 5 }, () => call())))).toEqual(Array(5).fill(200))
    expect(log('refresh')).toHaveLength(1)
  })

  it('five staggered 401s: one refresh, five 200s', async () => {
    const { sandbox, clock, call, peek, now, log } = await rejectedWorld()
    const answers = []
    for (let i = 0; i < 5; i++) {
      sandbox.fail({ endpoint: 'api', replyLatencyMs: (i + 1) * SECOND })
      const answer = call()
      answers.push(answer)
      await peek(answer)
    }
    sandbox.fail({ endpoint: 'refresh', latencyMs: 500 })
    await clock.advance(10 * SECOND)
    expect(await now(Promise.all(answers))).toEqual(Array(5).fill(200))
    expect(log('refresh')).toHaveLength(1)
  })

  it('a 403 with token_not_valid counts likewise', async () => {
    const { sandbox, call, now, log } = await rejectedWorld()
    sandbox.set({ forbidden403: true })
    expect(await now(call())).toBe(200)
    expect(log('refresh')).toHaveLength(1)
  })

  it('the rejected token is not sent again, also when the refresh fails', async () => {
    const { sandbox, clock, call, now, refused, log } = await rejectedWorld()
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    expect(await refused(call())).toMatchObject({ code: 'UNAVAILABLE', status: 401 })
    await refused(call())
    await clock.advance(MINUTE)
    expect(await now(call())).toBe(200)
    const [created] = log('create')
    expect(log('api').filter(({ accessJti }) => accessJti === created?.grantedAccessJti)).toHaveLength(2)
  })

  it('one refresh is attempted, not two: its failure goes to the caller', async () => {
    const { sandbox, clock, call, refused, log } = await rejectedWorld()
    sandbox.fail({ endpoint: 'refresh', status: 500, times: Number.POSITIVE_INFINITY })
    const error = await refused(call())
    expect(error).toMatchObject({ code: 'UNAVAILABLE', status: 401 })
    await clock.advance(30 * MINUTE)
    expect(log('refresh')).toHaveLength(1)
  })

  it('a rejection is known to a restart: it refreshes first', async () => {
    const { auth, client, sandbox, clock, call, now, refused, log } = await rejectedWorld()
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    await refused(call())
    await now(auth.close())
    await clock.advance(MINUTE)
    expect(await now(call(client()))).toBe(200)
    expect(log('api').map(({ status }) => status)).toEqual([200, 401, 200])
  })
})
