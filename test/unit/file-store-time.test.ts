import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { broughtUp, storeMs, systemMachine } from '../../src/store/file/machine-time.ts'
import { type FakeMachine, fakeMachine, openStore, temporaryFolder } from '../support/file-stores.ts'
import { fullRecord } from '../support/records.ts'

const ME = 'https://api.example me'
const HOUR = 3_600_000

function make() {
  const path = join(temporaryFolder(), 'tokens.db')
  const machine = fakeMachine()
  const store = openStore({ path }, { machine })
  return { path, machine, store, now: async (of = store) => (await of.read(ME)).nowMs }
}

describe('D-skew: the time of a file store', () => {
  it('begins at the wall clock', async () => {
    const { machine, now } = make()
    expect(await now()).toBe(machine.wallMs())
  })

  it.each([2 * HOUR, -2 * HOUR])('does not hear of a wall clock that is set by %i ms', async (byMs) => {
    const { path, machine, store, now } = make()
    const before = await now()
    await store.lease(ME, 'a', 15_000)
    machine.setWall(byMs)
    machine.elapse(14_999)
    expect(await now()).toBe(before + 14_999)
    const other = openStore({ path }, { machine })
    expect(await now(other)).toBe(before + 14_999)
    expect(await other.lease(ME, 'b', 15_000)).toEqual({ granted: false, freeInMs: 1 })
  })

  it('counts a suspend, for all alike, to what the machine tells it by', async () => {
    const { path, machine, store, now } = make()
    const other = openStore({ path }, { machine })
    const before = await now()
    machine.suspend(HOUR + 3)
    machine.elapse(7)
    const after = await now()
    expect(Math.abs(after - before - HOUR - 10)).toBeLessThanOrEqual(10)
    machine.elapse(0.5)
    const told = await now(store)
    expect(await now(other)).toBe(told)
    machine.elapse(1_000)
    expect(await now(other)).toBe(told + 1_000)
  })

  it.each([0, HOUR + 7])('takes no part in how coarse an uptime is, after a suspend of %i ms', async (sleptMs) => {
    const { machine, now } = make()
    await now()
    machine.suspend(sleptMs)
    const before = await now()
    for (let step = 1; step <= 100; step++) {
      machine.elapse(1)
      expect(await now()).toBe(before + step)
    }
  })

  it('goes on with the wall clock after a reboot', async () => {
    const { path, machine, store, now } = make()
    const before = await now()
    await store.compareAndSet(ME, 0, fullRecord(1))
    await store.close?.()
    machine.reboot('boot-2', 10 * 60_000)
    const rebooted = openStore({ path }, { machine })
    expect(await now(rebooted)).toBe(before + 10 * 60_000)
    machine.elapse(250)
    expect(await now(rebooted)).toBe(before + 10 * 60_000 + 250)
  })

  it.each([
    ['a record', (store: ReturnType<typeof openStore>) => store.compareAndSet(ME, 0, fullRecord(1))],
    ['a lease', (store: ReturnType<typeof openStore>) => store.lease(ME, 'a', 1_000)],
  ])('does not go back behind %s that was written before a reboot', async (_, write) => {
    const { path, machine, store, now } = make()
    await now()
    machine.elapse(HOUR)
    await write(store)
    const before = await now()
    machine.reboot('boot-2', -2 * HOUR)
    const rebooted = openStore({ path }, { machine })
    expect(await now(rebooted)).toBe(before)
    machine.elapse(1_000)
    expect(await now(rebooted)).toBe(before + 1_000)
  })

  it('is never behind its latest after a reboot, whatever the fractions of the tick', () => {
    const latestMs = Date.UTC(2030, 0, 1)
    const { boot, uptimeMs, wallMs } = fakeMachine()
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (tick) => {
        const machine = { boot, uptimeMs, wallMs, tickMs: () => tick }
        const rebooted = broughtUp({ boot: 'boot-0', aheadMs: 0, sleptMs: 0, latestMs }, machine)
        expect(storeMs(rebooted, machine)).toBe(latestMs)
      }),
    )
  })

  it('makes nothing of a container that tells its own uptime', () => {
    const machine = fakeMachine()
    const container = { ...machine, uptimeMs: () => 40 }
    const kept = broughtUp(undefined, container)
    expect(broughtUp(kept, machine)).toBe(kept)
    expect(broughtUp(broughtUp(undefined, machine), container)).toMatchObject({ sleptMs: 0 })
  })

  it('does not write for those who read, nor for those who wait for a lease', async () => {
    const { path, machine, store } = make()
    await store.lease(ME, 'a', 15_000)
    const before = readFileSync(path)
    machine.elapse(5_000)
    await store.read(ME)
    expect(await store.lease(ME, 'b', 15_000)).toMatchObject({ granted: false })
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('knows a boot without an id by its moment, to the minute', () => {
    const machine: FakeMachine = fakeMachine()
    const bootedAt = (boot: number) => ({ ...machine, boot: () => String(boot) })
    const kept = broughtUp(undefined, bootedAt(1_000_000))
    expect(broughtUp(kept, bootedAt(1_000_400))).toBe(kept)
    expect(broughtUp(kept, bootedAt(1_060_000))).not.toBe(kept)
    expect(broughtUp({ ...kept, boot: 'boot-1' }, bootedAt(1_000_000)).boot).toBe('1000000')
  })

  it('on this machine, goes on by what it can tell finely', () => {
    const machine = systemMachine()
    const kept = broughtUp(undefined, machine)
    expect(broughtUp(kept, machine)).toBe(kept)
    expect(Math.abs(storeMs(kept, machine) - machine.wallMs())).toBeLessThan(1_000)
    expect(machine.boot()).not.toBe('')
    expect(machine.uptimeMs() - machine.tickMs()).toBeGreaterThan(-1_000)
  })
})
