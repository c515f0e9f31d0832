import { describe, expect, it } from 'vitest'
import { type Change, createRecordKeeper, StoreFailure } from '../../src/client/record-keeper.ts'
import { createTimeline } from '../../src/client/timeline.ts'
import { sleep } from '../../src/clock.ts'
import { memoryStore } from '../../src/index.ts'
import { type AccountRecord, emptyRecord } from '../../src/store/record.ts'
import { virtualClock } from '../../src/testing.ts'
import { faultyStore, slowWrites } from '../support/doubles.ts'
import { MINUTE, SECOND } from '../support/world.ts'

const ACCOUNT = 'account'
/** The wait before the n-th time that the store is tried again. */
const backOffMs = (step: number) => SECOND * 2 ** step

/** Says that the last sign-in failed; something else than what it says of a sign-out. */
const createFailed: Change = (record) => ({ ...record, createFailed: true })
const signedOut: Change = (record) => ({ ...record, signedOut: true })
/** A pause of ten minutes that begins with the change. */
const paused: Change = (record, nowMs) => ({ ...record, pause: { startMs: nowMs, lengthMs: 10 * MINUTE } })

/** What two clients know of one account, on a store that fails or dawdles on command. */
function kept() {
  const clock = virtualClock()
  const memory = memoryStore({ clock })
  const { around, calls, down } = faultyStore()
  const { around: slowly, line } = slowWrites(() => clock)
  const faulty = slowly(around(memory))
  let flushes = 0
  const keeperOf = (store: typeof memory, writer: string) =>
    createRecordKeeper({
      store,
      account: ACCOUNT,
      writer,
      clock,
      timeline: createTimeline(clock),
      backOffMs,
      slotMs: 30 * SECOND,
      onFlushed: () => {
        flushes++
      },
    })
  const ours = keeperOf(faulty, 'we')
  const stored = async () => (await memory.read(ACCOUNT)).record
  return { calls, clock, down, faulty, keeperOf, line, memory, ours, stored, flushes: () => flushes }
}

describe('a change', () => {
  it('is made on top of what another client has stored since', async () => {
    const { keeperOf, memory, ours, stored } = kept()
    await ours.read()
    await keeperOf(memory, 'they').change(signedOut)
    expect(await ours.change(createFailed)).toBe('stored')
    expect(await stored()).toMatchObject({ version: 2, signedOut: true, createFailed: true })
    expect(ours.known()).toMatchObject({ signedOut: true, createFailed: true })
  })

  it('is not made where what is stored has overtaken it', async () => {
    const { ours, stored } = kept()
    expect(await ours.change(() => null)).toBe('overtaken')
    expect(await stored()).toBeUndefined()
  })

  it('fails with the store, and is not obeyed', async () => {
    const { down, ours } = kept()
    down()
    await expect(ours.change(createFailed)).rejects.toThrow(StoreFailure)
    expect(ours.known().createFailed).toBe(false)
    expect(ours.retryAtMs()).toBeUndefined()
  })

  it('fails where others are always faster, and says so', async () => {
    const { keeperOf, memory } = kept()
    let writes = 0
    const store = {
      ...memory,
      compareAndSet: async () => {
        writes++
        return false
      },
    }
    await expect(keeperOf(store, 'we').change(createFailed)).rejects.toThrow('another client was faster 16 times')
    expect(writes).toBe(16)
  })

  it('is written without a look where nobody has written since, and after one where the machine slept', async () => {
    const { calls, clock, ours } = kept()
    await ours.read()
    calls.length = 0
    await ours.change(createFailed)
    expect(calls).toEqual(['write'])
    clock.suspend(MINUTE)
    await ours.change(paused)
    expect(calls).toEqual(['write', 'read', 'write'])
  })

  it('waits for the one before it', async () => {
    const { clock, line, ours, stored } = kept()
    line.writeMs = SECOND
    const seen: AccountRecord[] = []
    const seeing: Change = (record) => {
      seen.push(record)
      return signedOut(record, 0)
    }
    const both = Promise.all([ours.change(createFailed), ours.change(seeing)])
    await clock.advance(2 * SECOND)
    expect(await both).toEqual(['stored', 'stored'])
    expect(seen).toMatchObject([{ version: 1, createFailed: true }])
    expect((await stored())?.version).toBe(2)
  })
})

describe('a read', () => {
  it('counts what others wrote, and not what it wrote itself', async () => {
    const { keeperOf, memory, ours } = kept()
    await ours.change(createFailed)
    await ours.read()
    expect(ours.othersWrote()).toBe(0)
    await keeperOf(memory, 'they').change(signedOut)
    await ours.read()
    await ours.read()
    expect(ours.othersWrote()).toBe(1)
  })

  it('fails where others are always faster at what it has to put back', async () => {
    const { keeperOf, memory } = kept()
    let copy: AccountRecord | undefined
    let writes = 0
    const keeper = keeperOf(
      {
        ...memory,
        read: async (account) => ({ ...(await memory.read(account)), ...(copy && { record: copy }) }),
        async compareAndSet(...write) {
          writes++
          return copy === undefined && memory.compareAndSet(...write)
        },
      },
      'we',
    )
    await keeper.keep(paused)
    await keeper.keep(createFailed)
    copy = { ...emptyRecord('salt'), version: 1 }
    writes = 0
    await expect(keeper.read()).rejects.toThrow('another client was faster 16 times')
    expect(writes).toBe(16)
  })

  it('puts back what an older copy of the data lacks', async () => {
    const { memory, ours, stored } = kept()
    await ours.keep(paused)
    await ours.keep(createFailed)
    await memory.compareAndSet(ACCOUNT, 2, { ...emptyRecord('salt'), version: 1 })
    expect(await ours.read()).toMatchObject({ pause: { lengthMs: 10 * MINUTE } })
    expect(await stored()).toMatchObject({ pause: { lengthMs: 10 * MINUTE }, restored: { times: 1 } })
  })
})

describe('D-store-down: a change that has to land', () => {
  it('is signed with its writer, its number and its version; others keep theirs', async () => {
    const { keeperOf, memory, ours, stored } = kept()
    await keeperOf(memory, 'they').keep(signedOut)
    await ours.keep(createFailed)
    await ours.keep(paused)
    await ours.change(signedOut)
    expect((await stored())?.landed).toEqual([
      { writer: 'they', change: 1, version: 1 },
      { writer: 'we', change: 2, version: 3 },
    ])
  })

  it('is remembered of the latest 64 writers', async () => {
    const { keeperOf, memory, stored } = kept()
    for (let writer = 0; writer < 65; writer++) {
      const keeper = keeperOf(memory, `writer ${writer}`)
      await keeper.read()
      await keeper.keep(createFailed)
    }
    const writers = (await stored())?.landed.map(({ writer }) => writer) ?? []
    expect([writers.length, writers[0], writers.at(-1)]).toEqual([64, 'writer 1', 'writer 64'])
  })

  it('begins at the latest that the store can have meant, one that may fail at the earliest (D-skew)', async () => {
    const { clock, faulty, keeperOf } = kept()
    const keeper = keeperOf(
      {
        ...faulty,
        async read(account) {
          const answer = await faulty.read(account)
          await sleep(clock, 2 * SECOND)
          return answer
        },
      },
      'we',
    )
    const read = keeper.read()
    const toldMs = clock.now()
    await clock.advance(2 * SECOND)
    await read
    const begunMs: number[] = []
    const begins: Change = (record, nowMs) => {
      begunMs.push(nowMs)
      return record
    }
    await keeper.change(begins)
    await keeper.keep(begins)
    expect(begunMs.at(0)).toBe(toldMs)
    expect(begunMs.at(-1)).toBe(toldMs + 2 * SECOND)
  })

  it('is obeyed once, whether it is on its way, kept, or stored', async () => {
    const { clock, down, ours } = kept()
    const another: Change = (record) => ({ ...record, refreshAttempts: record.refreshAttempts + 1 })
    const counts: number[] = []
    down()
    const written = ours.keep(another)
    counts.push(ours.known().refreshAttempts)
    await written
    counts.push(ours.known().refreshAttempts)
    down(false)
    await clock.advance(SECOND)
    counts.push(ours.known().refreshAttempts)
    expect(counts).toEqual([1, 1, 1])
  })

  it('is no longer obeyed where what is stored has overtaken it', async () => {
    const { ours } = kept()
    let isOvertaken = true
    expect(await ours.keep((record) => (isOvertaken ? null : { ...record, createFailed: true }))).toBe('overtaken')
    isOvertaken = false
    expect(ours.known().createFailed).toBe(false)
  })

  it('tells its caller what it comes to, though it waits behind another', async () => {
    const { down, ours } = kept()
    down()
    await ours.keep(createFailed)
    let seen: AccountRecord | undefined
    const written = ours.keep((record) => {
      seen = record
      return record
    })
    expect(await written).toBe('kept')
    expect(seen).toMatchObject({ createFailed: true })
  })

  it('is obeyed at once, however long its write takes', async () => {
    const { clock, line, ours, stored } = kept()
    line.writeMs = 3 * SECOND
    const written = ours.keep(createFailed)
    expect(ours.known().createFailed).toBe(true)
    expect(await stored()).toBeUndefined()
    await clock.advance(3 * SECOND)
    expect(await written).toBe('stored')
    expect(ours.retryAtMs()).toBeUndefined()
  })

  it('is kept where the store is down, and tried again with back-off until it lands', async () => {
    const { clock, calls, down, flushes, ours, stored } = kept()
    const startMs = clock.now()
    down()
    expect(await ours.keep(createFailed)).toBe('kept')
    const waits: number[] = []
    for (let tries = 0; tries < 3; tries++) {
      waits.push((ours.retryAtMs() ?? 0) - startMs)
      const before = calls.length
      await clock.advanceTo((ours.retryAtMs() ?? 0) - 1)
      expect(calls).toHaveLength(before)
      await clock.advance(1)
      expect(calls.length).toBeGreaterThan(before)
    }
    expect(waits).toEqual([SECOND, 3 * SECOND, 7 * SECOND])
    expect([ours.known().createFailed, flushes()]).toEqual([true, 0])
    down(false)
    await clock.advance(8 * SECOND)
    expect(await stored()).toMatchObject({ version: 1, createFailed: true })
    expect([ours.retryAtMs(), flushes(), clock.pendingTimers()]).toEqual([undefined, 1, 0])
  })

  it('lands in its order, before what came later', async () => {
    const { clock, down, ours, stored } = kept()
    const order: string[] = []
    const noting =
      (name: string, change: Change): Change =>
      (record, nowMs) => {
        if (record.version > 0 || name === 'first') order.push(name)
        return change(record, nowMs)
      }
    down()
    await ours.keep(noting('first', createFailed))
    down(false)
    expect(await ours.keep(noting('second', (record) => ({ ...record, createFailed: false })))).toBe('kept')
    expect(await stored()).toBeUndefined()
    order.length = 0
    await clock.advance(SECOND)
    expect(await stored()).toMatchObject({ version: 2, createFailed: false })
    expect(order.at(-1)).toBe('second')
  })

  it('begins with the first wait again once the store has taken everything', async () => {
    const { clock, down, ours } = kept()
    for (let times = 0; times < 2; times++) {
      down()
      await ours.keep(createFailed)
      expect(ours.retryAtMs()).toBe(clock.now() + SECOND)
      down(false)
      await clock.advance(SECOND)
    }
  })

  it('belongs to the moment at which it came, not to that at which it lands', async () => {
    const { clock, down, ours, stored } = kept()
    const startMs = clock.now()
    down()
    await ours.keep(paused)
    await clock.advance(5 * SECOND)
    expect(ours.known().pause?.startMs).toBe(startMs)
    down(false)
    await clock.advance(MINUTE)
    expect((await stored())?.pause?.startMs).toBe(startMs)
  })

  it('is not written again where it has landed and the answer was lost', async () => {
    const { clock, keeperOf, memory, stored } = kept()
    let isLost = true
    const keeper = keeperOf(
      {
        ...memory,
        async compareAndSet(...write) {
          const done = await memory.compareAndSet(...write)
          if (isLost) throw new Error('the line went dead')
          return done
        },
      },
      'we',
    )
    expect(await keeper.keep((record) => ({ ...record, refreshAttempts: record.refreshAttempts + 1 }))).toBe('kept')
    isLost = false
    await clock.advance(MINUTE)
    expect(await stored()).toMatchObject({ version: 1, refreshAttempts: 1 })
    expect(keeper.known().refreshAttempts).toBe(1)
  })

  it('is tried at once when the client ends, and no more after that', async () => {
    const { calls, clock, down, ours } = kept()
    down()
    await ours.keep(createFailed)
    const before = calls.length
    await ours.flush()
    expect(calls.length).toBeGreaterThan(before)
    ours.close()
    expect(clock.pendingTimers()).toBe(0)
  })

  it('leaves nothing to do for a flush where nothing is kept', async () => {
    const { calls, flushes, ours } = kept()
    await ours.keep(createFailed)
    const before = calls.length
    await ours.flush()
    expect([calls.length, flushes()]).toEqual([before, 0])
  })

  it('is looked at again a quarter of a second later while the store is being tried', async () => {
    const { clock, line, down, ours } = kept()
    down()
    await ours.keep(createFailed)
    down(false)
    line.writeMs = 3 * SECOND
    await clock.advance(2 * SECOND)
    expect(ours.retryAtMs()).toBe(clock.now() + 250)
  })
})
