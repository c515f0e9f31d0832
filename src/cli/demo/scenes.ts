import { type Day, HOUR_MS, MINUTE_MS } from './day.ts'

/** A piece of the day. */
export interface Scene {
  readonly title: string
  /** What it is about, and which clauses and decisions. */
  readonly about: string
  readonly play: (day: Day) => Promise<void>
}

/** Who signs in. */
export const USER = { username: 'demo', password: 'demo-password' }
/** Another program behind the same address. */
export const NEIGHBOUR = { username: 'neighbour', password: 'neighbour-password' }

const start: Scene = {
  title: 'The first request of the day',
  about: 'Nothing is held, so the first request signs in; all further ones use its pair (create-rarely, cache-tokens).',
  async play(day) {
    day.expect('the first request is answered 200', (await day.call()) === 200)
    await day.workFor(75 * MINUTE_MS)
  },
}

const revoked: Scene = {
  title: 'The server revokes the access token while three requests are on their way',
  about: 'Three 401s, one refresh, three replays (refresh-once, no-endless-retry, D-stale-401).',
  async play(day) {
    day.sandbox.revokeAll('access')
    const got = await Promise.all([day.call(), day.call(), day.call()])
    day.expect(
      'all three requests are answered 200 in the end',
      got.every((status) => status === 200),
    )
    await day.workUntilRefreshIsNear()
  },
}

const gatewayDown: Scene = {
  title: 'The gateway fails: 502, 504, 500',
  about: 'Both tokens are kept and go on working; the refresh is tried again after a back-off (D-refresh-unavailable).',
  async play(day) {
    for (const status of [502, 504, 500]) day.sandbox.fail({ endpoint: 'refresh', status })
    const { generation } = day.auth.status()
    await day.workFor(20 * MINUTE_MS)
    day.expect('the refresh succeeds in the end', day.auth.status().generation > generation)
  },
}

const apiFails: Scene = {
  title: 'The API itself answers 502',
  about: 'That is the business of the caller: it is not sent again, and no token is touched (D-api-5xx).',
  async play(day) {
    day.sandbox.fail({ endpoint: 'api', status: 502 })
    day.expect('the caller gets the 502', (await day.call()) === 502)
    await day.workUntilRefreshIsNear()
  },
}

const throttled: Scene = {
  title: 'Another program behind the same address uses up the limit',
  about:
    'The refresh is answered 429: ten minutes without a token request, both tokens kept (pause-after-429, D-refresh-429).',
  async play(day) {
    const body = JSON.stringify(NEIGHBOUR)
    const headers = { 'Content-Type': 'application/json' }
    for (let sent = 0; sent < 11; sent++)
      await day.start(
        fetch(`${day.url}/api/v2/token/`, { method: 'POST', headers, body }).then((reply) => reply.text()),
      )
    day.narrator.say(
      day.clock.now(),
      'the neighbour signed in eleven times; the server locks the address out for ten minutes',
    )
    await day.workFor(5 * MINUTE_MS)
    day.expect('the client pauses', day.auth.status().gate === 'paused')
    await day.workFor(15 * MINUTE_MS)
    day.expect('the refresh succeeds after the pause', day.auth.status().state === 'valid')
    await day.workUntilRefreshIsNear()
  },
}

const refresh400: Scene = {
  title: 'A refresh is answered 400',
  about: 'Both tokens are discarded and one sign-in follows (refresh-4xx-recreates).',
  async play(day) {
    day.sandbox.fail({ endpoint: 'refresh', status: 400, body: { refresh: ['This field is malformed.'] } })
    await day.workFor(10 * MINUTE_MS)
    day.expect('a sign-in replaces the discarded pair', day.auth.status().state === 'valid')
    await day.workUntilRefreshIsNear()
  },
}

const lostReply: Scene = {
  title: 'The reply to a refresh is lost',
  about:
    'The server has rotated, so the next refresh gets a 401 that is explained: sign in (unfinished, D-refresh-401).',
  async play(day) {
    day.sandbox.fail({ endpoint: 'refresh', drop: 'after' })
    await day.workFor(10 * MINUTE_MS)
    day.expect('a sign-in follows the explained 401', day.auth.status().state === 'valid')
    await day.workUntilRefreshIsNear()
  },
}

const refresh401: Scene = {
  title: 'The server revokes the refresh token',
  about:
    'Nothing explains this 401: it is surfaced and latched, the access token serves on, an operator signs in (D-refresh-401).',
  async play(day) {
    day.sandbox.revokeAll('refresh')
    await day.workFor(4 * MINUTE_MS)
    day.expect('the refresh is latched', day.auth.status().state === 'failed.refreshUnauthorized')
    day.expect('the access token serves on', (await day.call()) === 200)
    day.narrator.say(day.clock.now(), 'the operator calls signIn()')
    day.wire.operator('signIn')
    day.expect('the operator’s sign-in succeeds', (await day.user(() => day.auth.signIn())) === 'ok')
    await day.workFor(2 * HOUR_MS)
  },
}

const shortSleep: Scene = {
  title: 'The machine sleeps for two hours',
  about:
    'The access token expires meanwhile; the next request refreshes, it does not sign in (expired-access-refreshes).',
  async play(day) {
    await day.sleep(2 * HOUR_MS)
    day.expect('the first request after it is answered 200', (await day.call()) === 200)
  },
}

const night: Scene = {
  title: 'Evening, night and morning',
  about: 'Nothing goes wrong: a refresh every 45 to 50 minutes (refresh-before-expiry, rotate-within-12h, D-jitter).',
  async play(day) {
    const startedAtMs = day.clock.now()
    const morningMs = startedAtMs - (startedAtMs % (24 * HOUR_MS)) + 33 * HOUR_MS
    await day.workUntil(morningMs)
  },
}

const longSleep: Scene = {
  title: 'The machine sleeps for 25 hours, and wakes to a bad morning',
  about:
    'Both tokens expired: sign in. That meets a 500, then a 429 (both-expired-creates, reauth-failure-stops, D-pause).',
  async play(day) {
    await day.sleep(25 * HOUR_MS)
    day.sandbox.fail({ endpoint: 'create', status: 500 })
    day.sandbox.fail({ endpoint: 'create', status: 429 })
    day.expect('the failed sign-in is surfaced', (await day.call()) === 'UNAVAILABLE')
    await day.workFor(6 * MINUTE_MS)
    day.expect('the client pauses', day.auth.status().gate === 'paused')
    day.narrator.say(day.clock.now(), 'a job asks for a token with waitForPause and a time-out of 15 minutes')
    day.wire.demanded()
    let served = false
    const job = day.auth.getAccessToken({ waitForPause: true, timeoutMs: 15 * MINUTE_MS })
    job.then(
      () => (served = true),
      () => {},
    )
    await day.workFor(12 * MINUTE_MS)
    day.expect('the job gets its token after the pause', served)
    await day.workFor(HOUR_MS)
  },
}

const wrongPassword: Scene = {
  title: 'The operator changes the password, and mistypes it here',
  about:
    'One sign-in, one 401, and nothing more is sent, whoever asks (no-retry-on-invalid-credentials, D-create-4xx).',
  async play(day) {
    day.sandbox.setPassword(USER.username, 'a-new-password')
    day.wire.operator('signIn')
    const got = await day.user(() => day.auth.signIn({ username: USER.username, password: 'a-mistyped-password' }))
    day.expect('the sign-in is refused', got === 'INVALID_CREDENTIALS')
    await day.workFor(HOUR_MS)
    day.expect('the client stays stopped', day.auth.status().state === 'failed.invalidCredentials')
  },
}

/** The day, with or without its accidents. */
export const scenesOf = (accidents: boolean): readonly Scene[] =>
  accidents
    ? [
        ...[start, revoked, gatewayDown, apiFails, throttled, refresh400, lostReply, refresh401],
        ...[shortSleep, night, longSleep, wrongPassword],
      ]
    : [start, night]
