import { describe, expect, it } from 'vitest'
import { recorder } from '../support/doubles.ts'
import { createWorld, HOUR, MINUTE, SECOND } from '../support/world.ts'

/** 2026-01-05T08:00:00Z, when every world starts, in seconds. */
const START_S = Date.UTC(2026, 0, 5, 8) / 1000

interface Grant {
  expirySeconds?: number
  /** Seconds after the start. */
  exp?: number
  iat?: number
  /** Whether the reply says its time: the start. */
  date: boolean
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = ({ exp, iat }: Grant, kind: string) =>
  exp === undefined
    ? `opaque-${kind}`
    : [
        part({ alg: 'HS256' }),
        part({ exp: START_S + exp, ...(iat === undefined ? {} : { iat: START_S + iat }) }),
        kind,
      ].join('.')

const reply = (grant: Grant) => {
  const { expirySeconds, date } = grant
  const expiry = expirySeconds === undefined ? {} : { access_expiry_seconds: expirySeconds }
  const headers: Record<string, string> = date ? { date: new Date(START_S * 1000).toUTCString() } : {}
  return Response.json({ access: jwt(grant, 'access'), refresh: 'opaque', ...expiry }, { headers })
}

const grantedWith = (grant: Grant, policy = {}) =>
  createWorld({ transport: recorder(() => reply(grant)).transport, policy })

describe('D-lifetimes', () => {
  it.each<[string, Grant, number]>([
    ['access_expiry_seconds, when it is the smallest', { expirySeconds: 1800, exp: 3600, iat: 0, date: true }, 1800],
    ['exp less Date, when it is the smallest', { expirySeconds: 3600, exp: 2400, iat: -600, date: true }, 2400],
    ['exp less iat, when it is the smallest', { expirySeconds: 3600, exp: 3000, iat: 600, date: true }, 2400],
    ['exp less Date, though an old iat was copied', { exp: 3600, iat: -11_520, date: true }, 3600],
    ['exp less iat, without a Date', { exp: 900, iat: 0, date: false }, 900],
    [
      'the documented hour, when exp less iat is longer and there is no Date',
      { exp: 15_120, iat: 0, date: false },
      3600,
    ],
    ['the documented hour, when nothing is said', { date: true }, 3600],
    ['two hours, when the reply says so', { expirySeconds: 7200, exp: 7200, iat: 0, date: true }, 7200],
  ])('goes by %s', async (_, grant, lifetimeS) => {
    const { auth, clock, now } = grantedWith(grant)
    const sentMs = clock.now()
    await now(auth.getAccessToken())
    const leewayMs = Math.min(30 * SECOND, (lifetimeS * SECOND) / 120)
    expect(auth.status().usableUntilMs).toBe(sentMs + lifetimeS * SECOND - leewayMs)
  })

  it('goes by the lifetime of the policy, when nothing is said', async () => {
    const { auth, clock, now } = grantedWith(
      { date: true },
      { accessLifetimeMs: 30 * MINUTE, refreshLifetimeMs: 2 * HOUR, rotateWithinMs: HOUR },
    )
    const sentMs = clock.now()
    await now(auth.getAccessToken())
    expect(auth.status()).toMatchObject({
      usableUntilMs: sentMs + 30 * MINUTE - 15 * SECOND,
      refreshUsableUntilMs: sentMs + 2 * HOUR - 30 * SECOND,
    })
  })

  it('is not misled by the old iat of a server that copies it', async () => {
    const { auth, clock, log, now } = createWorld({
      sandbox: { copyRefreshIat: true, rotate: false, omitExpirySeconds: true },
    })
    for (let minute = 0; minute < 5 * 60; minute++) {
      await now(auth.fetchLike('/api/v2/whoami/'))
      await clock.advance(MINUTE)
    }
    expect(log('api').every(({ status }) => status === 200)).toBe(true)
    expect(log('create')).toHaveLength(1)
  })

  it('counts from the moment the request was sent', async () => {
    const { auth, clock, within } = createWorld({ sandbox: { latencyMs: 5 * SECOND, replyLatencyMs: 7 * SECOND } })
    const sentMs = clock.now()
    await within(12 * SECOND, auth.getAccessToken())
    expect(auth.status().usableUntilMs).toBe(sentMs + HOUR - 30 * SECOND)
    expect(auth.status().refreshUsableUntilMs).toBe(sentMs + 24 * HOUR - 30 * SECOND)
  })

  const malformed: [string, string][] = [
    ['zero', '{"access":"a","refresh":"r","access_expiry_seconds":0}'],
    ['negative', '{"access":"a","refresh":"r","access_expiry_seconds":-60}'],
    ['not finite', '{"access":"a","refresh":"r","access_expiry_seconds":1e999}'],
    ['zero for the refresh token', '{"access":"a","refresh":"r","refresh_expiry_seconds":0}'],
    ['in the past by exp', JSON.stringify({ access: jwt({ exp: -1, iat: -3600, date: true }, 'a'), refresh: 'r' })],
  ]
  it.each(malformed)('takes no token whose lifetime is %s', async (_, body) => {
    const headers = { 'content-type': 'application/json', date: new Date(START_S * 1000).toUTCString() }
    const { sent, transport } = recorder(() => new Response(body, { headers }))
    const { auth, refused } = createWorld({ transport })
    expect(await refused(auth.getAccessToken())).toMatchObject({ code: 'UNAVAILABLE' })
    expect(auth.status()).toMatchObject({ usable: false, generation: 0, state: 'failed.unavailable' })
    expect(sent).toHaveLength(1)
  })

  it('keeps what it has when a refresh brings a lifetime of zero', async () => {
    let granted = 0
    const { transport } = recorder(() =>
      Response.json({ access: 'a', refresh: 'r', access_expiry_seconds: granted++ ? 0 : 3600 }),
    )
    const { auth, clock, now } = createWorld({ transport })
    await now(auth.getAccessToken())
    await clock.advance(48 * MINUTE)
    expect(auth.status().lastError).toMatchObject({ code: 'UNAVAILABLE', clause: 'D-refresh-unavailable' })
    expect(await now(auth.getAccessToken())).toBe('a')
  })
})
