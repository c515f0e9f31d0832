import fc from 'fast-check'
import type { Patience } from '../../machines/index.ts'

/** What a random world does to the chart: steps of callers, operators and time, and what becomes of each request. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

export type OutcomeKind =
  | 'granted'
  | 'grantedShort'
  | 'throttled'
  | 'unauthorized'
  | 'rejected'
  | 'unavailable'
  | 'malformed'
  | 'adopted'
  | 'pause'
  | 'budget'
  | 'backOff'
  | 'lease'
  | 'store'
  | 'credentials'
  | 'expired'

export interface Reply {
  readonly kind: OutcomeKind
  readonly afterMs: number
  /** Others of the account have filled the minute. */
  readonly fills: boolean
}

export type Step =
  | { readonly do: 'demand'; readonly patience: Patience; readonly timeoutMs: number | null }
  | { readonly do: 'leave'; readonly which: number }
  | { readonly do: 'reject'; readonly age: number }
  | { readonly do: 'validateThrottled' }
  | { readonly do: 'storeUnavailable' }
  | { readonly do: 'adopt'; readonly ageMs: number }
  | { readonly do: 'signIn'; readonly credentials: 'same' | 'other'; readonly andWait: boolean }
  | { readonly do: 'newCredentials' }
  | { readonly do: 'signOut' }
  | { readonly do: 'reset' }
  | { readonly do: 'wake'; readonly shiftMs: number }
  | { readonly do: 'advance'; readonly ms: number }
  /** To just before, at, or just after one of the deadlines that run. */
  | { readonly do: 'approach'; readonly which: number; readonly offsetMs: number }

export interface DrawnWorld {
  readonly proactive: 'timer' | 'onDemand'
  readonly refreshUnauthorized: 'fail' | 'recreate'
  readonly found: 'nothing' | 'pair' | 'stalePair' | 'createFailed'
  readonly loadMs: number
  /** Tokens live for 60 days: longer than the longest delay of a timer. */
  readonly longLived: boolean
  /** How late every timer fires. */
  readonly lateMs: number
  readonly replies: readonly Reply[]
  readonly steps: readonly Step[]
}

const reply: fc.Arbitrary<Reply> = fc.record({
  kind: fc.constantFrom<OutcomeKind[]>(
    'granted',
    'granted',
    'granted',
    'granted',
    'grantedShort',
    'throttled',
    'unauthorized',
    'rejected',
    'unavailable',
    'malformed',
    'adopted',
    'pause',
    'budget',
    'backOff',
    'lease',
    'store',
    'credentials',
    'expired',
  ),
  afterMs: fc.constantFrom(0, 200, 20 * SECOND, 70 * SECOND),
  fills: fc.boolean(),
})

const patience = fc.constantFrom<Patience[]>('plain', 'patient', 'forced')
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('demand' as const),
      patience,
      timeoutMs: fc.constantFrom(null, 90 * SECOND, 5 * SECOND),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(
        100,
        SECOND,
        31 * SECOND,
        MINUTE,
        10 * MINUTE,
        47 * MINUTE,
        HOUR,
        13 * HOUR,
        25 * HOUR,
        24 * 24 * HOUR,
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('approach' as const),
      which: fc.nat(5),
      offsetMs: fc.constantFrom(-1, 0, 1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reject' as const), age: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('validateThrottled' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('storeUnavailable' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('adopt' as const), ageMs: fc.constantFrom(0, 50 * MINUTE, 2 * HOUR) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('signIn' as const),
      credentials: fc.constantFrom('same' as const, 'other' as const),
      andWait: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('newCredentials' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('signOut' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('wake' as const),
      shiftMs: fc.constantFrom(-2 * HOUR, -10 * MINUTE, 10 * MINUTE, 2 * HOUR),
    }),
  },
)

export const drawnWorld: fc.Arbitrary<DrawnWorld> = fc.record({
  proactive: fc.constantFrom('timer', 'onDemand'),
  refreshUnauthorized: fc.constantFrom('fail', 'recreate'),
  found: fc.constantFrom('nothing', 'pair', 'stalePair', 'createFailed'),
  loadMs: fc.constantFrom(0, 50),
  longLived: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  lateMs: fc.constantFrom(0, 0, 1, 40, 3 * SECOND),
  replies: fc.array(reply, { maxLength: 40, size: 'max' }),
  steps: fc.array(step, { minLength: 1, maxLength: 120, size: 'max' }),
})
