import type { AccountRecord, Span, StoredPair } from './record.ts'

/** How many writers a record remembers. */
export const WRITERS = 64

type Landed = AccountRecord['landed'][number]

const landedOf = ({ landed }: AccountRecord, writer: string): number =>
  landed.find((last) => last.writer === writer)?.change ?? 0

/** A change of a writer landed in `known`, and `found` is not made of it. What was pushed out by later writers says nothing. */
const isMissing = (found: AccountRecord, { writer, change, version }: Landed): boolean => {
  if (landedOf(found, writer) >= change) return false
  return found.landed.length < WRITERS || version >= Math.min(...found.landed.map((last) => last.version))
}

/** Does what is found lack something that `writer` knew? Not where whoever restored it knew as much. */
export function lacks(found: AccountRecord, known: AccountRecord, writer: string): boolean {
  if (known.version === 0) return false
  if (found.version < known.version || found.restored.times < known.restored.times) return true
  if (found.restored.times > known.restored.times) return found.restored.version < known.version
  const own = known.landed.find((last) => last.writer === writer)
  return own !== undefined && isMissing(found, own)
}

const endOf = (span: Span | null) => (span === null ? Number.NEGATIVE_INFINITY : span.startMs + span.lengthMs)
const later = <S extends Span>(one: S | null, other: S | null): S | null => (endOf(one) >= endOf(other) ? one : other)

const isSame = (one: StoredPair | null, other: StoredPair | null) =>
  one !== null && other !== null && one.access.reveal() === other.access.reveal()

/** Whose pair the merged record has; nobody's where there is none, or it is known to be gone. */
function pairOf(ours: AccountRecord, knownAtMs: number, theirs: AccountRecord, isNewer: boolean): AccountRecord | null {
  if (theirs.pair === null) {
    // Who counted as far knew our pair, or a later one, and it is gone; an older copy did not have it yet.
    return ours.pair === null || (isNewer && theirs.lastGeneration >= ours.lastGeneration) ? null : ours
  }
  if (ours.pair === null)
    return theirs.pair.accessLives.startMs > knownAtMs || theirs.pair.generation > ours.lastGeneration ? theirs : null
  return theirs.pair.accessLives.startMs > ours.pair.accessLives.startMs ? theirs : ours
}

/**
 * What is right where a store went back to an older copy of its data, or others have gone on from one: a client that knew
 * `ours` at `knownAtMs` puts it together with what it finds. Of two pairs the one granted later is right. Pauses, sends,
 * failures, refusals and sign-outs are the account's, whoever heard of them; but what only an older copy says was ended since.
 *
 * The version is later than both, so that everybody who has either reads the result as news. `D-store-down`
 */
export function mergeRecords(ours: AccountRecord, knownAtMs: number, theirs: AccountRecord): AccountRecord {
  // Somebody has gone on from the older copy: what it says is not only what we knew once.
  const isNewer = theirs.landed.some((last) => isMissing(ours, last))
  const signedOut = ours.signedOut || (isNewer && theirs.signedOut)
  const holder = signedOut ? null : pairOf(ours, knownAtMs, theirs, isNewer)
  const version = Math.max(ours.version, theirs.version)
  const begun = <S extends Span>(span: S | null) => (isNewer && span !== null && span.startMs > knownAtMs ? span : null)
  // Fingerprints are told apart under one salt alone.
  const salt = ours.latches.length > 0 || theirs.latches.length === 0 ? ours.salt : theirs.salt
  const latches = isNewer && theirs.salt === salt ? theirs.latches : []
  const known = new Set(latches.map(({ fingerprint }) => fingerprint))
  return {
    version: version + 1,
    restored: { times: Math.max(ours.restored.times, theirs.restored.times) + 1, version },
    ...ofPair(holder, ours, theirs),
    pause: later(ours.pause, theirs.pause),
    sends: [...new Set([...ours.sends, ...theirs.sends])].toSorted((a, b) => a - b),
    backOff: later(ours.backOff, begun(theirs.backOff)),
    rejectionBackOff: later(ours.rejectionBackOff, begun(theirs.rejectionBackOff)),
    latches: [
      ...(ours.salt === salt ? ours.latches : []).filter(({ fingerprint }) => !known.has(fingerprint)),
      ...latches,
    ],
    createFailed: (holder ?? ours).createFailed || (isNewer && holder === null && theirs.createFailed),
    createUnfinished: Math.max(ours.createUnfinished, isNewer ? theirs.createUnfinished : 0),
    signedOut,
    landed: mergeLanded(ours.landed, theirs.landed),
    salt,
  }
}

/** The pair and what is said of it alone. */
function ofPair(holder: AccountRecord | null, ours: AccountRecord, theirs: AccountRecord) {
  const lastGeneration = Math.max(ours.lastGeneration, theirs.lastGeneration)
  const pair = holder?.pair
  if (holder === null || pair == null)
    return {
      ...{
        pair: null,
        lastGeneration,
        rejectedGeneration: Math.max(ours.rejectedGeneration, theirs.rejectedGeneration),
      },
      ...{ refreshAttempts: 0, refreshLatch: 0, unfinished: false },
    }
  const both = isSame(ours.pair, theirs.pair) ? [ours, theirs] : [holder]
  const other = holder === ours ? theirs : ours
  // Both may have counted the same number for two pairs: the one that is left gets a number that neither has used.
  const isTaken = !isSame(ours.pair, theirs.pair) && pair.generation <= other.lastGeneration
  const generation = isTaken ? lastGeneration + 1 : pair.generation
  const marked = (mark: (record: AccountRecord) => number) =>
    both.some((record) => record.pair !== null && mark(record) === record.pair.generation) ? generation : 0
  return {
    pair: { ...pair, generation },
    lastGeneration: Math.max(lastGeneration, generation),
    rejectedGeneration: marked((record) => record.rejectedGeneration),
    refreshLatch: marked((record) => record.refreshLatch),
    refreshAttempts: Math.max(...both.map((record) => record.refreshAttempts)),
    unfinished: both.some((record) => record.unfinished),
  }
}

function mergeLanded(ours: readonly Landed[], theirs: readonly Landed[]): Landed[] {
  const latest = new Map<string, Landed>()
  for (const last of [...ours, ...theirs])
    if (last.change > (latest.get(last.writer)?.change ?? 0)) latest.set(last.writer, last)
  return [...latest.values()].toSorted((a, b) => a.version - b.version).slice(-WRITERS)
}
