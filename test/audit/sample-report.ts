import type { AuditFinding, AuditReport, Evidence, RuleResult, TimelineEntry } from '../../src/audit/report.ts'
import { createMonitors } from '../../src/monitors/index.ts'

/** Reports made by hand, for what renders them. 2026-01-05 10:00:00 UTC and seconds after it. */
export const START_MS = Date.UTC(2026, 0, 5, 10)
export const at = (seconds: number) => START_MS + seconds * 1000

/** Does harm wherever it is taken for anything but text. */
export const HOSTILE = [
  '</script></style></title></svg><img src=x onerror="globalThis.harmed=1">',
  '" onfocus="globalThis.harmed=1" autofocus x="',
  "'><script>globalThis.harmed=1</script>",
  '`|*_[link](javascript:globalThis.harmed=1)<b>{{0}}{1}',
  '\u001b[2J\u001b]0;title\u0007\r\n::error file=x::y%0A]]>&amp;\u0000\ufffe\ud800\u202e@everyone #1',
].join(' ')

type Sent = Partial<TimelineEntry> & Pick<TimelineEntry, 'endpoint'>

/** A request of the timeline, sent `seconds` after the start and answered 0.2 s later. */
export function sent(seconds: number, { status = 200, ...rest }: Sent): TimelineEntry {
  return {
    atMs: at(seconds),
    answeredAtMs: at(seconds + 0.2),
    account: 'acct-1',
    at: { file: 'web.har' },
    status,
    ...rest,
  }
}

/** The evidence of a request of the timeline. */
export const evidence = ({ at, atMs, endpoint, status }: TimelineEntry, uncertaintyMs = 0): Evidence => ({
  at,
  time: { earliestMs: atMs, latestMs: atMs + uncertaintyMs },
  request: `POST /api/v2/token/${endpoint === 'create' ? '' : `${endpoint}/`} → ${status}`,
})

const day: TimelineEntry[] = []
const add = (entry: TimelineEntry) => {
  day.push({ ...entry, at: entry.at.file === 'web.har' ? { file: 'web.har', entry: day.length + 1 } : entry.at })
  return day.at(-1) as TimelineEntry
}
const grant = (seconds: number, endpoint: 'create' | 'refresh', accessId: string, account = 'acct-1') =>
  add(sent(seconds, { endpoint, account, granted: { accessId, expiresAtMs: at(seconds + 3600) } }))

grant(4, 'create', 'a3f1')
for (let n = 0; n < 18; n++) add(sent(20 + n * 9.4, { endpoint: 'api' }))
grant(2810, 'refresh', '77c0')
const throttled = add(sent(5590, { endpoint: 'refresh', status: 429 }))
const early = add(sent(5631.4, { endpoint: 'refresh', granted: { accessId: 'e901', expiresAtMs: at(9231) } }))
for (let n = 0; n < 6; n++) add(sent(5640 + n * 11, { endpoint: 'api', status: n === 2 ? 401 : 200 }))
const again = add(sent(5700, { endpoint: 'refresh', status: 502 }))
add(sent(5740, { endpoint: 'validate', status: 'dropped' }))
grant(40, 'create', 'b001', 'acct-2')
const needless = grant(1900, 'create', 'b002', 'acct-2')
const waivedSend = add(sent(1960, { endpoint: 'validate', account: 'acct-2', at: { file: 'worker.jsonl', line: 31 } }))
for (let n = 0; n < 9; n++) add(sent(1905 + n * 6, { endpoint: 'api', account: 'acct-2' }))

/** A finding of invariant 3, but for what is given. */
export const finding = (given: Partial<AuditFinding> = {}): AuditFinding => ({
  id: 'invariant-3/1',
  rule: 'invariant-3',
  verdict: 'fail',
  severity: 'error',
  confidence: 'high',
  ids: ['pause-after-429', 'D-pause-length', 'D-refresh-429'],
  account: 'acct-1',
  trigger: evidence(throttled),
  offence: evidence(early),
  observed: 'a refresh was sent 41.2 s after a 429',
  required: 'allowed from 2026-01-05T11:43:10.200Z',
  remedy: 'Keep the time of the 429 where every process of the account sees it, and send nothing before it ends.',
  ...given,
})

const FINDINGS: readonly AuditFinding[] = [
  finding(),
  finding({
    id: 'invariant-3/2',
    offence: evidence(again),
    observed: 'a refresh was sent 1 min 50 s after a 429',
    confidence: 'medium',
  }),
  finding({
    id: 'invariant-10/1',
    rule: 'invariant-10',
    ids: ['expired-access-refreshes', 'cache-tokens'],
    account: 'acct-2',
    trigger: undefined,
    offence: evidence(needless),
    observed: 'a create was sent, though a refresh token usable for 84,540 s was held',
    required: 'a refresh in its place',
    remedy: 'Refresh with the token that is held, and sign in only when it has expired.',
  }),
  finding({
    id: 'refresh-before-expiry/1',
    rule: 'refresh-before-expiry',
    severity: 'note',
    verdict: 'inconclusive',
    confidence: 'low',
    ids: ['refresh-before-expiry'],
    offence: evidence(day[19] as TimelineEntry, 1000),
    trigger: undefined,
    observed: 'a refresh may have been sent 9 min 59.8 s before the expiry',
    required: 'a refresh 10 to 15 min before the expiry',
    remedy: 'Draw the moment of the refresh from the window of 10 to 15 min before the expiry.',
    because: 'the access log knows times to the second, and only some readings of it are too late',
  }),
  finding({
    id: 'validate-optionally/1',
    rule: 'validate-optionally',
    severity: 'note',
    ids: ['validate-optionally'],
    account: 'acct-2',
    trigger: undefined,
    offence: evidence(waivedSend),
    observed: 'API request 6 in a row with a validate of its own',
    required: 'validate before large batches only',
    remedy: 'Trust the expiry that the token states.',
    waived: { reason: 'the nightly job validates by agreement', expires: '2026-03-31' },
  }),
]

/** What came of every rule, by the findings; those of `open` could not be judged. */
export function rulesFor(findings: readonly AuditFinding[], open: Readonly<Record<string, string>> = {}) {
  return createMonitors().map(({ id, title, ids }): RuleResult => {
    const own = findings.filter(({ rule }) => rule === id)
    const failed = own.some(({ verdict }) => verdict === 'fail')
    const verdict = failed ? 'fail' : open[id] !== undefined || own.length > 0 ? 'inconclusive' : 'pass'
    const severity = own[0]?.severity ?? (id.startsWith('D-') ? 'warning' : 'error')
    return { rule: id, title, ids, severity, verdict, because: failed ? undefined : open[id], findings: own.length }
  })
}

/** Two accounts, two recordings: fails, what is not sure, what is waived. */
export const SAMPLE: AuditReport = {
  schema: 1,
  version: '0.1.0',
  files: [
    { file: 'web.har', format: 'har', producer: 'WebInspector', exchanges: 31, skipped: 42 },
    { file: 'worker.jsonl', format: 'journal', exchanges: 11, skipped: 0 },
  ],
  from: at(4),
  to: at(5740.2),
  exchanges: 42,
  accounts: 2,
  readings: ['D-budget: create, refresh and validate count, for each account'],
  notes: ['web.har was not in the order of time and has been sorted.'],
  rules: rulesFor(FINDINGS, {
    'invariant-11': 'No recording tells what callers asked for: only a journal does.',
    'invariant-12': 'No recording tells what was given out.',
    'invariant-13': 'No recording tells of callers who gave up.',
  }),
  findings: FINDINGS,
  timeline: day.toSorted((a, b) => a.atMs - b.atMs),
  timelineCut: false,
}

/** Nothing to complain of. */
export const CLEAN: AuditReport = {
  ...SAMPLE,
  rules: rulesFor([]),
  findings: [],
  notes: [],
  timeline: SAMPLE.timeline.filter(({ status }) => status === 200),
}

/** Nothing in it. */
export const EMPTY: AuditReport = {
  ...SAMPLE,
  files: [],
  from: undefined,
  to: undefined,
  exchanges: 0,
  accounts: 0,
  readings: [],
  notes: [],
  rules: rulesFor([], Object.fromEntries(createMonitors().map(({ id }) => [id, 'No request was found.']))),
  findings: [],
  timeline: [],
}

const KEPT = new Set(['schema', 'severity', 'confidence', 'verdict', 'format', 'endpoint', 'status', 'kind', 'ids'])

/** The sample with harm in every text that a recording could put there. */
export const HOSTILE_REPORT: AuditReport = harmed(SAMPLE) as AuditReport

function harmed(value: unknown, key = ''): unknown {
  if (KEPT.has(key)) return value
  if (typeof value === 'string') return `${value} ${HOSTILE}`
  if (Array.isArray(value)) return value.map((item) => harmed(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, harmed(held, name)]))
}

/** Times that no clock says. */
export const TIMELESS: AuditReport = {
  ...SAMPLE,
  from: -1e308,
  to: 1e308,
  findings: SAMPLE.findings.map((one) => ({
    ...one,
    offence: one.offence && { ...one.offence, time: { earliestMs: 1e308, latestMs: 1e308 } },
  })),
  timeline: SAMPLE.timeline.map((entry, n) => (n % 2 === 0 ? { ...entry, atMs: -1e308, answeredAtMs: 1e308 } : entry)),
}
