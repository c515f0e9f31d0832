import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/**
 * The package as its users get it: built, packed, unpacked in an empty folder beside what it declares and nothing else.
 * Needs no network: dependencies are links to this project's own.
 */

interface Manifest {
  readonly files: readonly string[]
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
}

const manifest: Manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const entryPoints = Object.keys(manifest.exports).filter((entry) => entry !== './package.json')
const installed = resolve('node_modules')

let home: string
/** Runs to the end; its output is the test's message when it fails. */
function run(cwd: string, command: string, ...args: string[]): string {
  const path = `${join(installed, '.bin')}:${process.env.PATH}`
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} exited ${status}\n${stdout}${stderr}`)
  return stdout
}

beforeAll(() => {
  const work = mkdtempSync(join(tmpdir(), 'embed-'))
  home = join(work, 'home')
  const build = join(work, 'build')
  mkdirSync(join(home, 'node_modules'), { recursive: true })
  mkdirSync(build)
  // Elsewhere than ./dist, which other tests and people may be using.
  run('.', 'npm', 'run', '--silent', 'build', '--', '--outDir', join(build, 'dist'))
  cpSync('package.json', join(build, 'package.json'))
  run(build, 'npm', 'pack', '--silent', '--ignore-scripts')
  const [tarball = ''] = run(build, 'sh', '-c', 'ls *.tgz').trim().split('\n')
  const unpacked = join(home, 'node_modules/compliancely-auth')
  mkdirSync(unpacked)
  run(build, 'tar', '-xzf', tarball, '-C', unpacked, '--strip-components=1')
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    mkdirSync(dirname(join(home, 'node_modules', name)), { recursive: true })
    symlinkSync(join(installed, name), join(home, 'node_modules', name))
  }
  writeFileSync(join(home, 'package.json'), JSON.stringify({ type: 'module', private: true }))
}, 120_000)
afterAll(() => rmSync(dirname(home), { recursive: true, force: true }))

/** The snippet of a page, as its readers copy it. */
function snippet(page: string, name: string): string {
  const [, code] =
    new RegExp(`<!-- snippet:${name} -->\\n\`\`\`ts\\n([\\s\\S]*?)\`\`\``).exec(readFileSync(page, 'utf8')) ?? []
  if (code === undefined) throw new Error(`${page} has no snippet '${name}'`)
  return code
}

describe('the packed tarball in an empty folder', () => {
  it("runs the chart with actors of one's own, as docs/lifecycle.md says", () => {
    const code = snippet('docs/lifecycle.md', 'embed')
    const imports = new Set([...code.matchAll(/from '([^']+)'/g)].map(([, specifier]) => specifier))
    expect([...imports].sort()).toEqual(['compliancely-auth/machine', 'xstate'])
    writeFileSync(join(home, 'embed.ts'), code)
    expect(run(home, process.execPath, 'embed.ts')).toBe('served generation 1\n')
  }, 30_000)

  it('type-checks that program', () => {
    writeFileSync(join(home, 'embed.ts'), snippet('docs/lifecycle.md', 'embed'))
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023']
    run(home, join(installed, '.bin/tsc'), ...options, '--lib', 'es2024,dom', '--types', '', 'embed.ts')
  }, 60_000)

  it('runs the program of the README against the sandbox of the package', () => {
    const code = snippet('README.md', 'quickstart')
    expect(code.trim().split('\n').filter(Boolean).length).toBeLessThanOrEqual(13)
    writeFileSync(join(home, 'quickstart.ts'), code)
    const around = `
      import { createSandbox } from 'compliancely-auth/sandbox'
      const server = await createSandbox().listen()
      const { url: COMPLIANCELY_BASE_URL } = server
      Object.assign(process.env, {
        COMPLIANCELY_BASE_URL, COMPLIANCELY_USERNAME: 'demo', COMPLIANCELY_PASSWORD: 'demo-password',
      })
      await import('./quickstart.ts')
      await server.close()`
    writeFileSync(join(home, 'around.ts'), around)
    expect(run(home, process.execPath, 'around.ts')).toContain("username: 'demo'")
  }, 30_000)

  it('runs every program of docs/sandbox.md', () => {
    const blocks = [...readFileSync('docs/sandbox.md', 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
      ([, code]) => code ?? '',
    )
    const programs = blocks.filter((code) => code.includes("from 'compliancely-auth/sandbox'"))
    expect(programs.length).toBeGreaterThanOrEqual(3)
    for (const [index, code] of programs.entries()) {
      writeFileSync(join(home, `sandbox-${index}.ts`), code)
      run(home, process.execPath, `sandbox-${index}.ts`)
    }
  }, 30_000)

  it.each(entryPoints)(
    'has the entry point %s',
    (entry) => {
      const specifier = `compliancely-auth${entry.slice(1)}`
      const names = run(
        home,
        process.execPath,
        '--input-type=module',
        '-e',
        `console.log(Object.keys(await import('${specifier}')).join(' '))`,
      )
      expect(names.trim()).not.toBe('')
    },
    30_000,
  )

  it("keeps xstate's types out of the main entry", () => {
    const seen = new Set<string>()
    const packages = new Set<string>()
    const follow = (file: string) => {
      if (seen.has(file)) return
      seen.add(file)
      for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/from '([^']+)'/g))
        if (specifier.startsWith('.')) follow(join(dirname(file), specifier.replace(/\.[jt]s$/, '.d.ts')))
        else packages.add(specifier)
    }
    follow(join(home, 'node_modules/compliancely-auth/dist/src/index.d.ts'))
    expect(seen.size).toBeGreaterThan(10)
    expect([...packages]).not.toContain('xstate')
  })

  it('brings no source, test or lock file', () => {
    const files = run(home, 'sh', '-c', 'cd node_modules/compliancely-auth && find . -type f').trim().split('\n')
    const declared = [...manifest.files, 'package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']
    const others = files.filter(
      (file) => !declared.some((name) => file === `./${name}` || file.startsWith(`./${name}/`)),
    )
    expect(others).toEqual([])
    expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([])
  })
})
