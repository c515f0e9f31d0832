/** One process of a fleet: does what its argument says, tells it in one line of JSON, and ends. */
import { writeSync } from 'node:fs'

import { openStore } from '../../src/cli/store.ts'
import { systemClock } from '../../src/clock.ts'
import { AuthError } from '../../src/errors.ts'
import type { PolicyOptions } from '../../src/index.ts'
import { createAuthClient } from '../../src/index.ts'
import type { Transport } from '../support/world.ts'
import { killSwitch } from './kill-switch.ts'

/** What a process of the fleet is told. */
export interface Orders {
  /** As `COMPLIANCELY_STORE`. */
  readonly store: string
  readonly baseURL: string
  readonly username: string
  readonly password: string
  readonly policy?: PolicyOptions
  /** How many ask for a token at once. */
  readonly callers: number
  readonly forceRefresh?: boolean
  /** Goes on asking for so long, every `everyMs`. */
  readonly forMs?: number
  readonly everyMs?: number
  /** Dies at this step, by `SIGKILL`. */
  readonly killAt?: number
  /** Goes with each of its requests, so that the server's log tells whose they are. */
  readonly requestId?: string
  /** By how much its wall clock is off, ms, and when it is set back or on again, ms after the start. */
  readonly wallOffMs?: number
  readonly setClock?: { readonly afterMs: number; readonly byMs: number }
}

/** What a process of the fleet tells. */
export interface Told {
  /** Tokens that callers were given, each once, in order. */
  readonly tokens: readonly string[]
  readonly calls: number
  /** Codes of errors that callers were given, with how often. */
  readonly errors: Readonly<Record<string, number>>
  /** What can be died at; of one that died, the last is where. */
  readonly steps: readonly string[]
}

const system = systemClock()

/** The machine's clock, whose wall time is off, and can be set. */
function offClock(offMs: number) {
  let wallOffMs = offMs
  const listeners = new Set<() => void>()
  return {
    ...system,
    now: () => system.now() + wallOffMs,
    onWake(listener: () => void) {
      listeners.add(listener)
      const stop = system.onWake(listener)
      return () => {
        listeners.delete(listener)
        stop()
      }
    },
    set(byMs: number) {
      wallOffMs += byMs
      for (const listener of [...listeners]) listener()
    },
  }
}

const named =
  (requestId: string | undefined): Transport =>
  (input, init) => {
    const request = new Request(input, init)
    if (requestId !== undefined) request.headers.set('x-request-id', requestId)
    return fetch(request)
  }

async function obey(orders: Orders): Promise<Told> {
  const clock = offClock(orders.wallOffMs ?? 0)
  const { setClock } = orders
  if (setClock !== undefined) clock.setTimeout(() => clock.set(setClock.byMs), setClock.afterMs)
  const store = await openStore({ store: orders.store, storeKey: undefined })
  const kill = killSwitch(
    orders.killAt ?? -1,
    (steps) => {
      // Written at once: nothing else of this process will be.
      writeSync(1, `${JSON.stringify({ tokens: [], calls: 0, errors: {}, steps } satisfies Told)}\n`)
      process.kill(process.pid, 'SIGKILL')
    },
    named(orders.requestId),
  )
  const auth = createAuthClient({
    baseURL: orders.baseURL,
    credentials: { username: orders.username, password: orders.password },
    store: orders.killAt === undefined ? store : kill.around(store),
    fetch: kill.fetch,
    clock,
    ...(orders.policy && { policy: orders.policy }),
  })
  const tokens = new Set<string>()
  const errors: Record<string, number> = {}
  let calls = 0
  const ask = async () => {
    calls++
    try {
      tokens.add(await auth.getAccessToken({ forceRefresh: orders.forceRefresh === true }))
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      errors[error.code] = (errors[error.code] ?? 0) + 1
    }
  }
  const askAll = () => Promise.all(Array.from({ length: orders.callers }, ask))
  const untilMs = clock.monotonic() + (orders.forMs ?? 0)
  await askAll()
  while (clock.monotonic() < untilMs) {
    const { promise, resolve } = Promise.withResolvers<void>()
    clock.setTimeout(resolve, orders.everyMs ?? 1_000, { keepsAlive: true })
    await promise
    await askAll()
  }
  await auth.close()
  await store.close?.()
  return { tokens: [...tokens], calls, errors, steps: kill.steps }
}

// The library's timers hold no process open; the fleet's does until it is done.
const alive = system.setTimeout(() => {}, 2 ** 30, { keepsAlive: true })
try {
  process.stdout.write(`${JSON.stringify(await obey(JSON.parse(process.argv[2] ?? '') as Orders))}\n`)
} finally {
  system.clearTimeout(alive)
}
