import { describe, expect, it } from 'vitest'
import type { Item } from '../../src/audit/exchange.ts'
import { withAccounts } from '../../src/audit/readers/accounts.ts'
import { entry, har, jwt, read, tokenEntry } from './har-support.ts'
import { audited } from './renderings.ts'

/** Whose traffic a request is, where the recording began after the tokens had been granted. */

const HOST = 'https://app1.compliancely.com'
const OTHER_HOST = 'https://sandbox.compliancely.com'
const time = (s: number) => new Date(Date.UTC(2026, 0, 5, 10) + s * 1000).toISOString()
const token = (id: string, user?: unknown) => jwt({ jti: id, user_id: user })
const api = (s: number, held: string, host = HOST) =>
  entry({ url: `${host}/api/v2/x/`, at: time(s), headers: { Authorization: `Bearer ${held}` } })
const create = (s: number, username: string, user?: unknown, host = HOST) =>
  tokenEntry('create', {
    ...{ at: time(s), url: `${host}/api/v2/token/`, body: { username, password: 'p' } },
    answer: { access: token(`access ${s}`, user), refresh: token(`refresh ${s}`, user) },
  })
const failedCreate = (s: number, username: string) =>
  tokenEntry('create', { at: time(s), body: { username, password: 'wrong' }, status: 401 })
const throttled = (s: number, user?: unknown) =>
  tokenEntry('refresh', { at: time(s), body: { refresh: token('held', user) }, status: 429 })

/** The accounts of these entries, by the letter: `aab-`, `-` where nobody knows. */
async function accountsOf(...entries: readonly unknown[]): Promise<string> {
  const { items } = await read(har(entries))
  async function* given() {
    yield items
  }
  const ordered: Item[] = []
  for await (const batch of withAccounts(given())) ordered.push(...batch)
  const letters = new Map<string | undefined, string>([[undefined, '-']])
  let told = ''
  for (const item of ordered) {
    const account = item.kind === 'exchange' ? item.account : 'none'
    const letter = letters.get(account) ?? 'abcdef'[letters.size - 1] ?? '?'
    letters.set(account, letter)
    told += letter
  }
  return told
}

describe('tokens that say for whom they are', () => {
  it('are of the account that is granted one for the same, before and after', async () => {
    expect(await accountsOf(api(0, token('held', 7)), create(1, 'ann', 7), api(2, token('held', 7)))).toBe('aaa')
    expect(await accountsOf(throttled(0, 7), create(1, 'ann', 7), failedCreate(2, 'ann'))).toBe('aaa')
    expect(await accountsOf(create(0, 'ann', 7), api(1, token('held', '7')), api(2, token('held', 8)))).toBe('aab')
  })

  it('are apart where they are for others, and where they are of another host', async () => {
    expect(await accountsOf(api(0, token('held', 7)), create(1, 'bob', 8), api(2, token('held', 7)))).toBe('aba')
    const atOther = api(1, token('held', 7), OTHER_HOST)
    expect(await accountsOf(create(0, 'ann', 7), atOther, create(2, 'bob', 7, OTHER_HOST))).toBe('abb')
    // Her name at the other host is hers there alone.
    const elsewhere = [api(0, token('held', 7)), create(1, 'ann', 7), create(2, 'ann', 9, OTHER_HOST)]
    expect(await accountsOf(...elsewhere)).toBe('aab')
  })

  it('are nobody’s once two names were granted tokens for the same', async () => {
    const two = [create(0, 'ann', 7), api(1, token('held', 7)), create(2, 'bob', 7), api(3, token('new', 7))]
    expect(await accountsOf(...two)).toBe('aab-')
    const late = [api(0, token('held', 7)), create(1, 'ann', 7), create(2, 'bob', 7), create(3, 'ann', 7)]
    expect(await accountsOf(...late)).toBe('aaba')
  })

  it.each(['sub', 'user_id'])('say so by %s', async (claim) => {
    const held = jwt({ jti: 'held', [claim]: 'somebody' })
    expect(await accountsOf(api(0, held), create(1, 'ann', 'somebody'))).toBe('aa')
  })

  it.each([{}, '', null, true, 1.5, undefined])('say nothing by %j', async (user) => {
    expect(await accountsOf(api(0, token('held', user)), create(1, 'ann', user))).toBe('-a')
  })
})

describe('in a report', () => {
  it('a 429 for a token of before the recording pauses the sign-in that follows', async () => {
    const { rules, accounts, findings, notes } = await audited(har([throttled(0, 7), create(41, 'ann', 7)]))
    expect(notes).toEqual([])
    expect(rules.find(({ rule }) => rule === 'invariant-3')?.verdict).toBe('fail')
    expect(accounts).toBe(1)
    expect(findings.map(({ account }) => account)).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)])
  })

  it('and pauses nobody where nothing says whose it was', async () => {
    const { rules, accounts, notes } = await audited(har([throttled(0), create(41, 'ann')]))
    const verdict = (id: string) => rules.find(({ rule }) => rule === id)?.verdict
    // Nobody knows, so that it is no fault, and does not pass either.
    expect([verdict('invariant-3'), verdict('no-api-v1')]).toEqual(['inconclusive', 'pass'])
    expect(accounts).toBe(2)
    expect(notes).toEqual([expect.stringMatching(`^Some requests to ${HOST} .* apart`)])
  })

  it('leaves rules of token requests alone where it is API requests that nobody is known to have sent', async () => {
    const { rules } = await audited(har([create(0, 'ann', 7), api(2, 'opaque')]))
    const verdict = (id: string) => rules.find(({ rule }) => rule === id)?.verdict
    expect([verdict('invariant-3'), verdict('invariant-4')]).toEqual(['pass', 'inconclusive'])
  })

  it('names one of the hosts where that is so, and how many more there are', async () => {
    const there = [create(1, 'ann', 7, OTHER_HOST), api(2, 'opaque', OTHER_HOST)]
    const { notes } = await audited(
      har([create(0, 'ann', 7), api(2, 'opaque'), ...there, api(3, 'opaque', 'https://x.test')]),
    )
    expect(notes).toContainEqual(expect.stringContaining(`to ${HOST} and 1 more tell`))
  })

  it('shows no subject', async () => {
    const report = await audited(har([throttled(0, 'CANARY'), create(41, 'ann', 'CANARY')]))
    expect(JSON.stringify(report)).not.toContain('CANARY')
  })
})
