/** How large a world of the chart is, and the worlds that are looked at. */

/** Lengths, in whatever unit: whole ticks to explore, milliseconds to wander. */
export interface Lengths {
  readonly access: number
  readonly refreshDue: number
  readonly refresh: number
  readonly young: number
  readonly pause: number
  readonly full: number
  readonly backOff: number
}

/** The sorts of moves, beside callers, outcomes and time, that a world may be without. */
export type Happening = 'rejection' | 'gate' | 'waking' | 'adoption' | 'operator' | 'restart'

export interface Bounds {
  readonly lengths: Lengths
  /** Callers that wait at one time. */
  readonly callers: number
  /** Events that wait for the request in flight, or for the record, at one time. */
  readonly noted: number
  readonly refreshAttemptsLimit: number
  readonly proactive: 'timer' | 'onDemand'
  readonly refreshUnauthorized: 'fail' | 'recreate'
  /** Also what differs from another move in nothing the chart looks at: the second reading of a reason, other shifts. */
  readonly every: boolean
  /** How far time may move at once. */
  readonly jumps: readonly number[]
  /** What does not happen. */
  readonly without: readonly Happening[]
}

/** Ticks: each of the three lengths of a closed gate has another, and a pair lives through more than one pause. */
const TICKS: Lengths = { access: 4, refreshDue: 2, refresh: 6, young: 1, pause: 3, full: 1, backOff: 2 }
const FEW_TICKS: Lengths = { access: 2, refreshDue: 1, refresh: 3, young: 1, pause: 2, full: 1, backOff: 1 }
/** Every wait lasts one tick. */
const ONE_TICK: Lengths = { access: 2, refreshDue: 1, refresh: 3, young: 1, pause: 1, full: 1, backOff: 1 }

export const FULL: Bounds = {
  lengths: TICKS,
  callers: 2,
  noted: 2,
  refreshAttemptsLimit: 2,
  proactive: 'timer',
  refreshUnauthorized: 'fail',
  every: true,
  jumps: [1],
  without: [],
}
export const SMALL: Bounds = {
  ...FULL,
  lengths: FEW_TICKS,
  callers: 1,
  noted: 1,
  refreshAttemptsLimit: 1,
  every: false,
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
/** The policy's own lengths, to wander through. */
export const REAL: Bounds = {
  ...FULL,
  lengths: {
    access: 59.5 * MINUTE,
    refreshDue: 48 * MINUTE,
    refresh: DAY,
    young: MINUTE,
    pause: 10 * MINUTE,
    full: 40 * SECOND,
    backOff: 45 * SECOND,
  },
  jumps: [1, SECOND, 31 * SECOND, 10 * MINUTE, 13 * 60 * MINUTE],
}
/** Tokens that outlive the longest delay of a timer (24.8 days), so that each is cut short and armed again. */
export const LONG_LIVED: Bounds = {
  ...REAL,
  callers: 1,
  lengths: { ...REAL.lengths, access: 60 * DAY, refreshDue: 55 * DAY, refresh: 120 * DAY },
  jumps: [MINUTE, DAY, 24 * DAY],
  without: ['gate', 'rejection', 'waking', 'adoption', 'operator', 'restart'],
}

export interface Slice {
  readonly name: string
  readonly bounds: Bounds
  /** Small enough for every test run. */
  readonly quick: boolean
}
const slice = (name: string, quick: boolean, without: Bounds['without'], rest: Partial<Bounds> = {}): Slice => ({
  name,
  quick,
  bounds: { ...SMALL, lengths: ONE_TICK, without, ...rest },
})
const ON_DEMAND = { proactive: 'onDemand', refreshUnauthorized: 'recreate' } as const

/** Worlds that are each without something, so that the fixed point is near. Together they take every transition. */
export const SLICES: readonly Slice[] = [
  slice('callers, outcomes, rejections', true, ['gate', 'waking', 'adoption', 'operator', 'restart']),
  slice('on demand, waking', true, ['gate', 'rejection', 'adoption', 'operator', 'restart'], ON_DEMAND),
  slice('the gate', false, ['waking', 'adoption', 'operator', 'restart']),
  slice('operators', false, ['gate', 'rejection', 'waking', 'adoption', 'restart']),
  slice('operators, on demand', false, ['gate', 'rejection', 'waking', 'adoption', 'restart'], ON_DEMAND),
  slice('other processes, restarts', false, ['gate', 'rejection', 'waking', 'operator']),
  slice('two callers', false, ['gate', 'rejection', 'waking', 'adoption', 'operator', 'restart'], { callers: 2 }),
]

/** Everything at once, to be looked at as far as a limit goes. */
export const EVERYTHING: Bounds = { ...SMALL, lengths: ONE_TICK }
