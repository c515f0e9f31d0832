import { describe, expect, it } from 'vitest'
import { judgeRecordings } from '../../src/audit/audit.ts'
import type { Item } from '../../src/audit/exchange.ts'
import { verdictOf } from '../../src/audit/reports/index.ts'
import type { Need } from '../../src/monitors/index.ts'
import {
  api,
  at,
  create,
  demand,
  elapsed,
  failedCreate,
  failedRefresh,
  refresh,
  START_MS,
  validate,
} from '../unit/monitors/traces.ts'
import { itemsOf } from './items.ts'

/** What counts as evidence, and what becomes of findings beyond those that a report can hold. */

const ALL: readonly Need[] = [
  ...(['demands', 'settlements', 'aborts', 'signOuts', 'outputs'] as const),
  ...(['origins', 'requestIds', 'tokens', 'credentials'] as const),
]
const LIST_LENGTH = 1_000

type Options = Partial<Parameters<typeof judgeRecordings>[2]>
const judged = (recordings: Parameters<typeof judgeRecordings>[0], items: readonly Item[], options: Options = {}) =>
  judgeRecordings(recordings, [items], { version: '0', nowMs: START_MS, ...options })

const journal = { file: 'a', recording: { format: 'journal', abilities: () => ({ tells: ALL, lacks: {} }) } } as const
const poor = { file: 'b', recording: { format: 'har', abilities: () => ({ tells: [], lacks: {} }) } } as const
const inFile = (file: string, items: readonly Item[]): Item[] => items.map((item) => ({ ...item, at: { file } }))
const ofAccount = (account: string, items: readonly Item[]): Item[] =>
  items.map((item) => (item.kind === 'skipped' ? item : { ...item, account }))
const ofClient = (client: string, items: readonly Item[]): Item[] =>
  items.map((item) => (item.kind === 'skipped' ? item : { ...item, client }))
const ruleOf = ({ rules }: Awaited<ReturnType<typeof judged>>, id: string) => rules.find(({ rule }) => rule === id)

describe('a recording that tells less', () => {
  const refusedTwice = [failedCreate(0, 401), failedCreate(60, 401)]

  it('takes nothing from what another one shows of another account', async () => {
    const items = [
      ...ofAccount('ann', ofClient('worker', inFile('a', itemsOf(refusedTwice)))),
      ...ofAccount('bob', inFile('b', itemsOf([api(70, 1)]))),
    ]
    const report = await judged([journal, poor], items)
    expect(ruleOf(report, 'invariant-7')).toMatchObject({ verdict: 'fail', findings: 1 })
    // What else there may be, nobody knows.
    expect(ruleOf(report, 'invariant-5')).toMatchObject({ verdict: 'inconclusive' })
  })

  it('is no evidence where it is all there is of an account', async () => {
    const report = await judged([journal, poor], ofAccount('bob', inFile('b', itemsOf(refusedTwice))))
    expect(ruleOf(report, 'invariant-7')).toMatchObject({ verdict: 'inconclusive', findings: 0 })
  })
})

describe('a recording that tells the tokens of some requests only', () => {
  const why = '1 request without the token'
  const partly = {
    file: 'a',
    recording: {
      format: 'har',
      abilities: () => ({
        tells: ALL.filter((need) => need !== 'tokens'),
        tellsPartly: ['tokens' as const],
        lacks: { tokens: why },
      }),
    },
  } as const
  const hiding = (items: readonly Item[]): Item[] =>
    items.map((item) => (item.kind === 'exchange' ? { ...item, hides: ['tokens'] } : item))
  const unseen = hiding(itemsOf([api(300, 0, { accessId: undefined })]))
  const needless = itemsOf([create(0, 1), create(0.5, 2)])
  const outcomes = async (items: readonly Item[]) => {
    const { findings } = await judged([partly], inFile('a', items))
    return findings.map(({ rule, verdict, because }) => [rule, verdict, ...(because === undefined ? [] : [because])])
  }

  it('does not show for sure what an unseen one might excuse', async () => {
    expect(await outcomes(ofAccount('ann', [...needless, ...unseen]))).toEqual([['invariant-10', 'inconclusive', why]])
  })

  it('shows for sure what another account did, whose tokens it tells', async () => {
    expect(await outcomes([...ofAccount('ann', needless), ...ofAccount('bob', unseen)])).toEqual([
      ['invariant-10', 'fail'],
    ])
  })

  it('does not where the unseen one may be of any account', async () => {
    expect(await outcomes([...ofAccount('ann', needless), ...unseen])).toEqual([['invariant-10', 'inconclusive', why]])
  })

  it('shows for sure what happened at another origin than the unseen one', async () => {
    const elsewhere = hiding(itemsOf([api(300, 0, { accessId: undefined, origin: 'https://other.test' })]))
    expect(await outcomes([...ofAccount('ann', needless), ...elsewhere])).toEqual([['invariant-10', 'fail']])
  })

  it('does not show for sure what has expired by one end of the clocks only', async () => {
    const used = itemsOf([create(0, 1), refresh(10, 2), api(11, 2), api(3605, 1, { accessExpAtMs: at(3600) })])
    const doubtful = used.map((item): Item => (item.kind === 'exchange' ? { ...item, expiryDoubtMs: 10_000 } : item))
    const found = (await outcomes([...doubtful, ...unseen])).filter(([rule]) => rule === 'invariant-4')
    expect(found).toEqual([['invariant-4', 'inconclusive', why]])
  })

  it('nor what is beyond the list', async () => {
    const creates = Array.from({ length: LIST_LENGTH + 6 }, (_, n) => create(n / 2, n + 1))
    const report = await judged([partly], inFile('a', [...itemsOf(creates), ...unseen]))
    expect(ruleOf(report, 'invariant-10')).toMatchObject({
      verdict: 'inconclusive',
      unlisted: { fail: 0, inconclusive: 5 },
    })
  })

  it('shows for sure what requests show by themselves', async () => {
    const faults = itemsOf([
      ...[create(0, 1), refresh(10, 2), failedRefresh(100, 1, 401)],
      api(4000, 2, { accessExpAtMs: at(3610) }),
    ])
    expect((await outcomes([...faults, ...unseen])).filter(([, verdict]) => verdict === 'fail')).toEqual([
      ['invariant-4', 'fail'],
      ['invariant-5', 'fail'],
    ])
  })

  it('lets no rule pass that needs them', async () => {
    const report = await judged([partly], inFile('a', [...itemsOf([create(0, 1)]), ...unseen]))
    expect(ruleOf(report, 'invariant-5')).toMatchObject({ verdict: 'inconclusive', because: why })
  })
})

describe('how requests say who they are', () => {
  const hidden = (items: readonly Item[]): Item[] =>
    items.map((item) => (item.kind === 'exchange' ? { ...item, authHidden: true } : item))

  it('counts where it is seen, and is in doubt where it may have been left out', async () => {
    const bare = hidden(itemsOf([api(0, 1, { authScheme: 'none' })]))
    const items = inFile('a', [...bare, ...itemsOf([api(1, 1, { authScheme: 'Basic' })])])
    const report = await judged([journal], items)
    expect(ruleOf(report, 'no-basic-auth')).toMatchObject({ verdict: 'fail', findings: 1 })
    expect(ruleOf(report, 'bearer-on-every-request')).toMatchObject({ verdict: 'inconclusive', findings: 0 })
  })

  it('counts where it is seen after many that may have left it out', async () => {
    const bare = (n: number) => api(n, 1, { authScheme: 'none' })
    const many = hidden(itemsOf(Array.from({ length: LIST_LENGTH + 5 }, (_, n) => bare(n))))
    const report = await judged([journal], inFile('a', [...many, ...itemsOf([bare(LIST_LENGTH + 9)])]))
    expect(ruleOf(report, 'bearer-on-every-request')).toMatchObject({ verdict: 'fail', findings: 1 })
    expect(report.findings).toHaveLength(1)
  })

  it('stays in doubt however often it may have been left out', async () => {
    const bare = Array.from({ length: LIST_LENGTH + 5 }, (_, n) => api(n, 1, { authScheme: 'none' }))
    const report = await judged([journal], inFile('a', hidden(itemsOf(bare))))
    expect(ruleOf(report, 'bearer-on-every-request')).toMatchObject({ verdict: 'inconclusive', findings: 0 })
  })
})

it('two findings of one rule at one moment are two', async () => {
  const open = ['d1', 'd2'].map((demandId) => demand(0, { demandId, deadlineAtMs: at(90) }))
  const report = await judged([journal], inFile('a', itemsOf([...open, elapsed(95)])))
  expect(report.findings.map(({ rule, verdict }) => `${rule} ${verdict}`)).toEqual([
    'invariant-11 fail',
    'invariant-11 fail',
  ])
  // Also where two readings have to find each of them.
  const items = ofClient('worker', inFile('a', itemsOf([...open, elapsed(95)])))
  const { findings } = await judged([journal, poor], items)
  expect(findings.map(({ observed, verdict }) => `${observed.slice(0, 9)} ${verdict}`)).toEqual([
    'demand d1 fail',
    'demand d2 fail',
  ])
})

describe('more findings than are listed', () => {
  const basic = (n: number, path: string) => api(n, 1, { authScheme: 'Basic', path })
  const many = Array.from({ length: LIST_LENGTH }, (_, n) => basic(n, '/api/v2/a/'))
  const waiver = { rule: 'no-basic-auth', reason: 'known', expires: '2099-01-01' }

  it('count, also where a waiver covers all that are listed', async () => {
    const items = inFile('a', itemsOf([...many, basic(LIST_LENGTH, '/api/v2/b/')]))
    const report = await judged([journal], items, { waivers: [{ ...waiver, match: '/api/v2/a/' }] })
    expect(report.findings.every(({ waived }) => waived !== undefined)).toBe(true)
    expect(ruleOf(report, 'no-basic-auth')).toMatchObject({
      verdict: 'fail',
      findings: LIST_LENGTH + 1,
      unlisted: { fail: 1, inconclusive: 0 },
    })
    expect(verdictOf(report).verdict).toBe('fail')
  })

  it('do not count where the waiver covers them, and the waiver is not needless', async () => {
    const items = inFile('a', itemsOf([...many, basic(LIST_LENGTH, '/api/v2/b/')]))
    const report = await judged([journal], items, { waivers: [{ ...waiver, match: '/api/v2/b/' }] })
    expect(ruleOf(report, 'no-basic-auth')).not.toHaveProperty('unlisted')
    expect(report.notes).toEqual([])
  })

  it('the sure ones are listed before the doubtful ones', async () => {
    // Each sign-in comes as its pause ends, give or take a second; the last one comes within it.
    const pauses = Array.from({ length: LIST_LENGTH + 10 }, (_, n) => failedCreate(600.1 * n, 429))
    const items = itemsOf([...pauses, failedCreate(600.1 * (LIST_LENGTH + 9) + 5, 429)]).map((item): Item => {
      if (item.kind !== 'exchange') return item
      const { earliestMs } = item.sent
      return { ...item, at: { file: 'b' }, sent: { earliestMs: earliestMs - 1000, latestMs: earliestMs + 1000 } }
    })
    const report = await judged([poor], items)
    expect(ruleOf(report, 'invariant-3')).toMatchObject({ verdict: 'fail', findings: LIST_LENGTH + 10 })
    expect(report.findings.filter(({ verdict }) => verdict === 'fail').map(({ rule }) => rule)).toEqual(['invariant-3'])
  })
})

describe('a rule that cannot be judged', () => {
  it('is waived by a waiver of the whole rule', async () => {
    const waiver = { reason: 'no recording tells it', expires: '2099-01-01' }
    const items = inFile('b', itemsOf([create(0, 1)]))
    const waivers = [
      { rule: 'invariant-12', ...waiver },
      { rule: 'invariant-14', match: '/x/', ...waiver },
    ]
    const report = await judged([poor], items, { waivers })
    expect(ruleOf(report, 'invariant-12')).toMatchObject({ verdict: 'inconclusive', waived: waiver })
    expect(ruleOf(report, 'invariant-14')).not.toHaveProperty('waived')
    expect(report.notes).toEqual([expect.stringContaining('invariant-14')])
  })

  it('is every rule where there is nothing to judge', async () => {
    const report = await judged([journal], [{ kind: 'skipped', at: { file: 'a' }, why: 'another host' }])
    expect(new Set(report.rules.map(({ verdict }) => verdict))).toEqual(new Set(['inconclusive']))
    expect(verdictOf(report).verdict).toBe('inconclusive')
  })
})

it('the list is bounded for all accounts together, and what is beyond it counts', async () => {
  const items = Array.from({ length: LIST_LENGTH + 7 }, (_, n) =>
    ofAccount(`account-${n}`, itemsOf([api(n, 1, { authScheme: 'Basic' })])),
  )
  const report = await judged([poor], inFile('b', items.flat()), { mostAccounts: 5 })
  expect(report.findings).toHaveLength(LIST_LENGTH)
  expect(ruleOf(report, 'no-basic-auth')).toMatchObject({
    findings: LIST_LENGTH + 7,
    unlisted: { fail: 7, inconclusive: 0 },
  })
  expect(report.accounts).toBe(LIST_LENGTH + 7)
})

describe('many accounts', () => {
  const accounts = Array.from({ length: 20 }, (_, n) => `account-${n}`)
  const elevenOf = (account: string, n: number) =>
    ofAccount(account, itemsOf(Array.from({ length: 11 }, (_, send) => validate(100 * n + send, 1))))

  it('are forgotten while they are idle, and what was found of them is not', async () => {
    const items = inFile('b', accounts.flatMap(elevenOf))
    const report = await judged([poor], items, { mostAccounts: 5 })
    expect(ruleOf(report, 'invariant-2')).toMatchObject({ verdict: 'fail', findings: 20 })
    expect(report.accounts).toBe(20)
    expect(report.notes).toEqual([expect.stringContaining('15 were forgotten')])
  })

  it('nothing is said where none was', async () => {
    const report = await judged([poor], inFile('b', accounts.flatMap(elevenOf)))
    expect(report.notes).toEqual([])
  })
})
