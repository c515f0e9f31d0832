import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readChart } from '../../src/view/chart.ts'
import { mermaid, outline, outlineRows, regionsOf } from '../../src/view/diagram.ts'
import { errorsTable, optionsTable } from '../../src/view/tables.ts'

const chart = readChart()
const lines = (region: string) =>
  mermaid(region)
    .split('\n')
    .map((line) => line.trim())
const arrows = (region: string) =>
  lines(region).flatMap((line) => {
    const [, from, to, label] = /^(\S+) --> (\w+)(?: : (.+))?$/.exec(line) ?? []
    return from === undefined || to === undefined ? [] : [{ from, to, labels: label?.split('<br/>') ?? [] }]
  })

/** The part of Mermaid's grammar that the diagrams use; whatever does not fit would not render. */
const GRAMMAR = [
  /^stateDiagram-v2$/,
  /^\w+$/,
  /^(?:\[\*\]|\w+) --> \w+(?: : [\w.,<>/[\] ]+)?$/,
  /^state \w+ \{$/,
  /^\}$/,
  /^state "[\w<>/]+" as \w+$/,
  /^note right of \w+$/,
  /^[\w ,.]+(?: → \w+)?$/,
  /^end note$/,
  /^classDef \w+ [\w:#,-]+$/,
  /^class [\w,]+ \w+$/,
]

describe.each(regionsOf(chart))('the diagram of region %s', (region) => {
  it('is Mermaid', () => {
    expect(lines(region).filter((line) => !GRAMMAR.some((form) => form.test(line)))).toEqual([])
    expect(lines(region).filter((line) => line.endsWith('{')).length).toBe(
      lines(region).filter((line) => line === '}').length,
    )
  })

  it('is the same every time', () => {
    expect(mermaid(region)).toBe(mermaid(region, readChart()))
  })

  it('names every state', () => {
    const words = new Set(mermaid(region).match(/\w+/g))
    const states = chart.states.filter(({ path }) => path.startsWith(`${region}.`))
    expect(states.map(({ key }) => key).filter((key) => !words.has(key))).toEqual([])
  })

  it('fits a screen, one arrow between any two states', () => {
    const drawn = arrows(region).map(({ from, to }) => `${from} ${to}`)
    expect(new Set(drawn).size).toBe(drawn.length)
    expect(drawn.length).toBeLessThan(32)
  })

  it('leaves no state alone', () => {
    const ends = new Set(arrows(region).flatMap(({ from, to }) => [from, to]))
    const declared = lines(region).filter((line) => /^\w+$/.test(line))
    expect(declared.filter((state) => !ends.has(state) && state !== 'stateDiagram')).toEqual([])
  })

  it('draws every guard and outcome that leads from one state to another', () => {
    const labels = new Set(arrows(region).flatMap((arrow) => arrow.labels))
    const moving = chart.transitions.filter(
      ({ from, target }) => from.startsWith(`${region}.`) && target !== null && target !== from,
    )
    const missing = moving.filter(({ kind, trigger, guard }) => {
      const text = kind === 'always' ? (guard ?? 'otherwise') : trigger.replace(/^outcome\./, '')
      return ![...labels].some((label) => label.includes(text))
    })
    expect(missing).toEqual([])
  })
})

it.each([
  ['unauthenticated', 'creating'],
  ['valid', 'refreshing'],
  ['stale', 'refreshing'],
  ['refreshing', 'reCreating'],
  ['creating', 'failed'],
  ['reCreating', 'failed'],
])('the story is there: %s → %s', (from, to) => {
  expect(arrows('tokens').some((arrow) => arrow.from === from && arrow.to === to)).toBe(true)
})

it('draws what each timer is called', () => {
  const delays = chart.transitions.flatMap(({ kind, trigger }) => (kind === 'after' ? [trigger] : []))
  const drawn = regionsOf(chart).flatMap((region) => mermaid(region))
  expect(delays.filter((delay) => !drawn.join('\n').includes(`after ${delay}`))).toEqual([])
})

describe('the outline', () => {
  it('has a line for every transition', () => {
    expect(outline().split('\n')).toHaveLength(chart.transitions.length + 1)
  })

  it('says where from, on what, if, where to, what is done, why', () => {
    expect(outlineRows()).toContainEqual([
      'tokens.unauthenticated',
      'always',
      'demandMayCreate',
      'tokens.sending.creating',
      '',
      'create-rarely, D-pause',
      'Somebody needs a token: sign in.',
    ])
  })
})

describe('the tables', () => {
  const schema = readFileSync('src/policy/schema.ts', 'utf8')

  it('read each option from its comment', () => {
    expect(optionsTable(schema)).toContain(
      '| `pauseMs` | How long no token request is sent after a 429; a longer `Retry-After` wins. | Milliseconds, 1_000–2_147_483_647 | `600_000` | `pause-after-429`, `D-pause-length` |',
    )
  })

  it('refuse a documented default that is not the default', () => {
    expect(() => optionsTable(schema.replace('Default 60_000.', 'Default 61_000.'))).toThrow(
      /budgetWindowMs says 'Default 61_000', but it is 60000/,
    )
  })

  it('say what to do about each error', () => {
    expect(errorsTable()).toContain('| `THROTTLED` | `pause-after-429` |')
  })
})

describe('scripts/docs.ts', () => {
  let root: string
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'docs-'))
    cpSync('README.md', join(root, 'README.md'))
    cpSync('docs', join(root, 'docs'), { recursive: true })
  })
  afterAll(() => rmSync(root, { recursive: true }))
  const docs = (...args: string[]) =>
    spawnSync(process.execPath, ['scripts/docs.ts', ...args, root], { encoding: 'utf8' })

  it('finds the docs of this project up to date', () => {
    const { status, stderr } = docs('--check')
    expect([status, stderr]).toEqual([0, ''])
  })

  it('names the page that is out of date, and what to run; then writes it', () => {
    const page = join(root, 'docs/errors.md')
    const before = readFileSync(page, 'utf8')
    writeFileSync(page, before.replace('| `TIMEOUT` |', '| `TIME_OUT` |'))
    const { status, stderr } = docs('--check')
    expect([status, stderr]).toEqual([1, 'docs/errors.md is out of date: run `npm run fix`\n'])
    expect(docs().status).toBe(0)
    expect(readFileSync(page, 'utf8')).toBe(before)
  })

  it('names a page that lost its marker, or has one of an unknown name', () => {
    const page = join(root, 'docs/options.md')
    const before = readFileSync(page, 'utf8')
    writeFileSync(page, before.replace('generated:options', 'generated:opinions'))
    const { status, stderr } = docs('--check')
    expect(status).toBe(1)
    expect(stderr).toMatch(/^docs\/options\.md knows no part 'opinions', only diagram, .*\ndocs\/options\.md lacks /)
    writeFileSync(page, before)
  })
})
