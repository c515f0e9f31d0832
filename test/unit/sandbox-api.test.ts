import { describe, expect, test } from 'vitest'
import { HOUR_MS, setUp } from './sandbox-harness.ts'

const NOT_PROVIDED = { detail: 'Authentication credentials were not provided.' }
const notValid = (message: string) => ({
  detail: 'Given token not valid for any token type',
  code: 'token_not_valid',
  messages: [{ token_class: 'AccessToken', token_type: 'access', message }],
})

describe('authentication at the API', () => {
  test.each([
    ['no header', {}],
    ['Basic', { Authorization: 'Basic ZGVtbzpkZW1v' }],
    ['the scheme of V1', { Authorization: 'Token abc' }],
    ['bearer in lower case', { Authorization: 'bearer abc' }],
  ])('%s is answered 401, as if nothing had come', async (_, headers) => {
    const { send } = setUp()
    const answer = await send('/api/v2/whoami/', { headers })
    expect([answer.status, answer.body]).toEqual([401, NOT_PROVIDED])
    expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="api"')
  })

  test('Bearer without a token is answered 401 with a code of its own', async () => {
    const { send } = setUp()
    const answer = await send('/api/v2/whoami/', { headers: { Authorization: 'Bearer' } })
    expect(answer).toMatchObject({ status: 401, body: { code: 'bad_authorization_header' } })
  })

  test('garbage, a refresh token and an expired token are not valid', async () => {
    const { create, whoAmI, clock } = setUp()
    const { access, refresh } = (await create()).body
    expect((await whoAmI('garbage')).body).toEqual(notValid('Token is invalid'))
    expect((await whoAmI(refresh)).body).toEqual(notValid('Token has wrong type'))
    await clock.advance(HOUR_MS - 1)
    expect((await whoAmI(access)).status).toBe(200)
    await clock.advance(1)
    const { status, body, headers } = await whoAmI(access)
    expect([status, body]).toEqual([401, notValid('Token is expired')])
    expect(headers.get('WWW-Authenticate')).toBe('Bearer realm="api"')
  })

  test('an inactive and a deleted user have codes of their own', async () => {
    const { create, whoAmI, sandbox } = setUp()
    const { access } = (await create()).body
    sandbox.setActive('demo', false)
    expect(await whoAmI(access)).toMatchObject({ status: 401, body: { code: 'user_inactive' } })
    sandbox.deleteUser('demo')
    expect(await whoAmI(access)).toMatchObject({ status: 401, body: { code: 'user_not_found' } })
  })

  test('a view without authenticate header says 403 with the same body', async () => {
    const { whoAmI, sandbox } = setUp()
    sandbox.set({ forbidden403: true })
    const { status, body, headers } = await whoAmI('garbage')
    expect([status, body]).toEqual([403, notValid('Token is invalid')])
    expect(headers.has('WWW-Authenticate')).toBe(false)
  })

  test('an older access token stays good after a refresh, until all are revoked', async () => {
    const { create, refresh, whoAmI, sandbox } = setUp()
    const first = (await create()).body
    const second = (await refresh(first.refresh)).body
    expect((await whoAmI(first.access)).status).toBe(200)
    sandbox.revokeAll('access')
    expect((await whoAmI(first.access)).status).toBe(401)
    const third = await refresh(second.refresh)
    expect((await whoAmI(third.body.access)).status).toBe(200)
    sandbox.revokeAll()
    expect((await whoAmI(third.body.access)).status).toBe(401)
    expect((await refresh(third.body.refresh)).status).toBe(401)
  })

  test('a changed signing key turns every earlier token into garbage', async () => {
    const { create, refresh, whoAmI, sandbox } = setUp()
    const before = (await create()).body
    sandbox.changeSigningKey()
    expect((await whoAmI(before.access)).body).toEqual(notValid('Token is invalid'))
    expect((await refresh(before.refresh)).status).toBe(401)
    expect((await whoAmI((await create()).body.access)).status).toBe(200)
  })
})

describe('resources', () => {
  const signedIn = async () => {
    const harness = setUp()
    const { access } = (await harness.create()).body
    const headers = { Authorization: `Bearer ${access}`, 'Content-Type': 'application/json' }
    return { ...harness, access, headers }
  }

  test('taxexempt answers in the vendor’s shape', async () => {
    const { post, headers } = await signedIn()
    const request = { tin: '12-3456789', name: 'Acme', webhook_urls: [] }
    const { status, body } = await post('/api/v2/taxexempt/', request, { headers })
    expect(status).toBe(200)
    expect(body).toEqual({ success_message: expect.any(String), data: expect.objectContaining(request), success: true })
  })

  test.each([
    { name: 'Acme' },
    { tin: '12-3456789' },
    { tin: '1', name: 'Acme' },
    { tin: '123456789', name: 'Acme', webhook_urls: 'no list' },
    [],
  ])('taxexempt refuses %j in the vendor’s shape', async (request) => {
    const { post, headers } = await signedIn()
    const { status, body } = await post('/api/v2/taxexempt/', request, { headers })
    expect(status).toBe(400)
    expect(body).toEqual({
      errors: [{ code: expect.any(String), message: expect.any(String) }],
      data: null,
      success: false,
    })
  })

  test('whoami names the user and the token, and nothing secret', async () => {
    const { whoAmI, access, clock } = await signedIn()
    const { body } = await whoAmI(access)
    expect(body).toEqual({ username: 'demo', token: { exp: clock.now() / 1000 + 3600, jti: 'access-1' } })
  })

  test('status answers as asked, without a body where there is none', async () => {
    const { get, access } = await signedIn()
    expect((await get('/api/v2/status/503/', access)).status).toBe(503)
    expect(await get('/api/v2/status/204/', access)).toMatchObject({ status: 204, body: '' })
    expect((await get('/api/v2/status/999/', access)).status).toBe(404)
    expect((await get('/api/v2/status/503/')).status).toBe(401)
  })

  test('redirect leads to the URL, after as many hops as asked', async () => {
    const { send, headers } = await signedIn()
    const to = 'https://elsewhere.invalid/x'
    const path = `/api/v2/redirect/?to=${encodeURIComponent(to)}`
    const single = await send(path, { headers })
    expect([single.status, single.headers.get('Location')]).toEqual([302, to])
    const first = await send(`${path}&hops=2&status=307`, { headers })
    const next = first.headers.get('Location') ?? ''
    expect(first.status).toBe(307)
    const second = await send(next, { headers })
    expect([second.status, second.headers.get('Location')]).toEqual([307, to])
    expect((await send('/api/v2/redirect/', { headers })).status).toBe(400)
  })

  test('an unknown path is 404 in JSON, whoever asks', async () => {
    const { get } = setUp()
    const { status, body, headers } = await get('/api/v2/nothing/')
    expect([status, body]).toEqual([404, { detail: 'Not found.' }])
    expect(headers.get('Content-Type')).toBe('application/json')
  })
})
