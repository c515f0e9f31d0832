import { invariant, monitor } from './monitor.ts'
import { isRejection } from './observed.ts'
import { brief } from './words.ts'

/** How many API requests are remembered: so many sets of so many. Each send copies one set and the list of them. */
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

/** Some of the requests; the next one takes the place of the oldest. */
interface SomeSends {
  readonly sends: readonly Sends[]
  readonly next: number
}

/** Invariant 6. The requests are kept by a hash of their ids. */
export const twiceAtMost = monitor<{ requests: readonly SomeSends[] }>({
  ...invariant(6),
  needs: ['requestIds', 'tokens'],
  initial: { requests: Array.from({ length: SETS }, () => ({ sends: [], next: 0 })) },
  step(state, moment, report) {
    if (moment.kind !== 'sent' && moment.kind !== 'answered') return state
    const { requestId, accessId } = moment.request
    if (requestId === undefined) return state
    const hash = hashOf(requestId)
    const at = hash % SETS
    const { sends, next } = state.requests[at] ?? { sends: [], next: 0 }
    const place = placeOf(requestId, hash, sends)
    const before = sends[place]
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
    if (!sent && before?.rejected === rejected) return state
    const set = sends.slice()
    set[before === undefined ? next : place] = { requestId, hash, times, accessId, rejected }
    const requests = state.requests.slice()
    requests[at] = { sends: set, next: before === undefined ? (next + 1) % REMEMBERED_IN_A_SET : next }
    return { requests }
  },
})

/** FNV-1a of the end, its upper half folded in: ids that count up spread evenly. */
function hashOf(requestId: string): number {
  let hash = 0x811c9dc5
  for (let at = Math.max(0, requestId.length - HASHED); at < requestId.length; at++)
    hash = Math.imul(hash ^ requestId.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 16)) >>> 0
}

function placeOf(requestId: string, hash: number, sends: readonly Sends[]): number {
  for (let at = 0; at < sends.length; at++)
    if (sends[at]?.hash === hash && sends[at]?.requestId === requestId) return at
  return -1
}
