import { invariant, monitor } from './monitor.ts'
import { isRejection } from './observed.ts'
import { brief } from './words.ts'

/** How many API requests are remembered: so many sets of so many. Each moment copies one set and the list of them. */
const SETS = 32
const REMEMBERED_IN_A_SET = 16

interface Sends {
  readonly requestId: string
  readonly times: number
  readonly accessId: string | undefined
  /** The API refused the token of the latest send. */
  readonly rejected: boolean
}

/** Requests by a hash of their ids; in each set the one that was heard of last comes last. */
type Remembered = readonly (readonly Sends[])[]

/** Invariant 6. */
export const twiceAtMost = monitor<{ requests: Remembered }>({
  ...invariant(6),
  needs: ['requestIds', 'tokens'],
  initial: { requests: Array.from({ length: SETS }, () => []) },
  step(state, moment, report) {
    if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
    const { endpoint, requestId, accessId } = moment.request
    if (endpoint !== 'api' || requestId === undefined) return state
    const at = setOf(requestId)
    const set = state.requests[at] ?? []
    const before = set.find((sends) => sends.requestId === requestId)
    const sent = moment.kind === 'sent'
    const times = (before?.times ?? 0) + (sent ? 1 : 0)
    if (sent && before !== undefined) {
      const name = `API request ${brief(requestId)}`
      if (times > 2) report(`${name} was sent ${times} times`)
      else if (!before.rejected) report(`${name} was sent again without a 401 before`)
      else if (before.accessId === accessId) report(`${name} was sent again with the same token`)
    }
    const rejected = !sent && isRejection(moment.request)
    // Nearly every answer: there is nothing new to remember.
    if (!sent && before?.rejected === rejected && before.accessId === accessId) return state
    const others = set.filter((sends) => sends !== before).slice(1 - REMEMBERED_IN_A_SET)
    return { requests: state.requests.with(at, [...others, { requestId, times, accessId, rejected }]) }
  },
})

/** FNV-1a, its upper half folded in: ids that count up spread evenly. */
function setOf(requestId: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < requestId.length; at++) hash = Math.imul(hash ^ requestId.charCodeAt(at), 0x01000193)
  return ((hash ^ (hash >>> 16)) >>> 0) % SETS
}
