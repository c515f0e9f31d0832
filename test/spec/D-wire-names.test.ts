import { describe, expect, it } from 'vitest'
import type { WireNames } from '../../src/sandbox/index.ts'
import { recorder } from '../support/doubles.ts'
import { createWorld, PASSWORD, USERNAME } from '../support/world.ts'

const NAMES: WireNames[] = ['reference', 'guide', 'new']

describe('D-wire-names', () => {
  it.each(NAMES)('accepts the names of replies as the %s gives them', async (names) => {
    const { auth, now, log } = createWorld({ sandbox: { names } })
    const first = await now(auth.getAccessToken())
    const second = await now(auth.getAccessToken({ forceRefresh: true }))
    const third = await now(auth.getAccessToken({ forceRefresh: true }))
    expect(new Set([first, second, third]).size).toBe(3)
    const [create, refresh, again] = log()
    // Each refresh uses the refresh token of the grant before it.
    expect(refresh?.refreshJti).toBe(create?.grantedRefreshJti)
    expect(again?.refreshJti).toBe(refresh?.grantedRefreshJti)
  })

  it('counts access_expiry_seconds and refresh_expiry_seconds', async () => {
    const { auth, clock, now } = createWorld({
      transport: recorder(({ url }) =>
        url.endsWith('/token/')
          ? Response.json({ access: 'a', refresh: 'r', access_expiry_seconds: 1200, refresh_expiry_seconds: 7200 })
          : undefined,
      ).transport,
    })
    const sentMs = clock.now()
    await now(auth.getAccessToken())
    expect(auth.status()).toMatchObject({
      usableUntilMs: sentMs + 1_200_000 - 10_000,
      refreshUsableUntilMs: sentMs + 7_200_000 - 30_000,
    })
  })

  it('sends username and password, refresh, token', async () => {
    const { sent, transport } = recorder()
    const { auth, now } = createWorld({ transport })
    const access = await now(auth.getAccessToken())
    await now(auth.validate())
    await now(auth.getAccessToken({ forceRefresh: true }))
    const [create, validate, refresh] = sent.map(({ body }) => JSON.parse(body))
    expect(create).toEqual({ username: USERNAME, password: PASSWORD })
    expect(validate).toEqual({ token: access })
    expect(refresh).toEqual({ refresh: expect.any(String) })
  })

  it('sends other names when so configured', async () => {
    const { sent, transport } = recorder(({ body }) =>
      Response.json('jwt' in JSON.parse(body) ? {} : { access: `a${body.length}`, refresh: 'r' }),
    )
    const wireNames = { username: 'user', password: 'pass', refresh: 'refresh_token', token: 'jwt' }
    const { auth, now } = createWorld({ transport, policy: { wireNames } })
    const access = await now(auth.getAccessToken())
    await now(auth.validate())
    await now(auth.getAccessToken({ forceRefresh: true }))
    expect(sent.map(({ body }) => JSON.parse(body))).toEqual([
      { user: USERNAME, pass: PASSWORD },
      { jwt: access },
      { refresh_token: 'r' },
    ])
  })
})
