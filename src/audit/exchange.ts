import type { Moment, Need, ObservedRequest } from '../monitors/index.ts'

/** Where something stands in the recordings. */
export interface Locator {
  /** Name of the file as it was given; `-` for a stream without one. */
  readonly file: string
  /** Number of the entry in it, from 1: of a HAR's entries, of an OTLP file's spans. */
  readonly entry?: number | undefined
  /** Number of the line in it, from 1. */
  readonly line?: number | undefined
}

/** A time that is known to within: it lies from `earliestMs` to `latestMs`, both included, ms since the epoch. */
export interface Instant {
  readonly earliestMs: number
  readonly latestMs: number
}

/** What became of the times of a request, and of its tokens, in the recording. */
export type Outcome = Omit<ObservedRequest, 'sentAtMs' | 'sentFromMs' | 'answeredAtMs'>

/**
 * One request and its answer in the normal form of the auditor, whatever it was recorded in. No secret: tokens, passwords and
 * bodies were replaced by fingerprints as they were read.
 */
export interface Exchange {
  readonly kind: 'exchange'
  readonly at: Locator
  /** Whose traffic it is, as far as the recording tells; the same for all of one account. `undefined`: the only one's. */
  readonly account?: string | undefined
  /** The recording tells no account: this is everybody behind one address, or everybody. They may be several, or one of several. */
  readonly accountGuessed?: true | undefined
  /** Whom its tokens are for, as they say themselves: also where the recording did not see them granted. A fingerprint. */
  readonly subject?: string | undefined
  /** Which process of that account, where the recording tells: each keeps some rules by itself. */
  readonly client?: string | undefined
  readonly sent: Instant
  /** When the answer was there or the connection ended. */
  readonly answered: Instant
  /** Where the recording tells of that, if apart: what stands between happened between. */
  readonly answeredAt?: Locator | undefined
  readonly request: Outcome
  /**
   * The expiries in `request` may be that much later, ms: they are the server's, and how its clock stands to the one that the
   * recording was made by is known to within. Default 0: they are as they are told.
   */
  readonly expiryDoubtMs?: number | undefined
  /**
   * Fingerprint of method, URL and body: equal for requests that may be one, sent again. Only where the recording does not
   * tell itself (`requestId`).
   */
  readonly sameAs?: string | undefined
  /** The recording may have left out how the request said who it is: its `authScheme` is then no evidence of `none`. */
  readonly authHidden?: true | undefined
  /** What of it the recording does not hold, though other requests show theirs. */
  readonly hides?: readonly Need[] | undefined
}

/** Anything else that a journal tells: demands, operators, what was given out. */
export interface Happening {
  readonly kind: 'happening'
  readonly at: Locator
  readonly account?: string | undefined
  /** Which process of that account, where the recording tells: each keeps some rules by itself. */
  readonly client?: string | undefined
  readonly moment: Exclude<Moment, { readonly kind: 'sent' | 'answered' }>
}

/** Something that was read and is none of the account's API or token traffic: a page, a picture, another host. */
export interface Skipped {
  readonly kind: 'skipped'
  readonly at: Locator
  /** Why, in a few words: `another host`, `no API path`. */
  readonly why: string
}

export type Item = Exchange | Happening | Skipped

/** What a recording can show. A rule that needs more cannot be judged by it. */
export interface Abilities {
  /** Beyond times, endpoints, statuses and paths. */
  readonly tells: readonly Need[]
  /** What it tells of some requests; the others say by `hides` that it does not of them. Default: nothing. */
  readonly tellsPartly?: readonly Need[] | undefined
  /** Why each of the other needs is not there, or not always, in one sentence for people. */
  readonly lacks: Readonly<Partial<Record<Need, string>>>
}

/** Formats of recordings. */
export type Format = 'journal' | 'har' | 'otlp' | 'access-log'

/** What a reader makes of one file. */
export interface Recording {
  readonly format: Format
  /** Who wrote it, where it says so: `WebInspector`, `mitmproxy`. */
  readonly producer?: string | undefined
  /** Items in the order of the file, which nobody may trust; as many at once as were read. */
  readonly batches: AsyncIterable<readonly Item[]>
  /** Known for sure once `batches` has ended: whether a HAR was sanitised shows only in its entries. */
  abilities(): Abilities
  /** What the reader of the report has to know of this recording; complete once `items` has ended. */
  notes?(): readonly string[]
}

/** The input could not be read: what, where, what is allowed. Exit code 3. */
export class UnreadableRecording extends Error {
  override readonly name = 'UnreadableRecording'
  readonly at: Locator

  constructor(at: Locator, message: string) {
    const place = at.line !== undefined ? `:${at.line}` : at.entry !== undefined ? ` (entry ${at.entry})` : ''
    super(`${at.file}${place}: ${message}`)
    this.at = at
  }
}
