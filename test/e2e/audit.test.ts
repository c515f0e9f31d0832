import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { run } from './run.ts'

/** The auditor as a command: what it says, where it says it, and how it ends. */

const CLEAN = 'test/audit/fixtures/devtools-full.har'
const SANITISED = 'test/audit/fixtures/devtools-sanitised.har'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'audit-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

const entry = (atMs: number, status: number, path: string, body: string) => ({
  startedDateTime: new Date(Date.UTC(2026, 0, 5, 10) + atMs).toISOString(),
  time: 10,
  request: {
    ...{ method: 'POST', url: `https://app1.compliancely.com${path}`, httpVersion: 'HTTP/1.1' },
    headers: [{ name: 'Content-Type', value: 'application/json' }],
    postData: { mimeType: 'application/json', text: body },
  },
  response: { status, headers: [], content: { mimeType: 'application/json', text: '{"detail":"x"}' } },
  timings: { send: 0, wait: 10, receive: 0 },
})
const REFRESH = JSON.stringify({ refresh: 'CANARY-refresh-token-of-somebody-that-is-long' })
/** A refresh 41 s after a 429. */
const BROKEN = JSON.stringify({
  log: {
    ...{ version: '1.2', creator: { name: 'test', version: '1' } },
    entries: [entry(0, 429, '/api/v2/token/refresh/', REFRESH), entry(41_000, 429, '/api/v2/token/refresh/', REFRESH)],
  },
})
function broken(): string {
  const path = join(folder(), 'broken.har')
  writeFileSync(path, BROKEN)
  return path
}

describe('audit', { timeout: 60_000 }, () => {
  test('exits 1 and names the clause, what was seen and what is required; no secret', async () => {
    const { code, stdout, stderr } = await run(['audit', broken()])
    expect(stderr).toBe('')
    expect(code).toBe(1)
    expect(stdout).toContain('pause-after-429')
    expect(stdout).toMatch(/a refresh was sent\s+4\d(\.\d+)? s\s+after a\s+429/)
    expect(stdout).not.toContain('CANARY')
  })

  test('exits 0 for a client that broke nothing, and 4 under --strict, for no HAR tells everything', async () => {
    expect((await run(['audit', CLEAN])).code).toBe(0)
    expect((await run(['audit', CLEAN, '--strict'])).code).toBe(4)
  })

  test('says of a sanitised HAR which rules cannot be judged, and why', async () => {
    const { code, stdout } = await run(['audit', SANITISED, '--format', 'json'])
    expect(code).toBe(0)
    const { rules } = JSON.parse(stdout) as { rules: { rule: string; verdict: string; because?: string }[] }
    const of = (id: string) => rules.find(({ rule }) => rule === id)
    for (const id of ['invariant-4', 'invariant-5', 'bearer-on-every-request'])
      expect(of(id)).toMatchObject({ verdict: 'inconclusive', because: expect.stringContaining('sensitive data') })
    expect(of('invariant-3')).toMatchObject({ verdict: 'pass' })
  })

  test('writes several reports at once, one of them to standard output', async () => {
    const out = folder()
    const files = { html: join(out, 'r.html'), sarif: join(out, 'r.sarif'), junit: join(out, 'r.xml') }
    const formats = Object.entries(files).flatMap(([name, file]) => ['--format', `${name}:${file}`])
    const { code, stdout } = await run(['audit', broken(), ...formats, '--format', 'markdown'])
    expect(code).toBe(1)
    expect(stdout).toContain('|')
    expect(readFileSync(files.html, 'utf8')).toMatch(/^<!doctype html>/i)
    expect(JSON.parse(readFileSync(files.sarif, 'utf8'))).toMatchObject({ version: '2.1.0' })
    expect(readFileSync(files.junit, 'utf8')).toContain('<testsuite')
    expect(Object.values(files).map((file) => readFileSync(file, 'utf8').includes('CANARY'))).toEqual([
      false,
      false,
      false,
    ])
  })

  test('reads standard input and gzip, by content', async () => {
    const zipped = join(folder(), 'recording')
    writeFileSync(zipped, gzipSync(BROKEN))
    expect((await run(['audit', zipped])).code).toBe(1)
    expect((await run(['audit', '-'], { stdin: BROKEN })).code).toBe(1)
  })

  test('waivers cover findings until their last day, and are checked', async () => {
    const file = join(folder(), 'waivers.json')
    const waive = (waiver: object) => writeFileSync(file, JSON.stringify({ waivers: [waiver] }))
    waive({ rule: 'invariant-3', reason: 'known', expires: '2999-12-31' })
    const waived = await run(['audit', broken(), '--waivers', file])
    expect(waived.code).toBe(0)
    expect(waived.stdout).toContain('known')
    waive({ rule: 'invariant-3', reason: 'known', expires: '2026-01-01' })
    expect((await run(['audit', broken(), '--waivers', file])).code).toBe(1)
    waive({ rule: 'invariant-33', reason: 'known', expires: '2999-12-31' })
    const unknown = await run(['audit', broken(), '--waivers', file])
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("waivers.0.rule is 'invariant-33'")])
  })

  test('judges by another policy, and other hosts and paths', async () => {
    const file = join(folder(), 'policy.json')
    const policy = (content: object) => writeFileSync(file, JSON.stringify(content))
    policy({ policy: { pauseMs: 30_000 } })
    expect((await run(['audit', broken(), '--policy', file])).code).toBe(0)
    // Nothing of it is there: a gate that looks at nothing would hold for ever.
    policy({ target: { origins: ['https://elsewhere.example'] } })
    const nothing = await run(['audit', broken(), '--policy', file])
    expect([nothing.code, nothing.stdout]).toEqual([3, expect.stringContaining('nothing was judged')])
    expect((await run(['audit', broken(), '--origin', 'https://app1.compliancely.com'])).code).toBe(1)
    policy({ target: { paths: { create: ['/api/v2/token/'], refresh: '/r/', validate: '/v/' } } })
    const list = await run(['audit', broken(), '--policy', file])
    expect([list.code, list.stderr]).toEqual([2, expect.stringContaining('target.paths')])
    policy({ policy: { pauseMS: 1 } })
    const wrong = await run(['audit', broken(), '--policy', file])
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('pauseMs')])
  })

  test('--fail-on says which severity counts', async () => {
    expect((await run(['audit', broken(), '--fail-on', 'error'])).code).toBe(1)
    const { code, stderr } = await run(['audit', broken(), '--fail-on', 'catastrophe'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('error, warning or note')])
  })

  test.each([
    ['empty', '', 'is empty'],
    ['of no known format', '<html></html>', 'HAR'],
    ['cut off', BROKEN.slice(0, BROKEN.length - 200), 'entry'],
  ])('a recording that is %s exits 3, and says what is wrong', async (_, content, said) => {
    const path = join(folder(), 'recording.har')
    writeFileSync(path, content)
    const { code, stdout, stderr } = await run(['audit', path])
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain(path)
    expect(stderr).toContain(said)
    expect(stderr).not.toContain('CANARY')
  })

  test.each([
    [['audit'], 'at least one FILE'],
    [['audit', '/nowhere.har'], 'could not be read'],
    [['audit', CLEAN, '--format', 'pdf'], 'did you mean'],
    [['audit', CLEAN, '--format', 'json', '--format', 'sarif'], 'one report can go to standard output'],
    [['audit', CLEAN, '--format', 'json:/nowhere/report.json'], 'cannot be written'],
    [['audit', CLEAN, '--policy', '/nowhere.json'], 'cannot be read'],
  ])('%j ends with a clear word: %s', async (args, said) => {
    const { code, stderr } = await run(args)
    expect([2, 3]).toContain(code)
    expect(stderr).toContain(said)
  })
})

describe('explain', { timeout: 60_000 }, () => {
  test('says what a clause asks, where, how it is checked, an example each way and what to do', async () => {
    const { code, stdout } = await run(['explain', 'pause-after-429'])
    expect(code).toBe(0)
    for (const said of ['Throttling', 'required', 'invariant-3', 'Broken:', 'Kept:', 'To do:'])
      expect(stdout).toContain(said)
  })

  test('lists everything without an id, and names the nearest for an unknown one', async () => {
    const { stdout } = await run(['explain'])
    for (const id of ['pause-after-429', 'D-refresh-401', 'invariant-14']) expect(stdout).toContain(id)
    const { code, stderr } = await run(['explain', 'pause-after-492'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean pause-after-429')])
  })
})
