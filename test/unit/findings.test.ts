import { describe, expect, it } from 'vitest'
import { createFindings } from '../../src/client/findings.ts'
import type { FindingEvent } from '../../src/index.ts'
import type { JournalLine } from '../../src/journal/format.ts'
import { DEFAULT_POLICY } from '../../src/policy/defaults.ts'
import { createWorld, HOUR, MINUTE, WHO_AM_I } from '../support/world.ts'

const force = { forceRefresh: true } as const

describe("auth.on('finding')", () => {
  it('hears nothing of a client that keeps the policy, whatever happens to it', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld()
    const findings: FindingEvent[] = []
    auth.on('finding', (event) => findings.push(event))
    await now(auth.getAccessToken())
    for (let hour = 0; hour < 26; hour++) {
      await clock.advance(HOUR)
      await now(auth.fetchLike(WHO_AM_I))
    }
    sandbox.revokeAll('access')
    await now(auth.fetchLike(WHO_AM_I))
    await clock.advance(20 * MINUTE)
    sandbox.fail({ endpoint: 'refresh', status: 429 })
    await refused(auth.getAccessToken(force))
    await clock.advance(11 * MINUTE)
    await now(auth.getAccessToken())
    await now(auth.signOut())
    await refused(auth.getAccessToken())
    await now(auth.signIn())
    expect(findings).toEqual([])
  })

  it('hears of a client that was told to keep to less than the guide asks for', async () => {
    const { auth, clock, now, refused, sandbox } = createWorld({ policy: { pauseMs: MINUTE } })
    const findings: FindingEvent[] = []
    const stop = auth.on('finding', (event) => findings.push(event))
    await now(auth.getAccessToken())
    const impatient = async () => {
      sandbox.fail({ endpoint: 'refresh', status: 429 })
      await refused(auth.getAccessToken(force))
      await clock.advance(2 * MINUTE)
      await now(auth.getAccessToken(force))
    }
    await impatient()
    expect(findings).toMatchObject([
      { type: 'finding', monitor: 'invariant-3', ids: expect.arrayContaining(['pause-after-429']), atMs: clock.now() },
    ])
    expect(findings[0]?.evidence).toBe('a refresh was sent 120 s after a 429')
    stop()
    await clock.advance(20 * MINUTE)
    await impatient()
    expect(findings).toHaveLength(1)
  })
})

describe('the judge of one client', () => {
  const judged = (...lines: JournalLine[]) => {
    const seen: string[] = []
    const findings = createFindings(DEFAULT_POLICY, ({ monitor }) => void seen.push(monitor))
    const header = { journal: 'compliancely-auth', version: 1, producer: 'p', startedAtMs: 0, client: 'c' } as const
    findings.header({ ...header, origin: 'https://api.example', account: 'a' })
    for (const line of lines) findings.line(line)
    return seen
  }
  const by = 'a'
  const send = (send: number, atMs: number, more: object = {}): JournalLine => ({
    ...{ kind: 'sent', by, atMs, send, endpoint: 'refresh', method: 'POST', path: '/api/v2/token/refresh/' },
    ...{ authScheme: 'none', ...more },
  })
  const answer = (send: number, atMs: number, status: number): JournalLine => ({
    kind: 'answered',
    by,
    atMs,
    send,
    status,
  })

  it('puts answers to their requests', () => {
    expect(judged(send(1, 0), answer(1, 10, 429), send(2, 600_009))).toContain('invariant-3')
    expect(judged(send(1, 0), answer(1, 10, 429), send(2, 600_010))).not.toContain('invariant-3')
  })

  it('knows where the token may go', () => {
    const api = { endpoint: 'api', path: '/api/v2/x/', authScheme: 'Bearer', accessId: 'f' }
    expect(judged(send(1, 0, { ...api, origin: 'https://elsewhere.example' }))).toContain('invariant-14')
    expect(judged(send(1, 0, api))).not.toContain('invariant-14')
  })

  it('allows a second for a timer that is late', () => {
    const demanded: JournalLine = { kind: 'demanded', by, atMs: 0, demand: 1, deadlineAtMs: 5_000 }
    const settled = (atMs: number): JournalLine => ({
      kind: 'settled',
      by,
      atMs,
      demand: 1,
      tookMs: atMs,
      code: 'TIMEOUT',
    })
    expect(judged(demanded, settled(6_000))).toEqual([])
    expect(judged(demanded, settled(6_001))).toEqual(['invariant-11'])
  })
})
