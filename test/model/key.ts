import type { Facts, LifecycleEvent, PairFacts } from '../../machines/index.ts'
import type { Place } from './place.ts'

const flags = (...are: boolean[]) => are.map((is) => (is ? '1' : '0')).join('')

/** Two places of one key behave alike, and the monitors say the same of what follows. */
export const keyOf = (place: Place): string => keys(place, true)

/** Two places of one key behave alike: times count from now, those that are over do not count. */
export const chartKeyOf = (place: Place): string => keys(place, false)

function keys({ nowMs, snapshot, timers, callers, known, traced, newest, stored }: Place, monitored: boolean): string {
  const { context } = snapshot
  const time = (ms: number) => (ms <= context.atMs ? 'p' : ms <= nowMs ? 'q' : ms - nowMs)
  const generations = new Set([newest])
  const pairKey = (pair: PairFacts | null) => {
    if (pair === null) return '-'
    generations.add(pair.generation)
    const { generation, rejected, usableUntilMs, refreshAtMs, refreshUsableUntilMs, youngUntilMs } = pair
    const times = [usableUntilMs, refreshAtMs, refreshUsableUntilMs, youngUntilMs].map(time)
    return `${Math.min(2, newest - generation)}${flags(rejected)}${times.join()}`
  }
  const factsKey = (facts: Facts) => {
    const times = [facts.pausedUntilMs, facts.fullUntilMs, facts.backOffUntilMs].map(time)
    const marks = flags(facts.createFailed, facts.unfinished, facts.signedOut)
    return `${pairKey(facts.pair)};${times.join()}${facts.refreshAttempts}${facts.latch ?? ''}${marks}`
  }
  const eventKey = (event: LifecycleEvent) =>
    event.type === 'record.adopted'
      ? `A${factsKey(event.facts)}`
      : event.type === 'operator.signIn'
        ? `S${event.credentials}`
        : event.type
  const { plain, patient, forced } = context.waiting
  const parts = [
    JSON.stringify(snapshot.value),
    factsKey(context),
    flags(plain, patient, forced),
    context.startedBy === 'timer' ? 't' : 'd',
    context.noted.map(eventKey).join('+'),
    timers.map(({ event, dueAtMs }) => `${event.type.slice(12, 24)}${time(dueAtMs)}`).join(),
    callers
      .map(({ patience, generation }) => patience + (patience === 'forced' ? Math.min(2, newest - generation) : ''))
      .sort()
      .join(),
    pairKey(known.pair),
    [known.pausedUntilMs, known.fullUntilMs, known.backOffUntilMs].map(time).join(),
    flags(known.createLatched, known.refreshLatched, known.failedUnasked, known.unfinished, known.signedOut),
    flags(known.unasked, known.owedCreate) + known.attempts,
    known.inFlight ?? '',
    stored ? `${factsKey(stored.chart)}/${factsKey(stored.oracle)}` : '',
  ]
  if (monitored) parts.push(traced.key(nowMs, generations))
  return parts.join('|')
}
