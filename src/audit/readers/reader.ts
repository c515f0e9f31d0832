import type { Format, Recording } from '../exchange.ts'
import type { Target } from '../target.ts'
import type { Fingerprints } from './fingerprints.ts'

/** What readers need to know. */
export interface ReadContext {
  readonly target: Target
  readonly fingerprints: Fingerprints
}

/** A recording as plain bytes: unzipped, without a byte order mark. */
export interface Input {
  /** Name for locators and messages. */
  readonly file: string
  readonly bytes: AsyncIterable<Uint8Array>
}

/** The beginning of a recording. */
export interface Prefix {
  /** At most 64 KiB, cut anywhere. */
  readonly text: string
  /** Keys of the first JSON object in it, each with the first character of its value: `log` → `{`. */
  readonly keys: ReadonlyMap<string, string>
}

/** Reads one format. */
export interface FormatReader {
  readonly format: Format
  /** For people: `HAR 1.2`. */
  readonly title: string
  /** By content alone; the first reader that does is taken. */
  recognises(prefix: Prefix): boolean
  /** Reads nothing before `batches` is asked, which throws `UnreadableRecording` after what could be read. */
  read(input: Input, context: ReadContext): Recording
}
