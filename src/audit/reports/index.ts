import type { AuditReport } from '../report.ts'
import { renderGithub } from './github.ts'
import { renderHtml } from './html.ts'
import { renderJson } from './json.ts'
import { renderJunit } from './junit.ts'
import { renderMarkdown } from './markdown.ts'
import type { ReportOptions } from './options.ts'
import { renderSarif } from './sarif.ts'
import { renderTerminal } from './terminal.ts'

export { groupsOf, type RuleGroup, type RuleStatus, type Verdict, verdictOf } from './groups.ts'
export type { ReportOptions } from './options.ts'

/** One form of a report. Pure: what it writes comes from the report and the options alone, in a browser too. */
export interface Renderer {
  readonly mediaType: string
  /** The whole text; it ends with a line break. */
  render(report: AuditReport, options?: ReportOptions): string
}

/** Forms of a report: for a terminal, programs, code scanning, CI, pull requests, GitHub Actions, and people. */
export type ReportName = 'terminal' | 'json' | 'sarif' | 'junit' | 'markdown' | 'github' | 'html'

export const REPORTS: Readonly<Record<ReportName, Renderer>> = {
  terminal: { mediaType: 'text/plain', render: renderTerminal },
  json: { mediaType: 'application/json', render: renderJson },
  sarif: { mediaType: 'application/sarif+json', render: renderSarif },
  junit: { mediaType: 'application/xml', render: renderJunit },
  markdown: { mediaType: 'text/markdown', render: renderMarkdown },
  github: { mediaType: 'text/plain', render: renderGithub },
  html: { mediaType: 'text/html', render: renderHtml },
}
