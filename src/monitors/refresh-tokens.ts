import type { Policy } from '../policy/schema.ts'
import { invariant, monitor } from './monitor.ts'
import { is4xx, isGrant, sentFrom } from './observed.ts'
import { brief, seconds } from './words.ts'

/** How many spent tokens are remembered. */
const REMEMBERED = 100

/** Invariant 5. A grant whose answer was lost does not count: the client could not know. */
export const spentOnce = monitor<{ spent: readonly string[] }>({
  ...invariant(5),
  needs: ['tokens'],
  ignoresApi: true,
  initial: { spent: [] },
  step(state, moment, report) {
    if (moment.kind === 'sent') {
      const { endpoint, refreshId } = moment.request
      if (endpoint === 'refresh' && state.spent.some((id) => id === refreshId))
        report(`refresh token ${brief(refreshId)} was sent, though it had been replaced`)
    }
    if (moment.kind !== 'answered') return state
    const { refreshId: used, grantedRefreshId } = moment.request
    if (used === undefined || grantedRefreshId === undefined || grantedRefreshId === used) return state
    return { spent: [...state.spent, used].slice(-REMEMBERED) }
  },
})

interface HeldRefresh {
  readonly usableUntilMs: number
  /** Of the sign-in it goes back to. */
  readonly credentialsId: string | undefined
}

/** Invariant 10. A refusal of the refresh token (401 or another 4xx) makes a create legal, and so do other credentials. */
export const noNeedlessCreate = (policy: Pick<Policy, 'refreshLifetimeMs' | 'skewLeewayMs'>) =>
  monitor<HeldRefresh | null>({
    ...invariant(10),
    needs: ['tokens', 'credentials'],
    ignoresApi: true,
    initial: null,
    step(held, moment, report) {
      // With another password the pair is discarded, whoever was granted it. `D-sign-in`
      if (moment.kind === 'operator') return moment.action === 'signIn' && !moment.otherCredentials ? held : null
      if (moment.kind === 'sent') {
        const { endpoint, sentAtMs, credentialsId } = moment.request
        if (held === null || endpoint !== 'create' || sentAtMs >= held.usableUntilMs) return held
        // Other credentials: the pair went with the ones it was granted to.
        if (credentialsId !== held.credentialsId) return null
        const left = seconds(held.usableUntilMs - sentAtMs)
        report(`a create was sent, though a refresh token usable for ${left} was held`)
        return held
      }
      if (moment.kind !== 'answered') return held
      const { request } = moment
      if (!isGrant(request)) return request.endpoint === 'refresh' && is4xx(request, [429]) ? null : held
      const { grantedRefreshId, grantedRefreshExpAtMs = sentFrom(request) + policy.refreshLifetimeMs } = request
      // It keeps the old one. `D-partial-refresh`
      if (grantedRefreshId === undefined) return held
      const credentialsId = request.endpoint === 'create' ? request.credentialsId : held?.credentialsId
      return { usableUntilMs: grantedRefreshExpAtMs - policy.skewLeewayMs, credentialsId }
    },
  })

/** A refresh token is not sent at or after its expiry. */
export const livingRefreshOnly = monitor<null>({
  id: 'refresh-lives-24h',
  ids: ['refresh-lives-24h'],
  title: 'no refresh token is sent at or after its expiry',
  needs: ['tokens'],
  ignoresApi: true,
  initial: null,
  step(_, moment, report) {
    if (moment.kind !== 'sent') return null
    const { refreshId, refreshExpAtMs = Number.POSITIVE_INFINITY, sentAtMs } = moment.request
    if (sentAtMs >= refreshExpAtMs)
      report(`refresh token ${brief(refreshId)} was sent ${seconds(sentAtMs - refreshExpAtMs)} after its expiry`)
    return null
  },
})
