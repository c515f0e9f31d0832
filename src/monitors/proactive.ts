import type { Policy } from '../policy/schema.ts'
import { type Monitor, monitor } from './monitor.ts'
import { isGrant, isTokenRequest, type ObservedRequest, type ObservedSend, sentFrom } from './observed.ts'
import { seconds } from './words.ts'

interface Pair<Held> {
  readonly held: Held
  readonly accessId: string | undefined
  /** When the token was first used after its refresh was due, and one was allowed, ms. */
  readonly usedLateAtMs: number
  /** A refresh or create was tried, or the delay was reported. */
  readonly done: boolean
}

interface Overdue<Held> {
  /** The latest that was granted. */
  readonly pair: Pair<Held> | null
  /** No token request may be sent before, ms. */
  readonly pausedUntilMs: number
}

const NOT_YET = Number.POSITIVE_INFINITY

/**
 * Somebody uses a token past the time when it should have been replaced, and nothing was tried. Without a demand nobody
 * has to refresh, and a full budget or another process may delay it for the window of the budget.
 */
const notOverdue = <Held>(
  about: Pick<Monitor, 'id' | 'ids' | 'title'>,
  { pauseMs, budgetWindowMs }: Pick<Policy, 'pauseMs' | 'budgetWindowMs'>,
  heldOf: (granted: ObservedRequest, before: Held | undefined) => Held,
  dueAtMs: (held: Held, used: ObservedSend) => number,
  say: (lateMs: number) => string,
) =>
  monitor<Overdue<Held>>({
    ...about,
    needs: ['tokens'],
    initial: { pair: null, pausedUntilMs: 0 },
    step(state, moment, report) {
      const { pair } = state
      if (moment.kind === 'answered') {
        const { request } = moment
        if (isGrant(request)) {
          const held = heldOf(request, pair?.held)
          return { ...state, pair: { held, accessId: request.grantedAccessId, usedLateAtMs: NOT_YET, done: false } }
        }
        if (!isTokenRequest(request) || request.status !== 429) return state
        const untilMs = request.answeredAtMs + Math.max(pauseMs, request.retryAfterMs ?? 0)
        const pausedUntilMs = Math.max(state.pausedUntilMs, untilMs)
        return { pair: pair && { ...pair, usedLateAtMs: NOT_YET }, pausedUntilMs }
      }
      if (moment.kind !== 'sent' || pair === null || pair.done) return state
      const { endpoint, sentAtMs, accessId } = moment.request
      const isAttempt = endpoint === 'create' || endpoint === 'refresh'
      const isUse = endpoint === 'api' && accessId === pair.accessId
      if (!isAttempt && !isUse) return state
      const lateMs = sentAtMs - pair.usedLateAtMs
      if (lateMs > budgetWindowMs) report(say(lateMs))
      if (lateMs > budgetWindowMs || isAttempt) return { ...state, pair: { ...pair, done: true } }
      const late = sentAtMs > dueAtMs(pair.held, moment.request) && sentAtMs >= state.pausedUntilMs
      if (!late || pair.usedLateAtMs !== NOT_YET) return state
      return { ...state, pair: { ...pair, usedLateAtMs: sentFrom(moment.request) } }
    },
  })

type Pace = Pick<Policy, 'pauseMs' | 'budgetWindowMs'>

/** The window scales down with the lifetime of the token. `D-short-lifetimes` */
export const refreshBeforeExpiry = (policy: Pace & Pick<Policy, 'accessLifetimeMs' | 'refreshWindowEndMs'>) =>
  notOverdue<{ sentAtMs: number; expAtMs: number | undefined }>(
    {
      id: 'refresh-before-expiry',
      ids: ['refresh-before-expiry', 'D-proactive', 'D-refresh-expired-first', 'D-short-lifetimes'],
      title: 'a token in use is refreshed before its refresh window closes',
    },
    policy,
    (granted) => ({ sentAtMs: sentFrom(granted), expAtMs: granted.grantedAccessExpAtMs }),
    ({ sentAtMs, expAtMs = sentAtMs + policy.accessLifetimeMs }, used) => {
      const expiresAtMs = used.accessExpAtMs ?? expAtMs
      const scale = Math.min(1, (expiresAtMs - sentAtMs) / policy.accessLifetimeMs)
      return expiresAtMs - policy.refreshWindowEndMs * scale
    },
    (lateMs) => `a token was in use for ${seconds(lateMs)} after its refresh window had closed`,
  )

/** At the latest after half the lifetime of the refresh token. */
export const rotateInTime = (policy: Pace & Pick<Policy, 'rotateWithinMs' | 'refreshLifetimeMs'>) =>
  notOverdue<{ sentAtMs: number; refreshLifetimeMs: number }>(
    {
      id: 'rotate-within-12h',
      ids: ['rotate-within-12h', 'D-proactive'],
      title: 'a refresh token is used in time while its pair is in use',
    },
    policy,
    (granted, before) => {
      const { grantedRefreshId, grantedRefreshExpAtMs } = granted
      const sentAtMs = sentFrom(granted)
      // A refresh that brings none keeps the old one. `D-partial-refresh`
      if (grantedRefreshId === undefined && before !== undefined) return { ...before, sentAtMs }
      const livesMs = (grantedRefreshExpAtMs ?? Number.POSITIVE_INFINITY) - sentAtMs
      return { sentAtMs, refreshLifetimeMs: Math.min(policy.refreshLifetimeMs, livesMs) }
    },
    ({ sentAtMs, refreshLifetimeMs }) => sentAtMs + Math.min(policy.rotateWithinMs, refreshLifetimeMs / 2),
    (lateMs) => `a pair was in use for ${seconds(lateMs)} after its refresh token should have been used`,
  )
