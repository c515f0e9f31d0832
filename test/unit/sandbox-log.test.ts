import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import type { RequestEntry } from '../../src/sandbox/index.ts'
import { CREDENTIALS, claimsOf, ORIGIN, setUp } from './sandbox-harness.ts'

test('a session is told request by request, with the tokens that came and went', async () => {
  const { create, refresh, validate, whoAmI, sandbox, clock } = setUp({ skewMs: 5000 })
  const atMs = clock.now()
  const pair = (await create()).body
  await whoAmI(pair.access)
  await refresh(pair.refresh)
  await validate(pair.refresh)
  const common = { atMs, answeredAtMs: atMs, acted: true, account: 'demo' }
  const refreshed = { refreshJti: 'refresh-2', refreshExpAtMs: atMs + 86_400_000, authScheme: 'none', method: 'POST' }
  expect(sandbox.log).toEqual([
    {
      ...common,
      ...{ index: 0, endpoint: 'create', method: 'POST', path: '/api/v2/token/', status: 200, authScheme: 'none' },
      ...{ grantedAccessJti: 'access-1', grantedRefreshJti: 'refresh-2', credentialsFingerprint: 'credentials-1' },
    },
    {
      ...common,
      ...{ index: 1, endpoint: 'api', method: 'GET', path: '/api/v2/whoami/', status: 200, authScheme: 'Bearer' },
      ...{ accessJti: 'access-1', accessExpAtMs: atMs + 3_600_000 },
    },
    {
      ...common,
      ...refreshed,
      ...{ index: 2, endpoint: 'refresh', path: '/api/v2/token/refresh/', status: 200 },
      ...{ grantedAccessJti: 'access-3', grantedRefreshJti: 'refresh-4' },
    },
    {
      ...common,
      ...refreshed,
      ...{ index: 3, endpoint: 'validate', path: '/api/v2/token/validate/', status: 400 },
    },
  ])
})

test('a request that says its id is logged with it, and with nothing else that it says there', async () => {
  const { send, sandbox } = setUp()
  const logged = async (id: string) => {
    await send('/api/v2/whoami/', { headers: { 'X-Request-Id': id } })
    return sandbox.log.at(-1)?.requestId
  }
  expect(await logged('r-17')).toBe('r-17')
  expect(await logged('eyJ'.padEnd(65, 'x'))).toBeUndefined()
  expect(await logged('two words')).toBeUndefined()
})

test('no token, password, query or body is in it', async () => {
  const { create, refresh, validate, whoAmI, send, post, sandbox } = setUp({ throttle: { limit: 7 } })
  const pair = (await create()).body
  await post('/api/v2/token/', { ...CREDENTIALS, password: 'planted-password' })
  await post('/api/v2/token/', undefined, { body: '{"password":"planted-malformed' })
  await refresh(pair.refresh)
  await refresh('planted-refresh')
  await validate(pair.access)
  await whoAmI(pair.access)
  await whoAmI('planted-access')
  await send('/api/v2/whoami/?token=planted-query', { headers: { Authorization: 'planted-scheme planted' } })
  await refresh(pair.refresh)
  sandbox.fail({ endpoint: 'create', drop: 'after' })
  const error = await create().catch((thrown: unknown) => thrown)
  const shown = inspect([sandbox.log, error], { depth: null, showHidden: true }) + JSON.stringify(sandbox.log)
  for (const secret of ['planted', CREDENTIALS.password, pair.access, pair.refresh, 'eyJ'])
    expect(shown).not.toContain(secret)
})

test('a jti is named only when this server issued the token, then also after the key changed', async () => {
  const { create, whoAmI, sandbox } = setUp()
  const { access } = (await create()).body
  const forged = Buffer.from(JSON.stringify({ ...claimsOf(access), jti: 'planted' })).toString('base64url')
  await whoAmI(access.replace(/\.[^.]*\./, `.${forged}.`))
  sandbox.changeSigningKey()
  await whoAmI(access)
  expect(sandbox.log.map(({ accessJti }) => accessJti)).toEqual([undefined, undefined, 'access-1'])
})

test('fingerprints are equal for equal credentials only', async () => {
  const { post, sandbox } = setUp()
  const sign = (username: string, password: string) => post('/api/v2/token/', { username, password })
  for (const [username, password] of [
    ['demo', 'a'],
    ['demo', 'b'],
    ['demo', 'a'],
    ['other', 'a'],
  ] as const)
    await sign(username, password)
  const [a, b, again, other] = sandbox.log.map(({ credentialsFingerprint }) => credentialsFingerprint)
  expect(a).toBe(again)
  expect(new Set([a, b, other]).size).toBe(3)
})

test('a throttled and a refused request are logged with their tokens and codes', async () => {
  const { create, refresh, sandbox } = setUp({ throttle: { limit: 2 } })
  const pair = (await create()).body
  await refresh(pair.access)
  await refresh(pair.refresh)
  expect(sandbox.log[1]).toMatchObject({ status: 401, code: 'token_not_valid', accessJti: 'access-1' })
  expect(sandbox.log[2]).toMatchObject({ status: 429, refreshJti: 'refresh-2', acted: true })
})

test.each([
  [{}, 'none'],
  [{ Authorization: 'Bearer x' }, 'Bearer'],
  [{ Authorization: 'Basic x' }, 'Basic'],
  [{ Authorization: 'Token x' }, 'Token'],
  [{ Authorization: 'Digest x' }, 'other'],
])('of %j the scheme is %s', async (headers, scheme) => {
  const { send, sandbox } = setUp()
  await send('/api/v2/whoami/', { headers })
  expect(sandbox.log[0]?.authScheme).toBe(scheme)
})

test('entries stand in order of receipt, appear when their request ends, and cannot be changed', async () => {
  const { create, whoAmI, sandbox, clock } = setUp()
  const heard: number[] = []
  const stop = sandbox.onRequest(({ index }) => heard.push(index))
  sandbox.fail({ endpoint: 'create', replyLatencyMs: 1000 })
  const slow = create()
  await whoAmI()
  expect(sandbox.log.map(({ index }) => index)).toEqual([1])
  await clock.advance(1000)
  await slow
  expect(sandbox.log.map(({ index }) => index)).toEqual([0, 1])
  expect(heard).toEqual([1, 0])
  expect(Object.isFrozen(sandbox.log[0])).toBe(true)
  stop()
  await whoAmI()
  expect(heard).toHaveLength(2)
})

test('it keeps the latest when limited', async () => {
  const { whoAmI, sandbox } = setUp({ logLimit: 2 })
  for (let i = 0; i < 3; i++) await whoAmI()
  expect(sandbox.log.map(({ index }) => index)).toEqual([1, 2])
})

test('an abort before the server acts leaves it untouched, one after it is logged as acted on', async () => {
  const { create, sandbox, clock, refresh } = setUp()
  const pair = (await create()).body
  sandbox.set({ latencyMs: 1000, replyLatencyMs: 1000 })
  const abortAfter = async (ms: number) => {
    const controller = new AbortController()
    const answered = sandbox.fetch(`${ORIGIN}/api/v2/token/refresh/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ refresh: pair.refresh }),
      signal: controller.signal,
    })
    await clock.advance(ms)
    controller.abort()
    await expect(answered).rejects.toMatchObject({ name: 'AbortError' })
    expect(clock.pendingTimers()).toBe(0)
    return sandbox.log.at(-1) as RequestEntry
  }
  expect(await abortAfter(999)).toMatchObject({ status: 'dropped', acted: false })
  expect(await abortAfter(1999)).toMatchObject({ status: 'dropped', acted: true, grantedRefreshJti: 'refresh-4' })
  sandbox.set({ latencyMs: 0, replyLatencyMs: 0 })
  expect((await refresh(pair.refresh)).status).toBe(401)
})

test('a request aborted before it is sent never arrives; a reason is passed on as fetch does', async () => {
  const { sandbox } = setUp()
  const reason = new Error('enough')
  await expect(sandbox.fetch(ORIGIN, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect([sandbox.log.length, sandbox.pending()]).toEqual([0, 0])
})
