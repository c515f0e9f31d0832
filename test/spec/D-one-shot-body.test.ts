import { describe, expect, it } from 'vitest'
import { recorder } from '../support/doubles.ts'
import { BASE_URL, createWorld, MINUTE } from '../support/world.ts'

const URL_PATH = '/api/v2/taxexempt/'
const JSON_TEXT = '{"tin":"12-3456789","name":"Acme"}'
const bytes = () => new TextEncoder().encode(JSON_TEXT)
const form = () => {
  const data = new FormData()
  data.set('tin', '12-3456789')
  data.set('file', new Blob(['contents']), 'a.txt')
  return data
}

/** A world whose first API request meets a 401 that a refresh cures. */
async function worldWithOne401() {
  const { sent, transport } = recorder()
  const world = createWorld({ transport })
  await world.now(world.auth.getAccessToken())
  await world.clock.advance(2 * MINUTE)
  world.sandbox.fail({ endpoint: 'api', status: 401 })
  const api = () => sent.filter(({ url }) => url.includes('taxexempt'))
  return { ...world, api }
}

const UNREPLAYED = { code: 'BODY_NOT_REPLAYABLE', clause: 'D-one-shot-body', status: 401 }

describe('D-one-shot-body', () => {
  it.each<[string, () => BodyInit]>([
    ['a string', () => JSON_TEXT],
    ['an ArrayBuffer', () => bytes().buffer],
    ['a Uint8Array', bytes],
    ['a DataView', () => new DataView(bytes().buffer)],
    ['a Blob', () => new Blob([JSON_TEXT])],
    ['URLSearchParams', () => new URLSearchParams({ tin: '12-3456789' })],
  ])('sends %s again, whole', async (_, body) => {
    const { api, auth, now, log, tokenRequests } = await worldWithOne401()
    await now(auth.fetchLike(URL_PATH, { method: 'POST', body: body() }))
    const [first, second, ...more] = api()
    expect(more).toEqual([])
    expect(first?.body).not.toBe('')
    expect(second?.body).toBe(first?.body)
    expect(second?.headers.get('content-type')).toBe(first?.headers.get('content-type'))
    expect(second?.headers.get('authorization')).not.toBe(first?.headers.get('authorization'))
    expect(log('api')[0]?.status).toBe(401)
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('sends form data again, whole', async () => {
    const { api, auth, now } = await worldWithOne401()
    await now(auth.fetchLike(URL_PATH, { method: 'POST', body: form() }))
    const parts = api().map(({ body }) => body.replaceAll(/-{2,}[\w-]+/g, '--'))
    expect(parts).toHaveLength(2)
    expect(parts[0]).toContain('contents')
    expect(parts[1]).toBe(parts[0])
  })

  it('sends a plain object again, whole', async () => {
    const { api, auth, now } = await worldWithOne401()
    const answer = await now(auth.fetch(URL_PATH, { method: 'POST', body: { tin: '12-3456789', name: 'Acme' } }))
    expect(answer).toMatchObject({ success: true })
    expect(api().map(({ body }) => JSON.parse(body))).toEqual([JSON.parse(JSON_TEXT), JSON.parse(JSON_TEXT)])
  })

  it('sends what was given, though the caller used the buffer again', async () => {
    const { api, auth, clock, now, sandbox } = await worldWithOne401()
    sandbox.set({ latencyMs: 1000 })
    const body = bytes()
    const answer = auth.fetchLike(URL_PATH, { method: 'POST', body })
    await clock.settle()
    body.fill(0)
    await clock.advance(5000)
    await now(answer)
    expect(api().map((sent) => sent.body)).toEqual([JSON_TEXT, JSON_TEXT])
  })

  const request = (body: BodyInit) =>
    new Request(BASE_URL + URL_PATH, { method: 'POST', body, headers: { 'content-type': 'application/json' } })

  it('buffers the body of a Request and sends it again, whole', async () => {
    const { api, auth, now } = await worldWithOne401()
    expect((await now(auth.fetchLike(request(JSON_TEXT)))).status).toBe(200)
    expect(api().map(({ body }) => body)).toEqual([JSON_TEXT, JSON_TEXT])
    expect(api().map(({ method }) => method)).toEqual(['POST', 'POST'])
  })

  it('buffers up to replayBodyBytes, 1 MiB', async () => {
    const { api, auth, clock, peek } = await worldWithOne401()
    const answer = auth.fetchLike(request('x'.repeat(1_048_576)))
    while ((await peek(answer)) === undefined) await clock.settle()
    expect(api().map(({ body }) => body.length)).toEqual([1_048_576, 1_048_576])
  })

  it('sends a larger Request once, refreshes, and says so', async () => {
    const { api, auth, clock, now, peek, log, tokenRequests } = await worldWithOne401()
    const answer = auth.fetchLike(request('x'.repeat(1_048_577)))
    answer.catch(() => {})
    while ((await peek(answer)) === undefined) await clock.settle()
    await expect(answer).rejects.toMatchObject(UNREPLAYED)
    expect(api().map(({ body }) => body.length)).toEqual([1_048_577])
    expect(tokenRequests()).toBe('create 200, refresh 200')
    expect((await now(auth.fetchLike(request(JSON_TEXT)))).status).toBe(200)
    expect(log('refresh')).toHaveLength(1)
  })

  it('sends a stream once, refreshes, and says so', async () => {
    const { api, auth, refused, tokenRequests } = await worldWithOne401()
    const body = new Blob([JSON_TEXT]).stream()
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    expect(await refused(auth.fetchLike(URL_PATH, init))).toMatchObject(UNREPLAYED)
    expect(api().map((sent) => sent.body)).toEqual([JSON_TEXT])
    expect(tokenRequests()).toBe('create 200, refresh 200')
  })

  it('sends a stream like any other body when the token is good', async () => {
    const { auth, now } = createWorld()
    const init = {
      method: 'POST',
      body: new Blob([JSON_TEXT]).stream(),
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit
    expect((await now(auth.fetchLike(URL_PATH, init))).status).toBe(200)
  })
})
