import { request } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { macrotask } from '../../src/clock.ts'
import { createSandbox, type Listening, type Sandbox } from '../../src/sandbox/index.ts'
import { virtualClock } from '../../src/virtual-clock.ts'
import { CREDENTIALS } from './sandbox-harness.ts'

let listening: Listening | undefined
afterEach(async () => {
  await listening?.close()
  listening = undefined
})

async function start(host?: string): Promise<{ sandbox: Sandbox; url: string }> {
  const sandbox = createSandbox({ clock: virtualClock() })
  listening = await sandbox.listen(host === undefined ? {} : { host })
  return { sandbox, url: listening.url }
}

const create = (url: string, init: RequestInit = {}) =>
  fetch(`${url}/api/v2/token/`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(CREDENTIALS),
    ...init,
  })

test('over HTTP it answers the same, with the sandbox’s Date', async () => {
  const { url, sandbox } = await start()
  const granted = await create(url)
  expect(granted.headers.get('Date')).toBe('Mon, 05 Jan 2026 08:00:00 GMT')
  const { access } = (await granted.json()) as { access: string }
  const whoAmI = await fetch(`${url}/api/v2/whoami/`, { headers: { Authorization: `Bearer ${access}` } })
  expect(await whoAmI.json()).toMatchObject({ username: 'demo' })
  const noBody = await fetch(`${url}/api/v2/status/204/`, { headers: { Authorization: `Bearer ${access}` } })
  expect(noBody.status).toBe(204)
  expect(sandbox.log.map(({ endpoint, status }) => [endpoint, status])).toEqual([
    ['create', 200],
    ['api', 200],
    ['api', 204],
  ])
})

test.each(['before', 'after'] as const)('a connection dropped %s acting is really destroyed', async (drop) => {
  const { url, sandbox } = await start()
  sandbox.fail({ endpoint: 'create', drop })
  await expect(create(url)).rejects.toMatchObject({ message: 'fetch failed', cause: { code: 'UND_ERR_SOCKET' } })
  expect(sandbox.log[0]).toMatchObject({ status: 'dropped', acted: drop === 'after' })
  expect((await create(url)).status).toBe(200)
})

test('a cut body arrives in part and then breaks', async () => {
  const { url, sandbox } = await start()
  sandbox.fail({ endpoint: 'create', garble: 'cut' })
  const response = await create(url)
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow('terminated')
})

test('a caller who leaves ends the request that hangs', async () => {
  const { url, sandbox } = await start()
  sandbox.fail({ endpoint: 'create', hang: 'before' })
  const ended = new Promise((resolve) => sandbox.onRequest(resolve))
  const controller = new AbortController()
  const answered = create(url, { signal: controller.signal })
  await untilPending(sandbox)
  controller.abort()
  await expect(answered).rejects.toMatchObject({ name: 'AbortError' })
  expect(await ended).toMatchObject({ status: 'dropped', acted: false })
})

test('what Fetch cannot express is 400, too large a body 413', async () => {
  const { url } = await start()
  expect(await rawStatus(url, 'TRACE')).toBe(400)
  expect((await create(url, { body: 'x'.repeat(1_048_577) })).status).toBe(413)
})

test('requests from one address share the throttle', async () => {
  const { url } = await start()
  for (let i = 0; i < 10; i++) expect((await create(url)).status).toBe(200)
  expect((await create(url)).status).toBe(429)
  const elsewhere = { 'Content-Type': 'application/json', 'X-Forwarded-For': '10.0.0.9' }
  expect((await create(url, { headers: elsewhere })).status).toBe(200)
})

test('closing ends what is open and frees the port; a taken port is an error', async () => {
  const { url, sandbox } = await start()
  const { port } = new URL(url)
  await expect(createSandbox().listen({ port: Number(port) })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  sandbox.fail({ endpoint: 'create', hang: 'before' })
  const received = create(url)
  const outcome = expect(received).rejects.toThrow('fetch failed')
  await untilPending(sandbox)
  await listening?.close()
  await outcome
  listening = await createSandbox().listen({ port: Number(port) })
  expect(listening.port).toBe(Number(port))
})

/** A loopback request takes real time to arrive. */
async function untilPending(sandbox: Sandbox): Promise<void> {
  while (sandbox.pending() === 0) await macrotask()
}

function rawStatus(url: string, method: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { method }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
