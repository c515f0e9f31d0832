import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { lastLine, run, runInShell } from './run.ts'

/** Files of the auditor: those it reads are safe from those it writes, and trouble with either has its own word and code. */

const CLEAN = 'test/audit/fixtures/devtools-full.har'
const HAR = readFileSync(CLEAN)
const JOURNAL =
  '{"journal":"compliancely-auth","version":1,"producer":"compliancely-auth 0.1.0","startedAtMs":1767600000000,' +
  '"origin":"https://app1.compliancely.com","account":"00000000000000aa","client":"0123abcd-0000-4000-8000-000000000000"}\n'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'audit-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

/** A folder with a recording in it. */
function recorded() {
  const place = folder()
  const at = (name: string) => join(place, name)
  const recording = at('in.har')
  writeFileSync(recording, HAR)
  return { place, at, recording }
}

describe('recordings', { timeout: 60_000 }, () => {
  test.each(['nope.har', '.'])('a second one that cannot be read (%s) exits 3 and says which', async (name) => {
    const second = join(folder(), name)
    const { code, stdout, stderr } = await run(['audit', CLEAN, second])
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(/^compliancely-auth: \S+: could not be read to its end \((ENOENT|EISDIR)\)\n$/)
    expect(stderr).toContain(second)
  })

  test('more than can be open at once are refused, with the number that is needed', async () => {
    const { at } = recorded()
    const files = Array.from({ length: 80 }, (_, number) => at(`${number}.jsonl`))
    for (const file of files) {
      writeFileSync(file, JOURNAL)
      // Long, and takes no room: such a file is still open when the next one is opened.
      truncateSync(file, 4_000_000)
    }
    const { code, stderr } = await runInShell('ulimit -n 64; exec "$@"', ['audit', ...files])
    expect(code).toBe(3)
    expect(stderr).toMatch(/^compliancely-auth: \S+: too many files at once: 80 \(EMFILE\); .*`ulimit -n 180`/)
  })

  test('one that is given twice is refused, by whatever name', async () => {
    const { at, recording } = recorded()
    symlinkSync(recording, at('link'))
    linkSync(recording, at('hard'))
    const twice = async (...names: string[]) => {
      const { code, stdout, stderr } = await run(['audit', ...names])
      expect([code, stdout]).toEqual([2, ''])
      return stderr
    }
    expect(await twice(recording, recording)).toContain(`${recording} is given twice`)
    expect(await twice(recording, CLEAN, at('link'))).toContain(`${recording} and ${at('link')} are one file`)
    expect(await twice(at('hard'), recording)).toContain('are one file')
    const stdin = await runInShell(`exec "$@" < '${recording}'`, ['audit', recording, '-'])
    expect([stdin.code, stdin.stderr]).toEqual([2, expect.stringContaining('are one file')])
  })
})

describe('temporary files', { timeout: 60_000 }, () => {
  /** More than are held in memory, newest first: what cannot be opened again has to be sorted. */
  const unsorted = Array.from({ length: 12_000 }, (_, number) =>
    JSON.stringify({
      time: 1_767_600_000 - number,
      status: 200,
      request: `GET /api/v2/x${number}/ HTTP/1.1`,
      host: 'h',
    }),
  ).join('\n')

  test('without a folder for them the audit ends, and says which and what to do', async () => {
    const nowhere = join(folder(), 'none')
    const { code, stdout, stderr } = await run(['audit', '-'], { stdin: unsorted, env: { TMPDIR: nowhere } })
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toMatch(
      /^compliancely-auth: -: has to be sorted .* \(ENOENT\); set TMPDIR to a folder with room .*\n$/,
    )
    expect(stderr).toContain(nowhere)
  })

  test('nor in a folder that takes no more, and nothing stays there', async () => {
    const place = folder()
    // No file longer than 100 blocks, less than is written at once: what a full disk is like.
    const full = await runInShell('ulimit -f 100; exec "$@"', ['audit', '-'], {
      stdin: unsorted,
      env: { TMPDIR: place },
    })
    expect([full.code, full.stdout]).toEqual([3, ''])
    expect(full.stderr).toContain(`the folder ${place} cannot hold them (EFBIG)`)
    expect(readdirSync(place)).toEqual([])
  })
})

describe('reports', { timeout: 60_000 }, () => {
  /** Fails before anything is read, and changes nothing. */
  async function refused(args: readonly string[], said: string) {
    const { code, stdout, stderr } = await run(['audit', ...args])
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(said)])
  }

  test('never overwrite what is read', async () => {
    const { place, at, recording } = recorded()
    symlinkSync(recording, at('link'))
    linkSync(recording, at('hard'))
    const waivers = at('waivers.json')
    writeFileSync(waivers, '{"waivers":[]}')
    for (const name of ['in.har', 'link', 'hard', `../${basename(place)}/in.har`])
      await refused([recording, '--format', `json:${at(name)}`], 'would overwrite')
    await refused([at('link'), '--format', `json:${recording}`], `would overwrite ${at('link')}, which is read`)
    await refused([recording, '--waivers', waivers, '--format', `html:${waivers}`], 'would overwrite')
    expect(readFileSync(recording)).toEqual(HAR)
    expect(readFileSync(waivers, 'utf8')).toBe('{"waivers":[]}')
  })

  test('never overwrite each other', async () => {
    const { at, recording } = recorded()
    const both = (a: string, b: string) => [recording, '--format', `json:${at(a)}`, '--format', `html:${at(b)}`]
    symlinkSync('new', at('to-new'))
    await refused(both('out', 'out'), 'would overwrite the json report')
    await refused(both('new', 'to-new'), 'would overwrite the json report')
    writeFileSync(at('old'), '')
    symlinkSync(at('old'), at('to-old'))
    await refused(both('to-old', 'old'), 'would overwrite the json report')
    const pipe = await run(['audit', recording, '--format', 'json:/dev/null', '--format', 'html:/dev/null'])
    expect([pipe.code, pipe.stderr]).toEqual([0, ''])
  })

  test('follow links, and keep the rights of a file that is there', async () => {
    const { place, at, recording } = recorded()
    writeFileSync(at('kept'), 'old')
    chmodSync(at('kept'), 0o600)
    symlinkSync('kept', at('to-kept'))
    symlinkSync('new', at('to-new'))
    const formats = ['--format', `json:${at('to-kept')}`, '--format', `json:${at('to-new')}`]
    expect((await run(['audit', recording, ...formats])).code).toBe(0)
    for (const name of ['kept', 'new']) expect(JSON.parse(readFileSync(at(name), 'utf8'))).toMatchObject({ schema: 1 })
    expect(statSync(at('kept')).mode & 0o777).toBe(0o600)
    expect(readdirSync(place).toSorted()).toEqual(['in.har', 'kept', 'new', 'to-kept', 'to-new'])
  })

  test('that cannot be written are refused before anything is read', async () => {
    const { at } = recorded()
    mkdirSync(at('folder'))
    // The recording is not there either: it would be missed if it were opened.
    for (const [name, why] of [
      ['nowhere/report', 'ENOENT'],
      ['in.har/report', 'ENOTDIR'],
      ['folder', 'EISDIR'],
    ])
      await refused(
        [at('none.har'), '--format', `json:${at(name ?? '')}`],
        `cannot be written (${why}); nothing was read`,
      )
  })

  test.each([
    ['standard output', [], '> /dev/full'],
    ['the report /dev/full', ['--format', 'json:/dev/full'], ''],
  ])('a full disk is no finding: %s', async (what, args, redirected) => {
    const { recording } = recorded()
    const { code, stderr } = await runInShell(`exec "$@" ${redirected}`, ['audit', recording, ...args])
    expect([code, stderr]).toEqual([17, `compliancely-auth: ${what} cannot be written (ENOSPC)\n`])
  })
})

describe('names', { timeout: 60_000 }, () => {
  test('cannot steer a terminal by way of a message', async () => {
    const name = join(folder(), 'x\u001b[2J\nPASS: nothing was found\u202e.har')
    const { code, stderr } = await run(['audit', name])
    expect(code).toBe(3)
    expect(lastLine(stderr)).toBe(stderr.trimEnd())
    expect(stderr).toContain('x\\u{1b}[2J\\u{a}PASS: nothing was found\\u{202e}.har')
  })
})
