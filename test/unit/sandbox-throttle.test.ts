import { expect, test } from 'vitest'
import { HOUR_MS, ORIGIN, setUp } from './sandbox-harness.ts'

const MINUTE_MS = 60_000

test('ten token requests pass, the eleventh starts a lock-out of ten minutes to the millisecond', async () => {
  const { create, clock } = setUp({ throttle: {} })
  for (let i = 0; i < 10; i++) expect((await create()).status).toBe(200)
  const refused = await create()
  expect(refused.status).toBe(429)
  expect(refused.body.detail).toMatch(/^Your request has been throttled .* Please wait for 10 minutes /)
  expect(refused.headers.has('Retry-After')).toBe(false)
  await clock.advance(10 * MINUTE_MS - 1)
  expect((await create()).status).toBe(429)
  await clock.advance(1)
  expect((await create()).status).toBe(200)
})

test('a request in the lock-out starts it anew when told to', async () => {
  const { create, clock } = setUp({ throttle: { limit: 1, refusedRestarts: true } })
  await create()
  await create()
  await clock.advance(9 * MINUTE_MS)
  expect((await create()).status).toBe(429)
  await clock.advance(10 * MINUTE_MS - 1)
  expect((await create()).status).toBe(429)
  await clock.advance(10 * MINUTE_MS)
  expect((await create()).status).toBe(200)
})

test('without lock-out it is DRF’s sliding log: refused requests do not count, one of exactly 60.0 s neither', async () => {
  const { create, clock } = setUp({ throttle: { lockoutMs: 0, retryAfter: true } })
  await create()
  await clock.advance(20_500)
  for (let i = 0; i < 9; i++) await create()
  const refused = await create()
  expect(refused).toMatchObject({
    status: 429,
    body: { detail: 'Request was throttled. Expected available in 40 seconds.' },
  })
  expect(refused.headers.get('Retry-After')).toBe('40')
  await clock.advance(39_499)
  expect((await create()).status).toBe(429)
  await clock.advance(1)
  expect((await create()).status).toBe(200)
  expect((await create()).status).toBe(429)
})

test('Retry-After stays within the window while the lock-out lasts longer', async () => {
  const { create, clock } = setUp({ throttle: { limit: 1, retryAfter: true } })
  await create()
  await create()
  await clock.advance(2 * MINUTE_MS)
  expect((await create()).headers.get('Retry-After')).toBe('60')
})

test('failed, malformed and wrong-method requests of all three endpoints count', async () => {
  const { post, get, refresh, validate, create } = setUp({ throttle: { limit: 5 } })
  await post('/api/v2/token/', { username: 'demo', password: 'wrong' })
  await post('/api/v2/token/', undefined, { body: '{' })
  await get('/api/v2/token/')
  await refresh('garbage')
  await validate('garbage')
  expect((await create()).status).toBe(429)
})

test('a refused refresh does not spend its token', async () => {
  const { create, refresh, clock } = setUp({ throttle: { limit: 1 } })
  const pair = (await create()).body
  expect((await refresh(pair.refresh)).status).toBe(429)
  await clock.advance(10 * MINUTE_MS)
  expect((await refresh(pair.refresh)).status).toBe(200)
})

test('API requests neither count nor are refused by default', async () => {
  const { create, whoAmI } = setUp({ throttle: { limit: 1 } })
  const { access } = (await create()).body
  expect((await whoAmI(access)).status).toBe(200)
  expect((await create()).status).toBe(429)
  expect((await whoAmI(access)).status).toBe(200)
})

test('where all requests count, authentication still comes first: an expired token is 401, not 429', async () => {
  const { create, whoAmI, clock } = setUp({ throttle: { limit: 2, counts: 'all', lockoutMs: 2 * HOUR_MS } })
  const { access } = (await create()).body
  expect((await whoAmI(access)).status).toBe(200)
  expect((await whoAmI(access)).status).toBe(429)
  expect((await create()).status).toBe(429)
  await clock.advance(HOUR_MS)
  expect((await whoAmI(access)).status).toBe(401)
})

test('those behind other addresses have limits of their own; users share one address’ limit', async () => {
  const { create, post } = setUp({ throttle: { limit: 1 } })
  const from = (address: string) => ({ headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': address } })
  expect((await create(from('10.0.0.1'))).status).toBe(200)
  expect((await create(from('10.0.0.2'))).status).toBe(200)
  const other = { username: 'other', password: 'x' }
  expect((await post('/api/v2/token/', other, from('10.0.0.1'))).status).toBe(429)
})

test('keyed by user, each name has its own limit, and a refresh counts for the user of its token', async () => {
  const { create, post, refresh } = setUp({ throttle: { limit: 1, keyBy: 'user' } })
  const pair = (await create()).body
  expect((await post('/api/v2/token/', { username: 'other', password: 'x' })).status).toBe(401)
  expect((await refresh(pair.refresh)).status).toBe(429)
})

test('it can be reset, and switched off', async () => {
  const { create, sandbox } = setUp({ throttle: { limit: 1 } })
  await create()
  expect((await create()).status).toBe(429)
  sandbox.resetThrottle()
  expect((await create()).status).toBe(200)

  const unlimited = setUp({ throttle: false })
  for (let i = 0; i < 12; i++) expect((await unlimited.create()).status).toBe(200)
})

test('a request that a fault keeps from the server does not count', async () => {
  const { create, sandbox } = setUp({ throttle: { limit: 1 } })
  sandbox.fail({ endpoint: 'create', status: 502, times: 3 })
  for (let i = 0; i < 3; i++) expect((await create()).status).toBe(502)
  expect((await create()).status).toBe(200)
  await expect(sandbox.fetch(`${ORIGIN}/api/v2/token/`, { method: 'POST' })).resolves.toMatchObject({ status: 429 })
})
