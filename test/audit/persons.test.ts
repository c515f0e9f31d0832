import { describe, expect, it } from 'vitest'
import { judgeRecordings } from '../../src/audit/audit.ts'
import type { Instant, Item } from '../../src/audit/exchange.ts'
import { ALLOW_FOR_PERSONS, allowingForPersons, PERSON } from '../../src/audit/persons.ts'
import { createMonitors, judge, type Need } from '../../src/monitors/index.ts'
import { BORDER_TWINS } from '../unit/monitors/border-twins.ts'
import { CLAUSE_TWINS } from '../unit/monitors/clause-twins.ts'
import {
  api,
  create,
  failedCreate,
  failedRefresh,
  type Items,
  refresh,
  START_MS,
  trace,
  validate,
} from '../unit/monitors/traces.ts'
import { TRAFFIC_TWINS } from '../unit/monitors/traffic-twins.ts'
import { isExchange, itemsOf } from './items.ts'
import { asHar, asJournal, audited } from './renderings.ts'

/** What a person may have done that no traffic shows, and what no person does. */

const TELLS: readonly Need[] = ['tokens', 'credentials', 'origins']
const recording = { format: 'har', abilities: () => ({ tells: TELLS, lacks: {} }) } as const

/** `invariant-7 fail` of each finding, by time. */
async function verdictsOf(items: readonly Item[]): Promise<string[]> {
  const recordings = [{ file: 'trace.jsonl', recording }]
  const { findings } = await judgeRecordings(recordings, [items], { version: '0', nowMs: START_MS })
  return findings.map(({ rule, verdict }) => `${rule} ${verdict}`)
}
/** Where the times are exact. */
const judged = (...items: Items) => verdictsOf(itemsOf(items))
const within = ({ earliestMs, latestMs }: Instant): Instant => ({
  earliestMs: earliestMs - 1_000,
  latestMs: latestMs + 1_000,
})

/** To type credentials again. */
const SOONEST_S = PERSON.retypedMs / 1000
const DAY_S = PERSON.withinMs / 1000
const REFUSED = { status: 401 } as const
const MAYBE = 'invariant-10 inconclusive'
const FAIL = 'invariant-10 fail'
/** Sign-ins while the pair of the one before is held. */
const signIns = (...s: number[]) => judged(...s.map((each, n) => create(each, n + 1)))

describe('a person', () => {
  it(`types refused credentials again ${SOONEST_S} s after the answer, and no sooner`, async () => {
    const again = (s: number) => judged(failedCreate(0, 401), failedCreate(s, 401))
    expect(await again(SOONEST_S)).toEqual(['invariant-7 inconclusive'])
    expect(await again(SOONEST_S - 0.001)).toEqual(['invariant-7 fail'])
  })

  it.each([
    ['a refresh that failed', [create(0, 1), failedRefresh(600, 1, 502)]],
    ['a token that the API refused', [create(0, 1), api(600, 1, REFUSED)]],
    ['a validate that says no', [create(0, 1), validate(600, 1, REFUSED)]],
  ])('does not act within the second after %s', async (_, before) => {
    expect(await judged(...before, create(600.9, 2))).toEqual([FAIL])
    expect(await judged(...before, create(601, 2))).toEqual([MAYBE])
  })

  it('acts while a client goes on with a refused token', async () => {
    const goesOn = [api(600, 1, REFUSED), api(603, 1, REFUSED)]
    const found = await judged(create(0, 1), ...goesOn, create(603.1, 2))
    expect(found).toEqual(['invariant-4 fail', MAYBE])
  })

  it(`acts ${PERSON.acts} times in a day, and the third is the client's`, async () => {
    expect(await signIns(0, 600, 1200)).toEqual([MAYBE, MAYBE])
    expect(await signIns(0, 600, 1200, 1800)).toEqual([MAYBE, MAYBE, FAIL])
    expect(await signIns(0, 600, 20_000, DAY_S + 599.999)).toEqual([MAYBE, MAYBE, FAIL])
    expect(await signIns(0, 600, 20_000, DAY_S + 600)).toEqual([MAYBE, MAYBE, MAYBE])
  })

  it('is given the reading of the times in which nothing is too much', async () => {
    const items = itemsOf([0, 600, 20_000, DAY_S + 600].map((s, n) => create(s, n + 1)))
    const known = items.map((item, n) => (n === 1 && isExchange(item) ? { ...item, sent: within(item.sent) } : item))
    expect(await verdictsOf(known)).toEqual([MAYBE, MAYBE, MAYBE])
  })

  it('who reset the client has reset it: the password is good from then on', async () => {
    const day = [failedCreate(0, 401), create(100, 1)]
    expect(await judged(...day, create(DAY_S + 100, 2), create(2 * DAY_S + 100, 3))).toEqual([
      'invariant-7 inconclusive',
    ])
  })

  it('excuses no fault that no act allows: a spent refresh token, a pause', async () => {
    const spent = [create(0, 1), refresh(2800, 2), refresh(5600, 3, { refreshId: 'r1' })]
    expect(await judged(...spent)).toEqual(['invariant-5 fail'])
    expect(await judged(create(0, 1), failedRefresh(1000, 1, 429), refresh(1500, 2))).toEqual(['invariant-3 fail'])
  })

  it('is named with what may have been done', async () => {
    const because = async (...items: Items) => (await audited(asHar(items))).findings[0]?.because
    expect(await because(create(0, 1), create(600, 2))).toContain('signed out and in again')
    expect(await because(failedCreate(0, 401), create(600, 1))).toContain('reset the client')
    expect(await because(create(0, 1), failedRefresh(600, 1, 401), create(900, 2))).toContain('signed in by name')
    expect(await because(create(0, 1), api(10, 1, REFUSED), refresh(20, 2))).toContain('asked for a new pair by name')
  })
})

it('the rules that allow for a person are those of traffic whose faults an act would excuse', () => {
  const acts = ['demands', 'signOuts'] as const
  const ofTraffic = createMonitors().filter(({ needs }) => !acts.some((act) => needs.includes(act)))
  const later = [create(0, 1), failedRefresh(2800, 1, 401), create(2900, 2)]
  const twins = [...TRAFFIC_TWINS, ...CLAUSE_TWINS, ...BORDER_TWINS].map(({ twin }) => twin)
  const traces = [...twins, later].map(trace)
  const excused = ofTraffic.filter((of) => {
    const monitor = allowingForPersons(of)
    return traces.some((moments) => judge(moments, [monitor]).some(({ excuse }) => excuse !== undefined))
  })
  expect(excused.map(({ id }) => id).toSorted()).toEqual(ALLOW_FOR_PERSONS.toSorted())
})

describe('a journal tells what people did', () => {
  const needless = [create(0, 1), create(600, 2)]
  const verdicts = async (...texts: string[]) =>
    (await audited(...texts)).findings.map(({ rule, verdict, offence }) => `${offence?.at.file}: ${rule} ${verdict}`)

  it('so nobody is made up', async () => {
    expect(await verdicts(asJournal(needless))).toEqual([`recording-1: ${FAIL}`])
  })

  it('also beside a HAR, which does not', async () => {
    expect((await verdicts(asJournal(needless), asHar(needless))).toSorted()).toEqual([
      `recording-1: ${FAIL}`,
      `recording-2: ${MAYBE}`,
    ])
  })
})
