import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type AuthClient, Secret } from '../../src/index.ts'
import { BASE_URL, createWorld, MINUTE, PASSWORD, USERNAME, WHO_AM_I } from '../support/world.ts'

const everyWayToPrint = (value: unknown): string =>
  [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }),
    String(value),
    JSON.stringify(value, (_key, part) => (part instanceof Set || part instanceof Map ? [...part] : part)),
  ].join('\n')

const account = `${BASE_URL} ${USERNAME}`

describe('store-securely', () => {
  it('nothing that the client shows holds a token or the password', async () => {
    const seen: unknown[] = []
    const { auth, events, sandbox, clock, store, now, refused } = createWorld({
      client: { inspect: (event) => seen.push(event) },
    })
    const tokens = [await now(auth.getAccessToken())]
    await now(auth.fetchLike(WHO_AM_I))
    await clock.advance(2 * MINUTE)
    tokens.push(await now(auth.getAccessToken({ forceRefresh: true })))
    sandbox.fail({ endpoint: 'refresh', status: 502 })
    const error = await refused(auth.getAccessToken({ forceRefresh: true }))
    const { record } = await store.read(account)
    const secrets = [PASSWORD, ...tokens, record?.pair?.access.reveal(), record?.pair?.refresh?.reveal()]
    const visible = (part: AuthClient) => [part, part.status(), part.actor.getSnapshot()]
    const printed = [...visible(auth), events, seen, error, record].map(everyWayToPrint).join('\n')
    expect(secrets).not.toContain(undefined)
    for (const secret of secrets) expect(printed).not.toContain(secret)
  })

  it('a secret is shown by reveal() alone', () => {
    const secret = new Secret('canary')
    expect(secret.reveal()).toBe('canary')
    for (const printed of [
      everyWayToPrint(secret),
      everyWayToPrint({ secret }),
      `${secret}`,
      JSON.stringify({ ...secret }),
    ])
      expect(printed).not.toContain('canary')
    expect(Object.keys(secret)).toEqual([])
  })

  it('the record of a latch holds no password, only a salted fingerprint', async () => {
    const { auth, sandbox, store, refused } = createWorld()
    sandbox.setPassword(USERNAME, 'another')
    expect((await refused(auth.getAccessToken())).code).toBe('INVALID_CREDENTIALS')
    const { record } = await store.read(account)
    expect(record?.latches[0]?.fingerprint).toMatch(/^[\w+/]{43}=$/)
    expect(everyWayToPrint(record)).not.toContain(PASSWORD)
  })

  it('two accounts of one password have different fingerprints', async () => {
    const { client, store, refused } = createWorld({ sandbox: { users: [{ username: 'other', password: 'other' }] } })
    const usernames = ['first', 'second']
    for (const username of usernames)
      await refused(client({ credentials: { username, password: 'same' } }).getAccessToken())
    const records = await Promise.all(usernames.map((username) => store.read(`${BASE_URL} ${username}`)))
    const [first, second] = records.map(({ record }) => record)
    expect(first?.salt).not.toBe(second?.salt)
    expect(first?.latches[0]?.fingerprint).not.toBe(second?.latches[0]?.fingerprint)
  })
})
