#!/usr/bin/env node
import { createRequire } from 'node:module'
import { nearestName } from '../policy/config-error.ts'
import { EXIT } from './exit-codes.ts'
import { type Invocation, note, print, reportError, UnwritableOutput } from './output.ts'
import { UsageError } from './usage.ts'

type Command = (invocation: Invocation) => Promise<number>

/** Loaded when they are asked for: a token does not wait for the simulated server. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  token: async () => (await import('./commands/token.ts')).token,
  request: async () => (await import('./commands/request.ts')).request,
  status: async () => (await import('./commands/status.ts')).status,
  login: async () => (await import('./commands/account.ts')).account('login'),
  refresh: async () => (await import('./commands/account.ts')).account('refresh'),
  validate: async () => (await import('./commands/account.ts')).account('validate'),
  logout: async () => (await import('./commands/account.ts')).account('logout'),
  reset: async () => (await import('./commands/account.ts')).account('reset'),
  audit: async () => (await import('./commands/audit.ts')).audit,
  explain: async () => (await import('./commands/explain.ts')).explain,
  demo: async () => (await import('./demo/command.ts')).demo,
}

const help = (environment: string) => `compliancely-auth COMMAND

  token                 print a usable access token
  request METHOD PATH   send an API request, print the body of its answer
  status                what is held and what stands in the way
  login                 sign in, where no usable token is held; ends a sign-out
  refresh               refresh the pair now
  validate              ask the server whether the token held is valid
  logout                discard the pair, until login
  reset                 discard the pair and lift what stopped the account
  audit FILE…           did that client keep the policy? verdicts from recorded traffic
  explain [ID]          a clause or rule: what it asks, how it is checked, what to do
  demo                  live one day of the token lifecycle against a simulated server

compliancely-auth COMMAND --help says more. Data goes to standard output, all else to standard error.

${environment}

Exit codes: 0 done; 1 findings, a token not valid, or none because signed out; 2 usage; 3 unreadable input; 4 inconclusive;
10 invalid credentials; 11 throttled; 12 unavailable; 13 store trouble; 14 sign-in rejected;
15 refresh unauthorized; 16 the API answered 400 or above;
17 the output cannot be written; 130 interrupted
`

async function run(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const [name, ...rest] = argv
  if (name === '--version') {
    const { version } = createRequire(import.meta.url)('compliancely-auth/package.json') as { version: string }
    print(`${version}\n`)
    return EXIT.done
  }
  if (name === '--help' || name === '-h' || (name === 'help' && rest.length === 0)) {
    const { ENVIRONMENT_HELP } = await import('./environment.ts')
    print(help(ENVIRONMENT_HELP))
    return EXIT.done
  }
  if (name === 'help') return run([...rest.slice(0, 1), '--help'], signal)
  if (name === undefined) throw new UsageError('a command is needed')
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command !== undefined) return (await command())({ argv: rest, env: process.env, signal })
  if (name.startsWith('-'))
    throw new UsageError(`unknown option ${name}; did you mean --${nearestName(name, ['help', 'version'])}?`)
  throw new UsageError(`unknown command '${name}'; did you mean ${nearestName(name, Object.keys(COMMANDS))}?`)
}

const interrupted = new AbortController()
const stop = () => {
  // The request in flight is stored before the end; who does not want to wait for it asks again.
  for (const signal of STOPPING) process.on(signal, () => process.exit(EXIT.interrupted))
  note('interrupted; a request in flight is waited for, unless you press Ctrl-C again')
  interrupted.abort()
  process.stdin.destroy()
}
const STOPPING = ['SIGINT', 'SIGTERM'] as const
for (const signal of STOPPING) process.once(signal, () => interrupted.signal.aborted || stop())
/** The command goes on to its end: what it has begun must be stored, whether anybody hears of it or not. */
let lost: number | undefined
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.brokenPipe)
    if (lost === undefined && stream === process.stdout) reportError(new UnwritableOutput('standard output', error))
    // The command may have ended before its stream told.
    lost = process.exitCode = EXIT.unwritable
  })

// The library's timers do not hold a process open; a command does, until it has an answer.
const alive = setInterval(() => {}, 2 ** 30)
try {
  const code = await run(process.argv.slice(2), interrupted.signal)
  process.exitCode = lost ?? code
} catch (error) {
  process.exitCode = interrupted.signal.aborted ? EXIT.interrupted : reportError(error)
} finally {
  clearInterval(alive)
}
