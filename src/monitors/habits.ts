import type { Policy } from '../policy/schema.ts'
import { monitor } from './monitor.ts'
import { is4xx, isGrant, isRejection, sentFrom } from './observed.ts'

/** What happens so often in a row is a habit. */
const SIGN_INS_IN_A_ROW = 3
const VALIDATES_IN_A_ROW = 5

/** A pair that was granted to a create. */
interface Pair {
  /** When it was asked for, ms. */
  readonly sinceMs: number
  /** Invariant 10 looks after it: its refresh token is known and was not given up. */
  readonly held: boolean
  /** API requests sent with it; beyond one they are many. */
  readonly requests: number
}

interface SignIns {
  /** Of the latest create. */
  readonly credentialsId: string | undefined
  /** `null` when the latest came of a refresh, or was refused: that asks for another one. */
  readonly pair: Pair | null
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
    initial: { credentialsId: undefined, pair: null, inARow: 0 },
    step(state, moment, report) {
      const { pair } = state
      if (moment.kind === 'operator')
        return moment.action === 'signIn' ? state : { ...state, pair: pair && { ...pair, held: false } }
      if (moment.kind === 'sent') {
        const { endpoint, sentAtMs, credentialsId } = moment.request
        if (endpoint === 'api') {
          if (pair === null || pair.requests > 1) return state
          return { ...state, pair: { ...pair, requests: pair.requests + 1 } }
        }
        if (endpoint !== 'create') return state
        const isOfOne = pair !== null && pair.requests === 1 && !pair.held && sentAtMs - pair.sinceMs < accessLifetimeMs
        const inARow = isOfOne && credentialsId === state.credentialsId ? state.inARow + 1 : 0
        if (inARow >= SIGN_INS_IN_A_ROW) report(`sign-in ${inARow + 1} in a row, for one API request each`)
        return { ...state, credentialsId, inARow }
      }
      if (moment.kind !== 'answered') return state
      const { request } = moment
      const { endpoint, grantedRefreshId } = request
      if (isGrant(request)) {
        const created = { sinceMs: sentFrom(request), held: grantedRefreshId !== undefined, requests: 0 }
        return { ...state, pair: endpoint === 'create' ? created : null }
      }
      const isRefused = isRejection(request) || (endpoint === 'refresh' && is4xx(request, [429]))
      return isRefused ? { ...state, pair: null } : state
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
