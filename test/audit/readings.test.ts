import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judgeRecordings } from '../../src/audit/audit.ts'
import type { Exchange, Format } from '../../src/audit/exchange.ts'
import type { Need } from '../../src/monitors/index.ts'
import { at, create, type More, refresh, START_MS, validate } from '../unit/monitors/traces.ts'

const ALL: readonly Need[] = [
  ...(['demands', 'settlements', 'aborts', 'signOuts', 'outputs'] as const),
  ...(['origins', 'requestIds', 'tokens', 'credentials'] as const),
]
const SECOND = 1_000

const reportOf = (format: Format, exchanges: readonly Exchange[]) => {
  const recording = { format, abilities: () => ({ tells: ALL, lacks: {} }) }
  return judgeRecordings([{ file: 'trace', recording }], [exchanges], { version: '0', nowMs: START_MS })
}
/** The verdicts of rules that were broken, as a recording of this format has them. */
const verdicts = async (format: Format, exchanges: readonly Exchange[]) => {
  const { rules } = await reportOf(format, exchanges)
  return new Map(rules.flatMap(({ rule, verdict }) => (verdict === 'pass' ? [] : [[rule, verdict] as const])))
}
/** Known by the answer's time; how long it took is known to within. */
const within = (beforeMs: number, afterMs: number) => (exchange: Exchange, index: number) => {
  const { earliestMs, latestMs } = exchange.sent
  return {
    ...exchange,
    at: { file: 'trace', line: index + 1 },
    sent: { earliestMs: earliestMs - beforeMs, latestMs: latestMs + afterMs },
  }
}
const exactly = (atMs: number) => ({ earliestMs: atMs, latestMs: atMs })
/** Of a client that is told apart: then nothing is put down to a person. */
const exchangeOf = ({ sentAtMs, answeredAtMs, ...request }: ReturnType<typeof create>): Exchange => ({
  ...{ kind: 'exchange', at: { file: 'trace' }, client: 'c', request },
  ...{ sent: exactly(sentAtMs), answered: exactly(answeredAtMs) },
})

describe('a wait between two sends that are known to within', () => {
  it.each([
    ['invariant-2', Array.from({ length: 11 }, (_, n) => validate(5.9 * n, 1)), 3],
    [
      'refresh-before-expiry',
      [
        create(0, 1),
        ...[3_020, 3_081].map((s) => validate(s, 1, { endpoint: 'api', authScheme: 'Bearer', requestId: `q${s}` })),
      ],
      2,
    ],
    ['invariant-10', [create(0, 1), create(86_400 - 31, 2)], 2],
  ] as const)(
    '%s fails only where the longest wait, or the shortest, is none that is allowed',
    async (rule, requests, seconds) => {
      const exact = requests.map(exchangeOf)
      expect((await verdicts('har', exact)).get(rule)).toBe('fail')
      expect((await verdicts('har', exact.map(within(0, 0.1 * SECOND)))).get(rule)).toBe('fail')
      for (const widen of [within(0, seconds * SECOND), within(seconds * SECOND, 0)])
        expect((await verdicts('har', exact.map(widen))).get(rule)).toBe('inconclusive')
    },
  )
})

it('what follows from one request in one reading and from another one in the other is not sure', async () => {
  // Sent before its grant or after the next one, and neither has to be.
  const [first, second, sent, third] = [create(0, 1), create(3_000, 2), validate(3_001, 2), create(3_002, 3)].map(
    exchangeOf,
  )
  const unsure = within(3 * SECOND, 3 * SECOND)(sent as Exchange, 2)
  const recorded = [first, unsure, second, third] as Exchange[]
  expect((await verdicts('har', recorded)).get('invariant-4')).toBe('inconclusive')
})

describe('a fault that is sure, though the order of what brought it about is not', () => {
  /** Sent up to so many seconds earlier than it seems: it may have waited for a connection. */
  const waited = (seconds: number, exchange: Exchange, index = 0) => within(seconds * SECOND, 0)(exchange, index)
  const lasting = (seconds: number, request: ReturnType<typeof create>) =>
    exchangeOf({ ...request, answeredAtMs: request.sentAtMs + seconds * SECOND })
  const inOrder = (...exchanges: Exchange[]) =>
    exchanges.toSorted((one, other) => one.sent.earliestMs - other.sent.earliestMs)

  it('two sign-ins overlap, whichever was first', async () => {
    const two = (tookSeconds: number) =>
      inOrder(waited(0.3, lasting(tookSeconds, create(0.2, 1))), lasting(tookSeconds, create(0.1, 2)))
    expect((await verdicts('har', two(3))).get('invariant-1')).toBe('fail')
    expect((await verdicts('har', two(0.05))).get('invariant-1')).not.toBe('fail')
  })

  it('eleven token requests are one too many, whichever is the eleventh', async () => {
    const eleven = Array.from({ length: 11 }, (_, n) => exchangeOf(validate(n, 1)))
    // The last one may have gone out before five others.
    const swapped = inOrder(...eleven.map((each, n) => (n === 10 ? waited(6, each) : each)))
    expect((await verdicts('har', swapped)).get('invariant-2')).toBe('fail')
  })

  it('a token is in use past its window, whichever request is the first that is late enough', async () => {
    const use = (s: number) => exchangeOf(validate(s, 1, { endpoint: 'api', authScheme: 'Bearer', requestId: `q${s}` }))
    const polled = [exchangeOf(create(0, 1)), ...[3_000, 3_060, 3_120, 3_180].map(use)]
    const { findings } = await reportOf('har', polled.map(within(0, 0.001 * SECOND)))
    const ofRule = findings.filter(({ rule }) => rule === 'refresh-before-expiry')
    // The one that is late enough for sure.
    expect(ofRule.map(({ verdict, offence }) => [verdict, offence?.at.line])).toEqual([['fail', 5]])
  })

  it('two 429 before it begin a pause, whichever was the latest', async () => {
    const throttled = { status: 429, endpoint: 'refresh', refreshId: 'r1', accessId: undefined } as const
    const both = [10, 10.2].map((s) => lasting(1, validate(s, 1, throttled)))
    // The first one was answered before the second or after it.
    const [first, second] = both as [Exchange, Exchange]
    const { earliestMs, latestMs } = first.answered
    const slow = { ...first, answered: { earliestMs, latestMs: latestMs + 0.5 * SECOND } }
    const after = exchangeOf(validate(70, 1))
    expect((await verdicts('har', inOrder(slow, second, after))).get('invariant-3')).toBe('fail')
  })
})

const margin = fc.constantFrom(0, 200, 1_000, 2_000)
const KINDS = [
  ...(['create', 'refresh', 'validate', 'api', 'api'] as const),
  ...(['refresh 429', 'refresh 502', 'refresh 401', 'api 401'] as const),
] as const
/** What happens next: about so many seconds later, with what outcome, and how well its times are known. */
const stepAfter = (kinds: readonly (typeof KINDS)[number][], aboutMs: number, ...seconds: readonly number[]) =>
  fc.record({
    gapMs: fc.oneof(...seconds.map((s) => fc.integer({ min: s * SECOND - aboutMs, max: s * SECOND + aboutMs }))),
    tookMs: fc.integer({ min: 0, max: SECOND }),
    kind: fc.constantFrom(...kinds),
    expiries: fc.boolean(),
    margins: fc.tuple(margin, margin, margin, margin),
  })
// Few steps, about as far apart as rules ask: a fault that is broken anyhow would hide one that is not.
const steps = fc.oneof(
  fc.array(stepAfter(KINDS, 2 * SECOND, 5, 30, 58, 60, 300, 598, 600, 2_990, 3_000), { minLength: 2, maxLength: 5 }),
  fc.array(stepAfter(['validate'], 0.4 * SECOND, 5.9), { minLength: 11, maxLength: 12 }),
)
type Step = ReturnType<typeof stepAfter> extends fc.Arbitrary<infer Each> ? Each : never

function recordingOf(steps: readonly Step[]): Exchange[] {
  let [s, generation] = [0, 0]
  const exchanges = steps.map(({ gapMs, tookMs, kind, expiries, margins: [a, b, c, d] }, index): Exchange => {
    s += gapMs / SECOND
    const [endpoint = '', status] = kind.split(' ')
    const granting = status === undefined && (endpoint === 'create' || endpoint === 'refresh')
    const requestId = endpoint === 'api' ? `q${index}` : undefined
    const failed: More = { status: Number(status ?? 200) }
    const expire: More =
      expiries && granting ? { grantedAccessExpAtMs: at(s + 3_600), grantedRefreshExpAtMs: at(s + 86_400) } : {}
    const grant = granting ? { ...(endpoint === 'create' ? create : refresh)(s, ++generation), ...expire } : undefined
    const base = grant ?? { ...validate(s, generation), ...failed, path: `/api/v2/${endpoint}/` }
    const request = { ...base, endpoint, requestId, authScheme: endpoint === 'api' ? 'Bearer' : 'none' } as ReturnType<
      typeof create
    >
    const own = endpoint === 'refresh' && !granting ? { accessId: undefined, refreshId: `r${generation}` } : {}
    const [sentMs, answeredMs] = [at(s), at(s) + tookMs]
    return {
      ...exchangeOf({ ...request, ...own }),
      at: { file: 'trace', line: index + 1 },
      sent: { earliestMs: sentMs - a, latestMs: sentMs + b },
      answered: { earliestMs: answeredMs - c, latestMs: answeredMs + d },
    }
  })
  return exchanges.toSorted((one, other) => one.sent.earliestMs - other.sent.earliestMs)
}

/** The order of all sends and answers where their times are these: by time, answers before sends. */
function orderOf(times: readonly (readonly [sentMs: number, answeredMs: number])[]): string {
  const moments = times.flatMap(([sentMs, answeredMs], index) => [
    { name: `sent ${index}`, atMs: sentMs, rank: 1 },
    { name: `answered ${index}`, atMs: answeredMs, rank: answeredMs > sentMs ? 0 : 1 },
  ])
  return moments
    .toSorted((a, b) => a.atMs - b.atMs || a.rank - b.rank)
    .map(({ name }) => name)
    .join()
}

/** The order that both readings have it in; `undefined`: it is not the same. */
function orderIn(recorded: readonly Exchange[]): string | undefined {
  const [late, early] = [
    orderOf(recorded.map(({ sent, answered }) => [sent.latestMs, Math.max(sent.latestMs, answered.earliestMs)])),
    orderOf(recorded.map(({ sent, answered }) => [sent.earliestMs, answered.latestMs])),
  ]
  return late === early ? late : undefined
}

/** Some true times of a recording. */
function drawn(recorded: readonly Exchange[], chance: () => number): (readonly [number, number])[] {
  const turn = Math.floor(chance() * (recorded.length + 1))
  const manner = Math.floor(chance() * 4)
  const share = (index: number) => {
    if (manner < 2) return index < turn ? manner : 1 - manner
    return manner === 2 ? Math.round(chance()) : chance()
  }
  const within = (fromMs: number, untilMs: number, index: number) =>
    Math.round(fromMs + share(index) * (untilMs - fromMs))
  return recorded.map(({ sent, answered }, index) => {
    const sentMs = within(sent.earliestMs, sent.latestMs, index)
    const [fromMs, untilMs] = [Math.max(answered.earliestMs, sentMs), Math.max(answered.latestMs, sentMs)]
    return [sentMs, within(fromMs, untilMs, index)]
  })
}

function chances(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const step = (kind: Step['kind'], gapMs: number): Step => ({
  ...{ kind, gapMs, tookMs: 100, expiries: true },
  margins: [200, 200, 0, 0],
})
/** Faults that the margins leave no doubt of: whatever chance brings, these are among it. */
const FAILING: readonly Step[][] = [
  Array.from({ length: 11 }, () => step('validate', 5_500)),
  [step('create', 5_000), step('refresh 429', 5_000), step('validate', 30_000)],
  [step('create', 5_000), step('refresh 502', 5_000), step('refresh', 600)],
  [step('create', 5_000), step('api', 3_020_000), step('api', 62_000)],
  [step('create', 5_000), ...[3_000_000, 60_000, 60_000].map((gapMs) => step('api', gapMs))],
]

it('what fails is broken whatever the true times are, within what is known of them, in the order that is known', async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), async (taken, seed) => {
      const recorded = recordingOf(taken)
      const order = orderIn(recorded)
      fc.pre(order !== undefined)
      const failing = [...(await verdicts('har', recorded))].flatMap(([rule, verdict]) =>
        verdict === 'fail' ? [rule] : [],
      )
      const chance = chances(seed)
      for (let draw = 0; draw < 20 && failing.length > 0; draw++) {
        const times = drawn(recorded, chance)
        if (orderOf(times) !== order) continue
        const exact = recorded.map((exchange, index) => {
          const [sentMs, answeredMs] = times[index] as readonly [number, number]
          return { ...exchange, sent: exactly(sentMs), answered: exactly(answeredMs) }
        })
        const broken = await verdicts('journal', exact)
        for (const rule of failing) {
          seen.add(rule)
          expect([rule, broken.get(rule)]).toEqual([rule, 'fail'])
        }
      }
    }),
    { numRuns: 500, examples: FAILING.map((taken) => [taken, 1]) },
  )
  // It is no proof where nothing fails.
  for (const rule of ['invariant-2', 'invariant-3', 'D-back-off', 'refresh-before-expiry'])
    expect([...seen]).toContain(rule)
})
