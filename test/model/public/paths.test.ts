import { describe, expect, it } from 'vitest'
import { BY_HAND, NO_PUBLIC_PATH } from './by-hand.ts'
import { coverageOf, isWanted, playAll } from './coverage.ts'
import { generate } from './generate.ts'

const generated = await playAll(generate())
const byHand = await playAll(BY_HAND)
const rows = coverageOf(generated, byHand)

describe('paths of the explored chart, through the public client', () => {
  it.each(generated)('$scenario.name', ({ scenario, run }) => {
    expect(run.faults).toEqual([])
    expect(run.findings).toEqual([])
    expect([...run.seen]).toEqual(expect.arrayContaining([...scenario.takes]))
  })
})

describe('paths written by hand', () => {
  it.each(byHand)('$scenario.name', ({ scenario, run }) => {
    expect(run.faults).toEqual([])
    expect(run.findings).toEqual([])
    expect([...run.seen]).toEqual(expect.arrayContaining([...scenario.takes]))
  })

  it('are there for what no generated path takes', () => {
    const superfluous = byHand.filter(({ scenario }) =>
      scenario.takes.every((name) => generated.some(({ run }) => run.seen.has(name))),
    )
    expect(superfluous.map(({ scenario }) => scenario.name)).toEqual([])
  })
})

describe('together they', () => {
  it('take every transition of the chart, and ask every guard to both answers, but for those listed', () => {
    const missing = rows.filter(({ name, by }) => by === 'nothing' && !(name in NO_PUBLIC_PATH))
    expect(missing.map(({ name }) => name)).toEqual([])
  })

  it('bring about none that is listed as impossible', () => {
    const listed = rows.filter(({ name, by }) => by !== 'nothing' && name in NO_PUBLIC_PATH)
    expect(listed).toEqual([])
    expect(Object.keys(NO_PUBLIC_PATH).filter((name) => !isWanted(name))).toEqual([])
  })
})
