import type { Policy } from '../policy/schema.ts'
import { invariant, monitor } from './monitor.ts'
import { is4xx, isGrant, type Moment, type ObservedRequest, sentFrom } from './observed.ts'
import { brief, seconds } from './words.ts'

/** How many spent tokens are remembered. */
const REMEMBERED = 100

const refreshSent = (moment: Moment) =>
  moment.kind === 'sent' && moment.request.endpoint === 'refresh' ? moment.request : undefined

/** Invariant 5. A grant whose answer was lost does not count: the client could not know. */
export const spentOnce = monitor<{ spent: readonly string[] }>({
  ...invariant(5),
  needs: ['tokens'],
  ignoresApi: true,
  initial: { spent: [] },
  step(state, moment, report) {
    const { refreshId } = refreshSent(moment) ?? {}
    if (refreshId !== undefined && state.spent.includes(refreshId))
      report(`refresh token ${brief(refreshId)} was sent, though it had been replaced`)
    if (moment.kind !== 'answered') return state
    const { request } = moment
    const { refreshId: used, grantedRefreshId } = request
    if (request.endpoint !== 'refresh' || used === undefined || grantedRefreshId === undefined) return state
    return grantedRefreshId === used ? state : { spent: [...state.spent, used].slice(-REMEMBERED) }
  },
})

interface HeldRefresh {
  readonly usableUntilMs: number
  /** Of the sign-in it goes back to. */
  readonly credentialsId: string | undefined
}

/** Invariant 10. A refusal of the refresh token (401 or another 4xx) makes a create legal, and so do other credentials. */
export const noNeedlessCreate = (policy: Pick<Policy, 'refreshLifetimeMs' | 'skewLeewayMs'>) => {
  const held = (request: ObservedRequest, before: HeldRefresh | null): HeldRefresh | null => {
    const credentialsId = request.endpoint === 'create' ? request.credentialsId : before?.credentialsId
    const { grantedRefreshId, grantedRefreshExpAtMs = sentFrom(request) + policy.refreshLifetimeMs } = request
    if (grantedRefreshId === undefined) return before
    return { usableUntilMs: grantedRefreshExpAtMs - policy.skewLeewayMs, credentialsId }
  }
  return monitor<{ held: HeldRefresh | null }>({
    ...invariant(10),
    needs: ['tokens', 'credentials'],
    ignoresApi: true,
    initial: { held: null },
    step(state, moment, report) {
      // With another password the pair is discarded, whoever was granted it. `D-sign-in`
      if (moment.kind === 'operator')
        return moment.action === 'signIn' && !moment.otherCredentials ? state : { held: null }
      if (moment.kind === 'sent') {
        const { endpoint, sentAtMs, credentialsId } = moment.request
        const leftMs = (state.held?.usableUntilMs ?? sentAtMs) - sentAtMs
        if (endpoint !== 'create' || leftMs <= 0) return state
        // Other credentials: the pair went with the ones it was granted to.
        if (credentialsId !== state.held?.credentialsId) return { held: null }
        report(`a create was sent, though a refresh token usable for ${seconds(leftMs)} was held`)
        return state
      }
      if (moment.kind !== 'answered') return state
      const { request } = moment
      if (isGrant(request)) return { held: held(request, state.held) }
      return request.endpoint === 'refresh' && is4xx(request, [429]) ? { held: null } : state
    },
  })
}

/** A refresh token is not sent at or after its expiry. */
export const livingRefreshOnly = monitor<null>({
  id: 'refresh-lives-24h',
  ids: ['refresh-lives-24h'],
  title: 'no refresh token is sent at or after its expiry',
  needs: ['tokens'],
  ignoresApi: true,
  initial: null,
  step(_, moment, report) {
    const { refreshId, refreshExpAtMs, sentAtMs = 0 } = refreshSent(moment) ?? {}
    if (refreshExpAtMs !== undefined && sentAtMs >= refreshExpAtMs)
      report(`refresh token ${brief(refreshId)} was sent ${seconds(sentAtMs - refreshExpAtMs)} after its expiry`)
    return null
  },
})
