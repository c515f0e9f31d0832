import { sleep } from '../../src/clock.ts'
import type { AuthClient } from '../../src/index.ts'
import { collector } from '../support/journal.ts'
import { createWorld, MINUTE, PASSWORD, SECOND, USERNAME, WHO_AM_I, type World } from '../support/world.ts'

const DAYS = 10

/** What goes wrong, one after the other, every two hours. */
const TROUBLES: readonly ((world: World) => void)[] = [
  ({ sandbox }) => sandbox.fail({ endpoint: 'api', status: 502 }),
  ({ sandbox }) => sandbox.fail({ endpoint: 'refresh', status: 429 }),
  ({ sandbox }) => sandbox.revokeAll('access'),
  ({ sandbox }) => sandbox.fail({ endpoint: 'refresh', status: 400 }),
  ({ sandbox }) => sandbox.fail({ endpoint: 'refresh', status: 502, times: 2 }),
  ({ sandbox }) => sandbox.fail({ endpoint: 'api', status: 429, headers: { 'Retry-After': '900' } }),
  ({ sandbox }) => sandbox.fail({ endpoint: 'refresh', drop: 'after' }),
  ({ sandbox }) => sandbox.fail({ endpoint: 'api', status: 403, body: { code: 'token_not_valid' } }),
  ({ sandbox }) => sandbox.fail({ endpoint: 'refresh', replyLatencyMs: 40 * SECOND }),
  ({ sandbox }) => sandbox.revokeAll('refresh'),
]

export interface Lives {
  readonly journals: readonly string[]
  /** What each client found of itself, as `client: rule: what was seen`. */
  readonly findings: readonly string[]
  readonly world: World
}

/**
 * Ten days of three clients on one store, with faults and commands.
 *
 * @param latencyMs of the line, each way
 * @param operator which client gives the command of an hour. Default: always the first.
 */
export async function lived(latencyMs: number, operator: (hour: number) => number = () => 0): Promise<Lives> {
  let line: World | undefined
  const journals = [collector(), collector(), collector()]
  const world = createWorld({
    client: { journal: journals[0]?.stream as WritableStream<string> },
    transport: (fetch) => async (input, init) => {
      if (line !== undefined && latencyMs > 0) await sleep(line.clock, latencyMs)
      const response = await fetch(input, init)
      if (line !== undefined && latencyMs > 0) await sleep(line.clock, latencyMs)
      return response
    },
  })
  line = world
  const clients = [world.auth, ...journals.slice(1).map(({ stream }) => world.client({ journal: stream }))]
  const findings: string[] = []
  for (const [at, client] of clients.entries())
    client.on('finding', ({ monitor, evidence }) => findings.push(`client ${at}: ${monitor}: ${evidence}`))
  const settled = async (...work: Promise<unknown>[]) => {
    const end = Promise.allSettled(work)
    for (let seconds = 0; seconds < 100 && (await world.peek(end)) === undefined; seconds++)
      await world.clock.advance(SECOND)
  }
  const each = (act: (client: AuthClient) => Promise<unknown>) => settled(...clients.map(act))

  for (let hour = 0; hour < 24 * DAYS; hour++) {
    if (hour % 2 === 0) TROUBLES[(hour / 2) % TROUBLES.length]?.(world)
    // Nobody works at night: both tokens die in one night of two.
    const isNight = hour % 48 >= 20
    for (let minutes = 0; minutes < 60; minutes += 12) {
      if (!isNight) await each((client) => client.fetchLike(WHO_AM_I))
      await world.clock.advance(12 * MINUTE)
    }
    const first = clients[operator(hour)] as AuthClient
    switch (hour % 24) {
      case 3:
        // One gives up, the others wait on.
        await gaveUp(first, clients, settled)
        break
      case 9:
        await settled(first.signIn({ username: USERNAME, password: 'mistyped' }))
        await each((client) => client.fetchLike(WHO_AM_I))
        await settled(first.signIn({ username: USERNAME, password: PASSWORD }))
        break
      case 13:
        await settled(first.signOut())
        await each((client) => client.fetchLike(WHO_AM_I))
        await settled(first.signIn())
        break
      case 17:
        await settled(first.reset())
        await settled(first.getAccessToken({ forceRefresh: true }))
        break
      default:
    }
    if (hour % 24 === 21) await settled(first.reset())
  }
  const closing = Promise.all(clients.map((client) => client.close()))
  await world.clock.advance(MINUTE)
  await closing
  return { journals: journals.map((each) => each.text()), findings, world }
}

async function gaveUp(
  first: AuthClient,
  clients: readonly AuthClient[],
  settled: (...work: Promise<unknown>[]) => Promise<void>,
) {
  const caller = new AbortController()
  const waits = clients.map((client) =>
    client.getAccessToken(client === first ? { forceRefresh: true, signal: caller.signal } : { forceRefresh: true }),
  )
  caller.abort()
  await settled(...waits)
}
