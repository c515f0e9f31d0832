import { Secret } from '../../src/secret.ts'
import { type AccountRecord, emptyRecord, type StoredPair } from '../../src/store/record.ts'

const HOUR = 3_600_000

/** A pair granted at a moment of the store, with the documented lifetimes. */
export const storedPair = (generation: number, startMs: number, changes: Partial<StoredPair> = {}): StoredPair => ({
  generation,
  access: new Secret(`CANARY-access-${generation}`),
  refresh: new Secret(`CANARY-refresh-${generation}`),
  accessLives: { startMs, lengthMs: HOUR },
  accessUsable: { startMs, lengthMs: HOUR - 30_000 },
  refreshDue: { startMs, lengthMs: HOUR - 12 * 60_000 },
  refreshUsable: { startMs, lengthMs: 24 * HOUR - 30_000 },
  young: { startMs, lengthMs: HOUR / 4 },
  ...changes,
})

/** A record with something in each of its fields. */
export const fullRecord = (version: number, changes: Partial<AccountRecord> = {}): AccountRecord => ({
  ...emptyRecord('c2FsdA=='),
  version,
  pair: storedPair(3, 1_000_000),
  lastGeneration: 4,
  rejectedGeneration: 2,
  sends: [1_000_000, 1_000_250],
  pause: { startMs: 1_000_500, lengthMs: 600_000 },
  backOff: { startMs: 1_000_600, lengthMs: 1_234, step: 2 },
  refreshAttempts: 1,
  rejectionBackOff: { startMs: 1_000_700, lengthMs: 2_000, step: 1 },
  latches: [{ kind: 'invalidCredentials', generation: 3, fingerprint: 'fingerprint-of-a-password' }],
  refreshLatch: 3,
  unfinished: true,
  createFailed: true,
  createUnfinished: 4,
  signedOut: true,
  landed: [{ writer: 'writer-a', change: 7, version: 2 }],
  restored: { times: 1, version: 5 },
  ...changes,
})

/** A record as something that can be compared: secrets in the clear. */
export const shown = (record: AccountRecord | undefined) =>
  record && {
    ...record,
    pair: record.pair && {
      ...record.pair,
      access: record.pair.access.reveal(),
      refresh: record.pair.refresh?.reveal() ?? null,
    },
  }
