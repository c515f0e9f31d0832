import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, SECOND, USERNAME } from '../support/world.ts'

describe('reauth-failure-stops', () => {
  const expiredWorld = async () => {
    const world = createWorld()
    await world.now(world.auth.getAccessToken())
    world.clock.suspend(25 * HOUR)
    return world
  }

  it.each([
    [400, 'SIGN_IN_REJECTED'],
    [403, 'SIGN_IN_REJECTED'],
    [401, 'INVALID_CREDENTIALS'],
    [500, 'UNAVAILABLE'],
    [502, 'UNAVAILABLE'],
    [504, 'UNAVAILABLE'],
  ])('signing in again answered %i: the error is surfaced and nothing follows', async (status, code) => {
    const { auth, sandbox, clock, events, refused, tokenRequests } = await expiredWorld()
    sandbox.fail({ endpoint: 'create', status, times: Number.POSITIVE_INFINITY })
    expect((await refused(auth.getAccessToken())).code).toBe(code)
    await clock.advance(48 * HOUR)
    expect(tokenRequests()).toBe(`create 200, create ${status}`)
    expect(auth.status()).toMatchObject({ usable: false, lastError: { code } })
    expect(events.some((event) => event.type === 'error' && event.error.code === code)).toBe(true)
  })

  it.each([
    { drop: 'before' },
    { drop: 'after' },
    { garble: 'html' },
    { garble: 'truncated' },
    { omit: ['access'] },
  ] as const)('likewise after %o', async (fault) => {
    const { auth, sandbox, clock, refused, log } = await expiredWorld()
    sandbox.fail({ endpoint: 'create', ...fault, times: Number.POSITIVE_INFINITY })
    expect((await refused(auth.getAccessToken())).code).toBe('UNAVAILABLE')
    await clock.advance(48 * HOUR)
    expect(log('create')).toHaveLength(2)
    expect(log('refresh')).toHaveLength(0)
  })

  it('likewise after no answer within 30 s', async () => {
    const { auth, sandbox, clock, refused, log } = await expiredWorld()
    sandbox.fail({ endpoint: 'create', hang: 'before', times: Number.POSITIVE_INFINITY })
    expect((await refused(auth.getAccessToken(), 30 * SECOND)).code).toBe('UNAVAILABLE')
    await clock.advance(48 * HOUR)
    expect(log('create')).toHaveLength(2)
  })

  it('waking and a restart do not try again', async () => {
    const { auth, client, sandbox, clock, now, refused, tokenRequests } = await expiredWorld()
    sandbox.fail({ endpoint: 'create', status: 500 })
    await refused(auth.getAccessToken())
    clock.suspend(HOUR)
    await clock.advance(HOUR)
    await now(auth.close())
    client()
    await clock.advance(HOUR)
    expect(tokenRequests()).toBe('create 200, create 500')
  })

  it('after a refresh 4xx, a sign-in with a wrong password stops for good', async () => {
    const { auth, sandbox, clock, now, refused, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    sandbox.setPassword(USERNAME, 'changed')
    sandbox.fail({ endpoint: 'refresh', status: 400 })
    await clock.advance(24 * HOUR)
    expect((await refused(auth.getAccessToken())).code).toBe('INVALID_CREDENTIALS')
    expect(tokenRequests()).toBe('create 200, refresh 400, create 401')
  })
})
