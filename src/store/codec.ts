import * as z from 'zod/mini'
import { Secret } from '../secret.ts'
import type { AccountRecord, StoredPair } from './record.ts'
import { StoreError } from './store-error.ts'

/**
 * Grows when a record can no longer be read by those before. A store that finds a later one leaves it as it is: what that
 * version has learned of the account (a pause, a latch) would be lost.
 */
const FORMAT = 1

const count = z.int().check(z.gte(0))
const ms = z.number().check(z.refine(Number.isFinite))
const span = z.object({ startMs: ms, lengthMs: ms })
const steppedSpan = z.extend(span, { step: count })
const storedRecord = z.object({
  version: count,
  pair: z.nullable(
    z.object({
      generation: count,
      access: z.string(),
      refresh: z.nullable(z.string()),
      accessLives: span,
      accessUsable: span,
      refreshDue: span,
      refreshUsable: span,
      young: span,
    }),
  ),
  lastGeneration: count,
  rejectedGeneration: count,
  sends: z.array(ms),
  pause: z.nullable(span),
  backOff: z.nullable(steppedSpan),
  refreshAttempts: count,
  rejectionBackOff: z.nullable(steppedSpan),
  latches: z.array(
    z.object({
      kind: z.enum(['invalidCredentials', 'rejected']),
      generation: count,
      fingerprint: z.string(),
    }),
  ),
  refreshLatch: count,
  unfinished: z.boolean(),
  createFailed: z.boolean(),
  createUnfinished: count,
  signedOut: z.boolean(),
  landed: z.array(z.object({ writer: z.string(), change: count, version: count })),
  restored: z.object({ times: count, version: count }),
  salt: z.string(),
})

const openSecrets = ({ access, refresh, ...times }: StoredPair) => ({
  ...times,
  access: access.reveal(),
  refresh: refresh?.reveal() ?? null,
})

/** The record as text. It holds the tokens: whoever stores it keeps it from others. `store-securely` */
export const encodeRecord = (record: AccountRecord): string =>
  JSON.stringify({ format: FORMAT, ...record, pair: record.pair && openSecrets(record.pair) })

/**
 * The record of a text. `where` names the file or key in the error.
 *
 * @throws {StoreError} `NEWER` for a later format, `UNREADABLE` for what is no record; neither quotes the text
 */
export function decodeRecord(text: string, where: string): AccountRecord {
  const json = parsed(text)
  const format = z.object({ format: count }).safeParse(json)
  if (format.success && format.data.format > FORMAT)
    throw new StoreError(
      'NEWER',
      `${where} was written by a later version of compliancely-auth (format ${format.data.format}, this one reads ${FORMAT}): update this program`,
    )
  const record = storedRecord.safeParse(json)
  if (!record.success) {
    const [issue] = record.error.issues
    const at = issue === undefined || issue.path.length === 0 ? 'its text' : issue.path.join('.')
    throw new StoreError(
      'UNREADABLE',
      `${where} holds no record of compliancely-auth (${at}): nothing was changed; move it away to begin anew`,
    )
  }
  const { pair, ...facts } = record.data
  return {
    ...facts,
    pair: pair && {
      ...pair,
      access: new Secret(pair.access),
      refresh: pair.refresh === null ? null : new Secret(pair.refresh),
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
