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

/** Demands that are not settled yet, and when the first of them has to be: few moments come after that. */
interface Following {
  readonly open: readonly Open[]
  readonly nextDeadlineMs: number
}
const following = (open: readonly Open[]): Following => ({
  open,
  nextDeadlineMs: Math.min(...open.map(({ deadlineAtMs }) => deadlineAtMs)),
})

/** Invariant 11. That a demand was never settled shows as soon as anything happens after its deadline. */
export const settlesInTime = monitor<Following>({
  ...invariant(11),
  needs: ['settlements'],
  initial: following([]),
  step(state, moment, report) {
    const nowMs = timeOf(moment)
    let { open } = state
    if (nowMs > state.nextDeadlineMs)
      for (const each of state.open)
        if (nowMs > each.deadlineAtMs) {
          const after = `${seconds(nowMs - each.demandedAtMs)} after it had been made`
          report(`demand ${brief(each.demandId)} was still open ${after}`)
          open = open.filter((other) => other !== each)
        }
    if (moment.kind === 'demanded') {
      const { demandId, deadlineAtMs = Number.POSITIVE_INFINITY } = moment
      if (demandId !== undefined)
        open = [...open.slice(1 - REMEMBERED), { demandId, demandedAtMs: nowMs, deadlineAtMs }]
    } else if (moment.kind === 'settled') {
      const { demandId, result } = moment
      if (result.kind === 'error') {
        if (result.code === undefined)
          report(`demand ${brief(demandId)} ended with an error that is none of the library's`)
      } else {
        const { accessExpAtMs = Number.POSITIVE_INFINITY } = result
        if (nowMs >= accessExpAtMs)
          report(
            `demand ${brief(demandId)} was given a token that had expired ${seconds(nowMs - accessExpAtMs)} before`,
          )
      }
      open = open.filter((each) => each.demandId !== demandId)
    }
    return open === state.open ? state : following(open)
  },
})

interface Aborts {
  /** Demands whose callers gave them up. */
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
        if (result.kind === 'error' && result.code === 'ABORTED' && !state.demandIds.includes(demandId))
          report(`demand ${brief(demandId)} was aborted, though its own caller had not given up`)
        return state
      }
      if (moment.kind !== 'answered') return state
      const { endpoint, sentAtMs, answeredAtMs, abandoned } = moment.request
      if ((endpoint !== 'create' && endpoint !== 'refresh') || !abandoned) return state
      if (answeredAtMs - sentAtMs >= tokenRequestTimeoutMs || state.signedOutAtMs >= sentAtMs) return state
      if (state.latestAtMs >= sentAtMs)
        report(`the ${endpoint} in flight was given up ${seconds(answeredAtMs - state.latestAtMs)} after a caller had`)
      return state
    },
  })
