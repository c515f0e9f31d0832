import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { audit } from '../../src/audit/index.ts'
import { run } from '../e2e/run.ts'
import { inChunks } from './har-support.ts'
import { authRefresh, google, oauth2Client, ours, type Start, signsInEachTime, tutorial } from './others/clients.ts'
import { play, SCENARIOS, type Scenario } from './others/scenarios.ts'

const IN_A_ROW = 'five calls, one after the other'
const REVOKED = 'the token is revoked, and five call together'
const SUSPENDED = 'the machine is suspended past the expiry, and five call together'
const TWICE = 'the token is revoked twice'
const THROTTLED = 'the refresh is answered 429, and two more call'
const WRONG = 'the password is wrong, and two call'

/** `whoami 401` of each request, by the time it was sent. */
function linesOf(har: string): string[] {
  const { log } = JSON.parse(har) as {
    log: { entries: { request: { method: string; url: string }; response: { status: number } }[] }
  }
  return log.entries.map(({ request, response }) => {
    const [name] = new URL(request.url).pathname.split('/').slice(-2)
    return `${name} ${response.status}`
  })
}

async function judged(har: string) {
  const bytes = inChunks(Buffer.from(har))
  const { rules, findings } = await audit([{ name: 'x.har', bytes }], { nowMs: 0, key: new Uint8Array(32) })
  return {
    failed: rules.filter(({ verdict }) => verdict === 'fail').map(({ rule }) => rule),
    doubtful: findings.filter(({ verdict }) => verdict === 'inconclusive').map(({ rule }) => rule),
  }
}

interface Case {
  readonly scenario: Scenario
  /** Requests that went over the wire, by the time they were sent. */
  readonly sent: readonly string[]
  readonly breaks: readonly string[]
  readonly refreshesTogether?: number
}

const times = <T>(count: number, what: T): T[] => Array.from({ length: count }, () => what)
const START = ['token 200', 'whoami 200']

// Refused for good, and asked again with the same password by the next caller.
const WRONG_TWICE: Case = { scenario: WRONG, sent: times(2, 'token 401'), breaks: ['invariant-7'] }
const KEPT_WELL: Case = { scenario: IN_A_ROW, sent: ['token 200', ...times(5, 'whoami 200')], breaks: [] }

const CLIENTS: readonly { readonly name: string; readonly start: Start; readonly cases: readonly Case[] }[] = [
  {
    name: 'axios with the interceptor of the tutorials',
    start: tutorial,
    cases: [
      KEPT_WELL,
      {
        scenario: REVOKED,
        refreshesTogether: 5,
        // Each of the five refreshes by itself, and all at once: one wins, and the server has blacklisted the token for four.
        sent: [...START, ...times(5, 'whoami 401'), 'refresh 200', ...times(4, 'refresh 401'), 'whoami 200'],
        breaks: ['invariant-1', 'refresh-once'],
      },
      {
        scenario: SUSPENDED,
        refreshesTogether: 5,
        // The same, and it looks at no expiry: five requests went out with a token that had expired a minute before.
        sent: [...START, ...times(5, 'whoami 401'), 'refresh 200', ...times(4, 'refresh 401'), 'whoami 200'],
        breaks: ['invariant-1', 'invariant-4', 'refresh-once'],
      },
      // One caller at a time, it does what the guide asks: one refresh, one replay, both tokens replaced.
      {
        scenario: TWICE,
        sent: [...START, ...times(2, ['whoami 401', 'refresh 200', 'whoami 200']).flat()],
        breaks: [],
      },
      {
        scenario: THROTTLED,
        // The next caller sends the refused token once more, is refused, and brings about a refresh within the pause.
        sent: [...START, 'whoami 401', 'refresh 429', 'whoami 401', 'refresh 200', ...times(2, 'whoami 200')],
        breaks: ['invariant-3', 'invariant-4'],
      },
      WRONG_TWICE,
    ],
  },
  {
    name: 'axios-auth-refresh',
    start: authRefresh,
    cases: [
      KEPT_WELL,
      // One refresh and one replay; the other four callers get their 401, which is hard on them and no offence.
      { scenario: REVOKED, sent: [...START, ...times(5, 'whoami 401'), 'refresh 200', 'whoami 200'], breaks: [] },
      {
        scenario: SUSPENDED,
        // It waits for a 401 and looks at no expiry.
        sent: [...START, ...times(5, 'whoami 401'), 'refresh 200', 'whoami 200'],
        breaks: ['invariant-4'],
      },
      {
        scenario: TWICE,
        sent: [...START, ...times(2, ['whoami 401', 'refresh 200', 'whoami 200']).flat()],
        breaks: [],
      },
      {
        scenario: THROTTLED,
        // As the tutorials': it shares a refresh in flight, and remembers nothing of one that failed.
        sent: [...START, 'whoami 401', 'refresh 429', 'whoami 401', 'refresh 200', ...times(2, 'whoami 200')],
        breaks: ['invariant-3', 'invariant-4'],
      },
      WRONG_TWICE,
    ],
  },
  {
    name: 'axios in a script that signs in for each call',
    start: signsInEachTime,
    cases: [
      // Four sign-ins while the refresh token of the one before was good for a day.
      { scenario: IN_A_ROW, sent: times(5, START).flat(), breaks: ['invariant-10'] },
      WRONG_TWICE,
    ],
  },
  {
    // It goes by the system's clock, which no scenario moves: suspension is not for it.
    name: '@badgateway/oauth2-client',
    start: oauth2Client,
    cases: [
      KEPT_WELL,
      // One refresh for all, and a replay for each.
      {
        scenario: REVOKED,
        sent: [...START, ...times(5, 'whoami 401'), 'refresh 200', ...times(5, 'whoami 200')],
        breaks: [],
      },
      {
        scenario: TWICE,
        sent: [...START, ...times(2, ['whoami 401', 'refresh 200', 'whoami 200']).flat()],
        breaks: [],
      },
      {
        scenario: THROTTLED,
        // It takes every failure for a refused refresh token: signs in within the pause, and gives a good pair up.
        sent: [...START, 'whoami 401', 'refresh 429', 'token 200', ...times(3, 'whoami 200')],
        breaks: ['invariant-3', 'invariant-10'],
      },
      WRONG_TWICE,
    ],
  },
  {
    // The system's clock here too.
    name: 'google-auth-library',
    start: google,
    cases: [
      KEPT_WELL,
      {
        scenario: REVOKED,
        sent: [...START, ...times(5, 'whoami 401'), 'refresh 200', ...times(5, 'whoami 200')],
        breaks: [],
      },
      {
        scenario: TWICE,
        // Google does not rotate, and it keeps the first refresh token whatever comes: the second refresh sends a spent one.
        sent: [...START, 'whoami 401', 'refresh 200', 'whoami 200', 'whoami 401', 'refresh 401'],
        breaks: ['invariant-5'],
      },
      {
        scenario: THROTTLED,
        // It retries a 429 by itself, a tenth of a second later.
        sent: [...START, 'whoami 401', 'refresh 429', 'refresh 200', ...times(3, 'whoami 200')],
        breaks: ['invariant-3'],
      },
      WRONG_TWICE,
    ],
  },
  {
    name: 'this client',
    start: ours,
    cases: [
      KEPT_WELL,
      {
        scenario: REVOKED,
        sent: [...START, ...times(5, 'whoami 401'), 'refresh 200', ...times(5, 'whoami 200')],
        breaks: [],
      },
      { scenario: SUSPENDED, sent: [...START, 'refresh 200', ...times(5, 'whoami 200')], breaks: [] },
      {
        scenario: TWICE,
        sent: [...START, ...times(2, ['whoami 401', 'refresh 200', 'whoami 200']).flat()],
        breaks: [],
      },
      // The two who call in the pause are told until when, and nothing is sent.
      { scenario: THROTTLED, sent: [...START, 'whoami 401', 'refresh 429'], breaks: [] },
      { scenario: WRONG, sent: ['token 401'], breaks: [] },
    ],
  },
]

describe.each(CLIENTS)('$name', ({ start, cases }) => {
  it.each(cases)('$scenario: breaks $breaks', async ({ scenario, sent, breaks, refreshesTogether }) => {
    // oauth2-client says there what it does.
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const har = await play(scenario, start, refreshesTogether)
    // Requests that are under way together come in any order.
    expect(linesOf(har).toSorted()).toEqual(sent.toSorted())
    expect(await judged(har)).toEqual({ failed: breaks, doubtful: [] })
  })
})

it('this client goes through every scenario', () => {
  const cases = CLIENTS.find(({ start }) => start === ours)?.cases ?? []
  expect(cases.map(({ scenario }) => scenario)).toEqual(Object.keys(SCENARIOS))
})

describe('the command', () => {
  const audited = async (start: Start) => {
    const folder = mkdtempSync(join(tmpdir(), 'others-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'traffic.har')
    writeFileSync(file, await play(THROTTLED, start))
    return run(['audit', file])
  }

  it('exits 1 for a client that refreshes in the pause, and names the clause', async () => {
    const { code, stdout } = await audited(google)
    expect(stdout).toMatch(/^BROKEN$\s+✗ invariant-3 [^✗?]*\[pause-after-429/m)
    expect(code).toBe(1)
  })

  it('exits 0 for this client', async () => {
    const { code, stdout, stderr } = await audited(ours)
    // All the sections there are: that something held says that it was judged.
    const sections = stdout.match(/^[A-Z ]+$/gm)
    expect({ code, stderr, sections }).toEqual({
      ...{ code: 0, stderr: '' },
      sections: ['COULD NOT BE JUDGED', 'HELD', 'JUDGED BY'],
    })
  })
})
