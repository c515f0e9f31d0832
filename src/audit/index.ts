/** Entry point `compliancely-auth/audit`: recordings in, a verdict for each rule out. Needs no client. Node. */
import type { MonitorPolicy } from '../monitors/index.ts'
import type { Policy } from '../policy/schema.ts'
import { judgeRecordings } from './audit.ts'
import type { Recording } from './exchange.ts'
import { withAccounts } from './readers/accounts.ts'
import { createFingerprints } from './readers/fingerprints.ts'
import { mergeInOrder } from './readers/merge.ts'
import { isReopenable, type OpenContext, openRecording, type Source } from './readers/open.ts'
import { inOrder } from './readers/order.ts'
import { WINDOW_ITEMS } from './readers/waiting.ts'
import { OutOfOrder, STREAMED_ITEMS, withinWindow } from './readers/window.ts'
import type { AuditReport } from './report.ts'
import { DEFAULT_TARGET, type Target } from './target.ts'
import type { Waiver } from './waivers.ts'

export { type Exchange, type Format, type Instant, type Locator, UnreadableRecording } from './exchange.ts'
export type { Source } from './readers/open.ts'
export type {
  AuditedFile,
  AuditFinding,
  AuditReport,
  Confidence,
  Evidence,
  RuleResult,
  Severity,
  TimelineEntry,
} from './report.ts'
export { REPORTS, type ReportName, type ReportOptions, verdictOf } from './reports/index.ts'
export { DEFAULT_TARGET, type Target } from './target.ts'
export { parseWaivers, type Waiver, WaiverError } from './waivers.ts'

/** What the auditor may be told. */
export interface AuditOptions {
  /** Hosts and paths of the API. Default: the vendor's paths, on any host. */
  readonly target?: Partial<Target> | undefined
  /** The policy to judge by. Default: the vendor's guide and the decisions of this project. */
  readonly policy?: (MonitorPolicy & Partial<Pick<Policy, 'budgetScope'>>) | undefined
  /** Findings that are borne with. */
  readonly waivers?: readonly Waiver[] | undefined
  /** Time by which waivers end, ms since the epoch. Default now. */
  readonly nowMs: number
  /** At least 16 random bytes: under them secrets become fingerprints, which cannot be compared between runs. */
  readonly key: Uint8Array
  /** Folder of temporary files, for recordings in great disorder. Default the system's. */
  readonly tempDir?: string | undefined
  /** How many bytes more were read: for a progress bar. Less than none when reading begins anew. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/** Of this package, in reports. */
const VERSION = '0.1.0'

/**
 * Judges recordings of any client's traffic: journals of this library, HARs, OTLP traces, access logs, each also with gzip.
 * Memory stays flat whatever their size. Several are merged, by account.
 *
 * @throws {UnreadableRecording} what cannot be read: which file, where, what is allowed
 */
export async function audit(
  sources: Iterable<Source> | AsyncIterable<Source>,
  options: AuditOptions,
): Promise<AuditReport> {
  const given: Source[] = []
  for await (const source of sources) given.push(source)
  if (!given.every(isReopenable)) return auditOnce(given, options, 'sorted')
  let read = 0
  const onBytes = (bytes: number) => {
    read += bytes
    options.onBytes?.(bytes)
  }
  try {
    return await auditOnce(given, { ...options, onBytes }, 'as they come')
  } catch (error) {
    if (!(error instanceof OutOfOrder)) throw error
    options.onBytes?.(-read)
    return auditOnce(given, options, 'sorted')
  }
}

async function auditOnce(
  sources: readonly Source[],
  options: AuditOptions,
  order: 'as they come' | 'sorted',
): Promise<AuditReport> {
  const target = { ...DEFAULT_TARGET, ...options.target }
  const closings: (() => Promise<unknown>)[] = []
  const context = {
    ...{ target, fingerprints: createFingerprints(options.key), onBytes: options.onBytes },
    ...{ sources: sources.length, onOpen: (close: () => Promise<unknown>) => closings.push(close) },
  }
  try {
    return await judgeOpened(sources, context, options, order)
  } finally {
    // One that cannot be opened leaves the others open, and nobody waits for a pipe that its writer has left idle.
    for (const close of closings) close().catch(() => {})
  }
}

async function judgeOpened(
  sources: readonly Source[],
  context: OpenContext,
  options: AuditOptions,
  order: 'as they come' | 'sorted',
): Promise<AuditReport> {
  const opened: { file: string; recording: Recording }[] = []
  for (const source of sources) opened.push({ file: source.name, recording: await openRecording(source, context) })
  // All files together hold what one would.
  const share = (items: number) => Math.max(LEAST_ITEMS, Math.floor(items / sources.length))
  const streams = opened.map(({ file, recording: { batches } }) => {
    if (order === 'as they come')
      return { batches: withinWindow(batches, { windowItems: share(STREAMED_ITEMS) }), note: () => [] }
    const windowItems = share(WINDOW_ITEMS)
    const { batches: sorted, wasSorted } = inOrder(batches, { file, windowItems, tempDir: options.tempDir })
    return { batches: sorted, note: () => (wasSorted() ? [] : [sortedNote(file, windowItems)]) }
  })
  const items = withAccounts(mergeInOrder(streams.map(({ batches }) => batches)))
  return judgeRecordings(opened, items, {
    version: VERSION,
    nowMs: options.nowMs,
    allOrigins: context.target.origins.length > 0,
    ...(options.policy && { policy: options.policy }),
    ...(options.waivers && { waivers: options.waivers }),
    notes: () => [
      ...streams.flatMap(({ note }) => note()),
      ...opened.flatMap(({ recording }) => recording.notes?.() ?? []),
    ],
  })
}

/** Of each file, however many there are. */
const LEAST_ITEMS = 100

const sortedNote = (file: string, windowItems: number) =>
  `${file} was not in the order of time, and has been sorted: some of it came more than ${windowItems} entries late.`
