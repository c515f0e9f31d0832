import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sleep } from '../../src/clock.ts'
import { type AuthClient, AuthError, type AuthEvent } from '../../src/index.ts'
import { PRODUCER } from '../../src/journal/format.ts'
import { createMonitors, judge, judging } from '../../src/monitors/index.ts'
import { collector, momentsIn, readJournal, SECRET_PATH, SECRET_PATH_SHOWN } from '../support/journal.ts'
import {
  BASE_URL,
  createWorld,
  HOUR,
  MINUTE,
  PASSWORD,
  SECOND,
  USERNAME,
  WHO_AM_I,
  type World,
} from '../support/world.ts'

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
const kinds = (lines: readonly string[], ...wanted: string[]) =>
  parsed(lines).filter(({ kind }) => wanted.includes(String(kind)))

/** A world whose line takes 20 ms each way, and a client that writes a journal. */
function journaled(options: Parameters<typeof createWorld>[0] = {}) {
  let world: World | undefined
  const journal = collector()
  const created = createWorld({
    ...options,
    client: { journal: journal.stream },
    transport: (fetch) => async (input, init) => {
      if (world !== undefined) await sleep(world.clock, 20)
      const response = await fetch(input, init)
      if (world !== undefined) await sleep(world.clock, 20)
      return response
    },
  })
  world = created
  const { auth } = created
  const settled = async (work: Promise<unknown>) => {
    const end = work.catch((error: unknown) => error)
    // A caller's time-out is 90 s.
    for (let seconds = 0; seconds < 100 && (await created.peek(end)) === undefined; seconds++)
      await created.clock.advance(SECOND)
    return end
  }
  return { world: created, auth, journal, settled }
}

async function closed(world: World, auth: AuthClient) {
  const closing = auth.close()
  await world.clock.advance(MINUTE)
  await closing
}

describe('the journal of a client', () => {
  it('begins with a header, and tells what is sent, answered, asked and settled', async () => {
    const { world, auth, journal, settled } = journaled()
    await settled(auth.fetchLike(`${WHO_AM_I}?tin=12-3456789`))
    await closed(world, auth)
    const [header, ...lines] = parsed(journal.lines)
    expect(header).toEqual({
      journal: 'compliancely-auth',
      version: 1,
      producer: PRODUCER,
      startedAtMs: Date.UTC(2026, 0, 5, 8),
      origin: BASE_URL,
      account: expect.stringMatching(/^[0-9a-f]{16}$/),
      client: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    const by = String(header?.client).slice(0, 8)
    expect(lines.every((line) => line.by === by)).toBe(true)
    const atMs = Date.UTC(2026, 0, 5, 8)
    expect(lines.filter(({ kind }) => kind !== 'transition')).toMatchObject([
      { kind: 'demanded', atMs, demand: 1, deadlineAtMs: atMs + 90_000 },
      { kind: 'sent', atMs, send: 1, endpoint: 'create', method: 'POST', path: '/api/v2/token/', authScheme: 'none' },
      { kind: 'answered', atMs: atMs + 40, send: 1, status: 200, grantedAccessExpAtMs: atMs + HOUR },
      { kind: 'settled', atMs: atMs + 40, demand: 1, tookMs: 40, accessExpAtMs: atMs + HOUR },
      { kind: 'sent', atMs: atMs + 40, send: 2, endpoint: 'api', path: WHO_AM_I, authScheme: 'Bearer' },
      { kind: 'answered', atMs: atMs + 80, send: 2, status: 200 },
    ])
    const [, , granted, given, sent] = lines.filter(({ kind }) => kind !== 'transition')
    expect(given?.accessId).toBe(granted?.grantedAccessId)
    expect(sent?.accessId).toBe(granted?.grantedAccessId)
  })

  it('tells no secret of a path', async () => {
    const { auth, journal, settled } = journaled()
    await settled(auth.fetchLike(SECRET_PATH))
    expect(kinds(journal.lines, 'sent').at(-1)).toMatchObject({ endpoint: 'api', path: SECRET_PATH_SHOWN })
    expect(journal.text()).not.toContain('canary')
  })

  it('says nothing of one who is served from memory, and the more of the request', async () => {
    const { auth, journal, settled } = journaled()
    await settled(auth.fetchLike(WHO_AM_I))
    await settled(auth.fetchLike(WHO_AM_I))
    expect(kinds(journal.lines, 'demanded')).toHaveLength(1)
    expect(kinds(journal.lines, 'sent').map(({ endpoint }) => endpoint)).toEqual(['create', 'api', 'api'])
  })

  it('names both sends of one request, and the code of a 403', async () => {
    const { world, auth, journal, settled } = journaled()
    await settled(auth.fetchLike(WHO_AM_I))
    await world.clock.advance(2 * MINUTE)
    world.sandbox.fail({ endpoint: 'api', status: 403, body: { code: 'token_not_valid' } })
    await settled(auth.fetchLike(WHO_AM_I))
    const api = kinds(journal.lines, 'sent').filter(({ endpoint }) => endpoint === 'api')
    expect(api.map(({ requestId }) => requestId)).toEqual([api[0]?.requestId, api[1]?.requestId, api[1]?.requestId])
    expect(api[1]?.accessId).not.toBe(api[2]?.accessId)
    expect(kinds(journal.lines, 'answered').filter(({ status }) => status === 403)).toMatchObject([
      { code: 'token_not_valid' },
    ])
  })

  it('tells who gave a request up', async () => {
    const { world, auth, journal, settled } = journaled()
    await settled(auth.fetchLike(WHO_AM_I))
    world.sandbox.fail({ endpoint: 'api', hang: 'before', times: 1 })
    const caller = new AbortController()
    const call = auth.fetchLike(WHO_AM_I, { signal: caller.signal })
    await world.clock.advance(SECOND)
    caller.abort()
    await settled(call)
    world.sandbox.fail({ endpoint: 'api', drop: 'before' })
    await settled(auth.fetchLike(WHO_AM_I))
    const ends = kinds(journal.lines, 'answered').slice(-2)
    expect(ends).toMatchObject([{ status: 'dropped', abandoned: true }, { status: 'dropped' }])
    expect(ends[1]).not.toHaveProperty('abandoned')
  })

  it('has ids by which the processes of one account match, and no others', async () => {
    const { world, auth, journal, settled } = journaled()
    await settled(auth.fetchLike(WHO_AM_I))
    const second = collector()
    const neighbour = collector()
    await settled(world.client({ journal: second.stream }).fetchLike(WHO_AM_I))
    await settled(world.client({ journal: neighbour.stream, account: 'another' }).fetchLike(WHO_AM_I))
    const [ours, theirs, others] = [journal, second, neighbour].map(({ lines }) => parsed(lines)[0])
    expect(theirs?.account).toBe(ours?.account)
    expect(others?.account).not.toBe(ours?.account)
    const [token] = kinds(second.lines, 'sent')
    expect(token).toMatchObject({ endpoint: 'api', accessExpAtMs: Date.UTC(2026, 0, 5, 9) })
    expect(token?.accessId).toBe(kinds(journal.lines, 'answered')[0]?.grantedAccessId)
  })

  it('begins anew where the record came to have another salt: its ids are others from there', async () => {
    const { world, auth, journal, settled } = journaled()
    await settled(auth.fetchLike(WHO_AM_I))
    const account = `${BASE_URL} ${USERNAME}`
    const { record } = await world.now(world.store.read(account))
    if (record === undefined) throw new Error('the record is not there')
    const restored = { ...record, salt: 'another', version: record.version + 1 }
    await world.now(world.store.compareAndSet(account, record.version, restored))
    await settled(auth.getAccessToken({ forceRefresh: true }))
    const headers = parsed(journal.lines).filter((line) => line.journal !== undefined)
    expect(headers.map(({ client }) => client)).toEqual([headers[0]?.client, headers[0]?.client])
    expect(headers[1]?.account).not.toBe(headers[0]?.account)
    const { items } = await readJournal(journal.text())
    const accounts = items.flatMap((item) => (item.kind === 'exchange' ? [item.account] : []))
    expect(accounts).toEqual([headers[0]?.account, headers[0]?.account, headers[1]?.account])
  })

  it('shows no secret, in no line', async () => {
    const { world, auth, journal, settled } = journaled()
    await liveADay(world, auth, settled)
    await closed(world, auth)
    const text = journal.text()
    const secrets = [PASSWORD, 'mistyped', `"${USERNAME}"`, 'canary', 'Bearer eyJ', 'eyJ']
    for (const secret of secrets) expect(text, secret).not.toContain(secret)
    expect(text).toContain('accessId')
  })

  it('a day with faults, read again, breaks no rule', async () => {
    const { world, auth, journal, settled } = journaled()
    await liveADay(world, auth, settled)
    await closed(world, auth)
    const { items, error, abilities } = await readJournal(journal.text())
    expect(error).toBeUndefined()
    expect(abilities.tells).toHaveLength(8)
    const monitors = judging(createMonitors(), abilities.tells)
    expect(monitors).toHaveLength(createMonitors().length - 1)
    const moments = momentsIn(items)
    // Everything that the server saw of this client is there.
    const sent = moments.filter(({ kind }) => kind === 'sent')
    expect(sent).toHaveLength(world.log().length)
    expect(judge(moments, monitors)).toEqual([])
    // Half a kilobyte a request, all told.
    expect(journal.text().length / sent.length).toBeLessThan(600)
  })

  it('a stream that takes nothing holds nobody up, and the journal says what it lacks', async () => {
    const { world, settled } = journaled()
    let open = () => {}
    const lines: string[] = []
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const stream = new WritableStream<string>({
      async write(line) {
        await gate
        lines.push(line)
      },
    })
    const auth = world.client({ journal: stream })
    await settled(auth.fetchLike(WHO_AM_I))
    for (let call = 0; call < 5_500; call++) void auth.fetchLike(WHO_AM_I).catch(() => {})
    await world.clock.advance(SECOND)
    open()
    await world.clock.advance(SECOND)
    expect(lines).toHaveLength(10_000)
    await settled(auth.fetchLike(WHO_AM_I))
    const gaps = kinds(lines, 'gap')
    expect(gaps).toHaveLength(1)
    expect(gaps[0]?.lines).toBeGreaterThan(1000)
    expect(lines.at(-1)).toContain('"answered"')
  })

  it('close() waits for a slow stream, though not for ever, and leaves it open', async () => {
    const { world, settled } = journaled()
    let opened = 0
    const stream = new WritableStream<string>({ write: () => new Promise(() => {}), close: () => void opened++ })
    const auth = world.client({ journal: stream })
    await settled(auth.fetchLike(WHO_AM_I))
    const closing = auth.close()
    await world.clock.advance(4_900)
    expect(await world.peek(closing)).toBeUndefined()
    await world.clock.advance(200)
    expect(await world.peek(closing)).toEqual({ value: undefined })
    expect(stream.locked).toBe(false)
    expect(opened).toBe(0)
  })

  it('a stream that fails is given up, said once, and the client goes on', async () => {
    const { world, settled } = journaled()
    let writes = 0
    const stream = new WritableStream<string>({
      write() {
        if (++writes > 2) throw Object.assign(new Error('canary: the disk is full'), { code: 'ENOSPC' })
      },
    })
    const events: AuthEvent[] = []
    const auth = world.client({ journal: stream, onEvent: (event) => events.push(event) })
    expect(await settled(auth.fetchLike(WHO_AM_I))).toMatchObject({ status: 200 })
    expect(await settled(auth.fetchLike(WHO_AM_I))).toMatchObject({ status: 200 })
    const errors = events.filter((event) => event.type === 'error')
    expect(errors.map(({ error }) => error.code)).toEqual(['CONFIG_INVALID'])
    expect(errors[0]?.error.message).toContain("'journal' is a stream that cannot be written any more (ENOSPC)")
    expect(errors[0]?.error.message).not.toContain('canary')
    expect(writes).toBe(3)
    await closed(world, auth)
  })

  it.each([
    ['a string', 'journal.jsonl'],
    [
      'a stream that somebody else writes to',
      (() => {
        const { stream } = collector()
        stream.getWriter()
        return stream
      })(),
    ],
  ])('%s is no journal', (_, journal) => {
    const { world } = journaled()
    const create = () => world.client({ journal: journal as WritableStream<string> })
    expect(create).toThrow(AuthError)
    expect(create).toThrow(/option 'journal' is .*, but must be a WritableStream of strings that nobody else writes to/)
  })

  it('names the version of the package', () => {
    const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(PRODUCER).toBe(`${name} ${version}`)
  })
})

/** What a client lives through on a bad day: as in test/known-bad. */
async function liveADay(world: World, auth: AuthClient, settled: (work: Promise<unknown>) => Promise<unknown>) {
  const { sandbox, clock } = world
  const call = () => settled(auth.fetchLike(`${WHO_AM_I}?q=canary`))
  const work = async (ms: number) => {
    for (let left = ms; left > 0; left -= 4 * MINUTE) {
      await call()
      await clock.advance(Math.min(left, 4 * MINUTE))
    }
  }
  sandbox.fail({ endpoint: 'create', replyLatencyMs: 5 * SECOND })
  const caller = new AbortController()
  const asked = [
    auth.getAccessToken({ signal: caller.signal }),
    auth.getAccessToken({ timeoutMs: 2 * SECOND }),
    auth.getAccessToken(),
  ]
  for (const each of asked) each.catch(() => {})
  await clock.advance(SECOND)
  caller.abort()
  await work(3 * HOUR)
  await settled(auth.validate())
  sandbox.fail({ endpoint: 'api', status: 502 })
  await work(8 * MINUTE)
  sandbox.fail({ endpoint: 'refresh', status: 429, headers: { 'Retry-After': '900' } })
  await work(2 * HOUR)
  sandbox.revokeAll('access')
  await Promise.all([call(), call(), call()])
  await work(HOUR)
  await settled(auth.getAccessToken({ forceRefresh: true }))
  sandbox.fail({ endpoint: 'refresh', status: 400 })
  await work(2 * HOUR)
  sandbox.fail({ endpoint: 'refresh', status: 502, times: 2 })
  await work(2 * HOUR)
  sandbox.fail({ endpoint: 'refresh', garble: 'cut' })
  await work(2 * HOUR)
  sandbox.fail({ endpoint: 'api', status: 429 })
  await work(30 * MINUTE)
  await settled(auth.reset())
  sandbox.fail({ endpoint: 'create', status: 503 })
  await call()
  await clock.advance(MINUTE)
  await work(20 * MINUTE)
  await settled(auth.signIn({ username: USERNAME, password: 'mistyped' }))
  await call()
  await settled(auth.signIn({ username: USERNAME, password: PASSWORD }))
  await work(20 * MINUTE)
  await settled(auth.signOut())
  await call()
  await settled(auth.signIn())
  await work(2 * HOUR)
  // The machine sleeps, and both tokens die in the night.
  clock.suspend(2 * HOUR)
  await work(HOUR)
  await clock.advance(30 * HOUR)
  await work(HOUR)
}
