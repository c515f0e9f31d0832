import { describe, expect, it } from 'vitest'
import { judgeRecordings } from '../../src/audit/audit.ts'
import type { Exchange, Item } from '../../src/audit/exchange.ts'
import type { Need } from '../../src/monitors/index.ts'
import { api, at, create, type Items, refresh, START_MS } from '../unit/monitors/traces.ts'
import { isExchange, itemsOf, widened } from './items.ts'

const TELLS: readonly Need[] = ['tokens', 'credentials', 'origins', 'requestIds']
const recorded = (format: 'journal' | 'har', tells = TELLS) => ({
  file: 'trace.jsonl',
  recording: { format, abilities: () => ({ tells, lacks: {} }) },
})
const audited = (items: readonly Item[], recording = recorded('journal')) =>
  judgeRecordings([recording], [items], { version: '0', nowMs: START_MS })

describe('sends that may be one request', () => {
  const sameAs = (items: readonly Item[]): Item[] =>
    items.map((item) => {
      if (!isExchange(item) || item.request.endpoint !== 'api') return item
      const { requestId: _, ...request } = item.request
      return { ...item, request, sameAs: 'GET /x' } satisfies Exchange
    })
  const guessed = async (...calls: Items) => {
    const { findings } = await audited(sameAs(itemsOf([create(0, 1), ...calls])))
    return findings.filter(({ rule }) => rule === 'invariant-6')
  }

  it('are guessed, with little confidence, where one soon follows a failure', async () => {
    expect(await guessed(api(10, 1, { status: 500 }), api(10.5, 1, { status: 500 }))).toMatchObject([
      { verdict: 'fail', confidence: 'medium' },
    ])
  })

  it('are guessed from what does not tell it, too: a fault is one, and none is inconclusive', async () => {
    const blind = recorded(
      'har',
      TELLS.filter((need) => need !== 'requestIds'),
    )
    const verdict = async (...calls: Items) => {
      const items = sameAs(itemsOf([create(0, 1), ...calls]))
      const { rules } = await audited(items, blind)
      return rules.find(({ rule }) => rule === 'invariant-6')?.verdict
    }
    expect(await verdict(api(10, 1, { status: 500 }), api(10.5, 1))).toBe('fail')
    expect(await verdict(api(10, 1), api(10.5, 1))).toBe('inconclusive')
  })

  describe('at the edges', () => {
    const failing = (s: number, answeredS: number) => api(s, 1, { status: 500, answeredAtMs: at(answeredS) })
    const verdicts = async (uncertainMs: number, ...calls: Items) => {
      const items = widened(sameAs(itemsOf([create(0, 1), ...calls])), uncertainMs)
      const { findings } = await audited(items, recorded('har'))
      return findings.map(({ rule, verdict }) => `${rule} ${verdict}`)
    }
    const FAILS = ['invariant-6 fail']

    it('one that is sent as the failure comes is, and 1 ms before it is another', async () => {
      expect(await verdicts(0, failing(10, 10.1), api(10.1, 1))).toEqual(FAILS)
      expect(await verdicts(0, failing(10, 10.1), api(10.099, 1))).toEqual([])
    })

    it('two that are sent at one instant are two, though the first fails in it', async () => {
      for (const uncertainMs of [0, 1]) expect(await verdicts(uncertainMs, failing(10, 10), api(10, 1))).toEqual([])
    })

    it('cannot be told where one reading alone has it so', async () => {
      expect(await verdicts(1, failing(10, 10.1), api(10.102, 1))).toEqual(FAILS)
      expect(await verdicts(1, failing(10, 10.1), api(10.101, 1))).toEqual(['invariant-6 inconclusive'])
      expect(await verdicts(1, failing(10, 10.1), api(10.098, 1))).toEqual(['invariant-6 inconclusive'])
      expect(await verdicts(1, failing(10, 10.1), api(10.097, 1))).toEqual([])
    })

    it('two seconds after it is, as long as some reading has it so', async () => {
      expect(await verdicts(0, failing(10, 10.1), api(12.1, 1))).toEqual(FAILS)
      expect(await verdicts(0, failing(10, 10.1), api(12.101, 1))).toEqual([])
      expect(await verdicts(1, failing(10, 10.1), api(12.099, 1))).toEqual(['invariant-6 inconclusive'])
    })
  })

  it('are not where it comes later, or follows a success', async () => {
    expect(await guessed(api(10, 1, { status: 500 }), api(13, 1))).toEqual([])
    expect(await guessed(api(10, 1), api(10.1, 1), api(10.2, 1))).toEqual([])
  })

  it('are not where the token that was refused is sent again: another caller may ask for the same', async () => {
    const refused = { status: 401 }
    expect(await guessed(api(600, 1, refused), api(600.1, 1, refused), refresh(600.2, 2), api(600.3, 2))).toEqual([])
  })

  it('are where another token follows a 401: that it is sent a third time shows', async () => {
    const calls = [api(600, 1, { status: 401 }), refresh(600.1, 2), api(600.2, 2, { status: 500 }), api(600.3, 2)]
    expect(await guessed(...calls)).toMatchObject([{ verdict: 'fail' }])
  })
})
