import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { withAccounts } from '../../src/audit/readers/accounts.ts'
import { SECRET_PATH, SECRET_PATH_SHOWN } from '../support/journal.ts'
import { entry, fixture, har, jwt, read, tokenEntry } from './har-support.ts'

/** Everything that can be seen of what was read. */
const seen = async (content: string | Uint8Array) => {
  const outcome = await read(content)
  const { recording, items, error } = outcome
  const shown = [recording, recording?.abilities(), items, error, (error as Error | undefined)?.stack]
  return shown.map((value) => inspect(value, { depth: 20, showHidden: true }) + JSON.stringify(value)).join('\n')
}

const NAMES = ['devtools-full', 'firefox', 'safari', 'playwright', 'mitmproxy', 'polly', 'charles', 'fiddler']

describe('nothing secret is in what was read', () => {
  it.each(NAMES)('of %s', async (name) => {
    const all = fixture(name).toString()
    expect(all).toContain('canary-')
    const shown = await seen(all)
    expect(shown).toContain('/api/v2/token/refresh/')
    expect(shown).not.toMatch(/canary|eyJ|Bearer [^'"]/)
  })

  it('of a path', async () => {
    const { exchanges } = await read(har([entry({ path: SECRET_PATH })]))
    expect(exchanges[0]?.request.path).toBe(SECRET_PATH_SHOWN)
    expect(await seen(har([entry({ path: SECRET_PATH })]))).not.toContain('canary')
  })

  it('of who wrote it', async () => {
    const secret = `eyJhbGciOiJIUzI1NiJ9.canary`
    expect(await seen(har([entry()], { name: secret }))).not.toContain('canary')
    expect((await read(har([entry()], { name: 'mitmproxy' }))).recording?.producer).toBe('mitmproxy')
  })

  it('of two requests to different secrets is one the same as the other', async () => {
    const at = (secret: string) => entry({ method: 'POST', body: {}, path: `/api/v2/x/${secret.repeat(40)}/` })
    const { exchanges } = await read(har([at('a'), at('b'), at('a')]))
    const [a, b, again] = exchanges.map(({ sameAs }) => sameAs)
    expect(again).toBe(a)
    expect(b).not.toBe(a)
  })

  const secrets = [
    tokenEntry('create', {
      body: { username: 'canary-user', password: 'canary-password' },
      answer: { access: 'canary-access', refresh: 'canary-refresh' },
    }),
    tokenEntry('refresh', {
      body: { refresh: jwt({ exp: 1 }) },
      status: 401,
      answer: { detail: 'canary', code: 'canary detail' },
    }),
    entry({
      url: 'https://canary-user:canary-password@h/api/x?token=canary-query#canary',
      headers: { Authorization: 'Basic canary', Cookie: 'canary' },
    }),
    entry({ method: 'canary method', status: 'canary', at: 'canary', time: 'canary' }),
    { request: { method: 'GET', url: 'canary-url' } },
    'canary',
  ]

  it('of whole entries, nor of those that make no sense', async () => {
    expect(await seen(har(secrets, { name: 'canary\u0000name' }))).not.toMatch(/canary/)
  })

  it('of a recording that breaks off anywhere, or is no JSON', async () => {
    const all = har(secrets)
    for (let length = 60; length < all.length; length += 23)
      expect(await seen(all.slice(0, length))).not.toMatch(/canary/)
    expect(await seen(all.replaceAll(':', ';'))).not.toMatch(/canary/)
    expect(await seen(all.replaceAll('"canary"', 'canary'))).not.toMatch(/canary/)
  })
})

describe('accounts', () => {
  const create = (user: string, at: string) =>
    tokenEntry('create', {
      at,
      body: { username: user, password: 'p' },
      answer: { access: `access-${user}`, refresh: `refresh-${user}` },
    })
  const bearer = (token: string) => entry({ headers: { Authorization: `Bearer ${token}` } })

  it('a token belongs to whom it was granted, also by way of refreshes', async () => {
    const { items } = await read(
      har([
        create('ann', '2026-01-05T10:00:00.000Z'),
        create('bob', '2026-01-05T10:00:01.000Z'),
        bearer('access-ann'),
        tokenEntry('refresh', {
          body: { refresh: 'refresh-bob' },
          answer: { access: 'access-bob-2', refresh: 'refresh-bob-2' },
        }),
        bearer('access-bob-2'),
        tokenEntry('validate', { body: { token: 'access-ann' } }),
        bearer('access-of-nobody'),
      ]),
    )
    async function* given() {
      yield items
    }
    const accounts: (string | undefined)[] = []
    for await (const batch of withAccounts(given()))
      accounts.push(...batch.map((item) => (item.kind === 'exchange' ? item.account : 'none')))
    const [ann, bob] = accounts
    expect(ann).not.toBe(bob)
    expect(accounts).toEqual([ann, bob, ann, bob, bob, ann, undefined])
  })
})
