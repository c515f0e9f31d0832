import type { Policy } from '../policy/schema.ts'
import { monitor } from './monitor.ts'
import { isUnavailable, type ObservedRequest, type ObservedSend } from './observed.ts'
import { seconds } from './words.ts'

/** A create or refresh that the server was not available for. */
interface Failure {
  readonly request: ObservedRequest
  readonly untilMs: number
  /** Somebody has asked since. */
  readonly asked: boolean
  /** Nothing is held any more: somebody signed out or reset since. */
  readonly pairGone: boolean
}

interface BackOff {
  /** What began the back-off; `null` when none runs. */
  readonly failed: Failure | null
  /** How many have come just before. */
  readonly step: number
  /** Of the latest create. */
  readonly credentialsId: string | undefined
  /** What is in flight was aborted by a sign-out: nothing is held against the server. */
  readonly signedOut: boolean
}

const NONE = { failed: null, step: 0 } as const

/**
 * No create or refresh within the back-off, whose draw only ever lengthens it. A create that nobody asked for after one
 * that failed is invariant 9's, and one after a failed refresh whose token is still usable is invariant 10's.
 */
export const noSendInBackOff = (policy: Pick<Policy, 'backOffMinMs' | 'backOffMaxMs' | 'skewLeewayMs'>) => {
  const isOurs = ({ request, asked, pairGone }: Failure, { endpoint, sentAtMs }: ObservedSend) => {
    if (endpoint === 'refresh') return true
    if (request.endpoint === 'create') return asked
    const { refreshExpAtMs = Number.POSITIVE_INFINITY } = request
    return pairGone || sentAtMs >= refreshExpAtMs - policy.skewLeewayMs
  }
  return monitor<BackOff>({
    id: 'D-back-off',
    ids: ['D-back-off', 'D-refresh-unavailable', 'D-create-unavailable'],
    title: 'no create or refresh is sent within the back-off after one that the server was not available for',
    needs: ['demands', 'credentials'],
    ignoresApi: true,
    initial: { ...NONE, credentialsId: undefined, signedOut: false },
    step(state, moment, report) {
      const { failed } = state
      if (moment.kind === 'demanded') return { ...state, failed: failed && { ...failed, asked: true } }
      if (moment.kind === 'operator') {
        const pairGone = moment.action !== 'signIn' || failed?.pairGone === true
        const signedOut = moment.action === 'signOut' || state.signedOut
        return { ...state, signedOut, failed: failed && { ...failed, asked: true, pairGone } }
      }
      if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
      const { endpoint, sentAtMs, credentialsId } = moment.request
      if (endpoint !== 'create' && endpoint !== 'refresh') return state
      if (moment.kind === 'sent') {
        // Other credentials end the back-off of those before. `D-sign-in`
        if (endpoint === 'create' && credentialsId !== state.credentialsId)
          return { ...NONE, credentialsId, signedOut: false }
        if (failed !== null && sentAtMs < failed.untilMs && isOurs(failed, moment.request)) {
          const after = `${seconds(sentAtMs - failed.request.answeredAtMs)} after a ${failed.request.endpoint} that failed`
          report(`a ${endpoint} was sent ${after}, ${seconds(failed.untilMs - sentAtMs)} too early`)
        }
        return { ...state, signedOut: false }
      }
      const { request } = moment
      if (!isUnavailable(request)) return { ...state, ...NONE }
      if (state.signedOut) return state
      const lengthMs = Math.min(policy.backOffMaxMs, policy.backOffMinMs * 2 ** state.step)
      const untilMs = request.answeredAtMs + lengthMs
      return { ...state, step: state.step + 1, failed: { request, untilMs, asked: false, pairGone: false } }
    },
  })
}
