import { describe, expect, it } from 'vitest'
import { createWorld, MINUTE, WHO_AM_I } from '../support/world.ts'

describe('D-api-5xx', () => {
  it.each([500, 502, 503, 504])('hands %d to the caller and sends nothing again', async (status) => {
    const { auth, log, now, sandbox, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'api', status })
    expect((await now(auth.fetchLike(WHO_AM_I))).status).toBe(status)
    expect(log('api')).toHaveLength(1)
    expect(tokenRequests()).toBe('create 200')
  })

  it('does not use the retries that ofetch has by itself', async () => {
    const { auth, log, now, sandbox } = createWorld()
    sandbox.fail({ endpoint: 'api', status: 503, times: 9 })
    await expect(now(auth.fetch(WHO_AM_I))).rejects.toMatchObject({ status: 503 })
    expect(log('api')).toHaveLength(1)
  })

  it('honours the retry of the caller, each a new API request', async () => {
    const { auth, events, log, now, sandbox } = createWorld()
    sandbox.fail({ endpoint: 'api', status: 502, times: 2 })
    expect(await now(auth.fetch(WHO_AM_I, { retry: 2 }))).toMatchObject({ username: 'demo' })
    expect(log('api').map(({ status }) => status)).toEqual([502, 502, 200])
    const sends = events.filter(
      (event) => event.type === 'request' && event.endpoint === 'api' && event.phase === 'sent',
    )
    expect(new Set(sends.map((event) => 'id' in event && event.id)).size).toBe(3)
    expect(sends).toMatchObject([{ resendCount: 0 }, { resendCount: 0 }, { resendCount: 0 }])
  })

  it.each([401, 429])('never retries %d, though the caller asks for it', async (status) => {
    const { auth, log, now, sandbox } = createWorld()
    sandbox.fail({ endpoint: 'api', status, times: 9 })
    const request = auth.fetch(WHO_AM_I, { retry: 5, retryStatusCodes: [401, 429, 500] })
    await expect(now(request)).rejects.toMatchObject({ status })
    expect(log('api')).toHaveLength(1)
  })

  it('replays an old token once, though the caller asks for retries on 401', async () => {
    const { auth, clock, log, now, sandbox, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status: 401, times: 9 })
    const request = auth.fetch(WHO_AM_I, { retry: 5, retryStatusCodes: [401] })
    await expect(now(request)).rejects.toMatchObject({ status: 401 })
    expect(log('api')).toHaveLength(2)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('says nothing against the token', async () => {
    const { auth, clock, now, sandbox } = createWorld()
    const token = await now(auth.getAccessToken())
    await clock.advance(2 * MINUTE)
    sandbox.fail({ endpoint: 'api', status: 500 })
    await now(auth.fetchLike(WHO_AM_I))
    expect(await now(auth.getAccessToken())).toBe(token)
  })
})
