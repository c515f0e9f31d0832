import type { AuthErrorCode } from '../errors.ts'
import type { ObservedRequest, ObservedSend } from '../monitors/index.ts'

/**
 * The journal: what a client sent and was asked, as JSON Lines, for an auditor to judge later. Nothing secret: tokens,
 * credentials and accounts are fingerprints under the salt of the account's record, so that the journals of the processes of
 * one account match, and bodies, queries, headers and user names are not there at all.
 *
 * The first line of each process is a {@link JournalHeader}; every further line says by `by` whose it is, so that processes
 * may append to one file. Times are wall-clock ms since the epoch, by the clock of the process, expiries too.
 */

/** Value of `journal` in each header: by it the format is known. */
export const JOURNAL = 'compliancely-auth'
/** Grows when a reader of the earlier one would misread a line. New kinds of lines and new fields do not count. */
export const JOURNAL_VERSION = 1
/** Who writes it. The version is that of the package. */
export const PRODUCER = 'compliancely-auth 0.1.0'

/** How many characters of a client's id are repeated in each of its lines. */
const BY_LENGTH = 8
/** `by` of a client's lines. */
export const byOf = (client: string) => client.slice(0, BY_LENGTH)

/** Who writes the lines that follow. A client whose record came to have another salt writes another one. */
export interface JournalHeader {
  readonly journal: typeof JOURNAL
  readonly version: number
  /** Empty where a reader found another text than {@link PRODUCER} with some version. */
  readonly producer: string
  readonly startedAtMs: number
  /** Where this client may send its token. */
  readonly origin: string
  /** Fingerprint: the same for all processes on one record. */
  readonly account: string
  /** A random UUID, one for each client. */
  readonly client: string
}

interface Line {
  readonly by: string
  readonly atMs: number
}

/** A request goes out. */
export interface SentLine
  extends Line,
    Omit<
      ObservedSend,
      'sentAtMs' | 'sentFromMs' | 'stillServes' | 'origin' | 'configuredOrigin' | 'requestId' | 'credentialsId'
    > {
  readonly kind: 'sent'
  /** Of this send; `answered` names it. */
  readonly send: number
  /** Of an API request: the same for both of its sends. */
  readonly requestId?: number | undefined
  readonly credentialsId?: string | undefined
  /** Where it went, if not to the origin of the header. */
  readonly origin?: string | undefined
}

type Answer = Omit<ObservedRequest, keyof ObservedSend | 'answeredAtMs'>

/** Its answer, or that none came. What the server said of itself beside that, and of its tokens, is not told. */
export interface AnsweredLine extends Line, Answer {
  readonly kind: 'answered'
  readonly send: number
}

/** Somebody waits for a token. One who is served from memory at once is not told of. */
export interface DemandedLine extends Line {
  readonly kind: 'demanded'
  readonly demand: number
  readonly deadlineAtMs: number
  readonly forced?: true | undefined
}

/** What came of it: a token, or an error. */
export interface SettledLine extends Line {
  readonly kind: 'settled'
  readonly demand: number
  /** By the monotonic clock, ms: it stands still while a machine sleeps, and so do time-outs. */
  readonly tookMs: number
  readonly accessId?: string | undefined
  readonly accessExpAtMs?: number | undefined
  /** Of the error; `null`: one that is none of this library's. */
  readonly code?: AuthErrorCode | null | undefined
}

export interface AbortedLine extends Line {
  readonly kind: 'aborted'
  readonly demand: number
}

/** A command of an operator, when it takes effect. */
export interface OperatorLine extends Line {
  readonly kind: 'operator'
  readonly action: 'signIn' | 'reset' | 'signOut'
  readonly credentialsId?: string | undefined
}

/** A step of the chart; for people, but that one out of `sending` says when an outcome was stored. */
export interface TransitionLine extends Line {
  readonly kind: 'transition'
  readonly region: 'tokens' | 'gate'
  readonly from: string
  readonly to: string
  readonly gate: string
  readonly event: string
  readonly ids: readonly string[]
  readonly why: string
  readonly generation: number
}

/** What the client reported; for people. */
export interface ErrorLine extends Line {
  readonly kind: 'error'
  readonly code: AuthErrorCode
  readonly clause?: string | undefined
  readonly retryAtMs?: number | undefined
  readonly status?: number | undefined
}

/** Lines were left out here: whoever takes them was too slow. */
export interface GapLine extends Line {
  readonly kind: 'gap'
  readonly lines: number
}

export type JournalLine =
  | SentLine
  | AnsweredLine
  | DemandedLine
  | SettledLine
  | AbortedLine
  | OperatorLine
  | TransitionLine
  | ErrorLine
  | GapLine

/** The text of a line, with its end. `kind` comes first, so that readers may pass over a line without parsing it. */
export const encodeLine = (line: JournalHeader | JournalLine): string => `${JSON.stringify(line)}\n`
