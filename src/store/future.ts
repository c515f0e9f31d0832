import type { AccountRecord, Span, StoredPair } from './record.ts'

/** Times further ahead of the store's than this are no rounding and no slow line, ms. */
const AHEAD_MS = 60_000

/**
 * The record with nothing that begins in the future: the store's clock has gone back, as after a fail-over to a machine whose
 * clock is behind. What began then begins now, or else it would last for longer by as much. `D-skew`
 *
 * @param slotMs how far ahead a slot of the budget may lie: as long as a request may take
 * @returns the same record where there is nothing to mend
 */
export function begunByNow(record: AccountRecord, nowMs: number, slotMs: number): AccountRecord {
  const limitMs = nowMs + slotMs + AHEAD_MS
  const { pair, pause, backOff, rejectionBackOff, sends } = record
  const spans = [...spansOf(pair), pause, backOff, rejectionBackOff]
  const starts = [...spans.map((span) => span?.startMs ?? 0), ...sends]
  if (starts.every((startMs) => startMs <= limitMs)) return record
  const begun = <S extends Span | null>(span: S): S =>
    span !== null && span.startMs > limitMs ? { ...span, startMs: nowMs } : span
  return {
    ...record,
    version: record.version + 1,
    pair: pair && {
      ...pair,
      accessLives: begun(pair.accessLives),
      accessUsable: begun(pair.accessUsable),
      refreshDue: begun(pair.refreshDue),
      refreshUsable: begun(pair.refreshUsable),
      young: begun(pair.young),
    },
    pause: begun(pause),
    backOff: begun(backOff),
    rejectionBackOff: begun(rejectionBackOff),
    sends: sends.map((sentMs) => (sentMs > limitMs ? nowMs + slotMs : sentMs)),
  }
}

const spansOf = (pair: StoredPair | null): readonly Span[] =>
  pair === null ? [] : [pair.accessLives, pair.accessUsable, pair.refreshDue, pair.refreshUsable, pair.young]
