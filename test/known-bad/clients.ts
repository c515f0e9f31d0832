import { AuthError } from '../../src/errors.ts'
import type { SandboxOptions } from '../../src/sandbox/index.ts'
import { type Bench, HOUR, MINUTE, SECOND } from './http.ts'

/** A client that does one thing wrong, and the monitor that has to find it. */
export interface KnownBad {
  readonly what: string
  readonly caughtBy: string
  readonly server?: Omit<SandboxOptions, 'clock' | 'signer'>
  live(bench: Bench): Promise<void>
}

export const KNOWN_BAD: readonly KnownBad[] = [
  {
    what: 'counts its requests in fixed minutes: eleven fit across the edge of two',
    caughtBy: 'invariant-2',
    server: { throttle: false },
    async live({ http, wait, clock }) {
      const counted = new Map<number, number>()
      const limited = async (send: () => Promise<unknown>) => {
        const minute = Math.floor(clock.now() / MINUTE)
        const count = counted.get(minute) ?? 0
        if (count >= 10) return
        counted.set(minute, count + 1)
        await send()
      }
      const { access } = await http.create()
      await wait(MINUTE + 55 * SECOND)
      for (let n = 0; n < 11; n++) {
        await limited(() => http.validate(access))
        await wait(SECOND)
      }
    },
  },
  {
    what: 'keeps the pause in memory, and forgets it with a restart',
    caughtBy: 'invariant-3',
    async live({ http, wait, sandbox, recorder }) {
      const start = () => {
        let pausedUntilMs = 0
        return async (nowMs: number) => {
          recorder.demanded()
          if (nowMs < pausedUntilMs) return
          const { status } = await http.create()
          if (status === 429) pausedUntilMs = nowMs + 10 * MINUTE
        }
      }
      sandbox.fail({ endpoint: 'create', status: 429 })
      const before = start()
      await before(0)
      await before(MINUTE)
      await wait(MINUTE)
      await start()(MINUTE)
    },
  },
  {
    what: 'looks at no expiry',
    caughtBy: 'invariant-4',
    async live({ http, wait }) {
      const { access } = await http.create()
      for (let minutes = 0; minutes <= 60; minutes += 60) {
        await http.api(access)
        await wait(HOUR)
      }
    },
  },
  {
    what: 'keeps the refresh token when a refresh brings a new one',
    caughtBy: 'invariant-5',
    server: { blacklist: false },
    async live({ http, wait }) {
      let { access, refresh } = await http.create()
      for (let refreshes = 0; refreshes < 2; refreshes++) {
        await wait(48 * MINUTE)
        ;({ access } = await http.refresh(refresh))
        await http.api(access)
      }
    },
  },
  {
    what: 'replays an API request as long as it is refused',
    caughtBy: 'invariant-6',
    async live({ http, wait, sandbox }) {
      let held = await http.create()
      await wait(2 * MINUTE)
      sandbox.fail({ endpoint: 'api', status: 401, times: 2 })
      while ((await http.api(held.access, { id: 'request-1' })) === 401) {
        held = await http.refresh(held.refresh)
        await wait(2 * MINUTE)
      }
    },
  },
  {
    what: 'signs in at every call',
    caughtBy: 'invariant-10',
    async live({ http, wait }) {
      for (let calls = 0; calls < 6; calls++) {
        const { access } = await http.create()
        await http.api(access)
        await wait(5 * MINUTE)
      }
    },
  },
  {
    what: 'waits for an answer without a time-out',
    caughtBy: 'invariant-11',
    async live({ http, wait, sandbox, recorder }) {
      sandbox.fail({ endpoint: 'create', replyLatencyMs: 2 * MINUTE })
      const { ended } = recorder.demand(async () => (await http.create()).access, { timeoutMs: 90 * SECOND })
      await wait(2 * MINUTE)
      await ended
    },
  },
  {
    what: 'never answers those who wait when a create fails',
    caughtBy: 'invariant-11',
    async live({ http, wait, sandbox, recorder }) {
      sandbox.fail({ endpoint: 'create', status: 500 })
      const served = async () => {
        const { status, access } = await http.create()
        return status === 200 ? access : new Promise<never>(() => {})
      }
      recorder.demand(served, { timeoutMs: 90 * SECOND })
      await wait(90 * SECOND + 1)
      recorder.elapsed()
    },
  },
  {
    what: 'writes the request into its error',
    caughtBy: 'invariant-12',
    async live({ http, sandbox, recorder }) {
      const body = { username: 'demo', password: 'demo-password' }
      sandbox.fail({ endpoint: 'create', status: 400 })
      const { status } = await http.create(body.password)
      recorder.shown('an error', `sign-in failed with ${status}: ${JSON.stringify(body)}`)
    },
  },
  {
    what: 'prints the token that it refreshes with',
    caughtBy: 'invariant-12',
    async live({ http, wait, recorder }) {
      const { refresh } = await http.create()
      await wait(48 * MINUTE)
      recorder.shown('the log', `refreshing with ${refresh}`)
      await http.refresh(refresh)
    },
  },
  {
    what: 'ends everybody’s wait with the first who gives up',
    caughtBy: 'invariant-13',
    async live({ http, wait, sandbox, recorder }) {
      sandbox.fail({ endpoint: 'create', replyLatencyMs: 5 * SECOND })
      let shared: Promise<string> | undefined
      const acquire = (signal: AbortSignal) => {
        shared ??= new Promise<string>((resolve, reject) => {
          signal.addEventListener('abort', () => reject(new AuthError('ABORTED', 'the caller gave up')))
          http.create().then(({ access }) => resolve(access))
        })
        return shared
      }
      const first = recorder.demand(acquire, { timeoutMs: 90 * SECOND })
      const second = recorder.demand(acquire, { timeoutMs: 90 * SECOND })
      await wait(SECOND)
      first.abort()
      await Promise.all([first.ended, second.ended])
      await wait(5 * SECOND)
    },
  },
  {
    what: 'aborts the request in flight with the caller who began it',
    caughtBy: 'invariant-13',
    async live({ wait, sandbox, recorder }) {
      sandbox.fail({ endpoint: 'create', replyLatencyMs: 5 * SECOND })
      const body = JSON.stringify({ username: 'demo', password: 'demo-password' })
      const acquire = async (signal: AbortSignal) => {
        const url = 'https://sandbox.test/api/v2/token/'
        await recorder.fetch(url, { method: 'POST', body, signal }).catch(() => {})
        throw new AuthError('ABORTED', 'the caller gave up')
      }
      const first = recorder.demand(acquire, { timeoutMs: 90 * SECOND })
      await wait(SECOND)
      first.abort()
      await wait(0)
      await first.ended
    },
  },
  {
    what: 'takes the token along to another origin',
    caughtBy: 'invariant-14',
    async live({ http }) {
      const { access } = await http.create()
      await http.api(access, { url: 'https://elsewhere.test/api/v2/whoami/' })
    },
  },
  {
    what: 'sends API requests without a token',
    caughtBy: 'bearer-on-every-request',
    async live({ http }) {
      const { access } = await http.create()
      await http.api(access)
      await http.api(access, { authorization: '' })
    },
  },
  {
    what: 'still sends user name and password with each request',
    caughtBy: 'no-basic-auth',
    async live({ http }) {
      await http.api('', { authorization: `Basic ${btoa('demo:demo-password')}` })
    },
  },
  {
    what: 'still calls API V1',
    caughtBy: 'no-api-v1',
    async live({ http }) {
      const { access } = await http.create()
      await http.api(access, { url: 'https://sandbox.test/api/v1/taxexempt/' })
    },
  },
  {
    what: 'tries an expired refresh token first',
    caughtBy: 'refresh-lives-24h',
    async live({ http, wait }) {
      const { refresh } = await http.create()
      await wait(24 * HOUR)
      const { status } = await http.refresh(refresh)
      if (status === 401) await http.create()
    },
  },
  {
    what: 'refreshes five minutes before the expiry',
    caughtBy: 'refresh-before-expiry',
    async live({ http, wait }) {
      let held = await http.create()
      for (let minutes = 0; minutes <= 55; minutes += 1) {
        if (minutes === 55) held = await http.refresh(held.refresh)
        await http.api(held.access)
        await wait(MINUTE)
      }
    },
  },
  {
    what: 'refreshes only when the access token is near its end, a day later',
    caughtBy: 'rotate-within-12h',
    server: { accessLifetimeS: 86_400 },
    async live({ http, wait }) {
      const { access, refresh } = await http.create()
      for (let hours = 0; hours < 23; hours++) {
        await http.api(access)
        await wait(HOUR)
      }
      await http.refresh(refresh)
    },
  },
  {
    what: 'runs as a job that signs in and out for each request',
    caughtBy: 'create-rarely',
    async live({ http, wait, recorder }) {
      for (let jobs = 0; jobs < 4; jobs++) {
        recorder.operator('signIn')
        const { access } = await http.create()
        await http.api(access)
        recorder.operator('signOut')
        await wait(5 * MINUTE)
      }
    },
  },
  {
    what: 'validates before each request',
    caughtBy: 'validate-optionally',
    async live({ http, wait }) {
      const { access } = await http.create()
      for (let calls = 0; calls < 6; calls++) {
        if ((await http.validate(access)) === 200) await http.api(access)
        await wait(MINUTE)
      }
    },
  },
  {
    what: 'refreshes for each 401, also where a fresh token is refused',
    caughtBy: 'D-young-rejection',
    async live({ http, wait, sandbox }) {
      let held = await http.create()
      sandbox.fail({ endpoint: 'api', status: 401 })
      await wait(10 * SECOND)
      if ((await http.api(held.access)) === 401) held = await http.refresh(held.refresh)
      await http.api(held.access)
    },
  },
  {
    what: 'refreshes again every second while the server is down',
    caughtBy: 'D-back-off',
    async live({ http, wait, sandbox }) {
      let { refresh } = await http.create()
      await wait(48 * MINUTE)
      sandbox.fail({ endpoint: 'refresh', status: 502, times: 3 })
      for (let status = 0; status !== 200; await wait(SECOND)) {
        const answer = await http.refresh(refresh)
        status = answer.status
        if (status === 200) refresh = answer.refresh
      }
    },
  },
  {
    what: 'signs in for each caller while the server is down',
    caughtBy: 'D-back-off',
    async live({ http, wait, sandbox, recorder }) {
      sandbox.fail({ endpoint: 'create', status: 503, times: 3 })
      for (let callers = 0; callers < 4; callers++) {
        recorder.demanded()
        await http.create()
        await wait(10 * SECOND)
      }
    },
  },
  {
    what: 'goes on refreshing for ever, though nobody asks',
    caughtBy: 'D-refresh-unavailable',
    async live({ http, wait, sandbox }) {
      const { refresh } = await http.create()
      await wait(10 * MINUTE)
      sandbox.fail({ endpoint: 'refresh', status: 504, times: 20 })
      for (let tries = 0; tries < 9; tries++) {
        await http.refresh(refresh)
        await wait(10 * MINUTE)
      }
    },
  },
  {
    what: 'signs in by itself when a refresh is answered 401',
    caughtBy: 'D-refresh-401',
    async live({ http, wait, sandbox }) {
      const { refresh } = await http.create()
      await wait(48 * MINUTE)
      sandbox.revokeAll('refresh')
      const { status } = await http.refresh(refresh)
      if (status === 401) await http.create()
    },
  },
  {
    what: 'signs in for each caller with credentials that were answered 403',
    caughtBy: 'D-create-4xx',
    async live({ http, wait, sandbox, recorder }) {
      sandbox.fail({ endpoint: 'create', status: 403, times: 2 })
      for (let callers = 0; callers < 2; callers++) {
        recorder.demanded()
        await http.create()
        await wait(HOUR)
      }
    },
  },
  {
    what: 'ends what it had planned after a sign-out',
    caughtBy: 'D-sign-out',
    async live({ http, wait, recorder }) {
      const { access } = await http.create()
      recorder.operator('signOut')
      await wait(SECOND)
      await http.api(access)
    },
  },
  {
    what: 'waits for as long as a throttled API request asks, not for the pause',
    caughtBy: 'D-api-429',
    async live({ http, wait, sandbox }) {
      const { access } = await http.create()
      sandbox.fail({ endpoint: 'api', status: 429, headers: { 'Retry-After': '60' } })
      for (let status = 429; status === 429; await wait(MINUTE)) status = await http.api(access)
    },
  },
]
