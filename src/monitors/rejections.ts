import type { Policy } from '../policy/schema.ts'
import { monitor } from './monitor.ts'
import { isGrant, isRejection, sentFrom } from './observed.ts'
import { brief, seconds } from './words.ts'

interface Rejections {
  /** The latest access token that was granted, or the first that was seen. */
  readonly accessId: string | undefined
  readonly rejected: boolean
  /** The refresh that a rejection brought about is in flight. */
  readonly recovering: boolean
  /** The pair that a rejection brought about: when it was asked for, and until when it is young, ms. */
  readonly recovered: { readonly sinceMs: number; readonly youngUntilMs: number } | null
}

export type YouthPolicy = Pick<Policy, 'youngRejectionMs' | 'accessLifetimeMs'>

/** For a token that lives shorter than documented, its youth is shorter too. `D-short-lifetimes` */
export const youngUntilMs = (policy: YouthPolicy, sinceMs: number, accessExpAtMs = Number.POSITIVE_INFINITY) => {
  const livesMs = Math.min(policy.accessLifetimeMs, accessExpAtMs - sinceMs)
  return sinceMs + (policy.youngRejectionMs * livesMs) / policy.accessLifetimeMs
}

/** A rejected access token is refreshed once: the pair that came of it is not refreshed again while it is young. */
export const refreshOnce = (policy: YouthPolicy) =>
  monitor<Rejections>({
    id: 'refresh-once',
    ids: ['refresh-once', 'D-stale-401', 'D-young-rejection'],
    title: 'a rejected access token brings about one refresh',
    needs: ['tokens'],
    initial: { accessId: undefined, rejected: false, recovering: false, recovered: null },
    step(state, moment, report) {
      // What somebody asks for by name is not what a rejection brings about.
      if (moment.kind === 'demanded') return moment.forced ? { ...state, recovering: false, recovered: null } : state
      const { recovered } = state
      if (moment.kind === 'sent') {
        const { endpoint, sentAtMs, accessId } = moment.request
        if (endpoint !== 'refresh') return state.accessId === undefined ? { ...state, accessId } : state
        const first = 'the one that a rejected access token had brought about'
        if (state.recovering) report(`a second refresh was sent while ${first} was in flight`)
        else if (recovered !== null && sentAtMs < recovered.youngUntilMs)
          report(`a second refresh was sent ${seconds(sentAtMs - recovered.sinceMs)} after ${first}`)
        return { ...state, recovering: state.rejected }
      }
      if (moment.kind !== 'answered') return state
      const { request } = moment
      if (isGrant(request)) {
        const { endpoint, sentAtMs, grantedAccessId: accessId, grantedAccessExpAtMs } = request
        const granted = { accessId, rejected: false, recovering: false }
        const again = recovered !== null && sentAtMs < recovered.youngUntilMs
        if (endpoint !== 'refresh' || !(state.rejected || again)) return { ...granted, recovered: null }
        const sinceMs = sentFrom(request)
        return { ...granted, recovered: { sinceMs, youngUntilMs: youngUntilMs(policy, sinceMs, grantedAccessExpAtMs) } }
      }
      if (request.endpoint === 'refresh') return { ...state, recovering: false }
      const rejected = isRejection(request) && request.accessId !== undefined && request.accessId === state.accessId
      return rejected ? { ...state, rejected: true } : state
    },
  })

interface Young {
  /** The latest access token that was granted, but for one that a rejection asked for: that is refresh-once's. */
  readonly accessId: string | undefined
  /** When it was asked for, ms. */
  readonly sinceMs: number
  /** It was refused, and until then that says nothing of it, ms. */
  readonly refusedUntilMs: number
  /** The API refused the latest token that was granted. */
  readonly rejected: boolean
}

/** A token that was refused while it was young is not refreshed while it is. A forced refresh is somebody's wish. */
export const noYoungRefresh = (policy: YouthPolicy) =>
  monitor<Young | null>({
    id: 'D-young-rejection',
    ids: ['D-young-rejection', 'D-short-lifetimes'],
    title: 'a token that was refused while it was young is not refreshed at once',
    needs: ['tokens'],
    initial: null,
    step(state, moment, report) {
      if (moment.kind === 'answered' && isGrant(moment.request)) {
        const { request } = moment
        const recovery = request.endpoint === 'refresh' && state?.rejected
        const accessId = recovery ? undefined : request.grantedAccessId
        return { accessId, sinceMs: sentFrom(request), refusedUntilMs: Number.NEGATIVE_INFINITY, rejected: false }
      }
      if (state === null) return null
      if (moment.kind === 'demanded')
        return moment.forced ? { ...state, refusedUntilMs: Number.NEGATIVE_INFINITY } : state
      if (moment.kind === 'sent') {
        const { endpoint, sentAtMs } = moment.request
        if (endpoint !== 'refresh' || sentAtMs >= state.refusedUntilMs) return state
        const age = seconds(sentAtMs - state.sinceMs)
        report(`a refresh was sent because access token ${brief(state.accessId)}, ${age} old, had been refused`)
        return state
      }
      if (moment.kind !== 'answered') return state
      const { request } = moment
      if (!isRejection(request) || request.accessId === undefined || request.accessId !== state.accessId) return state
      return { ...state, rejected: true, refusedUntilMs: youngUntilMs(policy, state.sinceMs, request.accessExpAtMs) }
    },
  })
