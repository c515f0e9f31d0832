import type { Policy } from '../policy/schema.ts'
import { monitor } from './monitor.ts'
import { isGrant, isRejection, sentFrom } from './observed.ts'
import { brief, seconds } from './words.ts'

interface Rejections {
  readonly accessId: string | undefined
  readonly rejected: boolean
  /** The refresh that a rejection brought about is in flight. */
  readonly recovering: boolean
  /** When the pair was asked for that a rejection brought about, ms. */
  readonly recoveredAtMs: number
  /** Until then it is young, ms. */
  readonly youngUntilMs: number
}

export type YouthPolicy = Pick<Policy, 'youngRejectionMs' | 'accessLifetimeMs'>

/** For a token that lives shorter than documented, its youth is shorter too. `D-short-lifetimes` */
export const youngUntilMs = (policy: YouthPolicy, sinceMs: number, accessExpAtMs = Number.POSITIVE_INFINITY) => {
  const livesMs = Math.min(policy.accessLifetimeMs, accessExpAtMs - sinceMs)
  return sinceMs + (policy.youngRejectionMs * livesMs) / policy.accessLifetimeMs
}

const NOT_RECOVERED = { recoveredAtMs: Number.NEGATIVE_INFINITY, youngUntilMs: Number.NEGATIVE_INFINITY } as const

/** A rejected access token is refreshed once: the pair that came of it is not refreshed again while it is young. */
export const refreshOnce = (policy: YouthPolicy) =>
  monitor<Rejections>({
    id: 'refresh-once',
    ids: ['refresh-once', 'D-stale-401', 'D-young-rejection'],
    title: 'a rejected access token brings about one refresh',
    needs: ['tokens'],
    initial: { accessId: undefined, rejected: false, recovering: false, ...NOT_RECOVERED },
    step(state, moment, report) {
      // What somebody asks for by name is not what a rejection brings about.
      if (moment.kind === 'demanded') return moment.forced ? { ...state, recovering: false, ...NOT_RECOVERED } : state
      if (moment.kind === 'sent') {
        const { endpoint, sentAtMs, accessId } = moment.request
        if (endpoint === 'refresh') {
          const first = 'the one that a rejected access token had brought about'
          if (state.recovering) report(`a second refresh was sent while ${first} was in flight`)
          else if (sentAtMs < state.youngUntilMs)
            report(`a second refresh was sent ${seconds(sentAtMs - state.recoveredAtMs)} after ${first}`)
          return { ...state, recovering: state.rejected }
        }
        return endpoint === 'api' && state.accessId === undefined ? { ...state, accessId } : state
      }
      if (moment.kind !== 'answered') return state
      const { request } = moment
      if (isGrant(request)) {
        const { endpoint, sentAtMs, grantedAccessId: accessId, grantedAccessExpAtMs } = request
        const recovery = endpoint === 'refresh' && (state.rejected || sentAtMs < state.youngUntilMs)
        const granted = { accessId, rejected: false, recovering: false }
        if (!recovery) return { ...granted, ...NOT_RECOVERED }
        const recoveredAtMs = sentFrom(request)
        return { ...granted, recoveredAtMs, youngUntilMs: youngUntilMs(policy, recoveredAtMs, grantedAccessExpAtMs) }
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
  /** Until then a refusal says nothing of it, ms; `undefined` until it has been refused. */
  readonly refusedUntilMs: number | undefined
  /** The API refused the latest token that was granted. */
  readonly rejected: boolean
}

/** A token that was refused while it was young is not refreshed while it is. A forced refresh is somebody's wish. */
export const noYoungRefresh = (policy: YouthPolicy) =>
  monitor<Young>({
    id: 'D-young-rejection',
    ids: ['D-young-rejection', 'D-short-lifetimes'],
    title: 'a token that was refused while it was young is not refreshed at once',
    needs: ['tokens'],
    initial: { accessId: undefined, sinceMs: 0, refusedUntilMs: undefined, rejected: false },
    step(state, moment, report) {
      if (moment.kind === 'demanded') return moment.forced ? { ...state, refusedUntilMs: undefined } : state
      if (moment.kind === 'sent') {
        const { endpoint, sentAtMs } = moment.request
        if (endpoint !== 'refresh' || state.refusedUntilMs === undefined || sentAtMs >= state.refusedUntilMs)
          return state
        const age = seconds(sentAtMs - state.sinceMs)
        report(`a refresh was sent because access token ${brief(state.accessId)}, ${age} old, had been refused`)
        return state
      }
      if (moment.kind !== 'answered') return state
      const { request } = moment
      if (isGrant(request)) {
        const recovery = request.endpoint === 'refresh' && state.rejected
        const accessId = recovery ? undefined : request.grantedAccessId
        return { accessId, sinceMs: sentFrom(request), refusedUntilMs: undefined, rejected: false }
      }
      if (!isRejection(request) || request.accessId === undefined || request.accessId !== state.accessId) return state
      return { ...state, rejected: true, refusedUntilMs: youngUntilMs(policy, state.sinceMs, request.accessExpAtMs) }
    },
  })
