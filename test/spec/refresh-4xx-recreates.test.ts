import { describe, expect, it } from 'vitest'
import { slowWrites } from '../support/doubles.ts'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

describe('refresh-4xx-recreates', () => {
  it.each([400, 403, 404, 405, 415, 422])(
    'a refresh answered %i: both tokens are discarded, one sign-in follows',
    async (status) => {
      const { auth, sandbox, clock, now, call, log, tokenRequests } = createWorld()
      await now(call())
      sandbox.fail({ endpoint: 'refresh', status })
      await clock.advance(50 * MINUTE)
      expect(tokenRequests()).toBe(`create 200, refresh ${status}, create 200`)
      await now(call())
      expect(log('api')[1]?.accessJti).toBe(log('create')[1]?.grantedAccessJti)
      expect(auth.status().state).toBe('valid')
    },
  )

  it('the old access token is not served any more, though it lives: callers wait for the sign-in', async () => {
    const { auth, sandbox, clock, now, peek, within } = createWorld({ client: { random: () => 0 } })
    const first = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 400 })
    sandbox.fail({ endpoint: 'create', latencyMs: 5 * SECOND })
    await clock.advance(45 * MINUTE + SECOND)
    const waiting = auth.getAccessToken()
    expect(await peek(waiting)).toBeUndefined()
    expect(await within(5 * SECOND, waiting)).not.toBe(first)
  })

  it('one who waits for the refresh gets the new token', async () => {
    const { auth, sandbox, now, tokenRequests } = createWorld()
    const first = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 404 })
    expect(await now(auth.getAccessToken({ forceRefresh: true }))).not.toBe(first)
    expect(tokenRequests()).toBe('create 200, refresh 404, create 200')
  })

  it('the discarded refresh token is never sent again', async () => {
    const { auth, sandbox, clock, now, log } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 400, acts: true })
    await clock.advance(3 * HOUR)
    const [first] = log('create')
    expect(log('refresh').filter(({ refreshJti }) => refreshJti === first?.grantedRefreshJti)).toHaveLength(1)
  })

  it('a restart before the sign-in ended does not use them either', async () => {
    const { client, mortal, sandbox, clock, within, log } = createWorld()
    const { auth, kill } = mortal()
    await within(SECOND, auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 400 })
    sandbox.fail({ endpoint: 'create', hang: 'before' })
    auth.getAccessToken({ forceRefresh: true }).catch(() => {})
    await clock.advance(SECOND)
    kill()
    await within(MINUTE, client().getAccessToken())
    const sent = log('create', 'refresh').map(({ endpoint, status }) => `${endpoint} ${status}`)
    expect(sent).toEqual(['create 200', 'refresh 400', 'create dropped', 'create 200'])
  })

  it('a sign-in that fails then is not repeated without a new demand', async () => {
    const { auth, sandbox, clock, now, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 400 })
    sandbox.fail({ endpoint: 'create', status: 502 })
    await clock.advance(24 * HOUR)
    expect(tokenRequests()).toBe('create 200, refresh 400, create 502')
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200, refresh 400, create 502, create 200')
  })

  it('a sign-in that is throttled then may be repeated after its pause, and never sends the discarded token', async () => {
    const { auth, sandbox, clock, now, refused, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 400 })
    sandbox.fail({ endpoint: 'create', status: 429 })
    await refused(auth.getAccessToken({ forceRefresh: true }))
    expect((await refused(auth.getAccessToken())).code).toBe('THROTTLED')
    await clock.advance(10 * MINUTE)
    await now(auth.getAccessToken())
    expect(tokenRequests()).toBe('create 200, refresh 400, create 429, create 200')
  })

  it('the old access token is not sent while the discard is on its way to the store', async () => {
    const { around, line } = slowWrites(() => world.clock)
    const world = createWorld({ client: { random: () => 0 }, store: around })
    const { auth, sandbox, clock, now, call, log, peek, within } = world
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 400, replyLatencyMs: 2 * SECOND })
    auth.getAccessToken({ forceRefresh: true }).catch(() => {})
    await clock.advance(SECOND)
    line.writeMs = SECOND
    await clock.advance(SECOND + 500)
    const calling = call()
    expect(await peek(calling)).toBeUndefined()
    expect(log('api')).toEqual([])
    expect(await within(20 * SECOND, calling)).toBe(200)
    expect(log('api')[0]?.accessJti).toBe(log('create')[1]?.grantedAccessJti)
  })
})
