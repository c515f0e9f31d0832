import type { AuditReport } from '../report.ts'
import { groupsOf, verdictOf } from './groups.ts'
import { DEFINITIONS } from './html-chart.ts'
import { blocksOf, findingsSection, rulesSection } from './html-findings.ts'
import { html, type Markup, Markup as Raw } from './html-markup.ts'
import { SCRIPT, SCRIPT_HASH } from './html-script.ts'
import { STYLE, STYLE_HASH } from './html-style.ts'
import { timelineSection } from './html-timeline.ts'
import { type ReportOptions, settings } from './options.ts'
import { fileText } from './terminal.ts'
import { drawable, pausesOf } from './timeline.ts'
import { count, lengthText, utc } from './words.ts'

/** Nothing is loaded, nothing is sent, and no other script or style than these two runs. */
const CONTENT_POLICY = `default-src 'none'; style-src '${STYLE_HASH}'; script-src '${SCRIPT_HASH}'; base-uri 'none'; form-action 'none'`

/**
 * For people: one page that needs nothing else, works offline and without script, in light, dark and print. Everything
 * from the recordings is escaped.
 */
export function renderHtml(report: AuditReport, options: ReportOptions = {}): string {
  const { findingsPerRule, pauseMs } = settings(options, 50)
  const blocks = blocksOf(groupsOf(report), findingsPerRule)
  const numbered = blocks.flatMap(({ told }) => told)
  const entries = drawable(report.timeline)
  const traffic = { entries, pauses: pausesOf(entries, pauseMs) }
  const { verdict, sentence } = verdictOf(report)
  const [word = '', ...rest] = sentence.split(': ')
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Raw(CONTENT_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${word}: audit of token traffic</title>
<style>${new Raw(STYLE)}</style></head>
<body><a class="skip" href="#findings">Skip to the findings</a>
<header><div class="verdict ${verdict}"><p class="kicker">compliancely-auth ${report.version}, audit of token traffic</p>
<h1>${word}</h1><p>${sentenceCase(rest.join(': '))}</p></div>
${facts(report)}
<nav aria-label="Sections"><ul><li><a href="#timeline">Timeline</a></li><li><a href="#findings">Findings</a></li><li><a href="#rules">Rules</a></li><li><a href="#about">About this audit</a></li></ul></nav></header>
<main>${DEFINITIONS}${timelineSection(report, numbered, pauseMs)}
${findingsSection(blocks, traffic)}
${rulesSection(blocks)}
${about(report)}</main>
<footer>All times are UTC. Tokens, passwords and bodies were dropped as the recordings were read.</footer>
<script>${new Raw(SCRIPT)}</script></body></html>
`
  return page.toString()
}

const sentenceCase = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

function facts({ exchanges, accounts, files, from, to, findings }: AuditReport): Markup {
  const rows = [
    ['requests', exchanges.toLocaleString('en-US')],
    ['accounts', accounts.toLocaleString('en-US')],
    ['recordings', files.length.toLocaleString('en-US')],
    ['findings', findings.length.toLocaleString('en-US')],
    ...(from === undefined || to === undefined
      ? []
      : [['traffic', `${utc(from)} to ${utc(to)}, ${lengthText(to - from)}`]]),
  ]
  return html`<dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}

const about = ({ readings, notes, files }: AuditReport): Markup => html`<section id="about"><h2>About this audit</h2>
${list('Recordings', files.map(fileText))}${list('Judged by', readings)}${list('Notes', notes)}
${files.length + readings.length + notes.length === 0 && html`<p class="none">${count(0, 'recording')}.</p>`}</section>`

const list = (title: string, lines: readonly string[]) =>
  lines.length > 0 && html`<h3>${title}</h3><ul class="plain">${lines.map((line) => html`<li>${line}</li>`)}</ul>`
