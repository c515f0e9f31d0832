import { describe, expect, it } from 'vitest'
import { type Budget, createBudget } from '../../src/client/budget.ts'
import { createRecordKeeper } from '../../src/client/record-keeper.ts'
import { createTimeline } from '../../src/client/timeline.ts'
import { memoryStore } from '../../src/index.ts'
import { virtualClock } from '../../src/testing.ts'
import { MINUTE, SECOND } from '../support/world.ts'

const REQUEST_TIMEOUT = 30 * SECOND

/** The budget of an account, of `limit` sends in any minute. */
function budgetOf(limit: number) {
  const clock = virtualClock()
  const timeline = createTimeline(clock)
  const startMs = timeline.nowMs()
  const keeper = createRecordKeeper({
    store: memoryStore({ clock }),
    account: 'account',
    writer: 'us',
    clock,
    timeline,
    backOffMs: () => SECOND,
    slotMs: REQUEST_TIMEOUT,
    onFlushed: () => {},
  })
  const budget = createBudget(keeper, timeline, {
    budgetLimit: limit,
    budgetWindowMs: MINUTE,
    tokenRequestTimeoutMs: REQUEST_TIMEOUT,
  })
  const take = async () => {
    const taken = await budget.take()
    if ('untilMs' in taken) throw new Error('the budget is full')
    return taken.slotMs
  }
  /** When a slot is free, ms after the start. */
  const fullFor = ({ fullUntilMs }: Budget = budget) => {
    const untilMs = fullUntilMs()
    return untilMs === undefined ? undefined : untilMs - startMs
  }
  return { budget, clock, fullFor, startMs, take }
}

describe('D-budget', () => {
  it('is full with the last slot, and says until when', async () => {
    const { budget, clock, fullFor, startMs, take } = budgetOf(2)
    await budget.answered(await take())
    expect([budget.left(), fullFor()]).toEqual([1, undefined])
    await clock.advance(10 * SECOND)
    await budget.answered(await take())
    expect([budget.left(), fullFor()]).toEqual([0, MINUTE])
    expect(await budget.take()).toEqual({ untilMs: startMs + MINUTE })
  })

  it('frees a slot a minute after its answer, to the millisecond', async () => {
    const { budget, clock, fullFor, take } = budgetOf(1)
    await budget.answered(await take())
    await clock.advance(MINUTE - 1)
    expect([budget.left(), fullFor()]).toEqual([0, MINUTE])
    await clock.advance(1)
    expect([budget.left(), fullFor()]).toEqual([1, undefined])
  })

  it('never frees it before the minute is over, whatever fraction of a millisecond the answer falls on', async () => {
    const { budget, clock, fullFor, take } = budgetOf(1)
    await clock.advance(0.5)
    await budget.answered(await take())
    await clock.advance(SECOND)
    expect(fullFor()).toBe(1 + MINUTE)
  })

  it('frees the slot first that was answered first, whichever was taken first', async () => {
    const { budget, clock, fullFor, take } = budgetOf(2)
    await take()
    await clock.advance(10 * SECOND)
    const second = await take()
    await clock.advance(SECOND)
    await budget.answered(second)
    await clock.advance(SECOND)
    expect(fullFor()).toBe(11 * SECOND + MINUTE)
  })

  it('counts an answer that came after its slot had ended, and no slot less for it', async () => {
    const { budget, clock, take } = budgetOf(10)
    const late = await take()
    await clock.advance(REQUEST_TIMEOUT + MINUTE)
    await take()
    await budget.answered(late)
    expect(budget.left()).toBe(8)
  })

  it('gives back a slot that was taken for nothing', async () => {
    const { budget, take } = budgetOf(1)
    await budget.unused(await take())
    expect(budget.left()).toBe(1)
  })

  it("gives back nobody else's slot for one that is gone", async () => {
    const { budget, clock, take } = budgetOf(2)
    const unused = await take()
    await clock.advance(SECOND)
    await take()
    await budget.unused(unused)
    await budget.unused(unused)
    expect(budget.left()).toBe(1)
  })
})
