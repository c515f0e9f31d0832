import type { Policy } from '../policy/schema.ts'
import { monitor } from './monitor.ts'
import { isUnavailable, type ObservedSend } from './observed.ts'
import { seconds } from './words.ts'

interface BackOff {
  readonly untilMs: number
  /** How many have come just before. */
  readonly step: number
  /** The request that began it; `null` when none runs. */
  readonly failed: { readonly request: ObservedSend; readonly atMs: number } | null
  /** Somebody has asked since. */
  readonly asked: boolean
  /** Nothing is held any more: somebody signed out or reset. */
  readonly pairGone: boolean
  /** Of the latest create. */
  readonly credentialsId: string | undefined
  /** What is in flight was aborted by a sign-out: nothing is held against the server. */
  readonly signedOut: boolean
}

const NONE = { untilMs: Number.NEGATIVE_INFINITY, step: 0, failed: null } as const

/**
 * No create or refresh within the back-off, whose draw only ever lengthens it. A create that nobody asked for after one
 * that failed is invariant 9's, and one after a failed refresh whose token is still usable is invariant 10's.
 */
export const noSendInBackOff = (policy: Pick<Policy, 'backOffMinMs' | 'backOffMaxMs' | 'skewLeewayMs'>) => {
  const isOurs = ({ failed, asked, pairGone }: BackOff, { endpoint, sentAtMs }: ObservedSend) => {
    if (endpoint === 'refresh' || failed === null) return true
    if (failed.request.endpoint === 'create') return asked
    const { refreshExpAtMs = Number.POSITIVE_INFINITY } = failed.request
    return pairGone || sentAtMs >= refreshExpAtMs - policy.skewLeewayMs
  }
  return monitor<BackOff>({
    id: 'D-back-off',
    ids: ['D-back-off', 'D-refresh-unavailable', 'D-create-unavailable'],
    title: 'no create or refresh is sent within the back-off after one that the server was not available for',
    needs: ['demands', 'credentials'],
    ignoresApi: true,
    initial: { ...NONE, asked: false, pairGone: false, credentialsId: undefined, signedOut: false },
    step(state, moment, report) {
      if (moment.kind === 'demanded') return { ...state, asked: true }
      if (moment.kind === 'operator') {
        if (moment.action === 'signIn') return { ...state, asked: true }
        return { ...state, asked: true, pairGone: true, signedOut: state.signedOut || moment.action === 'signOut' }
      }
      if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
      const { endpoint, sentAtMs, credentialsId } = moment.request
      if (endpoint !== 'create' && endpoint !== 'refresh') return state
      if (moment.kind === 'sent') {
        // Other credentials end the back-off of those before. `D-sign-in`
        if (endpoint === 'create' && credentialsId !== state.credentialsId)
          return { ...state, ...NONE, credentialsId, signedOut: false }
        const { failed } = state
        if (failed !== null && sentAtMs < state.untilMs && isOurs(state, moment.request)) {
          const after = `${seconds(sentAtMs - failed.atMs)} after a ${failed.request.endpoint} that failed`
          report(`a ${endpoint} was sent ${after}, ${seconds(state.untilMs - sentAtMs)} too early`)
        }
        return { ...state, signedOut: false }
      }
      const { answeredAtMs } = moment.request
      if (!isUnavailable(moment.request)) return { ...state, ...NONE, pairGone: false }
      if (state.signedOut) return state
      const lengthMs = Math.min(policy.backOffMaxMs, policy.backOffMinMs * 2 ** state.step)
      return {
        ...state,
        untilMs: answeredAtMs + lengthMs,
        step: state.step + 1,
        failed: { request: moment.request, atMs: answeredAtMs },
        asked: false,
        pairGone: false,
      }
    },
  })
}
