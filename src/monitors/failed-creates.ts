import { invariant, type Monitor, monitor } from './monitor.ts'
import { is4xx, isGrant, type ObservedRequest } from './observed.ts'

/** How many refused credentials are remembered. */
const REMEMBERED = 100

interface Latched {
  readonly refused: readonly string[]
  readonly latched: boolean
  /** Credentials of the latest create. */
  readonly usedId: string | undefined
}
const UNLATCHED: Latched = { refused: [], latched: false, usedId: undefined }

/** What a create is refused with for good: nothing is sent with those credentials until they change or an operator resets. */
const latching = (
  about: Pick<Monitor, 'id' | 'invariant' | 'ids' | 'title'>,
  refused: string,
  latches: (create: ObservedRequest) => boolean,
) =>
  monitor<Latched>({
    ...about,
    needs: ['credentials'],
    ignoresApi: true,
    initial: UNLATCHED,
    step(state, moment, report) {
      if (moment.kind === 'operator') {
        if (moment.action === 'reset') return UNLATCHED
        // Given again after others had been used, they have changed. `D-sign-in`
        const { credentialsId: given } = moment
        return given === state.usedId ? state : { ...state, refused: state.refused.filter((id) => id !== given) }
      }
      if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
      const { endpoint, credentialsId = 'unknown' } = moment.request
      if (moment.kind === 'sent') {
        if (endpoint === 'create' && state.refused.includes(credentialsId))
          report(`a create was sent with credentials that had been ${refused}`)
        if (endpoint === 'refresh' && state.latched)
          report(`a refresh was sent after ${refused} credentials, before a newer grant`)
        return endpoint === 'create' ? { ...state, usedId: credentialsId } : state
      }
      if (isGrant(moment.request)) return { ...state, latched: false }
      if (endpoint !== 'create' || !latches(moment.request)) return state
      return { ...state, refused: [...state.refused, credentialsId].slice(-REMEMBERED), latched: true }
    },
  })

/** Invariant 7. */
export const noRetryOnInvalidCredentials = latching(invariant(7), 'refused', ({ status }) => status === 401)

/** A create that was rejected otherwise than by 401 latches all the same. */
export const noRetryOfRejected = latching(
  {
    id: 'D-create-4xx',
    ids: ['D-create-4xx', 'reauth-failure-stops'],
    title: 'after a create 4xx other than 401 and 429 nothing is sent with those credentials',
  },
  'rejected',
  (create) => is4xx(create, [401, 429]),
)

/** A create that failed, and nobody has asked since. */
type FailedCreate = { readonly status: number | 'dropped'; readonly credentialsId: string | undefined } | null

/**
 * Invariant 9. What is sent after a 4xx, a create again with the same credentials or a refresh, is the business of
 * invariant 7 and `D-create-4xx`. Whether a demand found a usable token cannot be seen, so each counts as a new one.
 */
export const failedCreateStops = monitor<{ failed: FailedCreate }>({
  ...invariant(9),
  needs: ['demands', 'credentials'],
  ignoresApi: true,
  initial: { failed: null },
  step(state, moment, report) {
    if (moment.kind === 'demanded') return { failed: null }
    if (moment.kind === 'operator') return moment.action === 'signOut' ? state : { failed: null }
    if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
    const { endpoint, credentialsId } = moment.request
    if (moment.kind === 'sent') {
      const { failed } = state
      if (failed === null || (endpoint !== 'create' && endpoint !== 'refresh')) return state
      const latched = is4xx(failed, []) && (endpoint === 'refresh' || credentialsId === failed.credentialsId)
      if (!latched) report(`a ${endpoint} followed a create answered ${failed.status}, and nobody had asked`)
      return state
    }
    const { status } = moment.request
    if (isGrant(moment.request)) return { failed: null }
    return endpoint === 'create' && status !== 429 ? { failed: { status, credentialsId } } : state
  },
})
