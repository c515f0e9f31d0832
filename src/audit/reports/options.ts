import { DEFAULT_POLICY } from '../../policy/defaults.ts'

/** How a report is written. What a report says comes from nowhere else than the audit. */
export interface ReportOptions {
  /** Terminal: colours, by escape sequences. Default false. */
  readonly color?: boolean | undefined
  /** Terminal: characters a line, at least 40. Default 80. */
  readonly width?: number | undefined
  /** Findings of one rule that are told in full; further ones are counted. 0 or more. Default 3, in HTML 50. */
  readonly findingsPerRule?: number | undefined
  /** How long the pause is that timelines shade after a 429, ms. Default 600 000. @see clause `pause-after-429` */
  readonly pauseMs?: number | undefined
  /** SARIF: when the audit ran, ms since the epoch. Default: not said. */
  readonly ran?: { readonly fromMs: number; readonly toMs: number } | undefined
}

/** The options with their defaults. */
export function settings({ color, width, findingsPerRule, pauseMs, ran }: ReportOptions, inFull = 3) {
  return {
    color: color ?? false,
    width: Math.max(40, Math.floor(width ?? 80)),
    findingsPerRule: Math.max(0, findingsPerRule ?? inFull),
    pauseMs: pauseMs ?? DEFAULT_POLICY.pauseMs,
    ran,
  }
}
