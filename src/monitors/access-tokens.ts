import { invariant, monitor } from './monitor.ts'
import { isGrant, isRejection } from './observed.ts'
import { type YouthPolicy, youngUntilMs } from './rejections.ts'
import { brief, seconds } from './words.ts'

interface Held {
  /** The latest access token that was granted, or the first that was seen. */
  readonly accessId: string | undefined
  /** When it was asked for, ms. */
  readonly sinceMs: number
  /** The API refused it, and that counts. */
  readonly rejected: boolean
  /** A young token was refused: until one is accepted, refusals say nothing. `D-young-rejection` */
  readonly ignoring: boolean
}

/** Invariant 4. */
export const usableAccessOnly = (policy: YouthPolicy) =>
  monitor<Held | null>({
    ...invariant(4),
    needs: ['tokens'],
    initial: null,
    step(held, moment, report) {
      if (moment.kind === 'sent') {
        const { accessId, accessExpAtMs = Number.POSITIVE_INFINITY, sentAtMs, stillServes } = moment.request
        if (accessId === undefined) return held
        const name = () => `access token ${brief(accessId)}`
        if (sentAtMs >= accessExpAtMs)
          report(`${name()} was sent ${seconds(sentAtMs - accessExpAtMs)} after its expiry`)
        else if (held !== null && accessId !== held.accessId && !stillServes)
          report(`${name()} was sent, though ${brief(held.accessId)} has replaced it`)
        else if (held?.rejected) report(`${name()} was sent again after the API refused it`)
        return held ?? { accessId, sinceMs: Number.NEGATIVE_INFINITY, rejected: false, ignoring: false }
      }
      if (moment.kind !== 'answered') return held
      const { request } = moment
      if (isGrant(request)) {
        const { grantedAccessId: accessId, sentAtMs: sinceMs } = request
        return { accessId, sinceMs, rejected: false, ignoring: held?.ignoring ?? false }
      }
      if (request.endpoint !== 'api' || held === null || request.accessId !== held.accessId) return held
      if (!isRejection(request)) return held.ignoring ? { ...held, ignoring: false } : held
      const young = request.answeredAtMs < youngUntilMs(policy, held.sinceMs, request.accessExpAtMs)
      return young || held.ignoring ? { ...held, ignoring: true } : { ...held, rejected: true }
    },
  })
