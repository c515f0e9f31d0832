import { describe, expect, it } from 'vitest'
import { REPORTS, type ReportName, verdictOf } from '../../src/audit/reports/index.ts'
import {
  CLEAN,
  EMPTY,
  evidence,
  finding,
  HOSTILE,
  HOSTILE_REPORT,
  rulesFor,
  SAMPLE,
  TIMELESS,
} from './sample-report.ts'

const NAMES = Object.keys(REPORTS) as ReportName[]
const terminal = (report = SAMPLE, options = {}) => REPORTS.terminal.render(report, options)
const many = (count: number) => {
  const findings = Array.from({ length: count }, (_, n) =>
    finding({ id: `invariant-3/${n + 1}`, observed: `offence ${n}` }),
  )
  return { ...SAMPLE, findings, rules: rulesFor(findings) }
}
const CONTROLS = /(?!\n)[\p{Cc}\p{Cs}\u202a-\u202e\ufffe]/u
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g')

describe('every report', () => {
  it.each(NAMES)('%s ends with a line break and says the same of the same', (name) => {
    const text = REPORTS[name].render(SAMPLE)
    expect(text.endsWith('\n')).toBe(true)
    expect(REPORTS[name].render(structuredClone(SAMPLE))).toBe(text)
  })

  it.each(NAMES)('%s takes nothing but the report: neither clock nor chance nor environment', (name) => {
    const expected = REPORTS[name].render(SAMPLE)
    const realms = { Date: globalThis.Date, process: globalThis.process, random: Reflect.get(Math, 'random') }
    const refuse = () => {
      throw new Error('a report asked for something that is not its own')
    }
    let text = ''
    try {
      const noClock = new Proxy(realms.Date, {
        construct: (target, given) => (given.length === 0 ? refuse() : Reflect.construct(target, given)),
        apply: refuse,
        get: (target, key) => (key === 'now' ? refuse : Reflect.get(target, key)),
      })
      Object.assign(globalThis, { Date: noClock, process: undefined })
      Reflect.set(Math, 'random', refuse)
      text = REPORTS[name].render(SAMPLE)
    } finally {
      Object.assign(globalThis, { Date: realms.Date, process: realms.process })
      Reflect.set(Math, 'random', realms.random)
    }
    expect(text).toBe(expected)
  })

  it.each(NAMES)('%s leaves the report as it was', (name) => {
    const before = structuredClone(SAMPLE)
    REPORTS[name].render(SAMPLE)
    expect(SAMPLE).toStrictEqual(before)
  })

  it.each(NAMES)('%s takes times that no calendar has', (name) => {
    expect(REPORTS[name].render(TIMELESS).length).toBeGreaterThan(100)
  })

  it.each(NAMES.filter((name) => name !== 'json'))('%s lets no control character of a recording through', (name) => {
    expect(REPORTS[name].render(HOSTILE_REPORT)).not.toMatch(CONTROLS)
  })

  it.each(NAMES)('%s writes ten thousand findings and a long timeline in a moment', (name) => {
    const big = many(10_000)
    const timeline = Array.from({ length: 10_000 }, (_, n) => ({
      ...SAMPLE.timeline[n % SAMPLE.timeline.length],
      at: { file: 'web.har', entry: n },
    })) as typeof SAMPLE.timeline
    expect(REPORTS[name].render({ ...big, timeline }).length).toBeLessThan(20_000_000)
  })

  it.each(NAMES)('%s cuts a text of a hundred thousand characters, but for the one for programs', (name) => {
    const long = 'x'.repeat(100_000)
    const report = { ...SAMPLE, findings: [finding({ observed: long, offence: { ...evidenceOf(), request: long } })] }
    expect(REPORTS[name].render(report).includes(long)).toBe(name === 'json')
  })
})

const evidenceOf = () => evidence(SAMPLE.timeline[0] as (typeof SAMPLE.timeline)[number])

describe('the verdict', () => {
  it('is a fail with what was found, what could not be judged and what is waived', () => {
    expect(verdictOf(SAMPLE)).toEqual({
      verdict: 'fail',
      sentence:
        'FAIL: 2 rules broken in 42 requests of 2 accounts, 3 findings; 4 rules could not be judged; 1 finding waived.',
    })
  })

  it('is a pass when every rule held', () => {
    expect(verdictOf(CLEAN).sentence).toBe(`PASS: ${CLEAN.rules.length} rules held in 42 requests of 2 accounts.`)
  })

  it('is never a pass when nothing was looked at', () => {
    expect(verdictOf({ ...CLEAN, exchanges: 0 }).verdict).toBe('inconclusive')
    expect(verdictOf(EMPTY).verdict).toBe('inconclusive')
  })

  it('is inconclusive when a rule could not be judged', () => {
    const rules = rulesFor([], { 'invariant-4': 'no tokens' })
    expect(verdictOf({ ...CLEAN, rules })).toEqual({
      verdict: 'inconclusive',
      sentence: 'INCONCLUSIVE: no fault found in 42 requests of 2 accounts; 1 rule could not be judged.',
    })
  })

  it('a waiver takes away the fault that it covers and no other', () => {
    const waived = { reason: 'agreed', expires: '2026-12-31' }
    const one = [finding({ waived })]
    expect(verdictOf({ ...SAMPLE, findings: one, rules: rulesFor(one) }).verdict).toBe('pass')
    const two = [finding({ waived }), finding({ id: 'invariant-3/2' })]
    expect(verdictOf({ ...SAMPLE, findings: two, rules: rulesFor(two) }).verdict).toBe('fail')
  })

  it('counts a finding whose rule is not listed', () => {
    expect(verdictOf({ ...CLEAN, findings: [finding({ rule: 'unheard-of' })] }).verdict).toBe('fail')
  })

  it('believes a rule that says it was broken without a finding', () => {
    const rules = rulesFor([]).map((rule) => ({ ...rule, verdict: 'fail' as const }))
    expect(verdictOf({ ...CLEAN, rules }).verdict).toBe('fail')
  })
})

describe('the report for a terminal', () => {
  it('tells the worst first: errors, then warnings, then notes, then what could not be judged, what is waived, what held', () => {
    const findings = [
      finding({ rule: 'create-rarely', severity: 'note', observed: 'the note' }),
      finding({ rule: 'D-api-429', severity: 'warning', observed: 'the warning' }),
      finding({ observed: 'the error' }),
      ...SAMPLE.findings.slice(3),
    ]
    const text = terminal({ ...SAMPLE, findings, rules: rulesFor(findings) })
    const places = ['the error', 'the warning', 'the note', 'COULD NOT BE JUDGED', 'WAIVED', 'HELD', 'FAIL:'].map(
      (part) => text.indexOf(part),
    )
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
  })

  it('tells of a finding what was seen, where, after what, what is asked for and what to change', () => {
    const text = terminal(SAMPLE, { width: 200 })
    for (const part of [
      '1. a refresh was sent 41.2 s after a 429',
      'where     web.har (entry 22): POST /api/v2/token/refresh/ → 200, 2026-01-05T11:33:51.400Z',
      'after     web.har (entry 21): POST /api/v2/token/refresh/ → 429, 2026-01-05T11:33:10.000Z',
      'required  allowed from 2026-01-05T11:43:10.200Z',
      'change    Keep the time of the 429',
      '[pause-after-429, D-pause-length, D-refresh-429]',
      'web.har: har of WebInspector, 31 requests, 42 others',
    ])
      expect(text).toContain(part)
  })

  it('draws the minutes of a finding: statuses by endpoint, the pause shaded, the offence marked', () => {
    const drawn = terminal(SAMPLE, { width: 80 }).split('\n')
    const scale = drawn.findIndex((line) => line.includes('├') && line.includes('53.8 s'))
    expect(drawn[scale]).toMatch(/^ {14}11:33:03\.790Z ├─+ 53\.8 s ─+┤ 11:33:57\.610Z$/)
    expect(drawn[scale + 1]).toMatch(/^ {5}refresh {2} {7,}429░{30,}200░+$/)
    expect(drawn[scale + 2]?.indexOf('▲')).toBe(drawn[scale + 1]?.indexOf('200'))
  })

  it('shades nothing where no 429 was, and nothing when the pause has no length', () => {
    expect(terminal(SAMPLE, { pauseMs: 0 })).not.toContain('░')
    expect(terminal({ ...SAMPLE, timeline: SAMPLE.timeline.filter(({ status }) => status !== 429) })).not.toContain('░')
  })

  it('counts requests that would stand on each other', () => {
    const api = SAMPLE.timeline.filter(({ atMs }) => atMs > (SAMPLE.to ?? 0) - 160_000)
    const crowd = api.flatMap((entry) => (entry.endpoint === 'refresh' ? [entry] : [entry, entry, entry]))
    expect(terminal({ ...SAMPLE, timeline: crowd })).toMatch(/200×\d+/)
    const refresh = SAMPLE.timeline.filter(({ status }) => status === 429)
    const mixed = ([502, 200, 'dropped'] as const).flatMap((status) => refresh.map((entry) => ({ ...entry, status })))
    expect(terminal({ ...SAMPLE, timeline: [...mixed, ...refresh] })).toContain('429+3')
    expect(terminal({ ...SAMPLE, timeline: mixed })).toContain('✗+2')
  })

  it('tells a few findings of a rule in full and counts the others', () => {
    const text = terminal(many(44), { findingsPerRule: 3 })
    expect(text).toContain('offence 2')
    expect(text).not.toContain('offence 3')
    expect(text).toContain('… and 41 more of this rule')
    expect(terminal(many(3), { findingsPerRule: 3 })).not.toContain('more of this rule')
  })

  it('says why a rule could not be judged, and when a waiver ends', () => {
    const text = terminal()
    expect(text).toContain('? invariant-12')
    expect(text).toContain('No recording tells what was given out.')
    expect(text).toContain('until 2026-03-31: the nightly job validates by agreement')
  })

  it('ends with the verdict', () => {
    expect(terminal().trimEnd().split('\n').at(-1)).toBe(verdictOf(SAMPLE).sentence)
  })

  it('has no colour unless asked for, and the same words with it', () => {
    const coloured = terminal(SAMPLE, { color: true })
    expect(terminal()).not.toContain('\u001b')
    expect(coloured).toContain('\u001b[1;31m')
    expect(coloured.replace(COLOURS, '')).toBe(terminal())
  })

  it.each([40, 60, 80, 120])('keeps to %i columns, but for words that are longer', (width) => {
    const tooLong = terminal({ ...SAMPLE, files: [] }, { width })
      .trimEnd()
      .split('\n')
      .slice(1, -1)
      .filter((line) => [...line].length > width && line.trim().includes(' ') && !/https?:|\/api\//.test(line))
    expect(tooLong).toEqual([])
  })

  it('shows what would steer a terminal', () => {
    const text = terminal(HOSTILE_REPORT)
    expect(text).toContain('\\u{1b}[2J')
    expect(text).toContain('\\u{202e}')
    expect(HOSTILE).toContain('\u001b[2J')
  })
})
