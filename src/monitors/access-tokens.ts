import { invariant, monitor } from './monitor.ts'
import { isGrant, isRejection, type ObservedSend } from './observed.ts'
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

const presentsAccess = ({ endpoint, accessId }: ObservedSend) =>
  (endpoint === 'api' || endpoint === 'validate') && accessId !== undefined

/** Invariant 4. */
export const usableAccessOnly = (policy: YouthPolicy) =>
  monitor<Held>({
    ...invariant(4),
    needs: ['tokens'],
    initial: { accessId: undefined, sinceMs: Number.NEGATIVE_INFINITY, rejected: false, ignoring: false },
    step(held, moment, report) {
      if (moment.kind === 'sent') {
        if (!presentsAccess(moment.request)) return held
        const { accessId, accessExpAtMs, sentAtMs } = moment.request
        const name = () => `access token ${brief(accessId)}`
        if (accessExpAtMs !== undefined && sentAtMs >= accessExpAtMs)
          report(`${name()} was sent ${seconds(sentAtMs - accessExpAtMs)} after its expiry`)
        else if (held.accessId !== undefined && accessId !== held.accessId && !moment.request.stillServes)
          report(`${name()} was sent, though ${brief(held.accessId)} has replaced it`)
        else if (held.rejected) report(`${name()} was sent again after the API refused it`)
        return held.accessId === undefined ? { ...held, accessId } : held
      }
      if (moment.kind !== 'answered') return held
      const { request } = moment
      if (isGrant(request))
        return { ...held, accessId: request.grantedAccessId, sinceMs: request.sentAtMs, rejected: false }
      if (request.endpoint !== 'api' || request.accessId !== held.accessId || held.accessId === undefined) return held
      if (!isRejection(request)) return held.ignoring ? { ...held, ignoring: false } : held
      const young = request.answeredAtMs < youngUntilMs(policy, held.sinceMs, request.accessExpAtMs)
      return young || held.ignoring ? { ...held, ignoring: true } : { ...held, rejected: true }
    },
  })
