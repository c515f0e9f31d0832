import { AuthError } from '../errors.ts'
import type { ApiRequestDetails } from '../http/api-fetch.ts'
import { resolvePath } from '../http/origin.ts'
import type { TokenEndpoints, TokenReply, TokenRequestEvent, ValidateReply } from '../http/token-endpoints.ts'
import type { AcquireOptions, ApiRequestEvent, HeldToken } from '../http/token-source.ts'
import type { AnsweredLine, OperatorLine, SentLine } from '../journal/format.ts'
import { shownPath } from '../journal/path.ts'
import { httpDateMs, pauseLengthMs } from '../policy/deadlines.ts'
import type { Patience } from '../policy/facts.ts'
import type { Policy } from '../policy/schema.ts'
import type { HeldCredentials } from './credentials.ts'
import type { ErrorEvent, TransitionEvent } from './events.ts'
import type { JournalIds } from './journal-ids.ts'
import { createJournalPen, type JournalPenOptions } from './journal-pen.ts'

/** Notes what the client does, for an auditor; see `src/journal/format.ts`. Nothing here waits, and nothing throws. */
export interface Journal {
  /** The same endpoints; what they are asked and answer is noted. */
  tokenRequests(endpoints: TokenEndpoints): TokenEndpoints
  /** What those endpoints tell of each send. */
  tokenEvent(event: TokenRequestEvent): void
  apiEvent(event: ApiRequestEvent, details: ApiRequestDetails): void
  /** Somebody asks for a token that is not at hand; gives what `ask` gives. */
  demand(patience: Patience, options: AcquireOptions, ask: () => Promise<HeldToken>): Promise<HeldToken>
  /** A command takes effect. */
  command(action: OperatorLine['action'], given?: HeldCredentials): void
  event(event: TransitionEvent | ErrorEvent): void
  close(): Promise<void>
}

export interface JournalOptions extends JournalPenOptions {
  readonly policy: Pick<Policy, 'skewLeewayMs' | 'pauseMs' | 'callerTimeoutMs' | 'paths'>
  readonly baseURL: URL
}

/** What is known of a token request beside what the event tells. */
interface TokenSend {
  readonly presented: (ids: JournalIds) => Partial<SentLine>
  send?: number
  sentAtMs?: number
  ended?: Pick<AnsweredLine, 'atMs' | 'status'>
}

export function createJournal(options: JournalOptions): Journal {
  const { clock, policy, baseURL } = options
  const pen = createJournalPen(options)
  let sends = 0
  let demands = 0
  /** The token request that is being begun, and those in flight by the id of their events. */
  let begun: TokenSend | undefined
  const inFlight = new Map<number, TokenSend>()
  const nowMs = () => Math.round(clock.now())

  /** An answer does not come before its request, though the wall clock was set back. */
  const answeredAtMs = (atMs: number, sentAtMs = atMs, durationMs = 0) =>
    Math.max(Math.round(atMs), Math.floor(sentAtMs + durationMs))

  const noted = async <Reply extends TokenReply | ValidateReply>(
    presented: TokenSend['presented'],
    request: () => Promise<Reply>,
  ): Promise<Reply> => {
    const current: TokenSend = { presented }
    begun = current
    // The event of its send comes before anything is awaited; a request that was aborted before has none.
    const replying = request()
    begun = undefined
    const reply = await replying
    const { send, ended } = current
    if (send !== undefined && ended !== undefined)
      pen.tell((ids) => ({ kind: 'answered', ...ended, send, ...said(reply, ids) }))
    return reply
  }

  const said = (reply: TokenReply | ValidateReply, ids: JournalIds): Partial<AnsweredLine> => {
    switch (reply.kind) {
      case 'granted':
        return ids.granted(reply)
      case 'throttled':
        return retryAfter(reply.pauseMs)
      case 'unavailable':
        return reply.reason === 'timeout' || reply.reason === 'aborted' ? { abandoned: true } : {}
      case 'unauthorized':
      case 'rejected':
        return { code: reply.code }
      default:
        return {}
    }
  }
  /** A pause is only ever longer than the policy's because the server asked for that. `D-pause-length` */
  const retryAfter = (pauseMs: number) => (pauseMs > policy.pauseMs ? { retryAfterMs: Math.round(pauseMs) } : {})

  const apiSends = new Map<string, { send: number; sentAtMs: number }>()

  return {
    tokenRequests: ({ create, refresh, validate }) => ({
      create: (credentials, sendOptions) =>
        noted(
          (ids) => ({ credentialsId: ids.credentials(credentials) }),
          () => create(credentials, sendOptions),
        ),
      refresh: (token, sendOptions) =>
        noted(
          (ids) => ids.refresh(token),
          () => refresh(token, sendOptions),
        ),
      validate: (token, sendOptions) =>
        noted(
          (ids) => ids.access(token),
          () => validate(token, sendOptions),
        ),
    }),
    tokenEvent({ id, phase, endpoint, atMs, status, durationMs }) {
      if (phase === 'sent') {
        if (begun === undefined) return
        const { presented } = begun
        const send = ++sends
        const sentAtMs = Math.round(atMs)
        const path = shownPath(resolvePath(baseURL, policy.paths[endpoint]).pathname)
        Object.assign(begun, { send, sentAtMs })
        inFlight.set(id, begun)
        const about = { atMs: sentAtMs, send, endpoint, method: 'POST', path, authScheme: 'none' } as const
        pen.tell((ids) => ({ kind: 'sent', ...about, ...presented(ids) }))
        return
      }
      const sent = inFlight.get(id)
      inFlight.delete(id)
      if (sent !== undefined)
        sent.ended = { atMs: answeredAtMs(atMs, sent.sentAtMs, durationMs), status: status ?? 'dropped' }
    },
    apiEvent({ id, phase, method, path, resendCount, atMs, status, durationMs }, details) {
      const key = `${id} ${resendCount}`
      if (phase === 'sent') {
        const send = ++sends
        const sentAtMs = Math.round(atMs)
        apiSends.set(key, { send, sentAtMs })
        const about = {
          atMs: sentAtMs,
          send,
          endpoint: 'api',
          method,
          path: shownPath(path),
          authScheme: 'Bearer',
        } as const
        pen.tell((ids) => ({ kind: 'sent', ...about, requestId: id, ...ids.access(details.access) }))
        return
      }
      const sent = apiSends.get(key)
      apiSends.delete(key)
      if (sent === undefined) return
      const { send, sentAtMs } = sent
      const answer = {
        atMs: answeredAtMs(atMs, sentAtMs, durationMs),
        send,
        status: status ?? 'dropped',
        ...(details.aborted && { abandoned: true }),
        code: details.code,
        ...(status === 429 && retryAfter(askedPauseMs(details.headers, atMs))),
      } as const
      pen.tell(() => ({ kind: 'answered', ...answer }))
    },
    demand(patience, { signal, timeoutMs = policy.callerTimeoutMs }, ask) {
      if (pen.isIdle()) return ask()
      const demand = ++demands
      const demandedAtMs = nowMs()
      const startedMs = clock.monotonic()
      const forced = patience === 'forced' ? ({ forced: true } as const) : {}
      const deadlineAtMs = Math.ceil(demandedAtMs + timeoutMs)
      pen.tell(() => ({ kind: 'demanded', atMs: demandedAtMs, demand, deadlineAtMs, ...forced }))
      const onAbort = () => {
        const atMs = nowMs()
        pen.tell(() => ({ kind: 'aborted', atMs, demand }))
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const settled = (result: (ids: JournalIds) => object) => {
        signal?.removeEventListener('abort', onAbort)
        const about = {
          kind: 'settled',
          atMs: nowMs(),
          demand,
          tookMs: Math.round(clock.monotonic() - startedMs),
        } as const
        pen.tell((ids) => ({ ...about, ...result(ids) }))
      }
      const asking = ask()
      // Beside the caller, not before it: between having a token and sending it nothing is awaited.
      asking.then(
        ({ access }) => settled((ids) => ids.access(access)),
        (error) => settled(() => ({ code: error instanceof AuthError ? error.code : null })),
      )
      return asking
    },
    command(action, given) {
      const atMs = nowMs()
      pen.tell((ids) => ({ kind: 'operator', atMs, action, ...(given && { credentialsId: ids.credentials(given) }) }))
    },
    event(event) {
      const { type, atMs } = event
      if (type === 'error') {
        const { code, clause, retryAtMs, status } = event.error
        return pen.tell(() => ({ kind: type, atMs: Math.round(atMs), code, clause, retryAtMs, status }))
      }
      const { type: _, atMs: __, ...step } = event
      pen.tell(() => ({ kind: type, atMs: Math.round(atMs), ...step }))
    },
    close: pen.close,
  }
}

/** What a 429 asks for, ms; 0 where it asks for nothing. */
const askedPauseMs = (headers: Headers | undefined, receivedAtMs: number) =>
  pauseLengthMs({
    receivedAtMs,
    retryAfter: headers?.get('retry-after') ?? undefined,
    replyDateMs: httpDateMs(headers?.get('date')),
    pauseMs: 0,
  })
