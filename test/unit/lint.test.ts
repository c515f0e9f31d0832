import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { brokenArrows } from '../../scripts/arrows.ts'

const projects: string[] = []
afterEach(() => {
  for (const project of projects.splice(0)) rmSync(project, { recursive: true })
})

/** A folder with the given files and this project's lint rules. */
function project(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'lint-'))
  projects.push(root)
  for (const rules of ['biome.json', 'lint']) cpSync(rules, join(root, rules), { recursive: true })
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), source)
  }
  return root
}

/** `path:line` of every error that Biome reports in these files. */
function biomeErrors(files: Record<string, string>): string[] {
  const biome = resolve('node_modules/.bin/biome')
  const args = ['lint', '--reporter=github', '--diagnostic-level=error', ...Object.keys(files)]
  const cwd = realpathSync(project(files))
  const run = spawnSync(biome, args, { cwd, encoding: 'utf8' })
  const errors = run.stdout.matchAll(/^::error .*file=([^,]+),line=(\d+)/gm)
  const found = [...errors].map(([, path = '', line]) => `${relative(cwd, resolve(cwd, path))}:${line}`)
  // The exit code is what `npm run check` sees.
  expect(run.status, run.stderr).toBe(found.length === 0 ? 0 : 1)
  return found.sort()
}

describe('lint: one clock', () => {
  it.each([
    'Date.now()',
    'new Date()',
    'new Date().getTime()',
    'Date()',
    'Date.now',
    'performance.now()',
    'Math.random()',
    'setTimeout(() => {}, 1)',
    'setInterval(() => {}, 1)',
    'setImmediate(() => {})',
    'globalThis.setTimeout(() => {}, 1)',
    'globalThis.performance.now()',
  ])('refuses %s', (expression) => {
    expect(biomeErrors({ 'src/client/bad.ts': `export const found = ${expression}\n` })).toEqual([
      'src/client/bad.ts:1',
    ])
  })

  it('holds for the machine and for tests', () => {
    const source = 'export const atMs = Date.now()\n'
    expect(biomeErrors({ 'machines/bad.ts': source, 'test/unit/bad.test.ts': source })).toEqual([
      'machines/bad.ts:1',
      'test/unit/bad.test.ts:1',
    ])
  })

  it('allows injected clocks and dates of a given time', () => {
    const source = `
      export const wait = (clock: Clock, random: () => number) => clock.setTimeout(() => {}, random())
      export const show = (atMs: number) => new Date(atMs).toISOString()
      export const startMs = Date.UTC(2026, 0, 5)
      export const now = (clock: Clock) => Math.max(clock.now(), clock.monotonic())
    `
    expect(biomeErrors({ 'src/client/good.ts': source })).toEqual([])
  })

  it('exempts the clock itself, the command line and end-to-end tests', () => {
    const source = 'export const timer = () => setTimeout(() => {}, Date.now())\n'
    expect(biomeErrors({ 'src/clock.ts': source, 'src/cli/main.ts': source, 'test/e2e/demo.test.ts': source })).toEqual(
      [],
    )
  })
})

describe('lint: arrows', () => {
  it.each([
    ['src/policy/a.ts', '../http/b.ts'],
    ['src/errors.ts', './policy/index.ts'],
    ['machines/a.ts', '../src/client/b.ts'],
    ['machines/a.ts', '../src/clock.ts'],
    ['machines/a.ts', 'zod/mini'],
    ['src/policy/a.ts', 'xstate'],
    ['src/policy/a.ts', 'zod'],
    ['src/http/a.ts', '../client/b.ts'],
    ['src/http/a.ts', '../store/b.ts'],
    ['src/store/a.ts', '../http/b.ts'],
    ['src/monitors/a.ts', '../policy/deadlines.ts'],
    ['src/monitors/a.ts', '../policy/outcomes.ts'],
    ['src/monitors/a.ts', '../policy/guards.ts'],
    ['src/monitors/a.ts', '../policy/index.ts'],
    ['src/monitors/a.ts', '../../machines/token-lifecycle.ts'],
    ['src/client/a.ts', '../sandbox/b.ts'],
    ['src/client/a.ts', '../audit/b.ts'],
    ['src/audit/a.ts', '../client/b.ts'],
    ['src/sandbox/a.ts', '../client/b.ts'],
    ['src/sandbox/a.ts', '../http/b.ts'],
    ['src/view/a.ts', '../cli/b.ts'],
    ['src/index.ts', './cli/main.ts'],
    ['src/client/a.ts', 'node:fs'],
    ['src/sandbox/handler.ts', 'node:http'],
    ['src/store/memory.ts', 'node:os'],
  ])('%s may not import %s', (path, specifier) => {
    expect(brokenArrows(path, `import { b } from '${specifier}'\n`)).toHaveLength(1)
  })

  it.each([
    ['src/policy/a.ts', './b.ts'],
    ['src/policy/a.ts', '../errors.ts'],
    ['src/policy/a.ts', 'zod/mini'],
    ['machines/a.ts', '../src/policy/rules.ts'],
    ['machines/a.ts', 'xstate'],
    ['src/monitors/a.ts', '../policy/catalogue.ts'],
    ['src/client/a.ts', '../../machines/token-lifecycle.ts'],
    ['src/client/a.ts', '../http/b.ts'],
    ['src/audit/a.ts', '../monitors/b.ts'],
    ['src/sandbox/a.ts', 'jose'],
    ['src/sandbox/listener.ts', 'node:http'],
    ['src/sandbox/synchronous-signer.ts', 'node:crypto'],
    ['src/store/file/lock.ts', 'node:fs/promises'],
    ['src/store/redis.ts', 'node:net'],
    ['src/audit/readers/har.ts', 'node:fs'],
    ['src/view/server.ts', 'node:http'],
    ['src/cli/main.ts', '../client/b.ts'],
    ['src/cli/main.ts', 'node:process'],
  ])('%s may import %s', (path, specifier) => {
    expect(brokenArrows(path, `import { b } from '${specifier}'\n`)).toEqual([])
  })

  it.each([
    `import type { B } from '../client/b.ts'`,
    `import type {\n  A,\n  B,\n} from '../client/b.ts'`,
    `export * from '../client/b.ts'`,
    `export { b } from '../client/b.ts'`,
    `import '../client/b.ts'`,
    `const b = await import('../client/b.ts')`,
    `type B = import('../client/b.ts').B`,
  ])('sees %j', (source) => {
    expect(brokenArrows('src/policy/a.ts', source)).toEqual([
      'src/policy/a.ts imports src/client/b.ts: no arrow from src/policy/ to there',
    ])
  })

  it('does not take comments and strings for imports', () => {
    const source = `// import { b } from '../client/b.ts'\n * import it from '../client/b.ts'\nconst glob = 'src/**/*.ts'\n`
    expect(brokenArrows('src/policy/a.ts', source)).toEqual([])
  })

  it('refuses a folder that the house does not have', () => {
    expect(brokenArrows('src/utils/a.ts', '')).toEqual(['src/utils/a.ts stands in no known folder of the house'])
  })

  it('exits 1 and names the import', () => {
    const arrows = (files: Record<string, string>) =>
      spawnSync(process.execPath, ['scripts/arrows.ts', project(files)], { encoding: 'utf8' })
    const bad = arrows({ 'src/http/a.ts': `import { b } from '../client/b.ts'\n` })
    expect([bad.status, bad.stderr]).toEqual([
      1,
      'src/http/a.ts imports src/client/b.ts: no arrow from src/http/ to there\n',
    ])
    expect(arrows({ 'src/http/a.ts': `import { b } from '../policy/b.ts'\n` }).status).toBe(0)
  })
})
