/**
 * Holds the arrows of the house: who may import whom, which packages, and where `node:` may be used.
 * `node scripts/arrows.ts [root]` prints each import that breaks one and exits 1.
 */
import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

const LEAVES = ['src/clock.ts', 'src/errors.ts', 'src/secret.ts', 'src/virtual-clock.ts']
const POLICY = ['src/policy/', ...LEAVES]
const MACHINES = ['machines/', ...POLICY]
const HTTP = ['src/http/', ...MACHINES]
const STORE = ['src/store/', ...MACHINES]
// Monitors judge the rules, so they share the policy's numbers and ids with them and nothing else.
const MONITORS = [
  'src/monitors/',
  'src/policy/catalogue.ts',
  'src/policy/schema.ts',
  'src/policy/defaults.ts',
  ...LEAVES,
]
const CLIENT = ['src/client/', ...HTTP, ...STORE, 'src/monitors/', 'src/journal/']
const EDGE = ['src/', 'machines/']
// HMAC in step, in every runtime: WebCrypto's answers later.
const JOURNAL_PACKAGES = ['@noble/hashes/hmac.js', '@noble/hashes/sha2.js', '@noble/hashes/utils.js']

interface Zone {
  /** Path prefixes inside the project. */
  readonly imports: readonly string[]
  /** Packages; any, when left out. */
  readonly packages?: readonly string[]
}

/** Each file belongs to the longest prefix that fits; a file without one may not exist. */
const ZONES: Readonly<Record<string, Zone>> = {
  'src/clock.ts': { imports: [], packages: [] },
  'src/errors.ts': { imports: [], packages: [] },
  'src/secret.ts': { imports: [], packages: [] },
  'src/virtual-clock.ts': { imports: ['src/clock.ts'], packages: [] },
  'src/policy/': { imports: POLICY, packages: ['zod/mini'] },
  'machines/': { imports: ['machines/', 'src/policy/'], packages: ['xstate'] },
  'src/http/': { imports: HTTP },
  'src/store/': { imports: STORE },
  'src/monitors/': { imports: MONITORS },
  'src/journal/': { imports: ['src/journal/', 'src/monitors/', ...POLICY], packages: JOURNAL_PACKAGES },
  'src/client/': { imports: CLIENT },
  'src/audit/': { imports: ['src/audit/', 'src/monitors/', 'src/journal/', 'src/store/', ...POLICY] },
  'src/sandbox/': { imports: ['src/sandbox/', ...POLICY] },
  'src/view/': { imports: ['src/view/', 'src/audit/', 'src/sandbox/', 'src/index.ts', ...CLIENT] },
  'src/cli/': { imports: EDGE },
  'src/index.ts': { imports: CLIENT },
  'src/testing.ts': { imports: ['src/sandbox/', 'src/audit/', ...CLIENT] },
}

/** Everything else runs in a browser and on edge runtimes. */
const NODE_ALLOWED = [
  'src/store/file',
  'src/store/redis',
  'src/audit/readers',
  'src/sandbox/listener.ts',
  'src/sandbox/synchronous-signer.ts',
  'src/view/server',
  'src/cli/',
]

// Prettily formatted source is all this has to read; a static import starts its line, so comments do not count.
const IMPORTS = [
  /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"`]([^'"`]+)['"`]/g,
]

const startsWithAny = (path: string, prefixes: readonly string[]) => prefixes.some((prefix) => path.startsWith(prefix))

/** What is wrong with the imports of one file; `path` is relative to the project, with forward slashes. */
export function brokenArrows(path: string, source: string): string[] {
  const name = Object.keys(ZONES)
    .filter((prefix) => path.startsWith(prefix))
    .reduce((longest, prefix) => (prefix.length > longest.length ? prefix : longest), '')
  const zone = ZONES[name]
  if (zone === undefined) return [`${path} stands in no known folder of the house`]
  const specifiers = IMPORTS.flatMap((pattern) => [...source.matchAll(pattern)].map((match) => match[1] ?? ''))
  return specifiers.flatMap((specifier) => {
    if (specifier.startsWith('node:'))
      return startsWithAny(path, NODE_ALLOWED) ? [] : [`${path} imports ${specifier}: the core runs without Node`]
    if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(path), specifier)
      return startsWithAny(target, zone.imports) ? [] : [`${path} imports ${target}: no arrow from ${name} to there`]
    }
    if (specifier === 'zod') return [`${path} imports zod: zod/mini is the same at a twentieth of the size`]
    if (zone.packages !== undefined && !zone.packages.includes(specifier))
      return [`${path} imports ${specifier}: ${name} takes ${zone.packages.join(', ') || 'no package'}`]
    return []
  })
}

if (import.meta.main) {
  const root = process.argv[2] ?? '.'
  const files = globSync(['src/**/*.ts', 'machines/**/*.ts'], { cwd: root }).map((file) => file.replaceAll('\\', '/'))
  const broken = files.sort().flatMap((file) => brokenArrows(file, readFileSync(join(root, file), 'utf8')))
  for (const line of broken) console.error(line)
  if (broken.length > 0) process.exit(1)
}
