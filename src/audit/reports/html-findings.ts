import { policyEntry } from '../../policy/catalogue.ts'
import type { AuditFinding, Evidence, TimelineEntry } from '../report.ts'
import type { RuleGroup } from './groups.ts'
import { html, type Markup, type Part } from './html-markup.ts'
import { minutesOf } from './html-minutes.ts'
import type { Numbered } from './html-timeline.ts'
import { evidenceOf, type Pause } from './timeline.ts'
import { count, instantText, placeText } from './words.ts'

/** What small drawings are made of. */
export interface Traffic {
  readonly entries: readonly TimelineEntry[]
  readonly pauses: readonly Pause[]
}

/** A rule with those of its findings that are told. */
export interface RuleBlock {
  readonly group: RuleGroup
  readonly told: readonly Numbered[]
  /** Findings that are only counted. */
  readonly left: number
}

/** The findings of the rules, each with its evidence, its minutes and what to change. */
export function findingsSection(blocks: readonly RuleBlock[], traffic: Traffic): Markup {
  const told = blocks.filter((block) => block.told.length > 0 || block.left > 0)
  return html`<section id="findings"><h2>Findings</h2>
${told.length === 0 && html`<p class="none">None.</p>`}${told.map((block) => blockOf(block, traffic))}</section>`
}

const blockOf = (
  { group: { rule, status }, told, left }: RuleBlock,
  traffic: Traffic,
) => html`<section class="rule-block">
<div class="rule-head"><h3><code>${rule.rule}</code> ${rule.title}<span class="chip ${status === 'fail' ? rule.severity : status}">${status === 'fail' ? rule.severity : WORDS[status]}</span></h3>
<p>${rule.ids.map((id, at) => html`${at > 0 && ' · '}<code title="${policyEntry(id as string)?.summary ?? ''}">${id}</code>`)}</p></div>
${told.map((one) => articleOf(one, traffic))}
${left > 0 && html`<p class="more">… and ${left.toLocaleString('en-US')} more of this rule</p>`}</section>`

/** What came of a rule, for people. */
export const WORDS = { fail: 'broken', inconclusive: 'not judged', waived: 'waived', pass: 'held' } as const

function articleOf({ number, finding }: Numbered, traffic: Traffic): Markup {
  const { observed, required, remedy, because, waived, verdict, confidence, account, trigger, offence } = finding
  const doubt = verdict === 'inconclusive' && waived === undefined
  const fields: readonly (readonly [string, Part, string?])[] = [
    ['where', offence && evidenceMarkup(offence)],
    ['after', trigger && evidenceMarkup(trigger)],
    ['account', account],
    ['required', required],
    ['change', remedy, 'change'],
    ['not sure', because],
    ['waived', waived && `until ${waived.expires}: ${waived.reason}`],
    ['trust', confidence !== 'high' && `${confidence} confidence`],
  ]
  const isPinned = evidenceOf(finding).length > 0
  return html`<article id="finding-${number}" tabindex="-1" aria-labelledby="observed-${number}">
<div class="finding-head"><span class="number">${number}</span><h4 id="observed-${number}">${observed}${doubt && html` <span class="chip inconclusive">not sure</span>`}${waived !== undefined && html` <span class="chip waived">waived</span>`}</h4></div>
<dl class="fields">${fields.map(([name, value, css]) => value !== undefined && value !== false && value !== '' && html`<dt>${name}</dt><dd${css !== undefined && html` class="${css}"`}>${value}</dd>`)}</dl>
${minutesOf(finding, traffic)}
${isPinned && html`<p class="to-timeline"><a href="#pin-${number}">Show finding ${number} on the timeline</a></p>`}</article>`
}

const evidenceMarkup = ({ at, request, time }: Evidence) =>
  html`<code>${placeText(at)}</code> ${request}, <span class="when">${instantText(time)}</span>`

/** Gives the findings their numbers, and as many of each rule as are told. Those of fails first, then the doubtful, then the waived. */
export function blocksOf(groups: readonly RuleGroup[], most: number): readonly RuleBlock[] {
  let number = 0
  return groups.map((group) => {
    const all: readonly AuditFinding[] = [...group.failed, ...group.unsure, ...group.waived]
    const told = all.slice(0, most).map((finding) => ({ number: ++number, finding }))
    return { group, told, left: all.length - told.length }
  })
}

/** Every rule and what came of it. */
export const rulesSection = (blocks: readonly RuleBlock[]): Markup => html`<section id="rules"><h2>Rules</h2>
<table class="rules"><thead><tr><th scope="col">verdict</th><th scope="col">rule</th><th scope="col">what it asks</th><th scope="col">severity</th><th scope="col">findings</th></tr></thead>
<tbody>${blocks.map(ruleRow)}</tbody></table></section>`

function ruleRow({ group: { rule, status }, told, left }: RuleBlock): Markup {
  const [first] = told
  const amount = told.length + left
  const link = first !== undefined && html`<a href="#finding-${first.number}">${count(amount, 'finding')}</a>`
  return html`<tr><td><span class="chip ${status}">${WORDS[status]}</span></td><td class="id"><code>${rule.rule}</code></td><td class="what">${rule.title}${rule.because !== undefined && html`<div class="because">${rule.because}</div>`}</td><td>${rule.severity}</td><td class="amount">${link}</td></tr>`
}
