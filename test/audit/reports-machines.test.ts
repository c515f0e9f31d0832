import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import AjvDraft04 from 'ajv-draft-04'
import addFormats from 'ajv-formats'
import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { describe, expect, it } from 'vitest'
import { REPORTS } from '../../src/audit/reports/index.ts'
import { uriOf } from '../../src/audit/reports/sarif.ts'
import { at, CLEAN, EMPTY, finding, HOSTILE_REPORT, rulesFor, SAMPLE, TIMELESS } from './sample-report.ts'

const ALL = Object.entries({ SAMPLE, CLEAN, EMPTY, HOSTILE_REPORT, TIMELESS })

// biome-ignore lint/suspicious/noExplicitAny: what was parsed is looked at, not trusted
type Any = any

describe('SARIF', () => {
  const path = createRequire(import.meta.url).resolve('@microsoft/jest-sarif/package.json')
  const schema = new URL('lib/schemas/sarif-2.1.0-rtm.5.json', `file://${path}`)
  // The two are CommonJS, whose default export the types place one level deeper than Node does.
  const ajv = new (AjvDraft04 as Any)({ allErrors: true, strict: false, unicodeRegExp: false })
  ;(addFormats as Any)(ajv)
  const validate = ajv.compile(JSON.parse(readFileSync(schema, 'utf8')))
  const runOf = (report = SAMPLE, options = {}): Any => JSON.parse(REPORTS.sarif.render(report, options)).runs[0]
  const resultsOf = (report = SAMPLE): Any[] => runOf(report).results

  it.each(ALL)('%s is valid by the official schema', (_, report) => {
    validate(JSON.parse(REPORTS.sarif.render(report, { ran: { fromMs: at(0), toMs: at(1) } })))
    expect(validate.errors ?? []).toEqual([])
  })

  it('the schema does refuse what is wrong', () => {
    const log = JSON.parse(REPORTS.sarif.render(SAMPLE))
    log.runs[0].results[0].kind = 'maybe'
    expect(validate(log)).toBe(false)
  })

  it('a finding is a fail of its level, a doubtful one open without a level', () => {
    const told = resultsOf().map(({ ruleId, kind, level }) => `${ruleId} ${kind} ${level}`)
    expect(told).toContain('invariant-3 fail error')
    expect(told).toContain('refresh-before-expiry open none')
    expect(told).toContain('invariant-12 open none')
    expect(told).toContain('invariant-1 pass none')
    expect(told).toContain('validate-optionally fail note')
  })

  it('every rule has a result, and every result points to its rule', () => {
    const { tool, results } = runOf()
    const rules: Any[] = tool.driver.rules
    expect(new Set(results.map(({ ruleId }: Any) => ruleId))).toEqual(new Set(SAMPLE.rules.map(({ rule }) => rule)))
    for (const { ruleId, ruleIndex } of results) expect(rules[ruleIndex].id).toBe(ruleId)
  })

  it('says where: a region for a line, words for an entry, and the trigger beside it', () => {
    const [first] = resultsOf()
    expect(first.locations[0].physicalLocation).toEqual({ artifactLocation: { uri: 'web.har' } })
    expect(first.locations[0].logicalLocations[0].name).toBe('entry 22')
    expect(first.relatedLocations[0].logicalLocations[0].name).toBe('entry 21')
    const waived = resultsOf().find(({ ruleId }) => ruleId === 'validate-optionally')
    expect(waived.locations[0].physicalLocation.region).toEqual({ startLine: 31 })
  })

  it('suppresses what is waived, with the reason, and nothing else', () => {
    const suppressed = resultsOf().filter(({ suppressions }) => suppressions.length > 0)
    expect(suppressed.map(({ ruleId }) => ruleId)).toEqual(['validate-optionally'])
    expect(suppressed[0].suppressions).toEqual([
      {
        kind: 'external',
        status: 'accepted',
        justification: 'the nightly job validates by agreement (until 2026-03-31)',
      },
    ])
  })

  it('knows a finding again when another one has gone before it', () => {
    const findings = SAMPLE.findings.slice(1).map((one) => ({ ...one, id: `${one.rule}/1` }))
    const before = resultsOf()[1].partialFingerprints
    expect(resultsOf({ ...SAMPLE, findings, rules: rulesFor(findings) })[0].partialFingerprints).toEqual(before)
    expect(resultsOf()[0].partialFingerprints).not.toEqual(before)
  })

  it('says when the audit ran where it is told, and nothing where it is not', () => {
    expect(runOf(SAMPLE, { ran: { fromMs: at(0), toMs: at(1.5) } }).invocations[0]).toMatchObject({
      startTimeUtc: '2026-01-05T10:00:00.000Z',
      endTimeUtc: '2026-01-05T10:00:01.500Z',
    })
    expect(runOf().invocations[0]).not.toHaveProperty('startTimeUtc')
  })

  it('makes neither links nor placeholders of what was recorded', () => {
    const [result] = resultsOf({ ...SAMPLE, findings: [finding({ observed: 'to [x](1) {0}' })] })
    expect(result.message.text).toContain('to \\[x\\](1) {{0}}')
  })

  it.each([
    ['traffic of monday.har', 'traffic%20of%20monday.har'],
    ['a/b#c?.har', 'a/b%23c%3F.har'],
    ['/tmp/x.har', 'file:///tmp/x.har'],
    ['//host/x.har', 'file:///host/x.har'],
    ['C:\\logs\\ä.har', 'file:///C:/logs/%C3%A4.har'],
    ['javascript:alert(1)', 'javascript%3Aalert(1)'],
    ['-', '-'],
    ['\ud800', '%EF%BF%BD'],
  ])('the path %j is the URI %s', (path, uri) => {
    expect(uriOf(path)).toBe(uri)
  })
})

interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Element[]
  text: string
}

/** Strict: what is not well-formed, or a character that XML 1.0 forbids, throws. */
function parseXml(text: string): Element {
  const parser = new SaxesParser()
  const root: Element = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }: SaxesTagPlain) => {
    const element: Element = { name, attributes, children: [], text: '' }
    open.at(-1)?.children.push(element)
    open.push(element)
  })
  parser.on('text', (text) => {
    const element = open.at(-1)
    if (element !== undefined) element.text += text
  })
  parser.on('closetag', () => void open.pop())
  parser.write(text).close()
  return root.children[0] as Element
}

describe('JUnit', () => {
  const suiteOf = (report = SAMPLE) => parseXml(REPORTS.junit.render(report)).children[0] as Element
  const caseOf = (rule: string, report = SAMPLE) =>
    suiteOf(report).children.find(({ attributes }) => attributes.name?.startsWith(`${rule}:`)) as Element

  it.each(ALL)('%s is well-formed XML 1.0, and counts what it holds', (_, report) => {
    const { attributes, children } = suiteOf(report)
    const cases = children.filter(({ name }) => name === 'testcase')
    const count = (what: string) => cases.filter((one) => one.children.some(({ name }) => name === what)).length
    expect(attributes).toMatchObject({
      tests: String(cases.length),
      failures: String(count('failure')),
      skipped: String(count('skipped')),
    })
    expect(cases).toHaveLength(report.rules.length)
  })

  it('the parser does refuse what is wrong', () => {
    expect(() => parseXml('<a>\u0000</a>')).toThrow('disallowed character')
    expect(() => parseXml('<a></b>')).toThrow()
  })

  it('a broken rule fails with its findings', () => {
    const [failure] = caseOf('invariant-3').children
    expect(failure?.name).toBe('failure')
    expect(failure?.attributes.message).toBe('a refresh was sent 41.2 s after a 429 (and 1 more)')
    expect(failure?.text).toContain('where: web.har (entry 22): POST /api/v2/token/refresh/ → 200')
    expect(failure?.text).toContain('invariant-3/2: a refresh was sent 1 min 50 s after a 429')
  })

  it('what could not be judged or is waived is skipped with the reason, what held is silent', () => {
    expect(caseOf('invariant-12').children[0]).toMatchObject({
      name: 'skipped',
      attributes: { message: 'No recording tells what was given out.' },
    })
    expect(caseOf('validate-optionally').children[0]?.attributes.message).toBe(
      'waived until 2026-03-31: the nightly job validates by agreement',
    )
    expect(caseOf('invariant-1').children).toEqual([])
  })
})

describe('GitHub annotations', () => {
  const linesOf = (report = SAMPLE) => REPORTS.github.render(report).trimEnd().split('\n')

  it('begin with the verdict and go on with the worst', () => {
    const lines = linesOf()
    expect(lines[0]).toMatch(/^::error title=compliancely-auth audit::FAIL: 2 rules broken/)
    expect(lines[1]).toMatch(
      /^::error file=web\.har,title=invariant-3 \(pause-after-429\)::a refresh was sent 41\.2 s after a 429%0Awhere: /,
    )
    expect(lines.at(-1)).toMatch(/^::notice .*refresh-before-expiry/)
  })

  it('tell neither what is waived nor what held', () => {
    expect(linesOf().join('\n')).not.toContain('validate-optionally')
    expect(linesOf(CLEAN)).toHaveLength(1)
  })

  it('name the line', () => {
    const [, line] = linesOf({ ...SAMPLE, findings: [{ ...(SAMPLE.findings[4] as Any), waived: undefined }] })
    expect(line).toMatch(/^::notice file=worker\.jsonl,line=31,title=/)
  })

  it('escape what would end a property or a command', () => {
    const offence = { ...(SAMPLE.findings[0]?.offence as Any), at: { file: 'a,b:c%\n.har' } }
    const [, line] = linesOf({ ...SAMPLE, findings: [finding({ offence, observed: '100%::x' })] })
    expect(line).toMatch(/^::error file=a%2Cb%3Ac%25\\u{a}\.har,title=[^:]*::100%25::x%0A/)
  })

  it('are one line each, whatever was recorded', () => {
    for (const line of linesOf(HOSTILE_REPORT)) expect(line).toMatch(/^::(error|warning|notice) /)
    expect(linesOf(HOSTILE_REPORT)).toHaveLength(linesOf().length)
  })
})

describe('Markdown', () => {
  const markdown = (report = SAMPLE, options = {}) => REPORTS.markdown.render(report, options)

  it('has the verdict, a row a rule, the findings, the reasons, the waivers, the readings', () => {
    const text = markdown()
    expect(text).toMatch(/^## ❌ FAIL: 2 rules broken/)
    expect(text.match(/^\| (❌|✅|❔|⚠️) /gm)).toHaveLength(SAMPLE.rules.length)
    expect(text).toContain(
      '- where: `web.har (entry 22)` `POST /api/v2/token/refresh/ → 200`, 2026-01-05T11:33:51.400Z',
    )
    expect(text).toContain('- `invariant-12`')
    expect(text).toContain('the nightly job validates by agreement (until 2026-03-31)')
    expect(text).toContain('### Judged by')
  })

  it('lets nothing of a recording become markup, a cell, a mention or a link', () => {
    const text = markdown(HOSTILE_REPORT)
    const outside = text.replace(/(`+) ?[^\n]*? ?\1/g, '')
    expect(outside).not.toMatch(/<(?!\/?(details|summary|sub)\b)/)
    expect(outside).not.toMatch(/@everyone|\]\(javascript|\*_\[/)
    for (const row of text.split('\n').filter((line) => line.startsWith('|')))
      expect(row.replaceAll('\\|', '').match(/\|/g)).toHaveLength(6)
  })

  it('fits a comment, and says what did not', () => {
    const findings = Array.from({ length: 3_000 }, (_, n) =>
      finding({ id: `invariant-3/${n}`, observed: `offence ${n}` }),
    )
    const text = markdown({ ...SAMPLE, findings, rules: rulesFor(findings) }, { findingsPerRule: 3_000 })
    expect(text.length).toBeLessThan(65_536)
    expect(text).toMatch(/… [\d,]+ parts of this report did not fit into a comment\./)
    expect(text).toMatch(/^## ❌ FAIL/)
  })

  it('counts what it does not tell', () => {
    const findings = Array.from({ length: 44 }, (_, n) => finding({ id: `invariant-3/${n}` }))
    expect(markdown({ ...SAMPLE, findings, rules: rulesFor(findings) })).toContain('… and 41 more of this rule.')
  })
})
