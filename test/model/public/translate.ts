import type { Place } from '../place.ts'
import {
  type Act,
  answer,
  ask,
  call,
  jump,
  leave,
  operator,
  other,
  type Patience,
  pass,
  read,
  store,
  validate,
} from './acts.ts'

/** A move of the explored graph, and where it leads. */
export interface Leg {
  readonly label: string
  readonly from: Place
  readonly to: Place
}

/** A move as acts. */
export interface Translated {
  readonly acts?: readonly Act[]
  /** What has to happen before the client is created. */
  readonly prior?: readonly Act[]
  /** What another process has to do before the request in flight is begun, for the client to learn of it on its way. */
  readonly staged?: readonly Act[]
  /** The request in flight takes the last slot of the budget. */
  readonly full?: boolean
}

interface Row {
  readonly label: RegExp
  /** Whether somebody outside of a client can bring the move about here. */
  readonly possible?: (place: Place, what: string) => boolean
  readonly to: (what: string) => Translated | undefined
}

const _MINUTE = 60_000

const usable = ({ known: { pair }, nowMs }: Place) => pair !== null && !pair.rejected && nowMs < pair.usableUntilMs
const open = ({ known: { pausedUntilMs, backOffUntilMs, fullUntilMs }, nowMs }: Place) =>
  nowMs >= Math.max(pausedUntilMs, backOffUntilMs, fullUntilMs)
const atRest = ({ known }: Place) => !known.loading && known.inFlight === null
const everyTimerFired = ({ timers, nowMs }: Place) => timers.every(({ dueAtMs }) => dueAtMs > nowMs)

/** What a store holds when the client starts. */
const RECORDS: Readonly<Record<string, readonly Act[]>> = {
  nothing: [],
  'a fresh pair': [other('signsIn')],
  'a pair whose access token expired': [other('signsIn', { accessLifetimeS: 1 }), pass(61_000)],
  'invalid credentials': [other('isUnauthorized')],
  'a failed create': [other('fails')],
  'a sign-out': [other('signsOut')],
}
/** What another process can store meanwhile. */
const NEWS: Readonly<Record<string, readonly Act[]>> = {
  nothing: [other('resets')],
  'a fresh pair': [other('refreshes')],
  'invalid credentials': [other('resets'), other('isUnauthorized')],
  'a failed create': [other('resets'), other('fails')],
  'a sign-out': [other('signsOut')],
}
const isNews = ({ known: { pair, createLatched, refreshLatched } }: Place, what: string) =>
  what === 'nothing' ? pair !== null || createLatched || refreshLatched : what !== 'a fresh pair' || !createLatched
const ANSWERS: Readonly<Record<string, Translated>> = {
  granted: { acts: [answer(200)] },
  'granted, the tenth': { acts: [answer(200)], full: true },
  '429': { acts: [answer(429)] },
  '401': { acts: [answer(401)] },
  '401, the tenth': { acts: [answer(401)], full: true },
  '400': { acts: [answer(400)] },
  '400, the tenth': { acts: [answer(400)], full: true },
  '503': { acts: [answer(503)] },
  'an unusable 200': { acts: [answer('unusable')] },
  adopted: { staged: [other('refreshes')] },
  'deferred: pause': { staged: [other('isThrottled')] },
}

const TABLE: readonly Row[] = [
  {
    label: /^the record is read: (.*)$/,
    possible: ({ known, nowMs }) => nowMs >= known.backOffUntilMs,
    to: (what) => RECORDS[what] && { prior: RECORDS[what], acts: [read] },
  },
  { label: /^the timer \w+ fires$/, to: () => ({}) },
  {
    label: /^time passes: (\d+)$/,
    // A store that is asked answers within seconds, or is down.
    possible: ({ known, nowMs }) => !known.loading || nowMs < known.backOffUntilMs,
    to: (ms) => ({ acts: [pass(Number(ms))] }),
  },
  {
    label: /^a (plain|patient|forced) caller asks$/,
    // A usable token is served without the chart, but for those who want another.
    possible: (place, patience) => !place.known.loading && (patience === 'forced' || !usable(place)),
    to: (patience) => ({ acts: [ask(patience as Patience)] }),
  },
  { label: /^a (plain|patient|forced) caller leaves$/, to: (patience) => ({ acts: [leave(patience as Patience)] }) },
  {
    label: /^the API refuses the token$/,
    possible: (place) => !place.known.loading && usable(place) && place.nowMs >= (place.known.pair?.youngUntilMs ?? 0),
    to: () => ({ acts: [call(401)] }),
  },
  {
    label: /^a validate is throttled$/,
    possible: (place) => usable(place) && place.nowMs >= place.known.pausedUntilMs,
    to: () => ({ acts: [validate(429)] }),
  },
  {
    label: /^the store is away$/,
    possible: ({ known, nowMs }) => known.loading && nowMs >= known.backOffUntilMs,
    to: () => ({ acts: [store('down'), store('up')] }),
  },
  { label: /^the clock jumps by -?(\d+)$/, to: (ms) => ({ acts: [jump(Number(ms))] }) },
  {
    label: /^another process stored (.*)$/,
    possible: (place, what) => atRest(place) && open(place) && !place.known.signedOut && isNews(place, what),
    to: (what) => NEWS[what] && { acts: NEWS[what] },
  },
  {
    label: /^sign-in with the same credentials$/,
    possible: (place) => atRest(place) && !usable(place),
    to: () => ({ acts: [operator('signIn')] }),
  },
  { label: /^sign-in with other credentials$/, possible: atRest, to: () => ({ acts: [operator('signInOther')] }) },
  { label: /^reset$/, possible: atRest, to: () => ({ acts: [operator('reset')] }) },
  { label: /^sign-out$/, to: () => ({ acts: [operator('signOut')] }) },
  { label: /^(?:create|refresh) answered: (.*)$/, to: (what) => ANSWERS[what] },
]

/** What a move of the explored graph is to those outside of a client; `undefined` where none of them can bring it about. */
export function translate(label: string, place: Place): Translated | undefined {
  const timer = /^the timer/.test(label)
  // The virtual clock fires a timer at its own time.
  if (!timer && !everyTimerFired(place)) return undefined
  for (const { label: pattern, possible = () => true, to } of TABLE) {
    const [, what = ''] = pattern.exec(label) ?? []
    if (pattern.test(label)) return possible(place, what) ? to(what) : undefined
  }
  return undefined
}
