import type { Policy } from '../policy/schema.ts'
import { invariant, monitor } from './monitor.ts'
import { timeOf } from './observed.ts'
import { brief, seconds } from './words.ts'

/** How many demands are followed at once, and how many aborted ones are remembered. */
const REMEMBERED = 1000

interface Open {
  readonly demandId: string
  readonly demandedAtMs: number
  readonly deadlineAtMs: number
}

/** Invariant 11. That a demand was never settled shows as soon as anything happens after its deadline. */
export const settlesInTime = monitor<{ open: readonly Open[]; nextDeadlineMs: number }>({
  ...invariant(11),
  needs: ['settlements'],
  initial: { open: [], nextDeadlineMs: Number.POSITIVE_INFINITY },
  step(state, moment, report) {
    const nowMs = timeOf(moment)
    let { open, nextDeadlineMs } = state
    if (nowMs > nextDeadlineMs) {
      for (const { demandId, demandedAtMs, deadlineAtMs } of open)
        if (nowMs > deadlineAtMs)
          report(`demand ${brief(demandId)} was still open ${seconds(nowMs - demandedAtMs)} after it had been made`)
      open = open.filter(({ deadlineAtMs }) => nowMs <= deadlineAtMs)
      nextDeadlineMs = earliest(open)
    }
    if (moment.kind === 'demanded') {
      const { demandId, deadlineAtMs } = moment
      if (demandId !== undefined && deadlineAtMs !== undefined) {
        open = [...open.slice(1 - REMEMBERED), { demandId, demandedAtMs: nowMs, deadlineAtMs }]
        nextDeadlineMs = Math.min(nextDeadlineMs, deadlineAtMs)
      }
    } else if (moment.kind === 'settled') {
      const { demandId, result } = moment
      if (result.kind === 'error' && result.code === undefined)
        report(`demand ${brief(demandId)} ended with an error that is none of the library's`)
      if (result.kind === 'token' && result.accessExpAtMs !== undefined && nowMs >= result.accessExpAtMs)
        report(
          `demand ${brief(demandId)} was given a token that had expired ${seconds(nowMs - result.accessExpAtMs)} before`,
        )
      open = open.filter((each) => each.demandId !== demandId)
      nextDeadlineMs = earliest(open)
    }
    return open === state.open ? state : { open, nextDeadlineMs }
  },
})

const earliest = (open: readonly Open[]) =>
  open.reduce((earliestMs, { deadlineAtMs }) => Math.min(earliestMs, deadlineAtMs), Number.POSITIVE_INFINITY)

interface Aborts {
  /** Demands whose callers gave them up, and that are not settled yet. */
  readonly demandIds: readonly string[]
  readonly latestAtMs: number
  /** A sign-out ends what is in flight, and may. */
  readonly signedOutAtMs: number
}

/** Invariant 13. A request that was given up at its own time-out is no caller's doing. */
export const abortsAlone = ({ tokenRequestTimeoutMs }: Pick<Policy, 'tokenRequestTimeoutMs'>) =>
  monitor<Aborts>({
    ...invariant(13),
    needs: ['aborts', 'settlements', 'signOuts'],
    ignoresApi: true,
    initial: { demandIds: [], latestAtMs: Number.NEGATIVE_INFINITY, signedOutAtMs: Number.NEGATIVE_INFINITY },
    step(state, moment, report) {
      if (moment.kind === 'aborted')
        return {
          ...state,
          demandIds: [...state.demandIds, moment.demandId].slice(-REMEMBERED),
          latestAtMs: moment.atMs,
        }
      if (moment.kind === 'operator')
        return moment.action === 'signOut' ? { ...state, signedOutAtMs: moment.atMs } : state
      if (moment.kind === 'settled') {
        const { demandId, result } = moment
        const own = state.demandIds.includes(demandId)
        if (result.kind === 'error' && result.code === 'ABORTED' && !own)
          report(`demand ${brief(demandId)} was aborted, though its own caller had not given up`)
        return own ? { ...state, demandIds: state.demandIds.filter((id) => id !== demandId) } : state
      }
      if (moment.kind !== 'answered') return state
      const { endpoint, sentAtMs, answeredAtMs, status, abandoned } = moment.request
      if ((endpoint !== 'create' && endpoint !== 'refresh') || status !== 'dropped' || !abandoned) return state
      if (answeredAtMs - sentAtMs >= tokenRequestTimeoutMs || state.signedOutAtMs >= sentAtMs) return state
      if (state.latestAtMs >= sentAtMs)
        report(`the ${endpoint} in flight was given up ${seconds(answeredAtMs - state.latestAtMs)} after a caller had`)
      return state
    },
  })
