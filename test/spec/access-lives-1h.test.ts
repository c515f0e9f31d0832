import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

const LEEWAY = 30 * SECOND

describe('access-lives-1h', () => {
  it('is served until 30 s before the hour, and not a millisecond longer', async () => {
    const { auth, sandbox, clock, now, peek, call } = createWorld({ client: { random: () => 0 } })
    const token = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', status: 502, times: Number.POSITIVE_INFINITY })
    await clock.advance(HOUR - LEEWAY - 1)
    expect(await now(auth.getAccessToken())).toBe(token)
    expect(await now(call())).toBe(200)
    await clock.advance(1)
    expect(await peek(auth.getAccessToken())).toMatchObject({ error: { code: 'UNAVAILABLE' } })
    expect(auth.status().usable).toBe(false)
  })

  it('is not sent at or after its expiry, whatever fails', async () => {
    const { sandbox, clock, peek, call, log } = createWorld()
    await peek(call())
    sandbox.fail({ endpoint: 'refresh', status: 502, times: 12 })
    for (let minute = 0; minute < 180; minute++) {
      await clock.advance(MINUTE)
      await peek(call())
    }
    expect(log('api').length).toBeGreaterThan(60)
    for (const { atMs, accessExpAtMs } of log('api')) expect(atMs).toBeLessThan(accessExpAtMs ?? 0)
    for (const { status } of log('api')) expect(status).toBe(200)
  })

  it('the hour counts from the moment the request was sent', async () => {
    const { auth, sandbox, clock, within } = createWorld({ sandbox: { replyLatencyMs: 20 * SECOND } })
    const sentAtMs = clock.now()
    await within(20 * SECOND, auth.getAccessToken())
    expect(auth.status().usableUntilMs).toBe(sentAtMs + HOUR - LEEWAY)
    expect(sandbox.pending()).toBe(0)
  })

  it('counts while the machine sleeps', async () => {
    const { auth, clock, now, call, log } = createWorld()
    await now(auth.getAccessToken())
    clock.suspend(2 * HOUR)
    expect(auth.status().usable).toBe(false)
    expect(await now(call())).toBe(200)
    expect(log().map(({ endpoint, status }) => `${endpoint} ${status}`)).toEqual([
      'create 200',
      'refresh 200',
      'api 200',
    ])
  })

  it('a token that expires while a request waits for it is not sent', async () => {
    const { auth, sandbox, client, clock, now, peek, log } = createWorld({ policy: { proactive: 'onDemand' } })
    await now(auth.getAccessToken())
    await now(auth.close())
    await clock.advance(HOUR - LEEWAY - SECOND)
    sandbox.fail({ endpoint: 'refresh', latencyMs: 5 * SECOND })
    const restarted = client()
    const answer = restarted.fetchLike('/api/v2/whoami/')
    await peek(answer)
    await clock.advance(10 * SECOND)
    expect((await now(answer)).status).toBe(200)
    const [refreshed] = log('refresh')
    expect(log('api')).toMatchObject([{ accessJti: refreshed?.grantedAccessJti }])
  })
})
