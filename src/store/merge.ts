import type { AccountRecord, Span } from './record.ts'

const later = (one: Span | null, other: Span | null): Span | null => {
  if (one === null || other === null) return one ?? other
  return one.startMs + one.lengthMs >= other.startMs + other.lengthMs ? one : other
}

const union = <T>(ours: readonly T[], theirs: readonly T[], keyOf: (item: T) => unknown): T[] => {
  const known = new Set(theirs.map(keyOf))
  return [...ours.filter((item) => !known.has(keyOf(item))), ...theirs]
}

/** Does what is found lack something that was known? Not where whoever restored it knew as much. */
export const lacks = (found: AccountRecord, known: AccountRecord): boolean => {
  if (known.version === 0) return false
  if (found.version < known.version || found.restored.times < known.restored.times) return true
  return found.restored.times > known.restored.times && found.restored.version < known.version
}

/**
 * What is right where a store went back to an older copy of its data, or others have gone on from one: a client that knew
 * the record at `knownAtMs` puts it together with what it finds. What was granted after that moment is newer than what the
 * client knew; otherwise the client knew better. Pauses, refusals and sends are the account's whoever heard of them.
 *
 * The version is later than both, so that everybody who has either reads the result as news. `D-store-down`
 */
export function mergeRecords(ours: AccountRecord, knownAtMs: number, theirs: AccountRecord): AccountRecord {
  const granted = theirs.pair !== null && theirs.pair.accessLives.startMs > knownAtMs
  const base = granted ? theirs : ours
  const version = Math.max(ours.version, theirs.version)
  const lastGeneration = Math.max(ours.lastGeneration, theirs.lastGeneration)
  // Both may have counted the same number for two pairs: what comes of theirs gets one that neither has used.
  const renumbered = granted && theirs.pair !== null && theirs.pair.generation <= ours.lastGeneration
  // Fingerprints are told apart under one salt alone.
  const sameSalt = ours.salt === theirs.salt || theirs.latches.length === 0
  return {
    ...base,
    ...(renumbered && {
      pair: theirs.pair && { ...theirs.pair, generation: lastGeneration + 1 },
      rejectedGeneration: theirs.rejectedGeneration === theirs.pair?.generation ? lastGeneration + 1 : 0,
      refreshLatch: theirs.refreshLatch === theirs.pair?.generation ? lastGeneration + 1 : 0,
    }),
    version: version + 1,
    restored: { times: Math.max(ours.restored.times, theirs.restored.times) + 1, version },
    lastGeneration: renumbered ? lastGeneration + 1 : lastGeneration,
    pause: later(ours.pause, theirs.pause),
    sends: union(ours.sends, theirs.sends, (sentMs) => sentMs).toSorted((a, b) => a - b),
    latches: sameSalt ? union(ours.latches, theirs.latches, ({ fingerprint }) => fingerprint) : theirs.latches,
    landed: union(ours.landed, theirs.landed, ({ writer }) => writer),
    salt: sameSalt ? ours.salt : theirs.salt,
  }
}
