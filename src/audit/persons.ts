import { type Moment, type Monitor, timeOf } from '../monitors/index.ts'
import { monitor } from '../monitors/monitor.ts'
import { is4xx, isRejection, type ObservedRequest } from '../monitors/observed.ts'

/**
 * What a recording of traffic can owe to a person who was not recorded. Everything beyond is the client's own doing.
 *
 * `soonestMs`: nobody reads an answer, decides and acts sooner after it. Clients react within milliseconds.
 * `retypedMs`: nor types credentials again sooner. Clients that try three times back off for seconds.
 * `acts` within `withinMs`, for each rule: people sign in anew or try a password again now and then; a client does so whenever
 * the same thing happens. The third time is a habit, as in `create-rarely`.
 */
export const PERSON = { soonestMs: 1_000, retypedMs: 10_000, acts: 2, withinMs: 24 * 3_600_000 } as const

/** Rules of traffic that allow for what people do. The others are spared the trouble: this sees every moment of a recording. */
export const ALLOW_FOR_PERSONS: readonly string[] = [
  ...['invariant-7', 'invariant-10', 'refresh-once', 'D-young-rejection', 'D-refresh-401', 'D-create-4xx'],
]

/** Rules of credentials that were refused. */
const OF_CREDENTIALS: readonly string[] = ['invariant-7', 'D-create-4xx']

/** What people do that no traffic shows. */
const ACTS: readonly { readonly said: string; readonly moments: (atMs: number) => readonly Moment[] }[] = [
  { said: 'signed in by name', moments: (atMs) => [{ kind: 'operator', atMs, action: 'signIn' }] },
  {
    said: 'signed out and in again, or restarted the client',
    moments: (atMs) => [
      { kind: 'operator', atMs, action: 'signOut' },
      { kind: 'operator', atMs, action: 'signIn' },
    ],
  },
  { said: 'reset the client', moments: (atMs) => [{ kind: 'operator', atMs, action: 'reset' }] },
  { said: 'asked for a new pair by name', moments: (atMs) => [{ kind: 'demanded', atMs, forced: true }] },
]

interface Credited {
  readonly inner: unknown
  /** When the client last learnt what it may react to, ms: an answer to a token request, a token refused for the first time. */
  readonly learntAtMs: number
  /** The access token that was refused last. */
  readonly refusedId: string | undefined
  /** What was put down to a person, ms. */
  readonly actedAtMs: readonly number[]
}

/** The monitors for recordings that show no person's acts. */
export const withPersons = (monitors: readonly Monitor[]): readonly Monitor[] =>
  monitors.map((each) => (ALLOW_FOR_PERSONS.includes(each.id) ? allowingForPersons(each) : each))

/**
 * Before it reports what was sent it tries each act just before: one that makes all well excuses the finding, which then says
 * so, and the monitor goes on as if that had happened.
 */
export function allowingForPersons(of: Monitor): Monitor {
  const soonestMs = OF_CREDENTIALS.includes(of.id) ? PERSON.retypedMs : PERSON.soonestMs
  const found: string[] = []
  const collect = (evidence: string) => void found.push(evidence)
  const stepped = (state: unknown, moments: readonly Moment[]) => {
    found.length = 0
    return moments.reduce((before, moment) => of.step(before, moment, collect), state)
  }
  const excuse = (state: unknown, moment: Moment) => {
    for (const { said, moments } of ACTS) {
      const inner = stepped(state, [...moments(timeOf(moment)), moment])
      if (found.length === 0) return { inner, because: becauseOf(said, soonestMs) }
    }
    return undefined
  }
  return monitor<Credited>({
    ...of,
    // A refused token is what people react to.
    ignoresApi: undefined,
    initial: { inner: of.initial, learntAtMs: Number.NEGATIVE_INFINITY, refusedId: undefined, actedAtMs: [] },
    step(before, moment, report) {
      found.length = 0
      const inner = of.step(before.inner, moment, collect)
      const state = learnt(before, moment)
      if (found.length === 0) return inner === state.inner ? state : { ...state, inner }
      const atMs = timeOf(moment)
      const evidence = [...found]
      const lately = before.actedAtMs.filter((actedAtMs) => atMs - actedAtMs < PERSON.withinMs)
      const isPossible = atMs - before.learntAtMs >= soonestMs && lately.length < PERSON.acts
      const excused = isPossible ? excuse(before.inner, moment) : undefined
      for (const each of evidence) report(each, excused?.because)
      return excused === undefined
        ? { ...state, inner }
        : { ...state, inner: excused.inner, actedAtMs: [...lately, atMs] }
    },
  })
}

const becauseOf = (said: string, soonestMs: number) =>
  `A person may have ${said} just before, which allows it: no traffic shows that, the client's own journal does. Sooner than ${soonestMs / 1000} s after an answer, or more than ${PERSON.acts} times a day, it is the client's doing.`

function learnt(state: Credited, moment: Moment): Credited {
  if (moment.kind !== 'answered') return state
  const { request } = moment
  if (isAnswer(request)) return { ...state, learntAtMs: request.answeredAtMs }
  const { accessId, answeredAtMs } = request
  // Whoever goes on with a refused token learns nothing new.
  return isRejection(request) && accessId !== undefined && accessId !== state.refusedId
    ? { ...state, refusedId: accessId, learntAtMs: answeredAtMs }
    : state
}

const isAnswer = (request: ObservedRequest) =>
  request.endpoint === 'create' ||
  request.endpoint === 'refresh' ||
  (request.endpoint === 'validate' && is4xx(request, [429]))
