import { describe, expect, it } from 'vitest'
import { createFindings, type Others } from '../../src/client/findings.ts'
import { type Clock, sleep } from '../../src/clock.ts'
import type { FindingEvent, TokenStore } from '../../src/index.ts'
import type { JournalLine } from '../../src/journal/format.ts'
import { DEFAULT_POLICY } from '../../src/policy/defaults.ts'
import { audited } from '../audit/renderings.ts'
import { collector } from '../support/journal.ts'
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

  it('hears nothing while a slow store keeps the next pair, and the old token serves', async () => {
    let line: Clock | undefined
    const slow = (memory: TokenStore): TokenStore => ({
      ...memory,
      async compareAndSet(...change) {
        if (line !== undefined) await sleep(line, 500)
        return memory.compareAndSet(...change)
      },
    })
    const journal = collector()
    const { auth, clock, now, sandbox } = createWorld({ store: slow, client: { journal: journal.stream } })
    const findings: FindingEvent[] = []
    auth.on('finding', (event) => findings.push(event))
    await now(auth.getAccessToken())
    line = clock
    await clock.advance(47 * MINUTE)
    // The window in which it refreshes: some calls fall into the half second of the store.
    for (let call = 0; call < 900; call++) {
      void auth.fetchLike(WHO_AM_I)
      await clock.advance(200)
    }
    const sent = sandbox.log.map(({ endpoint }) => endpoint)
    const refreshed = sent.indexOf('refresh')
    expect(sent.slice(refreshed - 2, refreshed + 3)).toEqual(['api', 'api', 'refresh', 'api', 'api'])
    expect(findings).toEqual([])
    expect((await audited(journal.text())).findings).toEqual([])
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
  const others = (writes: number): Others => ({ writes, askedForAtMs: () => undefined })
  const judged = (...lines: JournalLine[]) => judgedWith(...lines.map((line) => [line] as const))
  const judgedWith = (...lines: (readonly [JournalLine, Others?])[]) => {
    const seen: string[] = []
    const findings = createFindings(DEFAULT_POLICY, ({ monitor }) => void seen.push(monitor))
    const header = { journal: 'compliancely-auth', version: 1, producer: 'p', startedAtMs: 0, client: 'c' } as const
    findings.header({ ...header, origin: 'https://api.example', account: 'a' })
    for (const [line, of] of lines) findings.line(line, of)
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

  const api = (number: number, s: number, accessId: string): JournalLine =>
    send(number, 1_000 * s, { endpoint: 'api', path: '/api/v2/x/', authScheme: 'Bearer', accessId, requestId: number })
  const granted = (number: number, s: number, n: number): JournalLine => ({
    ...(answer(number, 1_000 * s, 200) as Extract<JournalLine, { kind: 'answered' }>),
    ...{ grantedAccessId: `a${n}`, grantedRefreshId: `r${n}` },
  })
  const OWN = [send(1, 0, { refreshId: 'r0' }), granted(1, 0, 1), api(2, 1, 'a1'), answer(2, 1_001, 200)]

  it('takes a token that was not granted here for one of another process, and none that was', () => {
    expect(judged(...OWN, api(3, 2, 'other'), api(4, 3, 'other'))).toEqual([])
    expect(judged(...OWN, api(3, 2, 'other'), api(4, 3, 'a1'))).toEqual(['invariant-4'])
    expect(judged(...OWN, api(3, 2, 'other'), api(4, 3, 'third'), api(5, 4, 'other'))).toEqual(['invariant-4'])
    const renewed = [send(3, 2_000, { refreshId: 'r1' }), granted(3, 2, 2)]
    // Until the new pair is stored the old token serves.
    expect(judged(...OWN, ...renewed, api(4, 3, 'a1'))).toEqual([])
    const step = { region: 'tokens', from: 'sending.refreshing', to: 'valid', gate: 'open', event: '' } as const
    const stored: JournalLine = { kind: 'transition', by, atMs: 2_003, ...step, ids: [], why: '', generation: 2 }
    expect(judged(...OWN, ...renewed, stored, api(4, 3, 'a1'))).toEqual(['invariant-4'])
  })

  it('counts the age of an adopted token from when it was asked for, where the record tells that', () => {
    const refused = (askedForAtMs: number): (readonly [JournalLine, Others?])[] => [
      [api(1, 100, 'other'), { writes: 0, askedForAtMs: () => askedForAtMs }],
      [answer(1, 100_010, 401)],
      [send(2, 100_020, { refreshId: 'r' })],
    ]
    expect(judgedWith(...refused(50_000))).toEqual(['D-young-rejection'])
    expect(judgedWith(...refused(20_000))).toEqual([])
  })

  it('judges by rules of the account from when another process last wrote the record', () => {
    const create = send(3, 5_000, { endpoint: 'create', path: '/api/v2/token/' })
    const found = (writes: number) => judgedWith(...OWN.map((line) => [line] as const), [create, others(writes)])
    expect(found(0)).toEqual(['invariant-10'])
    expect(found(1)).toEqual([])
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
