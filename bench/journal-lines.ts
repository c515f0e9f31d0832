import { encodeLine, JOURNAL, JOURNAL_VERSION, type JournalLine, PRODUCER } from '../src/journal/format.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const CLIENT = '0123abcd-0000-4000-8000-000000000000'
const BY = CLIENT.slice(0, 8)
const ACCOUNT = hex(7)
/** API requests of one token: it is refreshed before it expires. */
const PER_TOKEN = 3_000

/** A clean journal without end: a sign-in, an API request a second, a refresh before each expiry, and what the chart says. */
export function* journal(): Generator<string> {
  const startedAtMs = Date.UTC(2026, 0, 5)
  const header = { journal: JOURNAL, version: JOURNAL_VERSION, producer: PRODUCER, startedAtMs } as const
  yield encodeLine({ ...header, origin: 'https://api.test', account: ACCOUNT, client: CLIENT })
  let send = 0
  const exchange = (atMs: number, tookMs: number, sent: object, answered: object = {}) => {
    send++
    const request = { kind: 'sent', by: BY, atMs, send, ...sent }
    const outcome = { kind: 'answered', by: BY, atMs: atMs + tookMs, send, status: 200, ...answered }
    return told(request) + told(outcome)
  }
  for (let generation = 1, atMs = startedAtMs; ; generation++) {
    const endpoint = generation === 1 ? 'create' : 'refresh'
    const path = generation === 1 ? '/api/v2/token/' : '/api/v2/token/refresh/'
    const used = generation === 1 ? { credentialsId: hex(1) } : { refreshId: hex(2 * generation - 2) }
    const accessExpAtMs = atMs + HOUR_MS
    yield exchange(
      atMs,
      100,
      { endpoint, method: 'POST', path, authScheme: 'none', ...used },
      {
        ...{ grantedAccessId: hex(2 * generation - 1), grantedAccessExpAtMs: accessExpAtMs },
        ...{ grantedRefreshId: hex(2 * generation), grantedRefreshExpAtMs: atMs + DAY_MS },
      },
    )
    const step = { region: 'tokens', from: `sending.${endpoint}`, to: 'valid', gate: 'open', event: 'xstate.done' }
    yield told({ kind: 'transition', by: BY, atMs: atMs + 100, ...step, ids: [], why: '', generation })
    for (let request = 0; request < PER_TOKEN; request++) {
      atMs += 1000
      yield exchange(atMs, 40, {
        ...{ endpoint: 'api', method: 'GET', path: '/api/v2/whoami/', authScheme: 'Bearer', requestId: send },
        ...{ accessId: hex(2 * generation - 1), accessExpAtMs },
      })
    }
    atMs += MINUTE_MS
  }
}

const told = (line: object) => encodeLine(line as JournalLine)

function hex(number: number) {
  return number.toString(16).padStart(16, '0')
}
