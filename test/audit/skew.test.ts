import { describe, expect, it } from 'vitest'
import { type EntryParts, entry, har, jwt, read, tokenEntry } from './har-support.ts'
import { audited } from './renderings.ts'

/** When the client signs in by its own clock, and by its server's. */
const CLIENT_MS = Date.UTC(2026, 0, 5, 10)
const AHEAD_MS = 600_000
const SERVER_MS = CLIENT_MS - AHEAD_MS
const MINUTE_MS = 60_000

const EXP_S = SERVER_MS / 1000 + 3600
const ACCESS = jwt({ exp: EXP_S, token_type: 'access' })
const REFRESH = jwt({ exp: EXP_S + 82_800, token_type: 'refresh' })

type Clock = Readonly<Record<string, string>>
/** `Date` of an answer so long after the sign-in. */
const dated = (afterMs: number): Clock => ({ Date: new Date(SERVER_MS + afterMs).toUTCString() })
const since = (afterMs: number) => ({ at: new Date(CLIENT_MS + afterMs).toISOString() })

const signIn = (answerHeaders: Clock, answer: object = { access: ACCESS, refresh: REFRESH }) =>
  tokenEntry('create', { ...since(0), body: { username: 'ann', password: 'pw' }, answer, answerHeaders })
const call = (afterMs: number, parts: EntryParts = {}) =>
  entry({ ...since(afterMs), headers: { Authorization: `Bearer ${ACCESS}` }, ...parts })

const verdictOf = async (entries: readonly unknown[]) => {
  const { rules, findings } = await audited(har(entries))
  return { verdict: rules.find(({ rule }) => rule === 'invariant-4')?.verdict, because: findings[0]?.because }
}

describe('D-skew: the clock of a recording and that of its server', () => {
  const used = async (afterMs: number, parts: EntryParts = { answerHeaders: dated(afterMs) }) =>
    (await verdictOf([signIn(dated(0)), call(afterMs, parts)])).verdict

  it('a token lives as long as its server says, and its broken twin longer', async () => {
    expect(await used(59 * MINUTE_MS)).toBe('pass')
    expect(await used(61 * MINUTE_MS)).toBe('fail')
  })

  it('is known to within the second of `Date` and the time of the answer: between is doubt', async () => {
    const { verdict, because } = await verdictOf([
      signIn(dated(0)),
      call(3_600_050, { answerHeaders: dated(3_600_000) }),
    ])
    expect(verdict).toBe('inconclusive')
    expect(because).toContain('known to within')
  })

  it('is known of a request without an answer by the answers before', async () => {
    const dropped = { status: 0, answerHeaders: {} }
    expect(await used(55 * MINUTE_MS, dropped)).toBe('pass')
    expect(await used(61 * MINUTE_MS, dropped)).toBe('fail')
  })

  it('is not known by the answers of another host, nor by a cache’s', async () => {
    const elsewhere = { url: 'https://other.test/api/v2/token/validate/', method: 'POST' }
    const other = entry({ ...since(1), ...elsewhere, answerHeaders: dated(AHEAD_MS) })
    expect((await verdictOf([signIn(dated(0)), other, call(55 * MINUTE_MS, { status: 0 })])).verdict).toBe('pass')
    expect(await used(55 * MINUTE_MS, { answerHeaders: { ...dated(0), Age: '3300' } })).toBe('pass')
  })

  it('is taken for the same where no answer has a `Date`', async () => {
    const { exchanges } = await read(har([signIn({}), call(MINUTE_MS)]))
    for (const exchange of exchanges) expect(exchange).not.toHaveProperty('expiryDoubtMs')
    expect(exchanges[0]?.request.grantedAccessExpAtMs).toBe(EXP_S * 1000)
    expect(exchanges[1]?.request.accessExpAtMs).toBe(EXP_S * 1000)
  })

  it('moves every expiry to the earliest that it can be, and tells how much later it can be', async () => {
    const granted = signIn(dated(0))
    const rotated = tokenEntry('refresh', {
      ...since(0),
      body: { refresh: REFRESH },
      answerHeaders: dated(0),
      answer: {},
    })
    const { exchanges } = await read(har([granted, rotated, call(0, { answerHeaders: dated(0) })]))
    const earliestMs = EXP_S * 1000 + AHEAD_MS - 1000
    expect(exchanges.map(({ expiryDoubtMs }) => expiryDoubtMs)).toEqual([1101, 1101, 1101])
    expect(exchanges[0]?.request).toMatchObject({
      grantedAccessExpAtMs: earliestMs,
      grantedRefreshExpAtMs: earliestMs + 82_800_000,
    })
    expect(exchanges[1]?.request.refreshExpAtMs).toBe(earliestMs + 82_800_000)
    expect(exchanges[2]?.request.accessExpAtMs).toBe(earliestMs)
  })

  it('does not matter to a lifetime in seconds', async () => {
    const answer = { access: 'opaque-one', access_expiry_seconds: 600 }
    const { exchanges } = await read(har([signIn(dated(0), answer)]))
    expect(exchanges[0]?.request.grantedAccessExpAtMs).toBe(CLIENT_MS + 600_000)
  })
})
