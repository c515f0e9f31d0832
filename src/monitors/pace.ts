import type { Policy } from '../policy/schema.ts'
import { invariant, type Monitor, monitor } from './monitor.ts'
import { isTokenRequest, type ObservedSend, sentFrom } from './observed.ts'
import { seconds } from './words.ts'

/** Invariant 1. A trace of one client: another process that was stopped past its lease is the exception it cannot show. */
export const oneInFlight = monitor<{ inFlight: number }>({
  ...invariant(1),
  needs: [],
  ignoresApi: true,
  initial: { inFlight: 0 },
  step(state, moment, report) {
    if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
    const { endpoint } = moment.request
    if (endpoint !== 'create' && endpoint !== 'refresh') return state
    const { inFlight } = state
    if (moment.kind === 'answered') return { inFlight: Math.max(0, inFlight - 1) }
    if (inFlight > 0) report(`a ${endpoint} was sent while ${inFlight} create or refresh was in flight`)
    return { inFlight: inFlight + 1 }
  },
})

/** Invariant 2. A request of exactly the window's age no longer counts. */
export const tenPerMinute = ({
  budgetLimit,
  budgetWindowMs,
  budgetCounts,
}: Pick<Policy, 'budgetLimit' | 'budgetWindowMs' | 'budgetCounts'>) =>
  monitor<{ sentFromMs: readonly number[] }>({
    ...invariant(2),
    needs: [],
    ignoresApi: budgetCounts === 'token' || undefined,
    initial: { sentFromMs: [] },
    step(state, moment, report) {
      if (moment.kind !== 'sent' || (budgetCounts === 'token' && !isTokenRequest(moment.request))) return state
      const nowMs = moment.request.sentAtMs
      const within = state.sentFromMs.filter((fromMs) => nowMs - fromMs < budgetWindowMs)
      // One too many is enough to know, however many they are.
      const sentFromMs = [...within.slice(-budgetLimit), sentFrom(moment.request)]
      if (sentFromMs.length > budgetLimit)
        report(
          `${sentFromMs.length} ${budgetCounts === 'token' ? 'token requests' : 'requests'} in ${seconds(budgetWindowMs)}`,
        )
      return { sentFromMs }
    },
  })

/** Nothing of one sort is sent within the pause after a 429 to that sort. */
const pausedAfter429 = (
  { pauseMs }: Pick<Policy, 'pauseMs'>,
  head: Pick<Monitor, 'id' | 'ids' | 'title' | 'ignoresApi'>,
  sort: { is: (request: ObservedSend) => boolean; name: (request: ObservedSend) => string; throttled: string },
) =>
  monitor<{ throttledAtMs: number; untilMs: number }>({
    ...head,
    needs: [],
    initial: { throttledAtMs: 0, untilMs: Number.NEGATIVE_INFINITY },
    step(state, moment, report) {
      if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
      if (!sort.is(moment.request)) return state
      if (moment.kind === 'sent') {
        const { sentAtMs } = moment.request
        if (sentAtMs < state.untilMs)
          report(
            `${sort.name(moment.request)} was sent ${seconds(sentAtMs - state.throttledAtMs)} after ${sort.throttled}`,
          )
        return state
      }
      const { status, answeredAtMs, retryAfterMs = 0 } = moment.request
      if (status !== 429) return state
      const untilMs = Math.max(state.untilMs, answeredAtMs + Math.max(pauseMs, retryAfterMs))
      return { throttledAtMs: answeredAtMs, untilMs }
    },
  })

/** Invariant 3. */
export const pauseAfter429 = (policy: Pick<Policy, 'pauseMs'>) =>
  pausedAfter429(
    policy,
    { ...invariant(3), ignoresApi: true },
    {
      is: isTokenRequest,
      name: ({ endpoint }) => `a ${endpoint}`,
      throttled: 'a 429',
    },
  )

/** After an API 429 this client sends no further API request for as long. A trace of one client: the pause is its own. */
export const apiPauseAfter429 = (policy: Pick<Policy, 'pauseMs'>) =>
  pausedAfter429(
    policy,
    {
      id: 'D-api-429',
      ids: ['D-api-429', 'D-pause-length'],
      title: 'no API request is sent within the pause after a 429 to an API request',
    },
    {
      is: (request) => !isTokenRequest(request),
      name: ({ method, path }) => `${method} ${path}`,
      throttled: 'an API 429',
    },
  )
