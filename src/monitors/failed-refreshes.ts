import type { Policy } from '../policy/schema.ts'
import { invariant, monitor } from './monitor.ts'
import { is4xx, isGrant, isUnavailable } from './observed.ts'
import { brief, seconds } from './words.ts'

interface Discarding {
  readonly accessId: string | undefined
  readonly discarded: { readonly accessId: string | undefined; readonly refreshId: string | undefined } | null
}

/**
 * Invariant 8: the tokens are gone. That at most one create follows without a new demand is what invariants 7, 9 and 10
 * say of the create, granted or failed.
 */
export const discardsBoth = monitor<Discarding>({
  ...invariant(8),
  needs: ['tokens'],
  initial: { accessId: undefined, discarded: null },
  step(state, moment, report) {
    if (moment.kind === 'sent') {
      const { accessId, refreshId } = moment.request
      const { discarded } = state
      if (discarded === null) return state
      if (refreshId !== undefined && refreshId === discarded.refreshId)
        report(`refresh token ${brief(refreshId)} was sent after the server had rejected it`)
      if (accessId !== undefined && accessId === discarded.accessId)
        report(`access token ${brief(accessId)} was sent after the refresh of its pair was rejected`)
      return state
    }
    if (moment.kind !== 'answered') return state
    const { request } = moment
    if (isGrant(request)) return { accessId: request.grantedAccessId, discarded: null }
    if (request.endpoint !== 'refresh' || !is4xx(request, [401, 429])) return state
    return { ...state, discarded: { accessId: state.accessId, refreshId: request.refreshId } }
  },
})

/** How many refused refresh tokens are remembered. */
const REMEMBERED = 20

interface HeldRefresh {
  readonly refreshId: string
  /** Of the sign-in it goes back to. */
  readonly credentialsId: string | undefined
  /** Some use of it ended without a definite answer. */
  readonly unfinished: boolean
  /** It was answered 401 and nothing explains that. */
  readonly latched: boolean
}

interface Refused {
  readonly held: HeldRefresh | null
  /** Refresh tokens that were answered 401 while they were held. */
  readonly refused: readonly string[]
}

/**
 * A refresh token that was answered 401 is not sent again, and a create follows by itself only where the token was
 * expired or *unfinished*, or where the policy says so. Tokens that had been replaced are invariant 5's.
 */
export const refreshUnauthorizedStops = ({
  refreshUnauthorized,
  skewLeewayMs,
}: Pick<Policy, 'refreshUnauthorized' | 'skewLeewayMs'>) =>
  monitor<Refused>({
    id: 'D-refresh-401',
    ids: ['D-refresh-401'],
    title: 'after a refresh 401 that nothing explains nothing is sent until somebody signs in or resets',
    needs: ['tokens', 'credentials'],
    ignoresApi: true,
    initial: { held: null, refused: [] },
    step(state, moment, report) {
      const { held } = state
      if (moment.kind === 'operator')
        return moment.action === 'signOut' ? state : { ...state, held: held && { ...held, latched: false } }
      if (moment.kind === 'sent') {
        const { endpoint, refreshId, credentialsId } = moment.request
        if (endpoint === 'refresh' && state.refused.some((id) => id === refreshId))
          report(`refresh token ${brief(refreshId)} was sent again after a 401`)
        if (endpoint === 'create' && held?.latched && credentialsId === held.credentialsId)
          report('a create followed a refresh 401 that nothing explains')
        return state
      }
      if (moment.kind !== 'answered') return state
      const { request } = moment
      const { endpoint, status, refreshId, refreshExpAtMs = Number.POSITIVE_INFINITY, answeredAtMs } = request
      if (isGrant(request)) {
        const credentialsId = endpoint === 'create' ? request.credentialsId : held?.credentialsId
        const renewed = request.grantedRefreshId ?? refreshId
        if (renewed === undefined) return { ...state, held: null }
        return { ...state, held: { refreshId: renewed, credentialsId, unfinished: false, latched: false } }
      }
      if (endpoint !== 'refresh' || held === null || refreshId !== held.refreshId) return state
      if (isUnavailable(request)) return { ...state, held: { ...held, unfinished: true } }
      if (status !== 401) return state
      const explained = held.unfinished || answeredAtMs >= refreshExpAtMs - skewLeewayMs
      return {
        held: { ...held, unfinished: false, latched: refreshUnauthorized === 'fail' && !explained },
        refused: [...state.refused, refreshId].slice(-REMEMBERED),
      }
    },
  })

/** Refreshes of one token that failed, since somebody last asked. */
interface Attempts {
  readonly refreshId: string | undefined
  readonly failed: number
  readonly firstAtMs: number
}

/** A timer tries to refresh one generation a few times; after that somebody has to ask. */
export const attemptsEnd = ({ refreshAttemptsPerGeneration }: Pick<Policy, 'refreshAttemptsPerGeneration'>) =>
  monitor<Attempts | null>({
    id: 'D-refresh-unavailable',
    ids: ['D-refresh-unavailable'],
    title: 'a refresh that the server is not available for is not tried without end',
    needs: ['demands', 'tokens'],
    ignoresApi: true,
    initial: null,
    step(state, moment, report) {
      if (moment.kind === 'demanded' || moment.kind === 'operator') return null
      if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
      const { endpoint, refreshId, sentAtMs } = moment.request
      if (endpoint !== 'refresh') return state
      const { failed, firstAtMs } =
        state !== null && state.refreshId === refreshId ? state : { failed: 0, firstAtMs: sentAtMs }
      if (moment.kind === 'sent') {
        if (failed >= refreshAttemptsPerGeneration)
          report(`refresh ${failed + 1} in ${seconds(sentAtMs - firstAtMs)}, and nobody had asked`)
        return state
      }
      return isUnavailable(moment.request) ? { refreshId, failed: failed + 1, firstAtMs } : null
    },
  })
