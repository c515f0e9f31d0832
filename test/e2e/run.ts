import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** What a process of the command line left behind. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** The whole environment, but for PATH; without a store in it, tokens are kept for the one command. */
  readonly env?: Record<string, string>
  readonly stdin?: string
  /** Called with the process, to end or interrupt it. */
  readonly during?: (child: ReturnType<typeof spawn>) => void
}

/** Runs the command line as a process of its own. */
export const run = (args: readonly string[], options?: RunOptions): Promise<Ran> =>
  ranBy(process.execPath, [MAIN, ...args], options)

/** Runs it by way of a shell, for limits and redirections; the script says `exec "$@"`. */
export const runInShell = (script: string, args: readonly string[], options?: RunOptions): Promise<Ran> =>
  ranBy('/bin/sh', ['-c', script, 'sh', process.execPath, MAIN, ...args], options)

function ranBy(program: string, args: readonly string[], { env = {}, stdin = '', during }: RunOptions = {}) {
  return new Promise<Ran>((resolve, reject) => {
    const child = spawn(program, args, {
      env: { PATH: process.env.PATH ?? '', COMPLIANCELY_STORE: 'memory:', ...env },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    // A command that does not read its input may be gone before it is written.
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
    during?.(child)
  })
}

export const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? ''
