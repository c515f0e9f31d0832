import type { Policy } from '../policy/schema.ts'
import { invariant, monitor } from './monitor.ts'
import { is4xx, isGrant, isRejection } from './observed.ts'
import { brief, seconds } from './words.ts'

/** How many API requests are remembered. */
const REMEMBERED = 200

interface Sends {
  readonly times: number
  readonly accessId: string | undefined
  /** The API refused the token of the latest send. */
  readonly rejected: boolean
}

/** Invariant 6. Looks at requests that have an id. */
export const twiceAtMost = monitor<{ requests: ReadonlyMap<string, Sends> }>({
  ...invariant(6),
  initial: { requests: new Map() },
  step(state, moment, report) {
    if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
    const { endpoint, requestId, accessId } = moment.request
    if (endpoint !== 'api' || requestId === undefined) return state
    const before = state.requests.get(requestId)
    const sent = moment.kind === 'sent'
    const times = (before?.times ?? 0) + (sent ? 1 : 0)
    if (sent && before !== undefined) {
      const name = `API request ${brief(requestId)}`
      if (times > 2) report(`${name} was sent ${times} times`)
      else if (!before.rejected) report(`${name} was sent again without a 401 before`)
      else if (before.accessId === accessId) report(`${name} was sent again with the same token`)
    }
    const rejected = moment.kind === 'answered' && isRejection(moment.request)
    const requests = new Map(state.requests).set(requestId, { times, accessId, rejected })
    for (const oldest of requests.keys()) {
      if (requests.size <= REMEMBERED) break
      requests.delete(oldest)
    }
    return { requests }
  },
})

/** Invariant 7. */
export const noRetryOnInvalidCredentials = monitor<{ refused: readonly string[]; latched: boolean }>({
  ...invariant(7),
  initial: { refused: [], latched: false },
  step(state, moment, report) {
    if (moment.kind === 'operator') return moment.action === 'reset' ? { refused: [], latched: false } : state
    if (moment.kind === 'demanded') return state
    const { endpoint, credentialsId = 'unknown' } = moment.request
    if (moment.kind === 'sent') {
      if (endpoint === 'create' && state.refused.includes(credentialsId))
        report('a create was sent with credentials that had been refused')
      if (endpoint === 'refresh' && state.latched)
        report('a refresh was sent after invalid credentials, before a newer grant')
      return state
    }
    if (isGrant(moment.request)) return { ...state, latched: false }
    if (endpoint !== 'create' || moment.request.status !== 401) return state
    return { refused: [...state.refused.filter((id) => id !== credentialsId), credentialsId], latched: true }
  },
})

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
  initial: { accessId: undefined, discarded: null },
  step(state, moment, report) {
    if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
    if (moment.kind === 'sent') {
      const { endpoint, accessId, refreshId } = moment.request
      const { discarded } = state
      if (discarded === null) return state
      if (endpoint === 'refresh' && refreshId !== undefined && refreshId === discarded.refreshId)
        report(`refresh token ${brief(refreshId)} was sent after the server had rejected it`)
      if (endpoint === 'api' && accessId !== undefined && accessId === discarded.accessId)
        report(`access token ${brief(accessId)} was sent after the refresh of its pair was rejected`)
      return state
    }
    const { request } = moment
    if (isGrant(request)) return { accessId: request.grantedAccessId, discarded: null }
    if (request.endpoint !== 'refresh' || !is4xx(request, [401, 429])) return state
    return { ...state, discarded: { accessId: state.accessId, refreshId: request.refreshId } }
  },
})

/** A create that failed, and nobody has asked since. */
type FailedCreate = { readonly status: number | 'dropped'; readonly credentialsId: string | undefined } | null

/**
 * Invariant 9. A create again with credentials that were refused, and a refresh after it, are invariant 7's. Whether a
 * demand found a usable token cannot be seen, so each counts as a new one.
 */
export const failedCreateStops = monitor<{ failed: FailedCreate }>({
  ...invariant(9),
  needsDemands: true,
  initial: { failed: null },
  step(state, moment, report) {
    if (moment.kind === 'demanded') return { failed: null }
    if (moment.kind === 'operator') return moment.action === 'signOut' ? state : { failed: null }
    const { endpoint, credentialsId } = moment.request
    if (moment.kind === 'sent') {
      const { failed } = state
      if (failed === null || (endpoint !== 'create' && endpoint !== 'refresh')) return state
      const ofSeven = failed.status === 401 && (endpoint === 'refresh' || credentialsId === failed.credentialsId)
      if (!ofSeven) report(`a ${endpoint} followed a create answered ${failed.status}, and nobody had asked`)
      return state
    }
    const { status } = moment.request
    if (isGrant(moment.request)) return { failed: null }
    return endpoint === 'create' && status !== 429 ? { failed: { status, credentialsId } } : state
  },
})

interface Rejections {
  readonly accessId: string | undefined
  readonly rejected: boolean
  /** When the pair was granted that a rejection had asked for, ms. */
  readonly recoveredAtMs: number
}

/** A rejected access token is refreshed once: the pair that came of it is not refreshed again while it is young. */
export const refreshOnce = ({ youngRejectionMs }: Pick<Policy, 'youngRejectionMs'>) =>
  monitor<Rejections>({
    id: 'refresh-once',
    ids: ['refresh-once', 'D-stale-401', 'D-young-rejection'],
    title: 'a rejected access token brings about one refresh',
    initial: { accessId: undefined, rejected: false, recoveredAtMs: Number.NEGATIVE_INFINITY },
    step(state, moment, report) {
      if (moment.kind === 'sent') {
        const { endpoint, sentAtMs, accessId } = moment.request
        const agoMs = sentAtMs - state.recoveredAtMs
        if (endpoint === 'refresh' && agoMs < youngRejectionMs)
          report(
            `a second refresh was sent ${seconds(agoMs)} after the one that a rejected access token had brought about`,
          )
        return endpoint === 'api' && state.accessId === undefined ? { ...state, accessId } : state
      }
      if (moment.kind !== 'answered') return state
      const { request } = moment
      if (isGrant(request)) {
        const recovery =
          request.endpoint === 'refresh' &&
          (state.rejected || request.sentAtMs - state.recoveredAtMs < youngRejectionMs)
        const recoveredAtMs = recovery ? request.answeredAtMs : Number.NEGATIVE_INFINITY
        return { accessId: request.grantedAccessId, rejected: false, recoveredAtMs }
      }
      const rejected = isRejection(request) && request.accessId !== undefined && request.accessId === state.accessId
      return rejected ? { ...state, rejected: true } : state
    },
  })
