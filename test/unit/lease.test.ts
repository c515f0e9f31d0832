import { describe, expect, it } from 'vitest'
import { createLease, LEASE_POLL_MS } from '../../src/client/lease.ts'
import { createTimeline } from '../../src/client/timeline.ts'
import { memoryStore } from '../../src/index.ts'
import { virtualClock } from '../../src/testing.ts'
import { MINUTE, SECOND } from '../support/world.ts'

const ACCOUNT = 'account'
const LEASE_MS = 15 * SECOND
const never = () => new AbortController().signal

/** A client's lease on a store, whose calls and returns can be looked at. */
function leased() {
  const clock = virtualClock()
  const memory = memoryStore({ clock })
  const askedAtMs: number[] = []
  const line = { giveBack: Promise.resolve() }
  const store: typeof memory = {
    ...memory,
    lease: (account, holder, leaseMs) => {
      askedAtMs.push(clock.monotonic())
      return memory.lease(account, holder, leaseMs)
    },
    release: async (account, holder) => {
      await line.giveBack
      await memory.release(account, holder)
    },
  }
  const lease = createLease({
    store,
    account: ACCOUNT,
    holder: 'us',
    clock,
    timeline: createTimeline(clock),
    policy: { leaseMs: LEASE_MS, leaseRenewMs: 5 * SECOND },
  })
  const heldElsewhere = (ms: number) => memory.lease(ACCOUNT, 'another', ms)
  return { askedAtMs, clock, heldElsewhere, lease, line, memory }
}

describe('D-one-at-a-time', () => {
  it('a lease held elsewhere is waited for, and looked at four times a second at most', async () => {
    const { askedAtMs, clock, heldElsewhere, lease } = leased()
    await heldElsewhere(2 * SECOND)
    const done = lease.under(never(), async () => 'done')
    await clock.advance(2 * SECOND)
    expect(await done).toBe('done')
    expect(askedAtMs).toEqual(Array.from({ length: 9 }, (_, look) => look * LEASE_POLL_MS))
  })

  it('is waited for no longer than a lease lasts; then it says how long that still runs', async () => {
    const { clock, heldElsewhere, lease } = leased()
    await heldElsewhere(MINUTE)
    let ended: unknown
    void lease
      .under(never(), async () => 'done')
      .then((end) => {
        ended = end
      })
    await clock.advance(LEASE_MS - 1)
    expect(ended).toBeUndefined()
    await clock.advance(1)
    expect(ended).toEqual({ heldForMs: MINUTE - LEASE_MS })
  })

  it('however little is left of it, that is at least until the next look', async () => {
    const { clock, heldElsewhere, lease } = leased()
    await heldElsewhere(LEASE_MS + 1)
    const end = lease.under(never(), async () => 'done')
    await clock.advance(LEASE_MS)
    expect(await end).toEqual({ heldForMs: LEASE_POLL_MS })
  })

  it('is renewed for as long as the request takes, and by nobody afterwards', async () => {
    const { askedAtMs, clock, lease, memory } = leased()
    const request = Promise.withResolvers<string>()
    const done = lease.under(never(), () => request.promise)
    await clock.advance(MINUTE)
    expect(await memory.lease(ACCOUNT, 'another', LEASE_MS)).toMatchObject({ granted: false })
    request.resolve('granted')
    expect(await done).toBe('granted')
    await clock.settle()
    const looks = askedAtMs.length
    expect(await memory.lease(ACCOUNT, 'another', LEASE_MS)).toMatchObject({ granted: true })
    await clock.advance(MINUTE)
    expect(askedAtMs).toHaveLength(looks)
  })

  it('is given back when the request fails, too', async () => {
    const { clock, lease, memory } = leased()
    const failed = lease.under(never(), () => Promise.reject(new Error('no connection')))
    await expect(failed).rejects.toThrow('no connection')
    await clock.settle()
    expect(await memory.lease(ACCOUNT, 'another', LEASE_MS)).toMatchObject({ granted: true })
  })

  it('is not asked for by one who has been aborted', async () => {
    const { askedAtMs, lease } = leased()
    expect(await lease.under(AbortSignal.abort(), async () => 'done')).toEqual({ heldForMs: LEASE_POLL_MS })
    expect(askedAtMs).toEqual([])
  })

  it('that is given back late does not end the lease of the next request', async () => {
    const { clock, lease, line, memory } = leased()
    const slow = Promise.withResolvers<void>()
    line.giveBack = slow.promise
    await lease.under(never(), async () => 'first')
    void lease.under(never(), () => new Promise(() => {}))
    await clock.advance(LEASE_MS)
    slow.resolve()
    await clock.settle()
    expect(await memory.lease(ACCOUNT, 'another', LEASE_MS)).toMatchObject({ granted: false })
  })

  it('the end of a client waits until each of its leases is given back, and no request waits for that', async () => {
    const { clock, lease, line } = leased()
    const slow = Promise.withResolvers<void>()
    line.giveBack = slow.promise
    expect(await lease.under(never(), async () => 'first')).toBe('first')
    await clock.settle()
    line.giveBack = Promise.resolve()
    const second = lease.under(never(), async () => 'second')
    await clock.advance(LEASE_MS)
    expect(await second).toBe('second')
    let isReleased = false
    void lease.released().then(() => {
      isReleased = true
    })
    await clock.settle()
    expect(isReleased).toBe(false)
    slow.resolve()
    await clock.settle()
    expect(isReleased).toBe(true)
  })
})
