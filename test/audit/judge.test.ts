import { describe, expect, it } from 'vitest'
import { judgeRecordings } from '../../src/audit/audit.ts'
import type { Abilities, Format, Item } from '../../src/audit/exchange.ts'
import { RULES } from '../../src/audit/rules.ts'
import type { Waiver } from '../../src/audit/waivers.ts'
import { createMonitors, type Need } from '../../src/monitors/index.ts'
import { DEFAULT_POLICY } from '../../src/policy/defaults.ts'
import { BORDER_TWINS } from '../unit/monitors/border-twins.ts'
import { CLAUSE_TWINS } from '../unit/monitors/clause-twins.ts'
import {
  answered,
  api,
  at,
  create,
  demand,
  failedRefresh,
  type Items,
  refresh,
  START_MS,
  sent,
  settled,
  validate,
} from '../unit/monitors/traces.ts'
import { TRAFFIC_TWINS } from '../unit/monitors/traffic-twins.ts'
import { isExchange, itemsOf, widened } from './items.ts'

const ALL: readonly Need[] = [
  ...(['demands', 'settlements', 'aborts', 'signOuts', 'outputs'] as const),
  ...(['origins', 'requestIds', 'tokens', 'credentials'] as const),
]
const TWINS = [...TRAFFIC_TWINS, ...CLAUSE_TWINS, ...BORDER_TWINS]

const recorded = (format: Format, abilities: Abilities, file = 'trace.jsonl') => ({
  file,
  recording: { format, abilities: () => abilities },
})
const audited = (items: readonly Item[], more: Partial<Parameters<typeof judgeRecordings>[2]> = {}) =>
  judgeRecordings([recorded('journal', { tells: ALL, lacks: {} })], [items], { version: '0', nowMs: START_MS, ...more })
const failed = async (items: Items) => {
  const { rules } = await audited(itemsOf(items))
  return rules.filter(({ verdict }) => verdict === 'fail').map(({ rule }) => rule)
}

describe.each(TWINS)('$monitor: $rule', ({ monitor, clean, twin }) => {
  it('the clean trace passes every rule', async () => {
    expect(await failed(clean)).toEqual([])
  })

  it('its broken twin fails this rule alone, with the offence, what was seen and what to do', async () => {
    const report = await audited(itemsOf(twin))
    expect(report.rules.filter(({ verdict }) => verdict === 'fail').map(({ rule }) => rule)).toEqual([monitor])
    for (const finding of report.findings) {
      expect(finding).toMatchObject({ rule: monitor, verdict: 'fail', ids: expect.any(Array) })
      expect(finding.offence?.at).toMatchObject({ file: 'trace.jsonl', line: expect.any(Number) })
      for (const words of [finding.observed, finding.required, finding.remedy]) expect(words.length).toBeGreaterThan(10)
    }
  })
})

it('every monitor has its rule, and no other is there', () => {
  expect(Object.keys(RULES).sort()).toEqual(
    createMonitors()
      .map(({ id }) => id)
      .sort(),
  )
})

const THROTTLED = failedRefresh(1_000, 1, 429)

describe('a finding', () => {
  it('names what it follows from, and when it would have been right', async () => {
    const { findings } = await audited(itemsOf([create(0, 1), THROTTLED, api(1_010, 1), refresh(1_041.2, 2)]))
    expect(findings).toMatchObject([
      {
        ...{ id: 'invariant-3/1', severity: 'error', confidence: 'high' },
        trigger: { request: 'POST /api/v2/token/refresh/ → 429', at: { line: 4 } },
        offence: { request: 'POST /api/v2/token/refresh/ → 200', at: { line: 8 } },
        observed: expect.stringMatching(/^a refresh was sent 41\.2\d* s after a 429$/),
        required: `allowed from ${new Date(at(1_600)).toISOString()}`,
      },
    ])
  })

  it('is an error where the guide requires, a note where it recommends, a warning where we decided', async () => {
    const { rules } = await audited([])
    const severity = (id: string) => rules.find(({ rule }) => rule === id)?.severity
    expect(severity('invariant-3')).toBe('error')
    expect(severity('refresh-before-expiry')).toBe('note')
    expect(severity('invariant-1')).toBe('warning')
  })

  it.each([
    ['no-basic-auth', { authScheme: 'Basic' }],
    ['no-api-v1', { path: '/api/v1/clients/' }],
  ] as const)(
    '%s: what the guide ends on 31 May 2026 is a warning until then, and an error from that day on',
    async (rule, more) => {
      const endS = (Date.UTC(2026, 4, 31) - START_MS) / 1000
      const before = api(endS - 0.001, 1, more)
      const severities = async (items: readonly Item[], nowMs?: number) => {
        const report = await audited(items, nowMs === undefined ? {} : { nowMs })
        const row = report.rules.find((each) => each.rule === rule)?.severity
        return [...report.findings.filter((each) => each.rule === rule).map(({ severity }) => severity), row]
      }
      expect(await severities(itemsOf([before]))).toEqual(['warning', 'warning'])
      expect(await severities(itemsOf([api(endS, 1, more)]))).toEqual(['error', 'error'])
      expect(await severities(itemsOf([before, api(endS + 1, 1, more)]))).toEqual(['warning', 'error', 'error'])
      // Whether it was still the day before cannot be told.
      expect(await severities(widened(itemsOf([api(endS, 1, more)]), 500))).toEqual(['warning', 'warning'])
      expect(await severities([], Date.UTC(2026, 4, 30))).toEqual(['warning'])
      expect(await severities([], Date.UTC(2026, 4, 31))).toEqual(['error'])
    },
  )
})

describe('times that are known to within', () => {
  const har = [recorded('har', { tells: ALL, lacks: {} })]
  const judged = (items: Items, ms: number) =>
    judgeRecordings(har, [widened(itemsOf(items), ms)], { version: '0', nowMs: START_MS })
  const early = [create(0, 1), THROTTLED, refresh(1_599, 2)]

  it('fail where every reading of them does', async () => {
    const { findings } = await judged(early, 400)
    expect(findings).toMatchObject([{ rule: 'invariant-3', verdict: 'fail', confidence: 'high' }])
  })

  it('are inconclusive where only some do, and say why', async () => {
    const { findings, rules } = await judged(early, 600)
    expect(findings).toMatchObject([{ rule: 'invariant-3', verdict: 'inconclusive', because: expect.any(String) }])
    expect(rules.find(({ rule }) => rule === 'invariant-3')).toMatchObject({ verdict: 'inconclusive' })
  })

  it('pass where none does', async () => {
    const { findings } = await judged([create(0, 1), THROTTLED, refresh(1_602, 2)], 400)
    expect(findings).toEqual([])
  })
})

describe('what a recording does not tell', () => {
  it('leaves a rule inconclusive, with the reason, and never passed', async () => {
    const blind = recorded('har', { tells: [], lacks: { tokens: 'It was made without sensitive data.' } })
    const { rules, findings } = await judgeRecordings([blind], [itemsOf([create(0, 1), create(1, 2)])], {
      version: '0',
      nowMs: START_MS,
    })
    for (const { id, needs } of createMonitors()) {
      const rule = rules.find((each) => each.rule === id)
      expect(rule?.verdict, id).toBe(needs.length === 0 ? 'pass' : 'inconclusive')
      if (needs.length > 0) expect(rule?.because, id).toBeTruthy()
    }
    expect(rules.find(({ rule }) => rule === 'invariant-4')?.because).toBe('It was made without sensitive data.')
    expect(findings).toEqual([])
  })

  it('is lacking where one of several recordings lacks it', async () => {
    const both = [
      recorded('journal', { tells: ALL, lacks: {} }, 'a'),
      recorded('har', { tells: [], lacks: { tokens: 'b lacks it' } }, 'b'),
    ]
    const { rules } = await judgeRecordings(both, [itemsOf([create(0, 1)])], { version: '0', nowMs: START_MS })
    expect(rules.find(({ rule }) => rule === 'invariant-5')).toMatchObject({ because: 'b lacks it' })
  })
})

describe('accounts and origins', () => {
  const tenValidates = Array.from({ length: 10 }, (_, n) => validate(n, 1))
  const of = (account: string, origin: string, items: Items) =>
    itemsOf(items).map(
      (item): Item => (isExchange(item) ? { ...item, account, request: { ...item.request, origin } } : item),
    )
  const byTime = (items: readonly Item[]) =>
    items.filter(isExchange).toSorted((a, b) => a.sent.earliestMs - b.sent.earliestMs)
  const two = byTime([...of('ada', 'https://a', tenValidates), ...of('eve', 'https://a', tenValidates)])
  const verdict = async (items: readonly Item[], policy = {}) => {
    const report = await audited(items, { policy: { ...DEFAULT_POLICY, ...policy } })
    return report.rules.find(({ rule }) => rule === 'invariant-2')?.verdict
  }

  it('are judged apart', async () => {
    expect(await verdict(two)).toBe('pass')
    expect(
      await verdict(byTime([...of('ada', 'https://a', tenValidates), ...of('ada', 'https://a', tenValidates)])),
    ).toBe('fail')
    expect(
      await verdict(byTime([...of('ada', 'https://a', tenValidates), ...of('ada', 'https://b', tenValidates)])),
    ).toBe('pass')
  })

  it('D-budget: count together where the policy says that an origin has one budget; the report names the reading', async () => {
    expect(await verdict(two, { budgetScope: 'origin' })).toBe('fail')
    const { readings } = await audited(two, { policy: { ...DEFAULT_POLICY, budgetScope: 'origin' } })
    expect(readings[0]).toBe('D-budget: create, refresh and validate count, for each origin.')
  })

  it('D-budget: every request counts where the policy says so', async () => {
    const calls = [create(0, 1), ...Array.from({ length: 10 }, (_, n) => api(n + 1, 1))]
    expect(await verdict(itemsOf(calls))).toBe('pass')
    expect(await verdict(itemsOf(calls), { budgetCounts: 'all' })).toBe('fail')
  })
})

describe('refreshes of one rejected token that are in flight together', () => {
  const refused = api(600, 1, { status: 401 })
  const first = refresh(601, 2, { answeredAtMs: at(602) })
  const second = (s: number) => refresh(s, 3, { refreshId: 'r1', answeredAtMs: at(603) })
  const broken = (...items: Items) => failed([create(0, 1), ...items])

  it('break refresh-once as well as the rule that one is in flight', async () => {
    const together = [sent(first), sent(second(601.5)), answered(first), answered(second(601.5))]
    expect(await broken(refused, ...together)).toEqual(['invariant-1', 'refresh-once'])
  })

  it('break that rule alone where no token was rejected', async () => {
    const together = [sent(first), sent(second(601.5)), answered(first), answered(second(601.5))]
    expect(await broken(...together)).toEqual(['invariant-1'])
  })

  it('are none where the first had failed before', async () => {
    const lost = failedRefresh(601, 1, 503)
    expect(await broken(refused, lost, demand(700), refresh(700, 2))).toEqual([])
  })
})

it('what an exchange and the next happening break are two findings', async () => {
  const asks = (s: number, demandId: string) => demand(s, { demandId, deadlineAtMs: at(s + 90) })
  const unknown = settled(91.001, 'd2', { kind: 'error', code: undefined })
  const { findings } = await audited(itemsOf([asks(0, 'd1'), asks(2, 'd2'), api(91, 1, { requestId: 'q' }), unknown]))
  expect(findings).toMatchObject(['invariant-11/1', 'invariant-11/2'].map((id) => ({ id, verdict: 'fail' })))
})

describe('waivers', () => {
  const waiver = (more: Partial<Waiver> = {}): Waiver => ({
    ...{ rule: 'invariant-3', reason: 'the vendor knows', expires: '2026-01-05', ...more },
  })
  const judged = (waivers: readonly Waiver[], nowMs = START_MS) =>
    audited(itemsOf([create(0, 1), THROTTLED, refresh(1_100, 2)]), { waivers, nowMs })

  it('cover findings of their rule until the end of their last day', async () => {
    expect((await judged([waiver()])).findings[0]?.waived).toEqual({
      reason: 'the vendor knows',
      expires: '2026-01-05',
    })
    const over = await judged([waiver()], Date.UTC(2026, 0, 6))
    expect(over.findings[0]?.waived).toBeUndefined()
    expect(over.notes).toEqual(['The waiver of invariant-3 ended on 2026-01-05 and covers nothing.'])
  })

  it('cover what matches alone, and say when they cover nothing', async () => {
    expect((await judged([waiver({ match: 'token/refresh' })])).findings[0]?.waived).toBeDefined()
    const other = await judged([waiver({ match: '/elsewhere' })])
    expect(other.findings[0]?.waived).toBeUndefined()
    expect(other.notes[0]).toContain('covers no finding: remove it')
  })
})

describe('the timeline', () => {
  it('has every token request, and API requests within two minutes of a finding', async () => {
    const quiet = [create(0, 1), api(100, 1), api(900, 1)]
    const around = [THROTTLED, api(1_001, 1), refresh(1_002, 2), api(1_100, 2), api(1_200, 2)]
    const { timeline, timelineCut } = await audited(itemsOf([...quiet, ...around]))
    const seconds = timeline.map(({ atMs }) => Math.round((atMs - START_MS) / 1000)).sort((a, b) => a - b)
    expect(seconds).toEqual([0, 900, 1_000, 1_001, 1_002, 1_100])
    expect(timelineCut).toBe(false)
  })
})
