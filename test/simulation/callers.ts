import { inspect } from 'node:util'
import { AuthError } from '../../src/index.ts'
import type { Settlement } from '../../src/monitors/index.ts'
import { API, COMMAND_MS, credentialsIdOf, USERNAME, WATCHED } from './limits.ts'
import type { createOutputs } from './outputs.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Setting } from './setting.ts'
import { MINUTE, SECOND } from './units.ts'

export type Callers = ReturnType<typeof createCallers>

/** Those who use a client: what they ask for, and whether it ends in time and in something it may end in. */
export function createCallers(setting: Setting, { tellTale }: Pick<ReturnType<typeof createOutputs>, 'tellTale'>) {
  const { clock, state, on, judge, tokens, trace } = setting
  const { lookAt, orderOf } = tokens
  const { note, count, violate } = trace

  /** Watches that a call ends in time, in something that it may end in. */
  const expectEnd = <T>(
    process: Process,
    what: string,
    withinMs: number,
    call: Promise<T>,
    check?: (value: T) => void,
    end?: (error: unknown) => void,
  ) => {
    const timer = process.clock.setTimeout(() => {
      violate('settles-in-time', `${what} was still open after ${withinMs} ms`, process.name)
    }, withinMs + 10)
    const over = () => process.clock.clearTimeout(timer)
    call.then(
      (value) => {
        over()
        if (!process.alive) return
        check?.(value)
        end?.(undefined)
      },
      (error: unknown) => {
        over()
        if (!process.alive) return
        const code = error instanceof AuthError ? error.code : (error as Error)?.name
        note(process.name, `${what}: ${code}`)
        count('happened', `refused ${code}`)
        const typed = error instanceof AuthError && (error.code !== 'UNAVAILABLE' || error.clause !== undefined)
        const ofFetch = what.startsWith('api') && (error instanceof TypeError || code === 'AbortError')
        if (!typed && !ofFetch) violate('typed-error', `${what} ended in ${inspect(error)}`, process.name)
        tellTale(inspect(error, { depth: 8, showHidden: true }), `the error of ${what}`, process)
        end?.(error)
      },
    )
  }
  const usable = (process: Process, token: string, newerThan: number) => {
    const { jti, expAtMs } = lookAt(token)
    const order = orderOf(jti)
    note(process.name, `was given ${jti}`)
    if (expAtMs <= clock.now() && !process.cannotTell())
      violate('usable-token', `${jti} was given out ${clock.now() - expAtMs} ms after its expiry`, process.name)
    if (order <= newerThan) violate('D-force', `a forced refresh gave ${jti}, no newer than before`, process.name)
    process.newest = Math.max(process.newest, order)
  }
  let demands = 0
  /** Somebody asks: the id of the demand. */
  const demanded = (process: Process, forced = false) => {
    const demandId = `d${++demands}`
    judge.see({ kind: 'demanded', atMs: clock.now(), demandId, forced }, process)
    return demandId
  }
  /** What became of one who asked for a token, as the monitors hear of it. */
  const settles = <T>(process: Process, demandId: string, call: Promise<T>): Promise<T> => {
    const settled = (result: Settlement) =>
      process.alive && judge.see({ kind: 'settled', atMs: clock.now(), demandId, result }, process)
    call.then(
      () => settled({ kind: 'token' }),
      (error) => settled({ kind: 'error', code: error instanceof AuthError ? error.code : undefined }),
    )
    return call
  }
  const abort = (process: Process, leaving: AbortController, demandId: string) => {
    if (process.alive) judge.see({ kind: 'aborted', atMs: clock.now(), demandId }, process)
    leaving.abort()
  }
  const operator = (process: Process, action: 'signIn' | 'reset' | 'signOut', credentialsId?: string) => {
    note(process.name, action)
    count('happened', action)
    judge.see({ kind: 'operator', atMs: clock.now(), action, credentialsId }, process)
  }

  let requestIds = 0
  const callApi = (process: Process, random: Random) => {
    const demandId = demanded(process)
    const headers = { 'x-request-id': `r${++requestIds}` }
    const draw = random()
    if (draw < 0.1) {
      const leaving = new AbortController()
      const afterMs = on('aborts') && random.chance(0.5) ? random.spread(1, 20 * SECOND) : 2 * MINUTE
      const timer = process.clock.setTimeout(() => abort(process, leaving, demandId), afterMs)
      const end = () => {
        process.clock.clearTimeout(timer)
        judge.left(demandId)
      }
      const call = process.auth.fetchLike(WATCHED, { headers, signal: leaving.signal })
      return expectEnd(process, 'api (watched)', afterMs, call, undefined, end)
    }
    const post = { method: 'POST', body: '{"tin":"12-3456789","name":"Acme"}' } as const
    const call: Promise<unknown> =
      draw < 0.2
        ? process.auth.fetchLike('/api/v2/taxexempt/', {
            ...post,
            headers: { ...headers, 'content-type': 'application/json' },
          })
        : draw < 0.22
          ? process.auth.fetch(API, { headers }).catch((error: Error) => {
              // ofetch's own error for an answer that is none of ours.
              if (error.name !== 'FetchError') throw error
            })
          : process.auth.fetchLike(API, { headers })
    const more = () => {
      // What is left from worse hours is worked off one by one, while it works.
      if (state.owed > 0) clock.setTimeout(() => process.alive && callApi(process, random), random.wait(MINUTE))
    }
    expectEnd(process, 'api', 400 * SECOND, call, more, () => judge.left(demandId))
  }
  const callToken = (process: Process, random: Random) => {
    const demandId = demanded(process)
    const timeoutMs = random.chance(0.6) ? undefined : random.spread(50, 15 * MINUTE)
    const waitForPause = random.chance(0.2)
    const leaving = on('aborts') && random.chance(0.2) ? new AbortController() : undefined
    if (leaving) process.clock.setTimeout(() => abort(process, leaving, demandId), random.spread(1, MINUTE))
    const call = process.auth.getAccessToken({ timeoutMs, waitForPause, signal: leaving?.signal })
    expectEnd(process, 'token', timeoutMs ?? 90 * SECOND, settles(process, demandId, call), (token) =>
      usable(process, token, 0),
    )
  }
  const force = (process: Process, random: Random) => {
    const demandId = demanded(process, true)
    state.forcedAtMs = clock.now()
    note(process.name, 'forces a refresh')
    const timeoutMs = random.chance(0.5) ? undefined : random.spread(SECOND, 3 * MINUTE)
    const newerThan = process.newest
    const call = process.auth.getAccessToken({ forceRefresh: true, timeoutMs })
    expectEnd(process, 'forced token', timeoutMs ?? 90 * SECOND, settles(process, demandId, call), (token) =>
      usable(process, token, newerThan),
    )
  }
  const validate = (process: Process, random: Random) => {
    const timeoutMs = random.chance(0.5) ? undefined : random.spread(5 * SECOND, 3 * MINUTE)
    // A request that is sent runs to its own time-out.
    expectEnd(process, 'validate', (timeoutMs ?? 90 * SECOND) + 31 * SECOND, process.auth.validate({ timeoutMs }))
  }
  const mend = (process: Process) => {
    const { slot, auth } = process
    const wrong = slot.password !== state.password
    const resting = auth.status().state
    if (wrong || (!slot.callback && resting === 'signedOut' && process.random.chance(0.3))) {
      slot.password = state.password
      process.otherPasswordAtMs = clock.now()
      judge.discards()
      state.forcedAtMs = clock.now()
      operator(process, 'signIn', credentialsIdOf(USERNAME, state.password))
      return expectEnd(process, 'signIn', COMMAND_MS, auth.signIn({ username: USERNAME, password: state.password }))
    }
    if (resting === 'failed.invalidCredentials' || resting === 'failed.rejected' || process.random.chance(0.1)) {
      operator(process, 'reset')
      return expectEnd(process, 'reset', COMMAND_MS, auth.reset())
    }
    state.forcedAtMs = clock.now()
    operator(process, 'signIn')
    expectEnd(process, 'signIn', COMMAND_MS, auth.signIn())
  }

  return { expectEnd, usable, demanded, operator, callApi, callToken, force, validate, mend }
}
