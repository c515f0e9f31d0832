import { createMonitors, type Finding, judge, judging } from '../../monitors/index.ts'
import { INVARIANTS } from '../../policy/catalogue.ts'
import { DEFAULT_POLICY } from '../../policy/defaults.ts'
import { duration } from '../../policy/words.ts'
import type { RequestEntry } from '../../sandbox/index.ts'
import { dayTime, type Narrator } from './narrator.ts'
import { TOLD, traceOf } from './trace.ts'
import type { WireMoment } from './wire.ts'

/** What the day left behind. */
export interface Evidence {
  /** The server's log of this client's requests. */
  readonly log: readonly RequestEntry[]
  readonly wire: readonly WireMoment[]
  /** What went otherwise than planned; `undefined` when the client was broken on purpose. */
  readonly surprises: readonly string[] | undefined
}

const ENDPOINTS = ['create', 'refresh', 'validate', 'api'] as const

/** Prints the summary; whether the day was a good one. */
export function summarize(
  { log, wire, surprises }: Evidence,
  { paint }: Narrator,
  print: (line: string) => void,
): boolean {
  const monitors = judging(createMonitors(), TOLD)
  const findings = judge(traceOf(log, wire), monitors)
  const heading = (text: string) => print(`\n${paint('bold', text)}`)

  heading('What the server saw')
  for (const row of requestTable(log)) print(row)
  const tokenRequests = log.filter(({ endpoint }) => endpoint !== 'api')
  const { budgetLimit, budgetWindowMs, pauseMs } = DEFAULT_POLICY
  const most = mostWithin(tokenRequests, budgetWindowMs)
  print(`most token requests in any ${budgetWindowMs / 1000} s: ${most} (at most ${budgetLimit})`)
  const shortest = shortestAfter429(tokenRequests)
  const distance =
    shortest === undefined ? 'no 429 was followed by one' : `${duration(shortest)} (at least ${duration(pauseMs)})`
  print(`shortest time from a 429 to the next token request: ${distance}`)

  heading('What that shows of the policy')
  const tested = testedBy(log)
  for (const { id, invariant, title } of monitors) {
    const found = findings.filter(({ monitor }) => monitor === id)
    const name = invariant === undefined ? id : `invariant ${invariant}`
    const times = invariant === undefined ? undefined : tested[invariant]
    const verdict =
      found.length > 0
        ? paint(['bold', 'red'], 'BROKEN')
        : paint(times?.[0] === 0 ? 'dim' : 'green', times?.[0] === 0 ? 'idle  ' : 'held  ')
    print(`${verdict} ${name.padEnd(23)} ${title}${times === undefined ? '' : paint('dim', ` (${times.join(' ')})`)}`)
    for (const finding of found.slice(0, 3)) print(`       ${paint('red', describe(finding))}`)
    if (found.length > 3) print(`       … and ${found.length - 3} more`)
  }
  for (const { number, summary } of INVARIANTS)
    if (!monitors.some(({ invariant }) => invariant === number))
      print(
        paint(
          'dim',
          `unseen invariant ${String(number).padEnd(13)} ${summary} No server’s log shows this; the tests do.`,
        ),
      )

  if (surprises !== undefined && surprises.length > 0) {
    heading('What went otherwise than planned')
    for (const surprise of surprises) print(`not so: ${surprise}`)
  }

  const broken = monitors.filter(({ id }) => findings.some(({ monitor }) => monitor === id))
  print('')
  if (broken.length > 0) {
    const names = broken.map(({ id, invariant, ids }) =>
      invariant === undefined ? id : `invariant ${invariant} (${ids[0]})`,
    )
    print(paint(['bold', 'red'], `Broken: ${names.join(', ')}.`))
    return false
  }
  if (surprises !== undefined && surprises.length > 0) {
    print(paint(['bold', 'red'], 'Every invariant held, but the day went otherwise than planned.'))
    return false
  }
  print(paint(['bold', 'green'], `Every invariant that traffic can show held.`))
  return true
}

const describe = ({ atMs, evidence, ids }: Finding) => `${dayTime(atMs)}  ${evidence} [${ids.slice(0, 2).join(', ')}]`

function requestTable(log: readonly RequestEntry[]): string[] {
  const statuses = [...new Set(log.map(({ status }) => String(status)))].sort()
  const row = (name: string, cells: readonly (string | number)[]) =>
    `${name.padEnd(10)}${cells.map((cell) => String(cell || '·').padStart(9)).join('')}`
  const counts = (endpoint: string) =>
    statuses.map(
      (status) => log.filter((entry) => entry.endpoint === endpoint && String(entry.status) === status).length,
    )
  return [row('requests', statuses), ...ENDPOINTS.map((endpoint) => row(endpoint, counts(endpoint)))]
}

function mostWithin(requests: readonly RequestEntry[], windowMs: number): number {
  const counts = requests.map(
    ({ atMs }, last) => requests.slice(0, last + 1).filter((earlier) => atMs - earlier.atMs < windowMs).length,
  )
  return Math.max(0, ...counts)
}

function shortestAfter429(requests: readonly RequestEntry[]): number | undefined {
  const distances = requests.flatMap(({ atMs }, index) => {
    const before = requests[index - 1]
    return before?.status === 429 ? [atMs - before.answeredAtMs] : []
  })
  return distances.length === 0 ? undefined : Math.min(...distances)
}

/** How often the traffic put an invariant to the test; what nothing tested is not called held. */
function testedBy(log: readonly RequestEntry[]): Readonly<Record<number, readonly [times: number, what: string]>> {
  const count = (endpoint: RequestEntry['endpoint'], wanted: (status: number) => boolean = () => true) =>
    log.filter(({ endpoint: asked, status }) => asked === endpoint && wanted(typeof status === 'number' ? status : 599))
      .length
  const creates = count('create')
  const tokenRequests = creates + count('refresh') + count('validate')
  const throttled = log.filter(({ endpoint, status }) => endpoint !== 'api' && status === 429).length
  const rejected = (status: number) => status >= 400 && status < 500 && status !== 401 && status !== 429
  return {
    1: [creates + count('refresh'), 'creates and refreshes'],
    2: [tokenRequests, 'token requests'],
    3: [throttled, '× 429'],
    4: [count('api'), 'API requests'],
    5: [count('refresh', (status) => status === 200), 'rotations'],
    6: [count('api', (status) => status >= 400), 'API requests refused'],
    7: [count('create', (status) => status === 401), '× create 401'],
    8: [count('refresh', rejected), '× refresh 4xx'],
    9: [count('create', (status) => status >= 400 && status !== 429), 'failed creates'],
    10: [creates, 'creates'],
  }
}
