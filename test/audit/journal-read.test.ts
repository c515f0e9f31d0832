import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Exchange, type Item, UnreadableRecording } from '../../src/audit/exchange.ts'
import { journalReader, UNASKED } from '../../src/audit/readers/journal.ts'
import { MAX_LINE_BYTES } from '../../src/audit/readers/lines.ts'
import { encodeLine, JOURNAL, JOURNAL_VERSION, type JournalLine, PRODUCER } from '../../src/journal/format.ts'
import { createMonitors, judge, judging } from '../../src/monitors/index.ts'
import { allOf, momentsIn, readContext, readJournal, SECRET_PATH, SECRET_PATH_SHOWN } from '../support/journal.ts'
import { audited, rulesThat } from './renderings.ts'

const AT_MS = Date.UTC(2026, 0, 5, 8)
const SECOND = 1_000
const CLIENT = '0123abcd-0000-4000-8000-000000000000'
const by = CLIENT.slice(0, 8)

const header = (more: object = {}) =>
  `${JSON.stringify({
    journal: JOURNAL,
    version: JOURNAL_VERSION,
    producer: PRODUCER,
    startedAtMs: AT_MS,
    origin: 'https://api.test',
    account: '00000000000000aa',
    client: CLIENT,
    ...more,
  })}\n`
type Loose = { readonly kind: string; readonly [name: string]: unknown }
const line = ({ kind, ...more }: Loose) => encodeLine({ kind, by, ...more } as unknown as JournalLine)

const API = { endpoint: 'api', method: 'GET', path: '/api/v2/whoami/', authScheme: 'Bearer' } as const
const TOKEN = { method: 'POST', path: '/api/v2/token/', authScheme: 'none' } as const
const api = (send: number, s: number, more: object = {}) =>
  line({
    ...{ kind: 'sent', atMs: AT_MS + s * SECOND, send, ...API, requestId: send },
    ...{ accessId: 'a1', accessExpAtMs: AT_MS + 3_600_000, ...more },
  })
const create = (send: number, s: number) =>
  line({ kind: 'sent', atMs: AT_MS + s * SECOND, send, endpoint: 'create', ...TOKEN, credentialsId: 'c0de' })
const refresh = (send: number, s: number, refreshId: string) =>
  line({ kind: 'sent', atMs: AT_MS + s * SECOND, send, endpoint: 'refresh', ...TOKEN, refreshId })
const answered = (send: number, s: number, status: number | 'dropped', more: object = {}) =>
  line({ kind: 'answered', atMs: AT_MS + s * SECOND, send, status, ...more })
const grant = (n: number) => ({ grantedAccessId: `a${n}`, grantedRefreshId: `b${n}` })
const stored = (s: number) =>
  line({ kind: 'transition', atMs: AT_MS + s * SECOND, region: 'tokens', from: 'sending.refreshing', to: 'valid' })
const demanded = (demand: number, s: number) =>
  line({ kind: 'demanded', atMs: AT_MS + s * SECOND, demand, deadlineAtMs: AT_MS + (s + 90) * SECOND })

const exchangesIn = (items: readonly Item[]) => items.filter((item): item is Exchange => item.kind === 'exchange')
const skippedIn = (items: readonly Item[]) => items.flatMap((item) => (item.kind === 'skipped' ? [item.why] : []))

describe('the reader of journals', () => {
  it('pairs what was sent with its answer, in the normal form', async () => {
    const { items, abilities } = await readJournal(header() + api(1, 0) + answered(1, 0.04, 200))
    expect(items).toEqual([
      {
        kind: 'exchange',
        at: { file: 'journal.jsonl', line: 2 },
        account: '00000000000000aa',
        client: CLIENT,
        sent: { earliestMs: AT_MS, latestMs: AT_MS },
        answered: { earliestMs: AT_MS + 40, latestMs: AT_MS + 40 },
        answeredAt: { file: 'journal.jsonl', line: 3 },
        request: {
          ...API,
          requestId: '1',
          accessId: 'a1',
          accessExpAtMs: AT_MS + 3_600_000,
          origin: 'https://api.test',
          configuredOrigin: 'https://api.test',
          status: 200,
        },
      },
    ])
    expect(abilities.lacks.outputs).toContain('not what it printed')
  })

  it('reads what is spelt otherwise alike', async () => {
    const usual = header() + api(1, 0) + answered(1, 1, 200)
    const spelt = (text: string) =>
      text
        .split('\n')
        .map((each) => each && JSON.stringify({ new: [{}], ...JSON.parse(each) }, null, 1).replaceAll('\n', ' '))
        .join('\r\n')
    expect(await readJournal(spelt(usual))).toEqual(await readJournal(usual))
  })

  it('merges the processes of one file, each with its header', async () => {
    const other = 'fedc0000-0000-4000-8000-000000000000'
    const theirs = (text: string) => text.replaceAll(by, other.slice(0, 8))
    const text =
      header() +
      api(1, 0) +
      header({ client: other }) +
      theirs(api(1, 1)) +
      answered(1, 2, 200) +
      theirs(answered(1, 3, 502))
    const { items } = await readJournal(text)
    expect(exchangesIn(items).map(({ client, account, request: { status } }) => [client, account, status])).toEqual([
      [CLIENT, '00000000000000aa', 200],
      [other, '00000000000000aa', 502],
    ])
  })

  it('knows that the old token serves while the next pair is being stored, and no longer', async () => {
    const signedIn = header() + create(1, 0) + answered(1, 0.1, 200, grant(1)) + api(2, 1) + answered(2, 1.1, 200)
    const refreshed = signedIn + refresh(3, 2800, 'b1') + answered(3, 2800.1, 200, grant(2))
    const next = { accessId: 'a2', accessExpAtMs: AT_MS + 6_000_000 }
    const late = (send: number, s: number) => api(send, s) + answered(send, s + 0.1, 200)
    const served = line({ kind: 'settled', atMs: AT_MS + 2800.4 * SECOND, demand: 1, tookMs: 100, ...next })
    const failsOf = async (...lines: string[]) => rulesThat('fail', await audited(refreshed + lines.join('')))
    expect(await failsOf(late(4, 2800.3), late(5, 2860.1), stored(2860.2))).toEqual([])
    for (const until of [stored(2800.4), served, api(6, 2800.4, next) + answered(6, 2800.45, 200)])
      expect(await failsOf(late(4, 2800.3), until, late(5, 2800.5))).toEqual(['invariant-4'])
    expect(await failsOf(late(4, 2860.2))).toEqual(['invariant-4'])
    // One of before the latest serves nobody.
    const earlier = header() + api(9, -10, { accessId: 'a0' }) + answered(9, -9, 200)
    const again = api(4, 2800.3, { accessId: 'a0' }) + answered(4, 2800.4, 200)
    expect(rulesThat('fail', await audited(refreshed.replace(header(), earlier) + again))).toEqual(['invariant-4'])
  })

  it('takes a request for dropped whose process was killed', async () => {
    const { items } = await readJournal(`${header()}${api(1, 0)}${api(2, 5)}${answered(2, 6, 200)}{"kind":"answ`)
    const [, lost] = exchangesIn(items)
    expect(lost?.request.status).toBe('dropped')
    expect(lost?.answered).toEqual({ earliestMs: AT_MS, latestMs: AT_MS + 6 * SECOND })
    expect(skippedIn(items)).toEqual(['cut off at the end of the file'])
  })

  it('knows that a time-out stands still while the machine sleeps, and that timers are late', async () => {
    const settled = (demand: number, s: number, tookMs: number) =>
      line({ kind: 'settled', atMs: AT_MS + s * SECOND, demand, tookMs, code: 'TIMEOUT' })
    const findings = async (text: string) => {
      const { items, abilities } = await readJournal(header() + text)
      return judge(momentsIn(items), judging(createMonitors(), abilities.tells)).map(({ monitor }) => monitor)
    }
    const later = api(9, 9000, { accessExpAtMs: AT_MS + 9999 * SECOND }) + answered(9, 9001, 200)
    expect(await findings(demanded(1, 0) + settled(1, 90.2, 90_200) + later)).toEqual([])
    expect(await findings(demanded(1, 0) + settled(1, 7200, 60_000) + later)).toEqual([])
    expect(await findings(demanded(1, 0) + settled(1, 95, 95_000) + later)).toEqual(['invariant-11'])
    expect(await findings(demanded(1, 0) + later)).toEqual(['invariant-11'])
    // Killed before its time was up: nobody can say, though another process goes on.
    const other = 'fedc0000-0000-4000-8000-000000000000'
    const theirs = header({ client: other }) + later.replaceAll(by, other.slice(0, 8))
    expect(await findings(demanded(1, 0) + api(1, 10) + answered(1, 11, 200) + theirs)).toEqual([])
  })

  it.each([
    ['invariant-3', answered(2, 3601, 429) + refresh(3, 4202, 'b1'), answered(2, 3601, 429) + refresh(3, 3700, 'b1')],
    [
      'invariant-5',
      answered(2, 3601, 200, grant(2)) + refresh(3, 7000, 'b2'),
      answered(2, 3601, 200, grant(2)) + refresh(3, 7000, 'b1'),
    ],
    [
      'invariant-4',
      answered(2, 3601, 200, grant(2)) + api(3, 3602, { accessId: 'a2', accessExpAtMs: AT_MS + 7_200_000 }),
      answered(2, 3601, 200, grant(2)) + stored(3601) + api(3, 3602, { accessExpAtMs: AT_MS + 7_200_000 }),
    ],
    [
      'invariant-14',
      answered(2, 3601, 200, grant(2)),
      answered(2, 3601, 200, grant(2)) +
        api(3, 3602, { accessId: 'a2', accessExpAtMs: AT_MS + 7_200_000, origin: 'https://evil.test' }),
    ],
  ])('%s: a clean trace, and its broken twin', async (monitor, clean, broken) => {
    const given = line({ kind: 'settled', atMs: AT_MS + SECOND, demand: 1, tookMs: SECOND, accessId: 'a1' })
    const signIn = demanded(1, 0) + create(1, 0) + answered(1, 1, 200, grant(1)) + given
    const before = header() + signIn + refresh(2, 3600, 'b1')
    const verdict = async (text: string) => {
      const { items, abilities } = await readJournal(before + text + answered(3, 9000, 200, grant(3)))
      return judge(momentsIn(items), judging(createMonitors(), abilities.tells)).map((finding) => finding.monitor)
    }
    expect(await verdict(clean)).toEqual([])
    expect(await verdict(broken)).toContain(monitor)
  })

  it('of another host is not looked at, where hosts are given', async () => {
    const target = { ...readContext.target, origins: ['https://other.test'] }
    const { items } = await readJournal(header() + api(1, 0) + answered(1, 1, 200), { ...readContext, target })
    expect(items).toEqual([{ kind: 'skipped', at: { file: 'journal.jsonl', line: 2 }, why: 'another host' }])
  })

  it('tells nothing for sure where lines are missing', async () => {
    const gap = await readJournal(header() + line({ kind: 'gap', atMs: AT_MS, lines: 12 }))
    expect(gap.abilities.tells).toEqual([])
    expect(gap.abilities.lacks.tokens).toBe('The journal left 12 lines out because whoever took them was too slow.')
    const torn = await readJournal(`${header()}{"kind":"sent"\n${api(1, 0)}`)
    expect(torn.abilities.lacks.demands).toBe('1 line of the journal cannot be read; the first is line 2, no JSON.')
  })

  it('says that its lines must be in the order they were written, where they are not', async () => {
    const { items, abilities } = await readJournal(header() + answered(1, 1, 200) + api(1, 0))
    expect(skippedIn(items)).toEqual([UNASKED])
    expect(UNASKED).toContain('in the order they were written')
    expect(abilities.tells).toEqual([])
    expect(abilities.lacks.tokens).toBe(`1 line of the journal cannot be read; the first is line 2, ${UNASKED}.`)
  })

  it('names who wrote it', async () => {
    const producerOf = async (producer: string) => {
      const recording = journalReader.read({ file: '-', bytes: bytesOf(header({ producer })) }, readContext)
      const { error } = await allOf(recording)
      expect(error).toBeUndefined()
      return recording.producer
    }
    for (const known of [PRODUCER, 'compliancely-auth 12.0.1-beta.2']) expect(await producerOf(known)).toBe(known)
    for (const other of ['canary', 'compliancely-auth canary', `${PRODUCER}-canary-secret`, ''])
      expect(await producerOf(other)).toBeUndefined()
  })

  it.each([
    ['as the client writes lines', {}],
    ['in any other order', { more: 1 }],
  ])('tells no secret of a path, %s', async (_, more) => {
    const { items } = await readJournal(header() + api(1, 0, { path: SECRET_PATH, ...more }) + answered(1, 1, 200))
    expect(exchangesIn(items)[0]?.request.path).toBe(SECRET_PATH_SHOWN)
    expect(JSON.stringify(items)).not.toContain('canary')
    // Told once, it is told the same ever after.
    const again = await readJournal(header() + api(1, 0, { path: SECRET_PATH_SHOWN, ...more }) + answered(1, 1, 200))
    expect(again.items).toEqual(items)
  })
})

async function* bytesOf(...texts: string[]) {
  for (const text of texts) yield new TextEncoder().encode(text)
}

describe('a journal that is none, or hostile', () => {
  it.each([
    [
      'of a later version',
      header({ version: 2 }),
      1,
      /is a journal of version 2, .* reads version 1: update compliancely-auth/,
    ],
    ['of a later version that renamed everything', header({ version: 9, client: 9 }), 1, /version 9.*update/],
    ['without a header', api(1, 0), 1, /is no journal: its first line must be the header/],
    ['with a header in pieces', `{"journal":"compliancely-auth"}\n`, 1, /is no journal/],
    [
      'of a later version in the middle',
      header() + api(1, 0) + answered(1, 1, 200) + header({ version: 2 }),
      4,
      /version 2/,
    ],
  ])('%s', async (_, text, number, said) => {
    const { error, items } = await readJournal(text)
    expect(error).toBeInstanceOf(UnreadableRecording)
    expect((error as UnreadableRecording).message).toMatch(said)
    expect((error as UnreadableRecording).at).toEqual({ file: 'journal.jsonl', line: number })
    // What came before it is there.
    expect(exchangesIn(items)).toHaveLength(number === 4 ? 1 : 0)
  })

  it.each([
    ['null', 'no JSON object'],
    ['[1]', 'no JSON object'],
    ['{"kind":"sent"}', 'does not say whose it is'],
    [line({ kind: 'sent', atMs: 1e308, send: 1, ...API }), 'a time that is none'],
    [line({ kind: 'sent', atMs: -1, send: 1, ...API }), 'a time that is none'],
    [line({ kind: 'sent', atMs: 1, send: 1.5, ...API }), "a 'sent' that lacks what it needs"],
    [line({ kind: 'sent', atMs: 1, send: 1, ...API, endpoint: '__proto__' }), "a 'sent' that lacks what it needs"],
    [line({ kind: 'answered', atMs: 1, send: 7, status: 200 }), UNASKED],
    [line({ kind: 'answered', atMs: 1, send: 7, status: '200' }), "a 'answered' that lacks what it needs"],
    [api(1, 0).replace(by, 'ffffffff'), 'of a process whose first line is not here'],
    [`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'does not say whose it is'],
    ['x'.repeat(MAX_LINE_BYTES + 1), `longer than ${MAX_LINE_BYTES} bytes`],
  ])('%.60s is passed over', async (text, why) => {
    const { items, error } = await readJournal(`${header()}${text.trimEnd()}\n${api(1, 0)}${answered(1, 1, 200)}`)
    expect(error).toBeUndefined()
    expect(skippedIn(items)).toEqual([why])
    expect(exchangesIn(items)).toHaveLength(1)
  })

  it('a kind of line that came later is passed over, and takes nothing away', async () => {
    const { items, abilities } = await readJournal(header() + line({ kind: 'weather', atMs: AT_MS }))
    expect(items).toEqual([])
    expect(abilities.tells).toHaveLength(8)
  })

  it('prototype keys and secrets in the place of fingerprints come to nothing', async () => {
    const secret = `eyJ${'canary'.repeat(9)}.x.y`
    const sent = api(1, 0, { accessId: secret, path: `/api/?token=${secret}`, method: 'GET' })
    const hostile = sent.replace('{', '{"__proto__":{"polluted":1},"constructor":"x",')
    const { items } = await readJournal(
      header() + hostile + answered(1, 1, 200, { code: secret, grantedAccessId: secret }),
    )
    expect(JSON.stringify(items)).not.toContain('canary')
    expect(exchangesIn(items)[0]?.request).toMatchObject({ path: '/api/', accessId: undefined, code: undefined })
    expect({}).not.toHaveProperty('polluted')
  })

  it('a string of 100 MB is not held', async () => {
    const piece = new Uint8Array(1_000_000).fill(0x61)
    const before = process.memoryUsage().arrayBuffers
    let held = 0
    async function* huge() {
      yield new TextEncoder().encode(`${header()}{"kind":"`)
      for (let chunk = 0; chunk < 100; chunk++) yield piece
      held = process.memoryUsage().arrayBuffers - before
      yield new TextEncoder().encode(`"}\n${api(1, 0)}${answered(1, 1, 200)}`)
    }
    const { items } = await allOf(journalReader.read({ file: '-', bytes: huge() }, readContext))
    expect(skippedIn(items)).toEqual([`longer than ${MAX_LINE_BYTES} bytes`])
    expect(exchangesIn(items)).toHaveLength(1)
    expect(held).toBeLessThan(10_000_000)
  })

  it('whatever is cut, repeated or garbled ends in items or in UnreadableRecording', async () => {
    const whole =
      header() + demanded(1, 0) + create(1, 0) + answered(1, 1, 200, grant(1)) + api(2, 1) + answered(2, 2, 401)
    const spoilt = fc
      .tuple(
        fc.nat(whole.length),
        fc.nat(80),
        fc.oneof(fc.string(), fc.json(), fc.constant(whole), fc.constant('1e999')),
      )
      .map(([from, length, put]) => whole.slice(0, from) + put + whole.slice(from + length))
    await fc.assert(
      fc.asyncProperty(spoilt, async (text) => {
        const { error } = await readJournal(text)
        if (error !== undefined) expect(error).toBeInstanceOf(UnreadableRecording)
      }),
      { numRuns: 300, seed: Number(process.env.SEED) },
    )
  })

  it('more open requests than anybody has are given up, the oldest first', async () => {
    const sends = Array.from({ length: 10_002 }, (_, send) => api(send, send)).join('')
    const { items } = await readJournal(header() + sends)
    expect(exchangesIn(items)).toHaveLength(10_002)
    expect(exchangesIn(items)[0]?.at.line).toBe(2)
  })
})
