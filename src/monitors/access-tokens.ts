import { invariant, monitor } from './monitor.ts'
import { isGrant, isRejection } from './observed.ts'
import { type YouthPolicy, youngUntilMs } from './rejections.ts'
import { brief, seconds } from './words.ts'

interface Held {
  /** The latest access token that was granted, or the first that was seen. */
  readonly accessId: string | undefined
  /** When it was asked for, or used first, ms. */
  readonly sinceMs: number
  /** The API refused it, and that counts. */
  readonly rejected: boolean
  /** A young token was refused: until one is accepted, refusals say nothing. `D-young-rejection` */
  readonly ignoring: boolean
  /** Others that were used since, which somebody else was granted. */
  readonly strange: readonly string[]
  /** Those that it has replaced: used, or granted, before it was. */
  readonly replaced: readonly string[]
}

/** How many tokens of each sort are remembered. */
const REMEMBERED = 32

const UNUSED = { rejected: false, ignoring: false, strange: [], replaced: [] } as const

/** Invariant 4. A token that nobody was seen to be granted says nothing of which one is newer. */
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
        else if (held?.replaced.includes(accessId) && !stillServes)
          report(`${name()} was sent, though ${brief(held.accessId)} has replaced it`)
        else if (held?.rejected && accessId === held.accessId)
          report(`${name()} was sent again after the API refused it`)
        if (held === null) return { ...UNUSED, accessId, sinceMs: sentAtMs }
        if (accessId === held.accessId || held.replaced.includes(accessId) || held.strange.includes(accessId))
          return held
        return { ...held, strange: [...held.strange, accessId].slice(-REMEMBERED) }
      }
      if (moment.kind !== 'answered') return held
      const { request } = moment
      if (isGrant(request)) {
        const { grantedAccessId: accessId, sentAtMs: sinceMs } = request
        const { replaced, strange, ignoring } = held ?? UNUSED
        const before = [...replaced, ...strange, ...(held?.accessId === undefined ? [] : [held.accessId])]
        return {
          ...{ accessId, sinceMs, rejected: false, ignoring, strange: [] },
          replaced: before.filter((id) => id !== accessId).slice(-REMEMBERED),
        }
      }
      if (request.endpoint !== 'api' || held === null || request.accessId !== held.accessId) return held
      if (!isRejection(request)) return held.ignoring ? { ...held, ignoring: false } : held
      const young = request.answeredAtMs < youngUntilMs(policy, held.sinceMs, request.accessExpAtMs)
      return young || held.ignoring ? { ...held, ignoring: true } : { ...held, rejected: true }
    },
  })
