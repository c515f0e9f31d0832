import { invariant, monitor } from './monitor.ts'
import { isRejection } from './observed.ts'
import { brief } from './words.ts'

/** How many API requests are remembered: so many sets of so many. Each moment copies one set and the list of them. */
const SETS = 32
const REMEMBERED_IN_A_SET = 16
/** Characters at the end of an id that tell ids apart well enough. */
const HASHED = 8

interface Sends {
  readonly requestId: string
  /** Of `requestId`: numbers are compared sooner than names. */
  readonly hash: number
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
    const hash = hashOf(requestId)
    const at = hash % SETS
    const set = state.requests[at] ?? []
    const place = set.findLastIndex((sends) => sends.hash === hash && sends.requestId === requestId)
    const before = set[place]
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
    const others = before === undefined ? set.slice(1 - REMEMBERED_IN_A_SET) : set.toSpliced(place, 1)
    others.push({ requestId, hash, times, accessId, rejected })
    return { requests: state.requests.with(at, others) }
  },
})

/** FNV-1a of the end, its upper half folded in: ids that count up spread evenly. */
function hashOf(requestId: string): number {
  let hash = 0x811c9dc5
  for (let at = Math.max(0, requestId.length - HASHED); at < requestId.length; at++)
    hash = Math.imul(hash ^ requestId.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 16)) >>> 0
}
