import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AuditReport, audit, REPORTS, UnreadableRecording } from '../../src/audit/index.ts'
import { api, create, demand, failedCreate, type Items, operator, refresh, settled } from '../unit/monitors/traces.ts'
import { AUDITED_AT_MS, asJournal } from './renderings.ts'

/** Journals that nobody would write end in a verdict or in a refusal, and show no secret. */

const SEED = Number(process.env.SEED)
const CANARY = 'canary-secret'
const bytes = (text: string) => new TextEncoder().encode(text)

async function* once(content: Uint8Array) {
  yield content
}

/** What the auditor makes of it; whatever else is thrown fails the test. */
async function outcomeOf(content: AsyncIterable<Uint8Array> | string): Promise<AuditReport | UnreadableRecording> {
  const source = { name: 'x.jsonl', bytes: typeof content === 'string' ? once(bytes(content)) : content }
  try {
    return await audit([source], { nowMs: AUDITED_AT_MS, key: new Uint8Array(32).fill(7) })
  } catch (error) {
    if (error instanceof UnreadableRecording) return error
    throw error
  }
}

/** Everything that anybody may see of it. */
function shownOf(outcome: AuditReport | UnreadableRecording): string {
  const seen = inspect(outcome, { depth: 20, showHidden: true }) + JSON.stringify(outcome)
  if (outcome instanceof UnreadableRecording) return `${seen}${outcome.stack}`
  return Object.values(REPORTS).reduce((all, { render }) => all + render(outcome), seen)
}

const TRACE: Items = [
  ...[demand(0, { demandId: 'd1', deadlineAtMs: 8e15 }), create(0, 1), settled(1, 'd1', { kind: 'token' })],
  ...[api(10, 1, { status: 401, requestId: 'q' }), refresh(600, 2), api(601, 2), operator(700, 'signOut')],
  ...[operator(701, 'signIn'), failedCreate(702, 429, { retryAfterMs: 900_000 }), create(703, 3)],
]
const WHOLE = asJournal(TRACE)
const LINES = WHOLE.trimEnd().split('\n')
const [HEADER = ''] = LINES

const isSound = (outcome: AuditReport | UnreadableRecording) =>
  outcome instanceof UnreadableRecording ? outcome.message.startsWith('x.jsonl') : outcome.rules.length > 25

describe('a journal that', () => {
  it('is cut off anywhere has a verdict, and a half line is no fault', async () => {
    for (let length = HEADER.length + 1; length < WHOLE.length; length += 61) {
      const outcome = await outcomeOf(WHOLE.slice(0, length))
      expect(outcome).not.toBeInstanceOf(UnreadableRecording)
      expect(isSound(outcome)).toBe(true)
    }
    for (let length = 0; length < HEADER.length; length += 17)
      expect(await outcomeOf(WHOLE.slice(0, length))).toBeInstanceOf(UnreadableRecording)
  })

  it('is changed at random ends in a verdict or a refusal', async () => {
    const damage = fc.array(
      fc.record({ at: fc.nat(WHOLE.length), cut: fc.nat(40), text: fc.string({ unit: 'binary', maxLength: 12 }) }),
      { minLength: 1, maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const text = changes.reduce((all, { at, cut, text }) => all.slice(0, at) + text + all.slice(at + cut), WHOLE)
        expect(isSound(await outcomeOf(text))).toBe(true)
      }),
      { seed: SEED, numRuns: 200 },
    )
  })

  it('has any JSON in any field ends in a verdict, and what it left out is inconclusive, not passed', async () => {
    const any = fc.oneof(fc.jsonValue(), fc.constantFrom(1e308, -1e308, '1e999', '__proto__', 'constructor', {}, []))
    const place = fc.tuple(fc.nat(LINES.length - 2), fc.nat(12), any)
    await fc.assert(
      fc.asyncProperty(fc.array(place, { minLength: 1, maxLength: 5 }), async (places) => {
        const lines = [...LINES]
        for (const [row, column, value] of places) {
          const line = JSON.parse(lines[row + 1] ?? '{}') as Record<string, unknown>
          const names = Object.keys(line)
          line[names[column % names.length] ?? 'kind'] = value
          lines[row + 1] = JSON.stringify(line)
        }
        const outcome = await outcomeOf(`${lines.join('\n')}\n`)
        expect(isSound(outcome)).toBe(true)
        if (outcome instanceof UnreadableRecording || outcome.files[0]?.skipped === 0) return
        const tokens = outcome.rules.find(({ rule }) => rule === 'invariant-5')
        expect(tokens).toMatchObject({ verdict: 'inconclusive', because: expect.any(String) })
      }),
      { seed: SEED, numRuns: 200 },
    )
  })

  const [, , , answer = ''] = LINES
  const by = (JSON.parse(answer) as { by: string }).by
  it.each([
    [
      'prototype keys',
      `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"kind":"__proto__","by":"${by}","atMs":1}`,
    ],
    [
      'times of 1e308',
      `{"kind":"sent","by":"${by}","atMs":1e308,"send":99,"endpoint":"api","method":"GET","path":"/","authScheme":"none"}`,
    ],
    ['times that are infinite', `{"kind":"operator","by":"${by}","atMs":1e999,"action":"signIn"}`],
    ['deep nesting', `{"kind":"sent","by":"${by}","atMs":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['nesting that never ends', '['.repeat(500_000)],
    ['a lone surrogate', `{"kind":"\\ud800","by":"${by}","atMs":1}`],
    ['NULs', '\0'.repeat(5_000)],
  ])('has %s', async (_, line) => {
    const outcome = await outcomeOf(`${[...LINES.slice(0, 4), line, ...LINES.slice(4)].join('\n')}\n`)
    expect(outcome).not.toBeInstanceOf(UnreadableRecording)
    expect((outcome as AuditReport).exchanges).toBe(6)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  const throttled = (atMs: number, retryAfterMs: number) =>
    asJournal([
      api(10, 1, { status: 429, retryAfterMs: 1_000 }),
      ...[api(11, 1, { requestId: 'q' }), failedCreate(12, 429, { retryAfterMs: 1_000 }), failedCreate(13, 429)],
    ])
      .replaceAll('"retryAfterMs":1000', `"retryAfterMs":${retryAfterMs}`)
      .replaceAll(/"atMs":(\d+)/g, (_, ms: string) => `"atMs":${atMs === 0 ? ms : atMs}`)
  it.each([
    ['a pause to the end of time', 0, 8.64e15],
    ['a pause of 1e308', 0, 1e308],
    ['a pause of a year', 0, 31_536_000_000],
    ['everything at the end of time', 8.64e15, 31_536_000_000],
  ])('has %s is judged, and reported in every form', async (_, atMs, retryAfterMs) => {
    const outcome = await outcomeOf(throttled(atMs, retryAfterMs))
    expect(outcome).not.toBeInstanceOf(UnreadableRecording)
    const { findings } = outcome as AuditReport
    expect(findings.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['invariant-3', 'D-api-429']))
    expect(shownOf(outcome)).toContain('allowed from')
  })

  it.each([
    ['prototype keys in its header', HEADER.replace('{', '{"__proto__":{"journal":1},')],
    ['a time of 1e308 in its header', HEADER.replace(/"startedAtMs":\d+/, '"startedAtMs":1e308')],
    ['a version that is none', HEADER.replace('"version":1', '"version":"1"')],
    ['a version of tomorrow', HEADER.replace('"version":1', '"version":1e308')],
    ['an origin that is none', HEADER.replace('https://sandbox.test', 'canary-secret')],
    ['nothing but a header', HEADER],
  ])('has %s', async (_, header) => {
    const outcome = await outcomeOf(`${[header, ...LINES.slice(1)].join('\n')}\n`)
    expect(isSound(outcome)).toBe(true)
    expect(shownOf(outcome)).not.toContain(CANARY)
  })

  it('has a line of 100 MB is read on after it, in bounded memory', async () => {
    const chunk = bytes(CANARY.repeat(80_000))
    async function* content() {
      yield bytes(`${LINES.slice(0, 4).join('\n')}\n{"kind":"`)
      for (let left = 100_000_000; left > 0; left -= chunk.length) yield chunk
      yield bytes(`"}\n${LINES.slice(4).join('\n')}\n`)
    }
    const outcome = (await outcomeOf(content())) as AuditReport
    expect(outcome).toMatchObject({ exchanges: 6, files: [{ skipped: 1 }] })
    expect(outcome.rules.find(({ rule }) => rule === 'invariant-5')?.verdict).toBe('inconclusive')
    expect(shownOf(outcome)).not.toContain(CANARY)
  })

  it('tells 50 000 things of one ms ends', async () => {
    const line = LINES.find((each) => each.includes('"operator"')) ?? ''
    const outcome = await outcomeOf(`${[HEADER, ...Array.from({ length: 50_000 }, () => line)].join('\n')}\n`)
    expect(isSound(outcome)).toBe(true)
  })
})

describe('no secret that somebody wrote into a journal is in what is shown', () => {
  const fieldsOf = (line: string) => Object.keys(JSON.parse(line) as object)
  const places = LINES.flatMap((line, row) => fieldsOf(line).map((name) => ({ row, name })))

  it('whichever field it is in', async () => {
    let read = 0
    for (const { row, name } of places) {
      // A path is what a report names requests by: of that only what looks like a secret is one.
      const secret = name === 'path' ? `/api/${CANARY}-0123456789-0123456789/x;${CANARY}` : CANARY
      const line = { ...(JSON.parse(LINES[row] ?? '{}') as object), [name]: secret }
      const outcome = await outcomeOf(`${LINES.with(row, JSON.stringify(line)).join('\n')}\n`)
      if (!(outcome instanceof UnreadableRecording)) read++
      expect(shownOf(outcome), `${row} ${name}`).not.toContain(CANARY)
    }
    expect(read).toBeGreaterThan(100)
  })

  it('nor of a query, or of a line that is none', async () => {
    const text = WHOLE.replaceAll('/api/v2/whoami/', `/api/v2/whoami/?token=${CANARY}#${CANARY}`)
    const outcome = await outcomeOf(`${text}${CANARY}\n{"kind":"${CANARY}"}\n{"${CANARY}`)
    expect((outcome as AuditReport).findings.length).toBeGreaterThan(0)
    expect(shownOf(outcome)).not.toContain(CANARY)
    expect(shownOf(await outcomeOf(`{"journal":"${CANARY}"}\n${WHOLE}`))).not.toContain(CANARY)
  })
})
