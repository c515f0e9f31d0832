import { describe, expect, it } from 'vitest'
import { COVERAGE, createMonitors, judging } from '../../src/monitors/index.ts'
import { DEFAULT_POLICY, INVARIANTS, POLICY_IDS } from '../../src/policy/index.ts'

// Named while the tests are collected, looked at in each test anew: so a mutant is noticed where it matters.
const NAMES = createMonitors().map(({ id }) => id)

describe('the table of what traffic shows', () => {
  it('has every clause and decision, in the order of the catalogue', () => {
    expect(Object.keys(COVERAGE)).toEqual(POLICY_IDS)
  })

  it.each(POLICY_IDS)('%s is shown by monitors that exist, or says why by none', (id) => {
    const { monitors, note } = COVERAGE[id]
    expect(createMonitors().map((monitor) => monitor.id)).toEqual(expect.arrayContaining([...monitors]))
    if (monitors.length === 0) expect(note).toMatch(/^[A-Z].+\.$/)
  })

  it.each(NAMES)('%s is named by every clause and decision that it stands for', (id) => {
    const ids = createMonitors().find((monitor) => monitor.id === id)?.ids ?? []
    expect(ids).not.toEqual([])
    const naming = POLICY_IDS.filter((each) => COVERAGE[each].monitors.some((monitor) => monitor === id))
    expect(naming).toEqual(expect.arrayContaining([...ids]))
  })
})

describe('the monitors', () => {
  it('look after each invariant, and after each clause or decision once', () => {
    const numbers = createMonitors().flatMap(({ invariant }) => invariant ?? [])
    expect(numbers).toEqual(INVARIANTS.map(({ number }) => number))
    expect(new Set(createMonitors().map(({ id }) => id)).size).toBe(createMonitors().length)
  })

  it('leave out those that lack what they need', () => {
    const plain = judging(createMonitors(), []).map(({ id }) => id)
    expect(plain).toEqual(expect.arrayContaining(['invariant-1', 'invariant-2', 'invariant-3', 'no-api-v1']))
    for (const id of ['invariant-4', 'invariant-6', 'invariant-9', 'invariant-11', 'invariant-12', 'invariant-14'])
      expect(plain).not.toContain(id)
    expect(judging(createMonitors(), ['requestIds']).map(({ id }) => id)).not.toContain('invariant-6')
    expect(judging(createMonitors(), ['requestIds', 'tokens']).map(({ id }) => id)).toContain('invariant-6')
  })

  it('do without the pause of API requests where it is switched off', () => {
    const ids = createMonitors({ ...DEFAULT_POLICY, apiPause: false }).map(({ id }) => id)
    expect(ids).toEqual(
      createMonitors()
        .map(({ id }) => id)
        .filter((id) => id !== 'D-api-429'),
    )
  })
})
