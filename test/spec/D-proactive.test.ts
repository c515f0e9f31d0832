import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

describe('D-proactive', () => {
  it('a timer refreshes by default, with nobody asking', async () => {
    const { auth, clock, now, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    await clock.advance(50 * MINUTE)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('due at half the refresh lifetime when that is before the access deadline', async () => {
    const { auth, clock, now, times } = createWorld({ sandbox: { refreshLifetimeS: 3600 } })
    await now(auth.getAccessToken())
    await clock.advance(HOUR)
    expect(times('refresh')).toEqual([30 * MINUTE, 60 * MINUTE])
  })

  it('half the refresh lifetime counts after the last grant, also where the server does not rotate', async () => {
    const { auth, clock, now, times } = createWorld({
      sandbox: { accessLifetimeS: 36_000, refreshLifetimeS: 14_400, rotate: false },
    })
    await now(auth.getAccessToken())
    await clock.advance(3 * HOUR)
    expect(times('refresh')).toEqual([2 * HOUR])
  })

  describe('with onDemand', () => {
    const onDemand = () => createWorld({ policy: { proactive: 'onDemand' }, client: { random: () => 0 } })

    it('no timer refreshes', async () => {
      const { auth, clock, now, tokenRequests } = onDemand()
      await now(auth.getAccessToken())
      await clock.advance(20 * HOUR)
      expect(tokenRequests()).toBe('create 200')
    })

    it('a demand before the window gets the token at once', async () => {
      const { auth, clock, now, tokenRequests } = onDemand()
      const first = await now(auth.getAccessToken())
      await clock.advance(45 * MINUTE - 1)
      expect(await now(auth.getAccessToken())).toBe(first)
      expect(tokenRequests()).toBe('create 200')
    })

    it('a demand inside the window waits for the refresh', async () => {
      const { auth, sandbox, clock, now, peek, within } = onDemand()
      const first = await now(auth.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', latencyMs: 5 * SECOND })
      await clock.advance(45 * MINUTE)
      const waiting = auth.getAccessToken()
      expect(await peek(waiting)).toBeUndefined()
      expect(await within(5 * SECOND, waiting)).not.toBe(first)
    })

    it.each([
      ['429', { status: 429 }],
      ['502', { status: 502 }],
      ['401', { status: 401 }],
      ['no connection', { drop: 'before' }],
      ['an unusable 200', { garble: 'html' }],
    ] as const)('and gets the still usable token if that fails: %s', async (_how, fault) => {
      const { auth, sandbox, clock, now, log } = onDemand()
      const first = await now(auth.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', ...fault })
      await clock.advance(46 * MINUTE)
      expect(await now(auth.getAccessToken())).toBe(first)
      expect(await now(auth.getAccessToken())).toBe(first)
      expect(log('refresh')).toHaveLength(1)
    })

    it('or takes longer than its own time-out; the refresh goes on', async () => {
      const { auth, sandbox, clock, now, peek, within } = onDemand()
      const first = await now(auth.getAccessToken())
      sandbox.fail({ endpoint: 'refresh', latencyMs: 10 * SECOND })
      await clock.advance(46 * MINUTE)
      const hasty = auth.getAccessToken({ timeoutMs: SECOND })
      const patient = auth.getAccessToken({ timeoutMs: MINUTE })
      await peek(patient)
      expect(await within(SECOND, hasty)).toBe(first)
      expect(await within(9 * SECOND, patient)).not.toBe(first)
    })

    it('an API request inside the window carries the new token', async () => {
      const { clock, call, now, log } = onDemand()
      await now(call())
      await clock.advance(46 * MINUTE)
      await now(call())
      expect(log('api')[1]?.accessJti).toBe(log('refresh')[0]?.grantedAccessJti)
    })
  })

  it('close() waits until the request in flight is stored: the next start has the new pair', async () => {
    const { auth, client, sandbox, clock, now, peek, within, tokenRequests } = createWorld({
      client: { random: () => 0 },
    })
    const first = await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', replyLatencyMs: 5 * SECOND })
    await clock.advance(45 * MINUTE + SECOND)
    const closed = auth.close()
    expect(await peek(closed)).toBeUndefined()
    await within(4 * SECOND, closed)
    expect(await now(client().getAccessToken())).not.toBe(first)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('close() waits no longer than the time-out of the request', async () => {
    const { auth, sandbox, clock, now, peek, within } = createWorld({ client: { random: () => 0 } })
    await now(auth.getAccessToken())
    sandbox.fail({ endpoint: 'refresh', hang: 'before' })
    await clock.advance(45 * MINUTE)
    const closed = auth.close()
    await clock.advance(30 * SECOND - 1)
    expect(await peek(closed)).toBeUndefined()
    await within(1, closed)
  })

  it('a closed client refreshes no more', async () => {
    const { auth, clock, now, refused, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    await now(auth.close())
    await clock.advance(24 * HOUR)
    expect((await refused(auth.getAccessToken())).code).toBe('CLOSED')
    expect(tokenRequests()).toBe('create 200')
  })
})
