import type { Moment, Monitor } from '../monitors/index.ts'
import { monitor } from '../monitors/monitor.ts'
import { isGrant } from '../monitors/observed.ts'

/** How long a store may take for a pair, ms: a client waits no longer for it. `D-store-down` */
export const STORING_MS = 5_000

const BECAUSE = `The next pair may still have been on its way to the client's store, until which the old token serves: no traffic shows that, the client's own journal does. Once it has sent the next one, or ${STORING_MS / 1000} s after the answer, it is the client's doing.`

interface Granted {
  readonly accessId: string | undefined
  readonly refreshId: string | undefined
  readonly replacesId: string | undefined
  readonly atMs: number
  /** It was used, so it is stored. */
  readonly used: boolean
}

interface Storing {
  readonly inner: unknown
  /** The latest pair that was granted: when, and which access token it replaces as soon as it is stored. */
  readonly granted: Granted | undefined
  /** The access token that was sent last. */
  readonly usedId: string | undefined
}

/** The monitors for recordings that do not show when a pair was stored. `replace-both` */
export const withStoring = (monitors: readonly Monitor[]): readonly Monitor[] =>
  monitors.map((each) => (each.id === 'invariant-4' ? allowingForStoring(each) : each))

/** What would be well if the old token still served is excused as long as a store may take, or until the next one is used. */
function allowingForStoring(of: Monitor): Monitor {
  const found: string[] = []
  const collect = (evidence: string) => void found.push(evidence)
  const stepped = (state: unknown, moment: Moment) => {
    found.length = 0
    return of.step(state, moment, collect)
  }
  const mayServe = ({ inner, granted }: Storing, moment: Moment) => {
    if (granted === undefined || granted.used || moment.kind !== 'sent') return false
    const { request } = moment
    if (request.accessId !== granted.replacesId) return false
    stepped(inner, { ...moment, request: { ...request, stillServes: true } })
    return found.length === 0 && request.sentAtMs - granted.atMs < STORING_MS
  }
  return monitor<Storing>({
    ...of,
    initial: { inner: of.initial, granted: undefined, usedId: undefined },
    step(before, moment, report) {
      const inner = stepped(before.inner, moment)
      const granted = grantedAfter(before, moment)
      const usedId = (moment.kind === 'sent' ? moment.request.accessId : undefined) ?? before.usedId
      if (found.length > 0) {
        const evidence = [...found]
        const because = mayServe(before, moment) ? BECAUSE : undefined
        for (const each of evidence) report(each, because)
      }
      const isSame = inner === before.inner && granted === before.granted && usedId === before.usedId
      return isSame ? before : { inner, granted, usedId }
    },
  })
}

function grantedAfter({ granted, usedId }: Storing, moment: Moment): Granted | undefined {
  if (moment.kind === 'sent') {
    const { accessId, refreshId } = moment.request
    const isUse =
      granted !== undefined &&
      ((accessId !== undefined && accessId === granted.accessId) ||
        (refreshId !== undefined && refreshId === granted.refreshId))
    return isUse && !granted.used ? { ...granted, used: true } : granted
  }
  if (moment.kind !== 'answered' || !isGrant(moment.request)) return granted
  const { grantedAccessId: accessId, grantedRefreshId: refreshId, answeredAtMs: atMs } = moment.request
  return { accessId, refreshId, replacesId: granted?.accessId ?? usedId, atMs, used: false }
}
