import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { tokenLifecycle } from '../../machines/index.ts'
import { isPolicyId } from '../../src/policy/catalogue.ts'
import { readChart, triggerText } from '../../src/view/chart.ts'
import { regionsOf } from '../../src/view/diagram.ts'

const chart = readChart()
const source = readFileSync(new URL('../../machines/token-lifecycle.ts', import.meta.url), 'utf8')

const told = chart.transitions.map((transition) => ({
  ...transition,
  name: `${transition.from || 'the machine'}: ${triggerText(transition)} ${transition.guard ?? ''}`.trim(),
}))

describe('the chart explains itself', () => {
  it('describes every state', () => {
    expect(tokenLifecycle.root.description).toBeTruthy()
    expect(chart.states.filter(({ description }) => description === '').map(({ path }) => path)).toEqual([])
  })

  it('describes every transition', () => {
    expect(told.filter(({ description }) => description === '').map(({ name }) => name)).toEqual([])
  })

  it('names a clause or decision for every transition', () => {
    expect(told.filter(({ ids }) => ids.length === 0).map(({ name }) => name)).toEqual([])
  })

  it('names only clauses and decisions of the catalogue', () => {
    const clauses = [...source.matchAll(/\bclause: '([^']*)'|'(D-[\w-]+)'/g)].map(
      ([, clause, id]) => clause ?? id ?? '',
    )
    const named = [...chart.states, ...chart.transitions].flatMap(({ ids }) => ids)
    expect([...new Set([...named, ...clauses])].filter((id) => !isPolicyId(id))).toEqual([])
  })
})

describe('the chart is read at a glance', () => {
  it('has under 100 branches', () => {
    expect(chart.transitions.length).toBeLessThan(100)
  })

  it('has two regions, and in each no two states of one name', () => {
    expect(regionsOf(chart)).toEqual(['tokens', 'gate'])
    for (const region of regionsOf(chart)) {
      const keys = chart.states.filter(({ path }) => path.startsWith(`${region}.`)).map(({ key }) => key)
      expect(new Set(keys).size).toBe(keys.length)
    }
  })

  it('waits only by name, and looks again unguarded when a delay was cut short', () => {
    const timers = told.filter(({ kind }) => kind === 'after')
    expect(timers.length).toBeGreaterThan(0)
    expect(
      timers.map(({ trigger }) => trigger).filter((delay) => !(delay in tokenLifecycle.implementations.delays)),
    ).toEqual([])
    const lastOfEach = new Map(timers.map((timer) => [`${timer.from} ${timer.trigger}`, timer]))
    expect([...lastOfEach.values()].filter(({ guard }) => guard !== null).map(({ name }) => name)).toEqual([])
  })

  it('takes the outcome of every actor, and lets one that throws end it', () => {
    const ends = (kind: 'done' | 'error') =>
      told.filter((t) => t.kind === kind).map(({ from, trigger }) => `${from} ${trigger}`)
    const actors = chart.states.flatMap(({ path, invokes }) => invokes.map((actor) => `${path} ${actor}`))
    expect(ends('done')).toEqual(actors)
    expect(ends('error')).toEqual([])
  })
})

describe('the chart uses what it sets up', () => {
  const { implementations } = tokenLifecycle
  const used = {
    guards: chart.transitions.flatMap(({ guard }) => (guard === null ? [] : [guard])),
    actions: [
      ...chart.transitions.flatMap(({ actions }) => actions),
      ...chart.states.flatMap(({ entry, exit }) => [...entry, ...exit]),
    ],
    delays: chart.transitions.flatMap(({ kind, trigger }) => (kind === 'after' ? [trigger] : [])),
    actors: chart.states.flatMap(({ invokes }) => invokes),
  }
  const kinds = ['guards', 'actions', 'delays'] as const

  it.each(kinds)('%s', (kind) => {
    expect([...new Set(used[kind])].sort()).toEqual(Object.keys(implementations[kind]).sort())
  })

  it('actors', () => {
    expect([...new Set(used.actors)].sort()).toEqual(Object.keys(implementations.actors).sort())
  })
})

describe('the chart is one literal that Stately imports', () => {
  /** From `open` to the bracket that closes it; strings and comments are gone by then. */
  const balanced = (text: string, from: number) => {
    let depth = 0
    for (let at = from; at < text.length; at++) {
      if ('([{'.includes(text[at] ?? '')) depth += 1
      else if (')]}'.includes(text[at] ?? '') && --depth === 0) return at + 1
    }
    throw new Error('unbalanced')
  }
  const bare = source
    .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\/\/.*/g, '')
  const start = bare.indexOf('.createMachine(') + '.createMachine'.length
  let literal = bare.slice(start + 1, balanced(bare, start) - 1)
  // What is computed at run time stands in two places: the first context, and what an actor is told.
  const arrows: string[] = []
  for (let match = /\b(?:context|input): \(/.exec(literal); match; match = /\b(?:context|input): \(/.exec(literal)) {
    const open = match.index + match[0].length - 1
    const body = literal.indexOf('(', literal.indexOf('=>', balanced(literal, open)))
    arrows.push(literal.slice(match.index, balanced(literal, body)))
    literal = literal.slice(0, match.index) + literal.slice(balanced(literal, body))
  }

  it('without a spread', () => {
    expect(literal.match(/\.\.\.\S*/g)).toBeNull()
  })

  it('without a computed key', () => {
    expect(literal.match(/\[[^\]]*\]\s*:/g)).toBeNull()
  })

  it('without a call, a function or a template', () => {
    expect(literal.match(/\w+\s*\(|=>|`|\bfunction\b/g)).toBeNull()
  })

  it('but for what an actor is told', () => {
    const calling = chart.states.flatMap(({ invokes }) => invokes).filter((actor) => actor !== 'load')
    expect(arrows).toHaveLength(calling.length)
  })
})
