import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, WHO_AM_I } from '../support/world.ts'

describe('no-endless-retry', () => {
  it('an API request goes out twice at most, with different tokens; the second 401 goes to the caller', async () => {
    const { sandbox, clock, call, now, log } = createWorld()
    await now(call())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status: 401, acts: true, times: Number.POSITIVE_INFINITY })
    expect(await now(call())).toBe(401)
    const [, first, second, ...more] = log('api')
    expect(more).toEqual([])
    expect(first?.accessJti).toBe(log('create')[0]?.grantedAccessJti)
    expect(second?.accessJti).toBe(log('refresh')[0]?.grantedAccessJti)
    expect(log('refresh')).toHaveLength(1)
  })

  it.each([400, 403, 404, 429, 500, 502, 504])('an API answer of %i is not retried', async (status) => {
    const { sandbox, clock, call, now, log } = createWorld()
    sandbox.fail({ endpoint: 'api', status })
    expect(await now(call())).toBe(status)
    await clock.advance(30 * MINUTE)
    expect(log('api')).toHaveLength(1)
  })

  it.each([401, 429])('the user may ask for retries, but never of %i', async (status) => {
    const { auth, sandbox, clock, now, peek, log } = createWorld()
    await now(auth.fetch(WHO_AM_I))
    sandbox.fail({ endpoint: 'api', status, times: Number.POSITIVE_INFINITY })
    const answer = auth.fetch(WHO_AM_I, { retry: 5, retryStatusCodes: [401, 429, 500] })
    expect(await peek(answer)).toMatchObject({ error: { status } })
    await clock.advance(30 * MINUTE)
    expect(log('api')).toHaveLength(2)
  })

  it('a forbidden endpoint polled each minute does not cause a refresh each time', async () => {
    const { sandbox, clock, call, now, log } = createWorld()
    await now(call())
    sandbox.fail({ endpoint: 'api', status: 401, times: Number.POSITIVE_INFINITY })
    for (let minute = 0; minute < 60; minute++) {
      await clock.advance(MINUTE)
      expect(await now(call())).toBe(401)
    }
    expect(log('refresh').length).toBeLessThan(12)
  })

  it.each(['create', 'refresh'] as const)('a %s that always fails is not repeated without an end', async (endpoint) => {
    const { auth, sandbox, clock, now, peek, log } = createWorld()
    if (endpoint === 'refresh') await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'token', status: 502, times: Number.POSITIVE_INFINITY })
    await peek(auth.getAccessToken())
    await clock.advance(23 * HOUR)
    expect(log(endpoint).length).toBeLessThanOrEqual(6)
    expect(log(endpoint).length).toBeGreaterThanOrEqual(1)
  })
})
