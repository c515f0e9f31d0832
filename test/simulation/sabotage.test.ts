import { describe, expect, it } from 'vitest'
import type { AccountRecord, TokenStore } from '../../src/index.ts'
import type { Sabotage } from './options.ts'
import { runWorld } from './world.ts'

/** Longest that a broken client may go unnoticed, worlds of 30 days. */
const WORLDS = 6
const DAYS = 30
const TIMEOUT_MS = 120_000

/** A store that keeps something else than it is told to. */
const forgetful =
  (forget: Partial<AccountRecord>) =>
  (store: TokenStore): TokenStore => ({
    ...store,
    compareAndSet: (account, version, record) => store.compareAndSet(account, version, { ...record, ...forget }),
  })

/** Sends again by itself what the API failed at. */
const stubborn: Sabotage['fetch'] = (fetch) => async (input, init) => {
  const response = await fetch(input, init)
  return response.status >= 500 && !String(input).includes('/token/') ? fetch(input, init) : response
}

/** Sends some API requests to another host. */
const elsewhere: Sabotage['fetch'] = (fetch) => (input, init) =>
  fetch(String(input).replace(/sandbox(?=.test.*status)/, 'example'), init)

interface Row {
  readonly client: string
  readonly sabotage: Sabotage
  /** Each of them is a way to notice it; the first that happens ends the world. */
  readonly found: readonly string[]
  readonly seed?: number
  readonly clients?: number
}

const SABOTAGES: readonly Row[] = [
  { client: 'pauses for a minute', sabotage: { policy: { pauseMs: 60_000 } }, found: ['invariant-3'] },
  {
    client: 'takes twelve slots for ten',
    sabotage: { policy: { budgetLimit: 12 } },
    found: ['invariant-2', 'ten-per-minute', 'server-throttled'],
  },
  {
    client: 'has a lease that ends when its process stands still for a second',
    sabotage: { policy: { leaseMs: 1_000, leaseRenewMs: 900 } },
    found: ['invariant-1', 'invariant-5'],
    seed: 22,
    clients: 3,
  },
  {
    client: 'refreshes for a token that the API does not know yet',
    sabotage: { policy: { youngRejectionMs: 0 } },
    found: ['D-young-rejection', 'refresh-once'],
    seed: 22,
  },
  { client: 'forgets the pause', sabotage: { store: forgetful({ pause: null }) }, found: ['invariant-3'] },
  {
    client: 'forgets which credentials were refused',
    sabotage: { store: forgetful({ latches: [] }) },
    found: ['invariant-7'],
  },
  {
    client: 'forgets that a create failed',
    sabotage: { store: forgetful({ createFailed: false }) },
    found: ['invariant-9'],
  },
  {
    client: 'gives the lease to everybody',
    sabotage: { store: (store) => ({ ...store, lease: async () => ({ granted: true }) }) },
    found: ['invariant-1'],
  },
  {
    client: 'forgets that a create was on its way',
    sabotage: { store: forgetful({ createUnfinished: 0 }) },
    found: ['invariant-9'],
  },
  { client: 'sends the token elsewhere', sabotage: { fetch: elsewhere }, found: ['invariant-14'] },
  { client: 'sends again what the API failed at', sabotage: { fetch: stubborn }, found: ['invariant-6'] },
]

describe('the simulation finds a client that', { timeout: TIMEOUT_MS }, () => {
  it.each(SABOTAGES)('$client', async ({ sabotage, found, seed = 21, clients }) => {
    for (let index = 0; index < WORLDS; index++) {
      const { violation } = await runWorld({ seed, index, days: DAYS, clients, sabotage })
      if (violation === undefined) continue
      expect(found).toContain(violation.check)
      return
    }
    expect.fail(`nothing was found in ${WORLDS * DAYS} days`)
  })
})
