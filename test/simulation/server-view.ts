import { kindOfFault } from './faults.ts'
import type { Setting } from './setting.ts'
import { MINUTE } from './units.ts'

/** What the server itself saw: counts it, and the token requests of each minute. */
export function watchServer({ clock, trace, sandbox }: Pick<Setting, 'clock' | 'trace' | 'sandbox'>) {
  const { count, violate } = trace
  const ended = new Map<number, { status: number | 'dropped'; fault: string | undefined; code: string | undefined }>()
  const tokenSends: number[] = []
  sandbox.onRequest(({ index: at, endpoint, status, fault, code }) => {
    ended.set(at, { status, fault, code })
    count('requests', `${endpoint} ${status}`)
    if (fault !== undefined) for (const word of fault.split(' ')) count('faults', kindOfFault(endpoint, word))
    if (endpoint !== 'api' && status === 429 && fault === undefined)
      violate('server-throttled', 'the server itself answered 429: it counted an eleventh request')
  })
  const countSend = () => {
    const nowMs = clock.now()
    tokenSends.push(nowMs)
    while ((tokenSends[0] ?? nowMs) <= nowMs - MINUTE) tokenSends.shift()
    if (tokenSends.length > 10) violate('ten-per-minute', `the log has ${tokenSends.length} token requests in 60 s`)
  }

  return { ended, countSend }
}
