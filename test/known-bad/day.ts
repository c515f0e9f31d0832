import type { Sabotage } from '../../src/cli/demo/sabotage.ts'
import { type AuthClient, AuthError, createAuthClient } from '../../src/index.ts'
import { BASE_URL, type Bench, HOUR, MINUTE, SECOND } from './http.ts'
import { REQUEST_ID } from './recorder.ts'

const USER = { username: 'demo', password: 'demo-password' }

/** Our client lives through everything that a known-bad one trips over; `sabotage` stands between it and the server. */
export async function liveADay(bench: Bench, sabotage?: Sabotage): Promise<void> {
  const { clock, sandbox, recorder, wait } = bench
  const send = (request: Request) => recorder.fetch(request)
  const through = sabotage?.wrap({ send, clock, tell: () => {} }) ?? send
  const auth = createAuthClient({
    baseURL: BASE_URL,
    credentials: USER,
    clock,
    policy: { fingerprintRounds: 1 },
    random: () => 0.5,
    fetch: (input, init) => through(new Request(input, init)),
    onEvent: (event) => {
      const text =
        event.type === 'error' ? `${event.error.stack} ${JSON.stringify(event.error)}` : JSON.stringify(event)
      recorder.shown(`an event '${event.type}'`, text)
    },
  })
  let calls = 0
  const settled = async <T>(work: Promise<T>): Promise<T | AuthError> => {
    const end = work.catch((error: unknown) => {
      if (!(error instanceof AuthError)) throw error
      return error
    })
    await clock.settle()
    return end
  }
  const call = () => {
    recorder.demanded()
    const headers = { [REQUEST_ID]: `request-${++calls}` }
    return settled(auth.fetchLike('/api/v2/whoami/', { headers }))
  }
  const operator = (action: 'signIn' | 'reset' | 'signOut', act: (client: AuthClient) => Promise<unknown>) => {
    recorder.operator(action)
    return settled(act(auth))
  }
  /** API requests every four minutes. */
  const work = async (ms: number) => {
    for (let left = ms; left > 0; left -= 4 * MINUTE) {
      await call()
      await wait(Math.min(left, 4 * MINUTE))
    }
  }
  const ask = (timeoutMs = 90 * SECOND) =>
    recorder.demand((signal) => auth.getAccessToken({ signal, timeoutMs }), { timeoutMs })

  // A quiet morning, callers who give up among it.
  sandbox.fail({ endpoint: 'create', replyLatencyMs: 5 * SECOND })
  const callers = [ask(), ask(), ask(2 * SECOND)]
  await wait(SECOND)
  callers[0]?.abort()
  await wait(5 * SECOND)
  await work(3 * HOUR)
  // A server that fails, throttles, and forgets.
  sandbox.fail({ endpoint: 'api', status: 502 })
  await work(8 * MINUTE)
  sandbox.fail({ endpoint: 'refresh', status: 429 })
  await work(2 * HOUR)
  sandbox.revokeAll('access')
  await Promise.all([call(), call(), call()])
  await work(HOUR)
  sandbox.fail({ endpoint: 'refresh', status: 400 })
  await work(2 * HOUR)
  sandbox.fail({ endpoint: 'refresh', status: 502, times: 2 })
  await work(2 * HOUR)
  sandbox.fail({ endpoint: 'api', status: 429 })
  await work(30 * MINUTE)
  // An operator who resets, mistypes, signs out, and signs in.
  await operator('reset', (client) => client.reset())
  sandbox.fail({ endpoint: 'create', status: 503 })
  await call()
  await wait(MINUTE)
  await work(20 * MINUTE)
  await operator('signIn', (client) => client.signIn({ ...USER, password: 'mistyped' }))
  await call()
  await operator('signIn', (client) => client.signIn(USER))
  await work(20 * MINUTE)
  await operator('signOut', (client) => client.signOut())
  await call()
  await operator('signIn', (client) => client.signIn())
  await work(2 * HOUR)
  // Both tokens die in the night.
  await wait(30 * HOUR)
  await work(HOUR)
  recorder.shown('the status', JSON.stringify(auth.status()))
  const closing = auth.close()
  await wait(MINUTE)
  await closing
  recorder.elapsed()
}
