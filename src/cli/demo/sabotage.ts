import type { VirtualClock } from '../../virtual-clock.ts'
import { REQUEST_ID, type Send } from './wire.ts'

/** What a broken client is made of. */
interface Tools {
  readonly send: Send
  readonly clock: VirtualClock
  /** Says what is done, for those who watch. */
  readonly tell: (what: string) => void
}

/** A client that is broken on purpose: something that misbehaves between ours and the server. */
export interface Sabotage {
  readonly name: string
  /** The monitor that has to find it. */
  readonly breaks: string
  readonly what: string
  readonly wrap: (tools: Tools) => Send
}

type Kind = 'create' | 'refresh' | 'validate' | 'api'

const KINDS: Readonly<Record<string, Kind>> = {
  '/api/v2/token/': 'create',
  '/api/v2/token/refresh/': 'refresh',
  '/api/v2/token/validate/': 'validate',
}
const kindOf = (request: Request): Kind => KINDS[new URL(request.url).pathname] ?? 'api'

interface Grant {
  readonly access: string
  readonly refresh: string
}
const grantOf = async (response: Response): Promise<Grant | undefined> =>
  response.status === 200 ? ((await response.clone().json()) as Grant) : undefined

interface Change {
  readonly path?: string
  readonly body?: object
  readonly authorization?: string
  readonly requestId?: string
}

/** The request, changed. */
function variant(request: Request, { path, body, authorization, requestId }: Change): Request {
  const headers = new Headers(request.headers)
  if (requestId !== undefined) headers.set(REQUEST_ID, requestId)
  if (authorization !== undefined) headers.set('authorization', authorization)
  if (body !== undefined) headers.set('content-type', 'application/json')
  const url = new URL(path ?? request.url, request.url)
  if (body !== undefined) return new Request(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return new Request(url, new Request(request.clone(), { headers }))
}

export const SABOTAGES: readonly Sabotage[] = [
  {
    name: 'two-in-flight',
    breaks: 'invariant-1',
    what: 'sends a refresh twice at once',
    wrap: ({ send, tell }) => {
      let refreshes = 0
      return async (request) => {
        // The second one follows a refused token: sent twice, it would break `refresh-once` too.
        if (kindOf(request) !== 'refresh' || ++refreshes !== 1) return send(request)
        tell('the refresh is sent twice at once')
        const answers = await Promise.all([send(request.clone()), send(request)])
        return answers.find(({ status }) => status === 200) ?? answers[0]
      }
    },
  },
  {
    name: 'eleven-a-minute',
    breaks: 'invariant-2',
    what: 'validates ten times after a refresh',
    wrap: ({ send, tell }) => {
      let refreshes = 0
      return async (request) => {
        const response = await send(request)
        const grant = kindOf(request) === 'refresh' && ++refreshes === 2 ? await grantOf(response) : undefined
        if (grant === undefined) return response
        tell('ten validates follow the refresh')
        for (let sent = 0; sent < 10; sent++)
          await send(variant(request, { path: '/api/v2/token/validate/', body: { token: grant.access } }))
        return response
      }
    },
  },
  {
    name: 'retry-429',
    breaks: 'invariant-3',
    what: 'sends a token request again at once after a 429',
    wrap: ({ send, tell }) => {
      return async (request) => {
        const again = request.clone()
        const response = await send(request)
        if (kindOf(request) === 'api' || response.status !== 429) return response
        tell('the 429 is answered with the same request at once')
        return send(again)
      }
    },
  },
  {
    name: 'send-expired',
    breaks: 'invariant-4',
    what: 'goes on using an access token after its expiry',
    wrap: ({ send, clock, tell }) => {
      let oldest: { authorization: string; untilMs: number } | undefined
      let done = false
      return async (request) => {
        const authorization = request.headers.get('authorization')
        if (kindOf(request) !== 'api' || authorization === null) return send(request)
        oldest ??= { authorization, untilMs: clock.now() + 3_600_000 }
        if (done || clock.now() < oldest.untilMs) return send(request)
        done = true
        tell('the API request carries an access token that has expired')
        return send(variant(request, { authorization: oldest.authorization }))
      }
    },
  },
  {
    name: 'drop-rotated',
    breaks: 'invariant-5',
    what: 'forgets the new refresh token and sends the old one',
    wrap: ({ send, tell }) => {
      let spent: string | undefined
      let done = false
      return async (request) => {
        if (kindOf(request) !== 'refresh') return send(request)
        const { refresh } = (await request.clone().json()) as Grant
        if (spent !== undefined && !done) {
          done = true
          tell('the refresh token that was replaced is sent first')
          await send(variant(request, { body: { refresh: spent } }))
        }
        const response = await send(request)
        if (response.status === 200) spent ??= refresh
        return response
      }
    },
  },
  {
    name: 'retry-forever',
    breaks: 'invariant-6',
    what: 'sends an API request again and again after a 5xx',
    wrap: ({ send, tell }) => {
      return async (request) => {
        if (kindOf(request) !== 'api') return send(request)
        let response = await send(request.clone())
        for (let times = 0; times < 3 && response.status >= 500; times++) {
          tell(`the API request is sent again after a ${response.status}`)
          response = await send(request.clone())
        }
        return response
      }
    },
  },
  {
    name: 'loop-bad-password',
    breaks: 'invariant-7',
    what: 'signs in again and again with a password that was refused',
    wrap: ({ send, tell }) => {
      return async (request) => {
        let response = await send(request.clone())
        for (let times = 0; times < 4 && kindOf(request) === 'create' && response.status === 401; times++) {
          tell('the refused password is sent again')
          response = await send(request.clone())
        }
        return response
      }
    },
  },
  {
    name: 'keep-rejected',
    breaks: 'invariant-8',
    what: 'keeps using the pair whose refresh was rejected',
    wrap: ({ send, tell }) => {
      let latest: Request | undefined
      let rejected = false
      return async (request) => {
        const kind = kindOf(request)
        if (kind === 'api') latest = variant(request, { requestId: 'stray' })
        if (kind === 'create' && rejected && latest !== undefined) {
          tell('before the sign-in the access token of the rejected pair is used once more')
          await send(latest)
        }
        const response = await send(request)
        rejected = kind === 'refresh' && response.status === 400
        return response
      }
    },
  },
  {
    name: 'loop-failed-create',
    breaks: 'invariant-9',
    what: 'signs in again by itself after a sign-in that failed',
    wrap: ({ send, tell }) => {
      return async (request) => {
        const again = request.clone()
        const response = await send(request)
        if (kindOf(request) !== 'create' || response.status < 500) return response
        tell('the failed sign-in is tried again at once')
        return send(again)
      }
    },
  },
  {
    name: 'sign-in-again',
    breaks: 'invariant-10',
    what: 'signs in where it should refresh',
    wrap: ({ send, tell }) => {
      let create: Request | undefined
      let refreshes = 0
      return async (request) => {
        const kind = kindOf(request)
        if (kind === 'create') create ??= request.clone()
        if (kind !== 'refresh' || create === undefined || ++refreshes !== 2) return send(request)
        tell('a sign-in is sent in place of the refresh')
        return send(create)
      }
    },
  },
  {
    name: 'refresh-per-401',
    breaks: 'refresh-once',
    what: 'refreshes once for each 401, not once for the rejected token',
    wrap: ({ send, tell }) => {
      const inFlight = new Set<Promise<Response>>()
      let refused = 0
      return async (request) => {
        const kind = kindOf(request)
        if (kind === 'api') {
          const answer = send(request)
          inFlight.add(answer)
          const response = await answer.finally(() => inFlight.delete(answer))
          if (response.status === 401) refused++
          return response
        }
        if (kind !== 'refresh') return send(request)
        // Every request that the rejected token was sent with gets its 401 first.
        await Promise.allSettled(inFlight)
        const times = refused
        refused = 0
        let response = await send(request.clone())
        for (let sent = 1; sent < times; sent++) {
          const grant = await grantOf(response)
          if (grant === undefined) break
          tell('another refresh, for another of the 401s')
          response = await send(variant(request, { body: { refresh: grant.refresh } }))
        }
        return response
      }
    },
  },
  {
    name: 'basic-auth',
    breaks: 'no-basic-auth',
    what: 'sends user name and password as Basic authentication',
    wrap: ({ send, tell }) => {
      let requests = 0
      return async (request) => {
        if (kindOf(request) !== 'api' || ++requests !== 5) return send(request)
        tell('the API request carries Basic authentication')
        return send(variant(request, { authorization: `Basic ${btoa('demo:demo-password')}` }))
      }
    },
  },
]
