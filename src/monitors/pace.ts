import type { Policy } from '../policy/schema.ts'
import { invariant, monitor } from './monitor.ts'
import { isTokenRequest } from './observed.ts'
import { seconds } from './words.ts'

/** Invariant 1. A trace of one client: another process that was stopped past its lease is the exception it cannot show. */
export const oneInFlight = monitor<{ inFlight: number }>({
  ...invariant(1),
  needs: [],
  initial: { inFlight: 0 },
  step({ inFlight }, moment, report) {
    if (moment.kind !== 'sent' && moment.kind !== 'answered') return { inFlight }
    const { endpoint } = moment.request
    if (endpoint !== 'create' && endpoint !== 'refresh') return { inFlight }
    if (moment.kind === 'answered') return { inFlight: Math.max(0, inFlight - 1) }
    if (inFlight > 0) report(`a ${endpoint} was sent while ${inFlight} create or refresh was in flight`)
    return { inFlight: inFlight + 1 }
  },
})

/** Invariant 2. A request of exactly the window's age no longer counts. */
export const tenPerMinute = ({ budgetLimit, budgetWindowMs }: Pick<Policy, 'budgetLimit' | 'budgetWindowMs'>) =>
  monitor<{ sentAtMs: readonly number[] }>({
    ...invariant(2),
    needs: [],
    initial: { sentAtMs: [] },
    step(state, moment, report) {
      if (moment.kind !== 'sent' || !isTokenRequest(moment.request)) return state
      const nowMs = moment.request.sentAtMs
      const within = state.sentAtMs.filter((atMs) => nowMs - atMs < budgetWindowMs)
      // One too many is enough to know, however many they are.
      const sentAtMs = [...within.slice(-budgetLimit), nowMs]
      if (sentAtMs.length > budgetLimit) report(`${sentAtMs.length} token requests in ${seconds(budgetWindowMs)}`)
      return { sentAtMs }
    },
  })

/** Invariant 3. */
export const pauseAfter429 = ({ pauseMs }: Pick<Policy, 'pauseMs'>) =>
  monitor<{ throttledAtMs: number; untilMs: number }>({
    ...invariant(3),
    needs: [],
    initial: { throttledAtMs: 0, untilMs: Number.NEGATIVE_INFINITY },
    step(state, moment, report) {
      if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
      if (!isTokenRequest(moment.request)) return state
      if (moment.kind === 'sent') {
        const { endpoint, sentAtMs } = moment.request
        if (sentAtMs < state.untilMs)
          report(`a ${endpoint} was sent ${seconds(sentAtMs - state.throttledAtMs)} after a 429`)
        return state
      }
      const { status, answeredAtMs, retryAfterMs = 0 } = moment.request
      if (status !== 429) return state
      const untilMs = Math.max(state.untilMs, answeredAtMs + Math.max(pauseMs, retryAfterMs))
      return { throttledAtMs: answeredAtMs, untilMs }
    },
  })

/** After an API 429 this client sends no further API request for as long. A trace of one client: the pause is its own. */
export const apiPauseAfter429 = ({ pauseMs }: Pick<Policy, 'pauseMs'>) =>
  monitor<{ throttledAtMs: number; untilMs: number }>({
    id: 'D-api-429',
    ids: ['D-api-429', 'D-pause-length'],
    title: 'no API request is sent within the pause after a 429 to an API request',
    needs: [],
    initial: { throttledAtMs: 0, untilMs: Number.NEGATIVE_INFINITY },
    step(state, moment, report) {
      if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
      if (isTokenRequest(moment.request)) return state
      if (moment.kind === 'sent') {
        const { method, path, sentAtMs } = moment.request
        if (sentAtMs < state.untilMs)
          report(`${method} ${path} was sent ${seconds(sentAtMs - state.throttledAtMs)} after an API 429`)
        return state
      }
      const { status, answeredAtMs, retryAfterMs = 0 } = moment.request
      if (status !== 429) return state
      const untilMs = Math.max(state.untilMs, answeredAtMs + Math.max(pauseMs, retryAfterMs))
      return { throttledAtMs: answeredAtMs, untilMs }
    },
  })
