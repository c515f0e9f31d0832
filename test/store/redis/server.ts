import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { describe, expect, it } from 'vitest'
import { sleep, systemClock } from '../../../src/clock.ts'

const clock = systemClock()
const POLL_MS = 5
/** A busy machine is no fault of a test. */
const BOUND_MS = 20_000

/** Asks again and again until the answer is true. */
export async function until(what: string, isSo: () => unknown): Promise<void> {
  const endMs = clock.monotonic() + BOUND_MS
  while (!(await isSo())) {
    if (clock.monotonic() > endMs) throw new Error(`waited ${BOUND_MS} ms in vain for ${what}`)
    await sleep(clock, POLL_MS)
  }
}

/** Real time that passes, ms, while `work` runs. */
export async function tookMs(work: () => Promise<unknown>): Promise<number> {
  const startMs = clock.monotonic()
  await work()
  return clock.monotonic() - startMs
}

const adminOf = (url: string) => {
  const admin = createClient({ url, socket: { reconnectStrategy: () => POLL_MS } })
  admin.on('error', () => {})
  return admin
}

/** A real server of one test file, on a free port of this machine and in a folder of its own. */
export interface Server {
  readonly port: number
  /** `redis://127.0.0.1:54321`. */
  readonly url: string
  /** `Redis at 127.0.0.1:54321/0`, as messages say it. */
  readonly where: string
  /** Its folder. */
  readonly dir: string
  /** A connection to look and to meddle. */
  readonly admin: ReturnType<typeof adminOf>
  /** The server's time, ms. */
  nowMs(): Promise<number>
  /** Waits until its time has moved on by `ms`. */
  elapse(ms: number): Promise<void>
  /** Ends it, all at once. Resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again, on the same port and data; nothing where it runs. */
  start(): Promise<void>
  /** Stops its process where it stands. */
  freeze(): void
  thaw(): void
  /** Copies its data as they are; gives the folder. */
  backUp(): string
  /** Puts a copy in the place of its data; it must not be running. */
  restore(copy: string): void
  /** Ends it for good and removes what it left. */
  stop(): Promise<void>
}

export interface ServerOptions {
  /** Keep data over a restart. Default false. */
  appendOnly?: boolean
  /** More arguments of `redis-server`, given its folder. */
  args?: (dir: string) => readonly string[]
}

export async function freePort(): Promise<number> {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  taken.close()
  await once(taken, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

export async function startServer({ appendOnly = false, args = () => [] }: ServerOptions = {}): Promise<Server> {
  const home = mkdtempSync(join(tmpdir(), 'redis-test-'))
  const dir = join(home, 'data')
  cpSync(mkdtempSync(join(home, 'empty-')), dir, { recursive: true })
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const admin = adminOf(url)
  let child: ChildProcess | undefined
  let copies = 0

  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null
  const launch = async () => {
    // A test that failed may have left it standing still.
    child?.kill('SIGCONT')
    if (isRunning()) return
    const kept = appendOnly ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
    const own = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '', ...kept]
    const started = spawn('redis-server', [...own, ...args(dir)], { stdio: 'ignore' })
    child = started
    let ended = false
    started.once('exit', () => {
      ended = true
    })
    await until('redis-server to answer', async () => {
      if (ended) throw new Error(`redis-server ended with ${started.exitCode} on port ${port}`)
      return probe(port)
    })
  }
  const kill = async () => {
    if (child === undefined || !isRunning()) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  // A test run that ends early takes its servers along.
  const onExit = () => void child?.kill('SIGKILL')
  process.once('exit', onExit)

  const server: Server = {
    port,
    url,
    where: `Redis at 127.0.0.1:${port}/0`,
    dir,
    admin,
    async nowMs() {
      const [seconds = '0', micros = '0'] = (await admin.sendCommand<[string, string]>(['TIME'])) ?? []
      return Number(seconds) * 1_000 + Number(micros) / 1_000
    },
    async elapse(ms) {
      const endMs = (await server.nowMs()) + ms
      await until(`${ms} ms of the server's time`, async () => (await server.nowMs()) > endMs)
    },
    kill,
    start: launch,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    backUp() {
      const copy = join(home, `copy-${++copies}`)
      cpSync(dir, copy, { recursive: true })
      return copy
    },
    restore(copy) {
      rmSync(dir, { recursive: true, force: true })
      cpSync(copy, dir, { recursive: true })
    },
    async stop() {
      admin.destroy()
      await kill()
      process.off('exit', onExit)
      rmSync(home, { recursive: true, force: true })
    },
  }
  await launch()
  await admin.connect()
  return server
}

/** Does a server answer on this port, whatever it answers? */
async function probe(port: number): Promise<boolean> {
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false, connectTimeout: 1_000 } })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.ping()
    return true
  } catch (error) {
    // Who refuses has started.
    return /^(NOAUTH|NOPERM|WRONGPASS)/.test(error instanceof Error ? error.message : '')
  } finally {
    client.destroy()
  }
}

const isInstalled = spawnSync('redis-server', ['--version']).status === 0
const MISSING = 'redis-server is not installed: the tests of the Redis store DID NOT RUN'

/** The tests of a file, where there is a server to run them with; where CI is set, there has to be one. */
export function describeWithRedis(name: string, tests: () => void): void {
  if (isInstalled) {
    describe(name, tests)
    return
  }
  process.stderr.write(`\n${MISSING}\n`)
  describe(name, () => {
    it(`DID NOT RUN: redis-server is not installed`, () => {
      expect(process.env.CI, MISSING).toBeUndefined()
    })
  })
}
