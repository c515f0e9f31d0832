import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const TIMEOUT_MS = 120_000

const directory = mkdtempSync(join(tmpdir(), 'simulate-'))
afterAll(() => rmSync(directory, { recursive: true }))

const fileOf = (name: string, text: string) => {
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}

const simulate = (...args: readonly string[]) =>
  new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: directory })
    const [stdout, stderr]: string[][] = [[], []]
    child.stdout.setEncoding('utf8').on('data', (text) => stdout?.push(text))
    child.stderr.setEncoding('utf8').on('data', (text) => stderr?.push(text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout: stdout?.join('') ?? '', stderr: stderr?.join('') ?? '' }))
  })

const traceOf = (stdout: string) => /^trace ([0-9a-f]{64})$/m.exec(stdout)?.[1]
const daysOf = (stderr: string) => stderr.match(/\d+ of 32 days/g)

describe('npm run simulate', { timeout: TIMEOUT_MS }, () => {
  it('is the command that this tests', () => {
    expect(scripts.simulate).toBe('node test/simulation/main.ts')
  })

  it('lives days on any number of threads, prints requests, faults and the same trace, and exits 0', async () => {
    const days = (threads: number) => simulate('--days', '32', '--seed', '12', '--threads', String(threads))
    const [alone, together] = [await days(1), await days(2)]
    expect(alone.code, alone.stdout).toBe(0)
    expect(together.code, together.stdout).toBe(0)
    expect(alone.stdout).toMatch(/^seed 12: 32\.0 days/)
    expect(alone.stdout).toMatch(/^requests \(\d{4,}\): api 200 \d+, /m)
    expect(alone.stdout).toMatch(/^faults \(\d+\): .*token drop=after \d+/m)
    expect(alone.stdout).toMatch(/^violations: 0$/m)
    expect(traceOf(alone.stdout)).toBeDefined()
    expect(traceOf(together.stdout)).toBe(traceOf(alone.stdout))
    expect(daysOf(alone.stderr)?.at(-1)).toBe('32 of 32 days')
  })

  it.each([
    { wrong: ['--yaers', '1'], says: '--yaers', lists: '--years N' },
    { wrong: ['--days', 'two'], says: "--days must be a number from 0.01, not 'two'", lists: '--days N' },
    { wrong: ['--explore', '--seed', '2'], says: '--seed does not go with --explore', lists: '--explore' },
  ])('exits 2 on $wrong, and says what there is', async ({ wrong, says, lists }) => {
    const { code, stdout, stderr } = await simulate(...wrong)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(says)
    expect(stderr).toContain(lists)
  })

  it('lives a violation again: its story, the same trace, and exit code 1', async () => {
    const kept = { seed: 21, index: 0, days: 30, sabotage: { policy: { pauseMs: 60_000 } } }
    const file = fileOf('found.json', JSON.stringify(kept))
    const { code, stdout } = await simulate('--replay', file)
    expect(code, stdout).toBe(1)
    expect(stdout).toMatch(/^invariant-3: /)
    expect(stdout).toMatch(/VIOLATION invariant-3/)
    expect(traceOf(stdout)).toBeDefined()
    expect(traceOf((await simulate('--replay', file)).stdout)).toBe(traceOf(stdout))
  })

  it('lives one that is mended again, and exits 0', async () => {
    const file = fileOf('mended.json', JSON.stringify({ seed: 11, index: 0, days: 1, without: ['faults', 'storms'] }))
    const { code, stdout } = await simulate('--replay', file)
    expect(stdout).toMatch(/^0 violations$/m)
    expect(code).toBe(0)
  })

  it.each([
    ['no file', undefined, 'ENOENT'],
    ['no JSON', '{', 'not JSON'],
    ['a list', '[]', 'not a JSON object'],
    ['a world without its length', '{"seed":1,"index":0}', "'days' must be a number above 0"],
    ['a source that there is not', '{"seed":1,"index":0,"days":1,"without":["fault"]}', "'without' must be a list of"],
    ['a field that there is not', '{"seed":1,"index":0,"days":1,"client":2}', "'client' is none of its fields"],
  ])('exits 3 on a replay that is %s', async (_, text, says) => {
    const file = text === undefined ? join(directory, 'missing.json') : fileOf('wrong.json', text)
    const { code, stdout, stderr } = await simulate('--replay', file)
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain(says)
  })

  it('explores the chart up to a limit, and says that it was one', async () => {
    const { code, stdout } = await simulate('--explore', '--limit', '100')
    expect(stdout).toMatch(/^all: \d+ states, \d+ transitions, depth \d+, fixed point NOT reached$/m)
    expect(stdout).toMatch(/^violations: 0$/m)
    expect(code).toBe(0)
  })

  it('fuzzes the chart, as far as asked', async () => {
    const { code, stdout } = await simulate('--fuzz', '--seed', '3', '--sends', '200')
    const sends = Number(/^seed 3: (\d+) sends/.exec(stdout)?.[1])
    expect(sends).toBeGreaterThanOrEqual(200)
    expect(code, stdout).toBe(0)
  })
})
