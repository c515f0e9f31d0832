import { describe, expect, it } from 'vitest'
import { createWorld, HOUR, MINUTE } from '../support/world.ts'

describe('replace-both', () => {
  it('after a refresh the new access token is sent, and the new refresh token next', async () => {
    const { auth, now, call, log } = createWorld()
    await now(call())
    await now(auth.getAccessToken({ forceRefresh: true }))
    await now(call())
    await now(auth.getAccessToken({ forceRefresh: true }))
    const [created] = log('create')
    const [first, second] = log('refresh')
    expect(first?.refreshJti).toBe(created?.grantedRefreshJti)
    expect(second?.refreshJti).toBe(first?.grantedRefreshJti)
    expect(log('api').map(({ accessJti }) => accessJti)).toEqual([created?.grantedAccessJti, first?.grantedAccessJti])
  })

  it('no token is sent after it was replaced, in a day of use', async () => {
    const { clock, call, now, log } = createWorld()
    for (let minute = 0; minute < 24 * 60; minute += 5) {
      await now(call())
      await clock.advance(5 * MINUTE)
    }
    let current = log('create')[0]
    for (const entry of log()) {
      if (entry.endpoint === 'api') expect(entry.accessJti).toBe(current?.grantedAccessJti)
      if (entry.endpoint !== 'refresh') continue
      expect(entry.refreshJti).toBe(current?.grantedRefreshJti)
      current = entry
    }
  })

  it('both are replaced together in the store: a restart has both new ones', async () => {
    const { auth, client, clock, now, call, log, tokenRequests } = createWorld()
    await now(auth.getAccessToken())
    await now(auth.getAccessToken({ forceRefresh: true }))
    await now(auth.close())
    const restarted = client()
    await now(call(restarted))
    const [refreshed] = log('refresh')
    expect(log('api')).toMatchObject([{ accessJti: refreshed?.grantedAccessJti }])
    await clock.advance(HOUR)
    expect(log('refresh')[1]).toMatchObject({ refreshJti: refreshed?.grantedRefreshJti, status: 200 })
    expect(tokenRequests()).toBe('create 200, refresh 200, refresh 200')
  })

  it('everybody who shares the store has the new pair', async () => {
    const { auth, client, now, call, log, within } = createWorld()
    const other = client()
    await within(MINUTE, Promise.all([auth.getAccessToken(), other.getAccessToken()]))
    await now(auth.getAccessToken({ forceRefresh: true }))
    await now(call(other))
    const [refreshed] = log('refresh')
    expect(log('api')).toMatchObject([{ accessJti: refreshed?.grantedAccessJti }])
  })
})
