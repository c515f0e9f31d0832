import { describe, expect, it } from 'vitest'
import { sleep } from '../../src/clock.ts'
import type { AuthClient } from '../../src/index.ts'
import { collector } from '../support/journal.ts'
import { createWorld, MINUTE, PASSWORD, SECOND, USERNAME, WHO_AM_I, type World } from '../support/world.ts'
import { audited, rulesThat } from './renderings.ts'

/** Our own client's journals, written over days of faults by several processes of one account, are found clean. */

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

/** Lets them live, and gives their journals. */
async function lived(latencyMs: number): Promise<{ journals: string[]; world: World }> {
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
  const settled = async (...work: Promise<unknown>[]) => {
    const end = Promise.allSettled(work)
    for (let seconds = 0; seconds < 100 && (await world.peek(end)) === undefined; seconds++)
      await world.clock.advance(SECOND)
  }
  const each = (act: (client: AuthClient) => Promise<unknown>) => settled(...clients.map(act))
  const [first] = clients as [AuthClient]

  for (let hour = 0; hour < 24 * DAYS; hour++) {
    if (hour % 2 === 0) TROUBLES[(hour / 2) % TROUBLES.length]?.(world)
    // Nobody works at night: both tokens die in one night of two.
    const isNight = hour % 48 >= 20
    for (let minutes = 0; minutes < 60; minutes += 12) {
      if (!isNight) await each((client) => client.fetchLike(WHO_AM_I))
      await world.clock.advance(12 * MINUTE)
    }
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
  return { journals: journals.map((each) => each.text()), world }
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

describe.each([0, 20])('ten days of three clients on one store, with a line of %i ms each way', (latencyMs) => {
  it('their journals together break no rule, and leave nothing open but what no journal tells', async () => {
    const { journals, world } = await lived(latencyMs)
    const report = await audited(...journals)
    expect(report.findings.slice(0, 5)).toEqual([])
    expect(rulesThat('fail', report)).toEqual([])
    expect(rulesThat('inconclusive', report)).toEqual(['invariant-12'])
    expect(report.accounts).toBe(1)
    expect(report.files.map(({ skipped }) => skipped)).toEqual([0, 0, 0])
    // The journals are whole: everything that the server saw is in them, and much happened.
    expect(report.exchanges).toBeGreaterThanOrEqual(world.log().length)
    const seen = new Set(world.log().map(({ endpoint, status }) => `${endpoint} ${status}`))
    const wanted = ['create 200', 'create 401', 'refresh 200', 'refresh 400', 'refresh 429', 'refresh 502', 'api 401']
    for (const each of wanted) expect([...seen]).toContain(each)
    expect(report.exchanges).toBeGreaterThan(1_000)
  })
})
