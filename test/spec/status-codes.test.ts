import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, WHO_AM_I } from '../support/world.ts'

describe('status-codes', () => {
  it.each([
    [200, undefined, 'valid', 'open', 'create 200'],
    [400, 'SIGN_IN_REJECTED', 'failed.rejected', 'open', 'create 400'],
    [401, 'INVALID_CREDENTIALS', 'failed.invalidCredentials', 'open', 'create 401'],
    [429, 'THROTTLED', 'unauthenticated', 'paused', 'create 429'],
    [500, 'UNAVAILABLE', 'failed.unavailable', 'backingOff', 'create 500'],
    [502, 'UNAVAILABLE', 'failed.unavailable', 'backingOff', 'create 502'],
    [504, 'UNAVAILABLE', 'failed.unavailable', 'backingOff', 'create 504'],
  ])('create %i: the caller gets %s, the client is %s and %s', async (status, code, state, gate, sent) => {
    const { auth, sandbox, clock, peek, tokenRequests } = createWorld()
    if (status !== 200) sandbox.fail({ endpoint: 'create', status })
    const end = await peek(auth.getAccessToken())
    expect(end?.error).toEqual(code && expect.objectContaining({ code }))
    expect(auth.status()).toMatchObject({ state, gate })
    await clock.advance(30 * MINUTE)
    expect(tokenRequests()).toBe(sent)
  })

  // The access token is usable; the refresh is forced by a caller at 20 minutes.
  it.each([
    [200, undefined, 'valid', 'open', 'refresh 200'],
    [400, undefined, 'valid', 'open', 'refresh 400, create 200'],
    [401, 'REFRESH_UNAUTHORIZED', 'failed.refreshUnauthorized', 'open', 'refresh 401'],
    [429, 'THROTTLED', 'valid', 'paused', 'refresh 429'],
    [500, 'UNAVAILABLE', 'valid', 'backingOff', 'refresh 500'],
    [502, 'UNAVAILABLE', 'valid', 'backingOff', 'refresh 502'],
    [504, 'UNAVAILABLE', 'valid', 'backingOff', 'refresh 504'],
  ])('refresh %i: the caller gets %s, the client is %s and %s', async (status, code, state, gate, sent) => {
    const { auth, sandbox, clock, now, peek, tokenRequests } = createWorld()
    const first = await now(auth.getAccessToken())
    await clock.advance(20 * MINUTE)
    if (status !== 200) sandbox.fail({ endpoint: 'refresh', status })
    const end = await peek(auth.getAccessToken({ forceRefresh: true }))
    expect(end?.error).toEqual(code && expect.objectContaining({ code }))
    expect(auth.status()).toMatchObject({ state, gate, usable: true })
    const token = await now(auth.getAccessToken())
    if (code === undefined) expect(token).not.toBe(first)
    else expect(token).toBe(first)
    await clock.advance(20 * MINUTE)
    expect(tokenRequests()).toBe(`create 200, ${sent}`)
  })

  it.each([
    [200, { value: { valid: true } }, 'valid', 'open'],
    [400, { error: { code: 'UNAVAILABLE', status: 400 } }, 'valid', 'open'],
    [401, { value: { valid: false } }, 'stale', 'open'],
    [429, { error: { code: 'THROTTLED' } }, 'valid', 'paused'],
    [500, { error: { code: 'UNAVAILABLE', status: 500 } }, 'valid', 'open'],
    [502, { error: { code: 'UNAVAILABLE', status: 502 } }, 'valid', 'open'],
    [504, { error: { code: 'UNAVAILABLE', status: 504 } }, 'valid', 'open'],
  ])('validate %i: the caller gets %o, the client is %s and %s', async (status, expected, state, gate) => {
    const { auth, sandbox, clock, now, peek, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    if (status !== 200) sandbox.fail({ endpoint: 'validate', status })
    expect(await peek(auth.validate())).toMatchObject(expected)
    expect(auth.status()).toMatchObject({ state, gate })
    await clock.advance(20 * MINUTE)
    expect(tokenRequests()).toBe(`create 200, validate ${status}`)
  })

  it.each([
    [200, 200, 'create 200'],
    [400, 400, 'create 200'],
    [401, 200, 'create 200, refresh 200'],
    [429, 429, 'create 200'],
    [500, 500, 'create 200'],
    [502, 502, 'create 200'],
    [504, 504, 'create 200'],
  ])('an API request answered %i: the caller gets %i, after %s', async (status, got, sent) => {
    const { auth, sandbox, clock, now, call, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    if (status !== 200) sandbox.fail({ endpoint: 'api', status })
    expect(await now(call())).toBe(got)
    expect(tokenRequests()).toBe(sent)
    expect(auth.status()).toMatchObject({ state: 'valid', gate: 'open' })
  })

  it('an API 429 lets no further API request out until its own pause ends', async () => {
    const { auth, sandbox, clock, now, refused, call, log } = createWorld()
    sandbox.fail({ endpoint: 'api', status: 429 })
    expect(await now(call())).toBe(429)
    const error = await refused(auth.fetchLike(WHO_AM_I))
    expect(error).toMatchObject({ code: 'API_THROTTLED', clause: 'D-api-429', retryAtMs: clock.now() + 10 * MINUTE })
    await clock.advance(10 * MINUTE)
    expect(await now(call())).toBe(200)
    expect(log('api')).toHaveLength(2)
  })

  it.each([
    ['create', 503],
    ['create', 520],
    ['refresh', 503],
    ['refresh', 599],
  ] as const)('%s %i is as any 5xx', async (endpoint, status) => {
    const { auth, sandbox, now, refused } = createWorld()
    if (endpoint === 'refresh') await now(auth.getAccessToken())
    sandbox.fail({ endpoint, status })
    expect((await refused(auth.getAccessToken({ forceRefresh: true }))).code).toBe('UNAVAILABLE')
    expect(auth.status().gate).toBe('backingOff')
  })

  it('a 401 is decided by status and code, never by the words of the detail', async () => {
    const { auth, sandbox, clock, now, refused, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 401, body: { detail: 'Bitte warten Sie 10 Minuten.' } })
    expect((await refused(auth.getAccessToken({ forceRefresh: true }))).code).toBe('REFRESH_UNAUTHORIZED')
    await clock.advance(HOUR)
    expect(tokenRequests()).toBe('create 200, refresh 401')
  })
})
