import type { LifecycleEmitted, Waiting } from '../../machines/index.ts'
import { type Caller, type Place, waitingOf } from './place.ts'
import type { Watcher } from './watcher.ts'

/** What is wrong with what the chart says and with where it rests. */

const isWrong = (text: string | false): text is string => text !== false
const ahead = (ms: number, nowMs: number) => Math.max(ms, nowMs)
const spoken = (waiting: Waiting) =>
  Object.entries(waiting)
    .flatMap(([patience, waits]) => (waits ? [patience] : []))
    .join(' and ') || 'none'

/** Who still waits after a settlement, and whether it was right. */
export function heard(
  event: LifecycleEmitted,
  nowMs: number,
  known: Watcher,
  callers: readonly Caller[],
): { callers: readonly Caller[]; wrong: string[] } {
  const wrong: string[] = []
  if (event.type === 'served') {
    if (known.pair?.generation !== event.generation || !known.usable(nowMs))
      wrong.push(`served generation ${event.generation}, which is not usable`)
    const left = callers.filter(({ patience, generation }) => patience === 'forced' && generation >= event.generation)
    return { callers: left, wrong }
  }
  if (event.type !== 'refused') return { callers, wrong }
  const { whom, retryAtMs, code } = event
  if (retryAtMs !== null && retryAtMs <= nowMs) wrong.push(`refused until the past: ${code}`)
  const runs = Math.max(
    ...(code === 'THROTTLED' ? [known.pausedUntilMs] : []),
    ...(code === 'BUDGET_EXHAUSTED' || code === 'LEASE_HELD' ? [known.fullUntilMs] : []),
    ...(code.endsWith('UNAVAILABLE') ? [known.backOffUntilMs] : []),
    retryAtMs === null ? Number.POSITIVE_INFINITY : 0,
  )
  if (runs <= nowMs) wrong.push(`refused without a reason: ${code}`)
  if (code === 'SIGNED_OUT' && !known.signedOut) wrong.push('refused as signed out')
  if ((code === 'INVALID_CREDENTIALS' || code === 'SIGN_IN_REJECTED') && !known.createLatched)
    wrong.push(`refused without a latch: ${code}`)
  if (code === 'REFRESH_UNAUTHORIZED' && !known.refreshLatched) wrong.push(`refused without a latch: ${code}`)
  const spared = whom === 'everyone' || whom === 'impatient'
  if (spared && known.usable(nowMs) && !known.signedOut && callers.some(({ patience }) => patience !== 'forced'))
    wrong.push(`refused, though a usable token is held: ${code}`)
  const left = {
    everyone: () => false,
    impatient: ({ patience }: Caller) => patience === 'patient',
    forced: ({ patience }: Caller) => patience !== 'forced',
    shortOfTime: () => true,
  }[whom]
  return { callers: callers.filter(left), wrong }
}

/** Nothing more will happen at this instant: does it make sense? */
export function look({ nowMs, snapshot, timers, callers, known }: Place): string[] {
  const { context } = snapshot
  const busy = snapshot.hasTag('busy')
  const where = JSON.stringify(snapshot.value)
  const waiting = waitingOf(callers)
  const wrong: (string | false)[] = [
    busy !== (known.inFlight !== null) && `busy in ${where}, but in flight: ${known.inFlight}`,
    context.atMs > nowMs && `the chart's time is ${context.atMs - nowMs} ahead`,
    spoken(context.waiting) !== spoken(waiting) &&
      `the chart thinks that ${spoken(context.waiting)} wait, but ${spoken(waiting)} do`,
    ahead(context.pausedUntilMs, nowMs) !== ahead(known.pausedUntilMs, nowMs) && 'the chart mistakes the pause',
    ahead(context.fullUntilMs, nowMs) !== ahead(known.fullUntilMs, nowMs) && 'the chart mistakes the budget',
    ahead(context.backOffUntilMs, nowMs) !== ahead(known.backOffUntilMs, nowMs) && 'the chart mistakes the back-off',
  ]
  const loading = snapshot.matches({ tokens: 'loading' })
  if (loading !== known.loading) wrong.push(`${where}, though the record ${known.loading ? 'is not' : 'was'} read`)
  if (loading || busy || timers.some(({ dueAtMs }) => dueAtMs <= nowMs)) return wrong.filter(isWrong)
  const mine = context.pair
  const { pair } = known
  wrong.push(
    mine?.generation !== pair?.generation && `the chart holds generation ${mine?.generation}, not ${pair?.generation}`,
    mine?.rejected !== pair?.rejected && 'the chart mistakes whether the token was rejected',
    mine?.usableUntilMs !== pair?.usableUntilMs && 'the chart mistakes the expiry',
    mine?.refreshUsableUntilMs !== pair?.refreshUsableUntilMs && 'the chart mistakes the expiry of the refresh token',
    pair !== null &&
      context.unfinished !== known.unfinished &&
      `the chart thinks that the refresh was ${context.unfinished ? 'un' : ''}finished`,
  )
  const closedUntilMs = Math.max(known.pausedUntilMs, known.fullUntilMs)
  for (const { patience } of callers) {
    const waits =
      nowMs >= known.backOffUntilMs &&
      (nowMs < known.pausedUntilMs ? patience === 'patient' : nowMs < known.fullUntilMs) &&
      timers.some(({ dueAtMs }) => dueAtMs <= closedUntilMs)
    if (!waits) wrong.push(`a ${patience} caller is stuck in ${where}`)
  }
  const latched = known.latched()
  if (latched && !known.signedOut) {
    if (!snapshot.hasTag('stopped')) wrong.push(`latched, but in ${where}`)
    const refused = snapshot.matches({ tokens: { failed: 'refreshUnauthorized' } })
    if (known.refreshLatched && !known.createLatched && !refused)
      wrong.push(`the refresh was refused for good, but in ${where}`)
  }
  if (known.signedOut !== snapshot.matches({ tokens: 'signedOut' })) wrong.push(`signed out or not, but in ${where}`)
  const usable = known.usable(nowMs)
  const stopped = latched || known.failedUnasked || context.createFailed
  if (usable && known.gateOpen(nowMs) && !stopped && known.dueByTimer(nowMs))
    wrong.push(`a due refresh was not started in ${where}`)
  const resting = pair === null ? 'unauthenticated' : usable ? 'valid' : 'stale'
  if (!latched && !known.signedOut && !context.createFailed && !snapshot.matches({ tokens: resting }))
    wrong.push(`${resting}, but in ${where}`)
  const closed = [
    nowMs < known.pausedUntilMs && ('paused' as const),
    nowMs < known.backOffUntilMs && ('backingOff' as const),
    nowMs < known.fullUntilMs && ('full' as const),
  ]
  const gate = closed.find((state) => state !== false) ?? 'open'
  if (!snapshot.matches({ gate })) wrong.push(`the gate is ${gate}, but in ${where}`)
  return wrong.filter(isWrong)
}
