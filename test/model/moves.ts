import { type LifecycleEvent, NO_FACTS, type Outcome } from '../../machines/index.ts'
import type { Happening } from './bounds.ts'
import type { World } from './explore-world.ts'
import { LOAD, type Move, type Place, type Step, shifted, waitingOf } from './place.ts'
import { outcomesOf, recordsOf } from './records.ts'

const forgetsPair = (event: LifecycleEvent) =>
  event.type === 'operator.reset' || (event.type === 'operator.signIn' && event.credentials === 'other')

/** What can happen at a place of a world. */
export function movesOf(world: World, place: Place): Move[] {
  const { bounds } = world
  const { lengths, every } = bounds
  const { nowMs: atMs, known, callers, newest } = place
  const moves: Move[] = []
  const may = (label: string, make: () => Step) => void moves.push({ label, make })
  const tell = (label: string, event: LifecycleEvent, change: Partial<Place> = {}) =>
    may(label, () => world.tell({ ...place, ...change }, event))
  const happens = (what: Happening) => !bounds.without.includes(what)

  const late = place.timers.find(({ dueAtMs }) => dueAtMs <= atMs)
  if (late)
    may(`the timer ${late.event.type.replace(/^xstate\.after\.(\w+)\..*/, '$1')} fires`, () => world.fire(place, late))
  else {
    // Never past a timer: the clock fires each at its own time.
    const soonest = Math.min(...place.timers.map(({ dueAtMs }) => dueAtMs))
    const before = Number.isFinite(soonest) && (bounds.jumps.length > 1 || soonest - atMs < 1)
    const near = before ? [soonest - atMs, soonest - atMs - 1] : []
    for (const ms of new Set([...bounds.jumps, ...near]))
      if (ms > 0 && atMs + ms <= soonest) may(`time passes: ${ms}`, () => world.pass(place, atMs + ms))
  }

  if (callers.length < bounds.callers)
    for (const patience of ['plain', 'patient', 'forced'] as const)
      tell(
        `a ${patience} caller asks`,
        { type: 'demand', atMs, patience },
        { callers: [...callers, { patience, generation: known.pair?.generation ?? 0 }] },
      )
  for (const patience of new Set(callers.map((caller) => caller.patience))) {
    const leaves = callers.findIndex((caller) => caller.patience === patience)
    const left = callers.toSpliced(leaves, 1)
    tell(`a ${patience} caller leaves`, { type: 'demand.withdrawn', waiting: waitingOf(left) }, { callers: left })
  }
  if (known.pair !== null && happens('rejection')) {
    const { generation } = known.pair
    tell('the API refuses the token', { type: 'token.rejected', atMs, generation })
    tell('the API refuses an older token', { type: 'token.rejected', atMs, generation: generation - 1 })
  }
  if (happens('gate')) {
    tell('a validate is throttled', { type: 'validate.throttled', atMs, untilMs: atMs + lengths.pause })
    tell('the store is away', { type: 'store.unavailable', atMs, untilMs: atMs + lengths.backOff })
  }
  if (happens('waking')) {
    const asleep = lengths.pause + 1
    may(`${asleep} asleep`, () =>
      world.tell({ ...place, nowMs: atMs + asleep }, { type: 'woke', atMs: atMs + asleep, pair: known.pair }),
    )
    for (const shift of every ? [0, -1, 1, -lengths.access] : [0, -1]) {
      const pair = shifted(known.pair, shift)
      // Nothing lasts longer than when it was granted.
      if (pair === null ? shift !== 0 : pair.usableUntilMs > atMs + lengths.access) continue
      tell(`the clock jumps by ${-shift}`, { type: 'woke', atMs, pair })
    }
  }
  const noteable = known.noted.length < bounds.noted || (!known.loading && known.inFlight === null)
  if (noteable && happens('adoption')) {
    // After a restart the record is read first: what others store meanwhile is what they stored before or store after.
    if (place.stored === null)
      for (const [what, facts] of recordsOf(bounds, atMs, newest + 1))
        tell(`another process stored ${what}`, { type: 'record.adopted', atMs, facts }, { newest: newest + 1 })
    // Whoever forgets a pair takes it out of the record at once, so none beside it is stored after that.
    if (known.inFlight !== null && !known.noted.some(forgetsPair)) {
      const { pair, unfinished } = known
      const { pausedUntilMs, fullUntilMs, backOffUntilMs } = place.snapshot.context
      const facts = { ...NO_FACTS, pair, unfinished, pausedUntilMs, fullUntilMs, backOffUntilMs }
      tell('another process stored something beside the same pair', { type: 'record.adopted', atMs, facts })
    }
  }
  if (noteable && happens('operator')) {
    tell('sign-in with the same credentials', { type: 'operator.signIn', atMs, credentials: 'same' })
    tell('sign-in with other credentials', { type: 'operator.signIn', atMs, credentials: 'other' })
    tell('the callback gives other credentials', { type: 'operator.newCredentials', atMs })
    tell('reset', { type: 'operator.reset', atMs })
  }
  // Whoever signs out before the record is read never reads it: then the actors alone know of a pause that it holds, and
  // they look before they send. So that is no matter of the chart.
  if (happens('operator') && place.stored === null) tell('sign-out', { type: 'operator.signOut', atMs })
  if (known.loading && place.snapshot.children[LOAD] !== undefined) {
    const { stored } = place
    if (stored) may('the record is read', () => world.load(place, stored))
    else
      for (const [what, facts] of recordsOf(bounds, atMs, newest + 1))
        may(`the record is read: ${what}`, () =>
          world.load({ ...place, newest: newest + 1 }, { chart: facts, oracle: facts }),
        )
  }
  if (known.inFlight !== null)
    for (const [what, outcome] of outcomesOf(bounds, atMs, newest, known) as readonly [string, Outcome][])
      may(`${known.inFlight} answered: ${what}`, () => world.end(place, outcome))
  if (!known.loading && known.noted.length === 0 && happens('restart')) {
    // What waits while the record is read is looked at after the first start; in full, after every one.
    may('the process is killed and starts again', () => {
      const { place: again, wrong } = world.crash(place)
      return every || wrong.length > 0 || again.stored === null
        ? { place: again, wrong }
        : world.load(again, again.stored)
    })
  }
  return moves
}
