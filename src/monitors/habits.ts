import type { Policy } from '../policy/schema.ts'
import { monitor } from './monitor.ts'
import { is4xx, isGrant, isRejection, sentFrom } from './observed.ts'

/** What happens so often in a row is a habit. */
const SIGN_INS_IN_A_ROW = 3
const VALIDATES_IN_A_ROW = 5

interface SignIns {
  readonly credentialsId: string | undefined
  /** When the pair held was granted to a create, ms; `undefined` when it was a refresh, or is refused. */
  readonly grantedAtMs: number | undefined
  /** Invariant 10 looks after it: its refresh token is known and was not given up. */
  readonly held: boolean
  /** API requests sent with it; beyond one they are many. */
  readonly requests: number
  /** Sign-ins in a row that served one API request each. */
  readonly inARow: number
}

/**
 * Nobody signs in for each request: not even where the pair is given up each time, by a sign-out for instance. A create
 * while a usable refresh token is held is invariant 10's.
 */
export const createRarely = ({ accessLifetimeMs }: Pick<Policy, 'accessLifetimeMs'>) =>
  monitor<SignIns>({
    id: 'create-rarely',
    ids: ['create-rarely'],
    title: 'no sign-in for each request',
    needs: ['credentials'],
    initial: { credentialsId: undefined, grantedAtMs: undefined, held: false, requests: 0, inARow: 0 },
    step(state, moment, report) {
      if (moment.kind === 'operator') return moment.action === 'signIn' ? state : { ...state, held: false }
      if (moment.kind === 'sent') {
        const { endpoint, sentAtMs, credentialsId } = moment.request
        if (endpoint === 'api') return state.requests > 1 ? state : { ...state, requests: state.requests + 1 }
        if (endpoint !== 'create') return state
        const { grantedAtMs = Number.NEGATIVE_INFINITY, held, requests } = state
        const needless = sentAtMs - grantedAtMs < accessLifetimeMs && credentialsId === state.credentialsId && !held
        const inARow = needless && requests === 1 ? state.inARow + 1 : 0
        if (inARow >= SIGN_INS_IN_A_ROW) report(`sign-in ${inARow + 1} in a row, for one API request each`)
        return { ...state, credentialsId, inARow }
      }
      if (moment.kind !== 'answered') return state
      const { request } = moment
      if (isGrant(request)) {
        const created = request.endpoint === 'create'
        const held = request.grantedRefreshId !== undefined || (!created && state.held)
        return { ...state, grantedAtMs: created ? sentFrom(request) : undefined, held, requests: 0 }
      }
      // The API or the server refused it: that asks for another one.
      if (isRejection(request)) return { ...state, grantedAtMs: undefined }
      return request.endpoint === 'refresh' && is4xx(request, [429])
        ? { ...state, grantedAtMs: undefined, held: false }
        : state
    },
  })

interface Validates {
  readonly accessId: string | undefined
  /** API requests since the last validate; beyond one they are many. */
  readonly requests: number
  /** Validates in a row that came before one API request each. */
  readonly inARow: number
}

/** Nobody validates one token again and again, before each request. */
export const validateOptionally = monitor<Validates>({
  id: 'validate-optionally',
  ids: ['validate-optionally'],
  title: 'no validate before each request',
  needs: ['tokens'],
  initial: { accessId: undefined, requests: 0, inARow: 0 },
  step(state, moment, report) {
    if (moment.kind !== 'sent') return state
    const { endpoint, accessId } = moment.request
    if (endpoint === 'validate') {
      const again = accessId !== undefined && accessId === state.accessId && state.requests === 1
      const inARow = again ? state.inARow + 1 : 1
      return { accessId, requests: 0, inARow }
    }
    if (endpoint !== 'api' || state.requests > 1) return state
    if (state.requests === 0 && state.inARow >= VALIDATES_IN_A_ROW)
      report(`API request ${state.inARow} in a row with a validate of its own`)
    return { ...state, requests: state.requests + 1 }
  },
})
