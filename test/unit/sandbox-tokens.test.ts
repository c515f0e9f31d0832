import { describe, expect, test } from 'vitest'
import { macrotask } from '../../src/clock.ts'
import { joseSigner, type SignerFactory, synchronousSigner } from '../../src/sandbox/index.ts'
import { CREDENTIALS, claimsOf, HOUR_MS, setUp } from './sandbox-harness.ts'

const NO_ACCOUNT = { detail: 'No active account found with the given credentials' }

describe('create', () => {
  test.each(['/api/v2/token/', '/api/v2/token', '/api/v2/token/create', '/api/v2/token/create/'])(
    'grants a pair at %s',
    async (path) => {
      const { post } = setUp()
      const { status, body } = await post(path, CREDENTIALS)
      expect(status).toBe(200)
      expect(body).toEqual({
        access: expect.any(String),
        access_expiry_seconds: 3600,
        refresh: expect.any(String),
        refresh_expiry_seconds: 86_400,
      })
    },
  )

  test('the tokens carry the claims of simplejwt', async () => {
    const { create, clock } = setUp()
    const { body } = await create()
    const iat = clock.now() / 1000
    expect(claimsOf(body.access)).toEqual({ token_type: 'access', iat, exp: iat + 3600, jti: 'access-1', user_id: '1' })
    expect(claimsOf(body.refresh)).toMatchObject({ token_type: 'refresh', iat, exp: iat + 86_400 })
  })

  test('a wrong password, an unknown and an inactive user are told the same, without a code', async () => {
    const { post, sandbox } = setUp()
    const wrong = await post('/api/v2/token/', { ...CREDENTIALS, password: 'wrong' })
    const unknown = await post('/api/v2/token/', { ...CREDENTIALS, username: 'nobody' })
    sandbox.setActive('demo', false)
    const inactive = await post('/api/v2/token/', CREDENTIALS)
    for (const { status, body, headers } of [wrong, unknown, inactive]) {
      expect([status, body]).toEqual([401, NO_ACCOUNT])
      expect(headers.get('WWW-Authenticate')).toBe('Bearer realm="api"')
    }
  })

  test('a changed password is the one that counts', async () => {
    const { post, create, sandbox } = setUp()
    sandbox.setPassword('demo', 'another')
    expect((await create()).status).toBe(401)
    expect((await post('/api/v2/token/', { username: 'demo', password: 'another' })).status).toBe(200)
  })
})

describe('what is no proper request', () => {
  test.each([
    [{}, { username: ['This field is required.'], password: ['This field is required.'] }],
    [{ username: ' ', password: 'x' }, { username: ['This field may not be blank.'] }],
    [{ username: 'demo', password: null }, { password: ['This field may not be null.'] }],
    [{ username: ['demo'], password: 'x' }, { username: ['Not a valid string.'] }],
    [['demo'], { non_field_errors: ['Invalid data. Expected a dictionary, but got list.'] }],
  ])('create with %j is answered 400', async (given, errors) => {
    const { post } = setUp()
    const { status, body } = await post('/api/v2/token/', given)
    expect([status, body]).toEqual([400, errors])
  })

  test.each([
    ['/api/v2/token/refresh/', 'refresh'],
    ['/api/v2/token/validate/', 'token'],
  ])('%s without %s is answered 400', async (path, field) => {
    const { post, send } = setUp()
    const errors = { [field]: ['This field is required.'] }
    expect(await post(path, {})).toMatchObject({ status: 400, body: errors })
    expect(await send(path, { method: 'POST' })).toMatchObject({ status: 400, body: errors })
  })

  test.each(['/api/v2/token/', '/api/v2/token/refresh/', '/api/v2/token/validate/'])(
    '%s: malformed JSON is 400, another content type 415, another method 405',
    async (path) => {
      const { post, send, get } = setUp()
      const malformed = await post(path, undefined, { body: '{"password":"hush' })
      expect(malformed.status).toBe(400)
      expect(JSON.stringify(malformed.body)).not.toContain('hush')
      expect((await send(path, { method: 'POST', body: '{}' })).status).toBe(415)
      const { status, headers } = await get(path)
      expect([status, headers.get('Allow')]).toEqual([405, 'POST'])
    },
  )
})

describe('refresh', () => {
  test('replaces both tokens; the old refresh token is refused at once and its successor keeps working', async () => {
    const { create, refresh } = setUp()
    const first = (await create()).body
    const second = await refresh(first.refresh)
    expect(second.status).toBe(200)
    expect(second.body.access).not.toBe(first.access)
    const replayed = await refresh(first.refresh)
    expect(replayed).toMatchObject({ status: 401, body: { detail: 'Token is blacklisted', code: 'token_not_valid' } })
    expect((await refresh(second.body.refresh)).status).toBe(200)
  })

  test.each([
    ['garbage', 'Token is invalid', () => 'garbage'],
    ['a token of another key', 'Token is invalid', (pair: Pair) => `${pair.refresh.slice(0, -6)}AAAAAA`],
    ['an access token', 'Token has wrong type', (pair: Pair) => pair.access],
  ])('%s is answered 401 with a code', async (_, detail, pick) => {
    const { create, refresh } = setUp()
    const { status, body } = await refresh(pick((await create()).body))
    expect([status, body]).toEqual([401, { detail, code: 'token_not_valid' }])
  })

  test('a refresh token is refused from the second it expires, not before', async () => {
    const { create, refresh, clock } = setUp({ rotate: false })
    const pair = (await create()).body
    await clock.advance(24 * HOUR_MS - 1)
    expect((await refresh(pair.refresh)).status).toBe(200)
    await clock.advance(1)
    expect(await refresh(pair.refresh)).toMatchObject({ status: 401, body: { detail: 'Token is expired' } })
  })

  test('without rotation the answer has no refresh token and the old one keeps working', async () => {
    const { create, refresh } = setUp({ rotate: false })
    const pair = (await create()).body
    expect(Object.keys((await refresh(pair.refresh)).body)).toEqual(['access', 'access_expiry_seconds'])
    expect((await refresh(pair.refresh)).status).toBe(200)
  })

  test('without a blacklist a rotated refresh token keeps working', async () => {
    const { create, refresh } = setUp({ blacklist: false })
    const pair = (await create()).body
    await refresh(pair.refresh)
    expect((await refresh(pair.refresh)).status).toBe(200)
  })

  test('two refreshes at one instant succeed both when check and write are apart, else only the first', async () => {
    for (const [rotationRaceMs, expected] of [
      [5, [200, 200]],
      [0, [200, 401]],
    ] as const) {
      const { create, refresh, clock } = setUp({ rotationRaceMs })
      const pair = (await create()).body
      const both = Promise.all([refresh(pair.refresh), refresh(pair.refresh)])
      await clock.advance(5)
      expect((await both).map(({ status }) => status)).toEqual(expected)
      expect((await refresh(pair.refresh)).status).toBe(401)
    }
  })

  test('an inactive user is answered 401 without a code, a deleted one 500', async () => {
    const { create, refresh, sandbox } = setUp()
    const pair = (await create()).body
    sandbox.setActive('demo', false)
    const inactive = await refresh(pair.refresh)
    expect([inactive.status, Object.keys(inactive.body)]).toEqual([401, ['detail']])
    sandbox.deleteUser('demo')
    expect((await refresh(pair.refresh)).status).toBe(500)
  })

  test('the iat of a refreshed access token is its own, or copied as before simplejwt 5.5.1', async () => {
    for (const [copyRefreshIat, lifetimeS] of [
      [false, 3600],
      [true, 6480],
    ] as const) {
      const { create, refresh, clock } = setUp({ copyRefreshIat })
      const pair = (await create()).body
      await clock.advance(0.8 * HOUR_MS)
      const { exp, iat } = claimsOf((await refresh(pair.refresh)).body.access)
      expect(exp - iat).toBe(lifetimeS)
      expect(exp).toBe(clock.now() / 1000 + 3600)
    }
  })
})

describe('validate', () => {
  test('a good token of either kind is answered 200 and nothing', async () => {
    const { create, validate } = setUp()
    const { access, refresh } = (await create()).body
    for (const token of [access, refresh]) expect(await validate(token)).toMatchObject({ status: 200, body: {} })
    expect((await validate(access)).body).toEqual({})
  })

  test('it reports the remaining lifetime when told to', async () => {
    const { create, validate, clock } = setUp({ validateReportsLifetime: true })
    const { access, refresh } = (await create()).body
    await clock.advance(600_500)
    expect((await validate(access)).body).toEqual({ access_expiry_seconds: 2999 })
    expect((await validate(refresh)).body).toEqual({ refresh_expiry_seconds: 85_799 })
  })

  test('an expired or garbled token is 401, a blacklisted refresh token 400', async () => {
    const { create, validate, refresh, clock } = setUp()
    const pair = (await create()).body
    await refresh(pair.refresh)
    expect(await validate(pair.refresh)).toMatchObject({
      status: 400,
      body: { non_field_errors: ['Token is blacklisted'] },
    })
    await clock.advance(HOUR_MS)
    for (const token of [pair.access, 'garbage'])
      expect(await validate(token)).toMatchObject({ status: 401, body: { code: 'token_not_valid' } })
  })
})

describe('the shape and the times of grants', () => {
  test.each([
    ['reference', 'access', 'refresh'],
    ['guide', 'access_token', 'refresh_token'],
    ['new', 'new_access_token', 'new_refresh_token'],
  ] as const)('names "%s": %s and %s', async (names, access, refreshName) => {
    const { create, refresh } = setUp({ names, omitExpirySeconds: true })
    const { body } = await create()
    expect(Object.keys(body)).toEqual([access, refreshName])
    expect(Object.keys((await refresh(body[refreshName])).body)).toEqual([access, refreshName])
  })

  test('a skewed server is ahead in Date and in its tokens, and judges expiry by its own clock', async () => {
    const { create, whoAmI, clock, sandbox } = setUp({ skewMs: 120_000 })
    const { body, headers } = await create()
    const serverMs = clock.now() + 120_000
    expect(sandbox.nowMs()).toBe(serverMs)
    expect(Date.parse(headers.get('Date') ?? '')).toBe(serverMs)
    expect(claimsOf(body.access).exp).toBe(serverMs / 1000 + 3600)
    await clock.advance(HOUR_MS - 1)
    expect((await whoAmI(body.access)).status).toBe(200)
    await clock.advance(1)
    expect((await whoAmI(body.access)).status).toBe(401)
  })

  test('equal runs give equal tokens', async () => {
    const run = async () => {
      const { create, refresh } = setUp()
      return (await refresh((await create()).body.refresh)).body
    }
    expect(await run()).toEqual(await run())
  })

  test('both signers make the same token and accept each other’s, not those of another key', async () => {
    const claims = { token_type: 'access', exp: 2, iat: 1, jti: 'é', user_id: '1' } as const
    const key = 'a key that is longer than thirty-two bytes'
    const [jose, sync] = [joseSigner(key), synchronousSigner(key)]
    const token = await jose.sign(claims)
    expect(sync.sign(claims)).toBe(token)
    expect(sync.verify(token)).toEqual(claims)
    expect(await jose.verify(token)).toEqual(claims)
    const other = synchronousSigner(`${key}!`).sign(claims) as string
    expect([sync.verify(other), await jose.verify(other)]).toEqual([undefined, undefined])
    expect([sync.verify('a.b'), await jose.verify('a.b')]).toEqual([undefined, undefined])
  })

  test('a virtual clock waits for a signer that works elsewhere', async () => {
    const slow: SignerFactory = (key) => ({
      ...joseSigner(key),
      async sign(claims) {
        for (let turn = 0; turn < 50; turn++) await macrotask()
        return joseSigner(key).sign(claims)
      },
    })
    const { create, clock, sandbox } = setUp({ signer: slow, latencyMs: 1000 })
    const answered = create()
    await clock.advance(1000)
    expect(sandbox.log).toHaveLength(1)
    expect((await answered).status).toBe(200)
  })

  test('a caller who aborts while the server signs gets no token, and the log names those that were granted', async () => {
    const controller = new AbortController()
    const aborting: SignerFactory = (key) => ({
      ...joseSigner(key),
      sign(claims) {
        controller.abort()
        return joseSigner(key).sign(claims)
      },
    })
    const { create, sandbox } = setUp({ signer: aborting })
    await expect(create({ signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(sandbox.log[0]).toMatchObject({ status: 'dropped', acted: true, grantedAccessJti: 'access-1' })
  })
})

interface Pair {
  access: string
  refresh: string
}
