import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE, USERNAME, WHO_AM_I } from '../support/world.ts'

const REFUSED = { code: 'INVALID_CREDENTIALS', clause: 'no-retry-on-invalid-credentials' }

describe('no-retry-on-invalid-credentials', () => {
  it('one create, however often and however long somebody asks', async () => {
    const { auth, sandbox, clock, refused, tokenRequests } = createWorld()
    sandbox.setPassword(USERNAME, 'changed')
    for (let hour = 0; hour < 48; hour++) {
      expect(await refused(auth.getAccessToken())).toMatchObject(REFUSED)
      expect(await refused(auth.getAccessToken({ forceRefresh: true }))).toMatchObject(REFUSED)
      expect(await refused(auth.fetchLike(WHO_AM_I))).toMatchObject(REFUSED)
      await clock.advance(HOUR)
    }
    expect(tokenRequests()).toBe('create 401')
  })

  it('all who wait get the error', async () => {
    const { auth, sandbox, peek, tokenRequests } = createWorld()
    sandbox.setPassword(USERNAME, 'changed')
    const ends = await Promise.all(Array.from({ length: 10 }, () => peek(auth.getAccessToken())))
    for (const end of ends) expect(end?.error).toMatchObject(REFUSED)
    expect(tokenRequests()).toBe('create 401')
  })

  it('is surfaced: in the status and as an event', async () => {
    const { auth, sandbox, events, refused } = createWorld()
    sandbox.setPassword(USERNAME, 'changed')
    await refused(auth.getAccessToken())
    expect(auth.status()).toMatchObject({
      state: 'failed.invalidCredentials',
      lastError: { code: 'INVALID_CREDENTIALS' },
    })
    expect(events.filter(({ type }) => type === 'error')).toMatchObject([{ error: { code: 'INVALID_CREDENTIALS' } }])
  })

  it('not even when the server would take them now', async () => {
    const { auth, sandbox, clock, refused, tokenRequests } = createWorld()
    sandbox.fail({ endpoint: 'create', status: 401 })
    await refused(auth.getAccessToken())
    await clock.advance(24 * HOUR)
    expect(await refused(auth.getAccessToken())).toMatchObject(REFUSED)
    expect(await refused(auth.signIn())).toMatchObject(REFUSED)
    expect(tokenRequests()).toBe('create 401')
  })

  it('also where signing in again finds them invalid', async () => {
    const { auth, sandbox, clock, now, refused, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    sandbox.setPassword(USERNAME, 'changed')
    clock.suspend(25 * HOUR)
    expect(await refused(auth.getAccessToken())).toMatchObject(REFUSED)
    await clock.advance(HOUR)
    expect(await refused(auth.getAccessToken())).toMatchObject(REFUSED)
    expect(tokenRequests()).toBe('create 200, create 401')
  })

  it('waking and restarts change nothing', async () => {
    const { auth, client, sandbox, clock, now, refused, tokenRequests } = createWorld()
    sandbox.setPassword(USERNAME, 'changed')
    await refused(auth.getAccessToken())
    clock.suspend(12 * HOUR)
    await clock.advance(MINUTE)
    expect(await refused(auth.getAccessToken())).toMatchObject(REFUSED)
    await now(auth.close())
    expect(await refused(client().getAccessToken())).toMatchObject(REFUSED)
    expect(tokenRequests()).toBe('create 401')
  })
})
