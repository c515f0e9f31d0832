import { AuthError } from '../errors.ts'
import type { TokenSource } from '../http/token-source.ts'
import { leftMs } from '../store/record.ts'
import type { SendReason } from './events.ts'
import type { AuthClient } from './face.ts'
import { refusal, storeRefusal } from './messages.ts'
import { abortedError, closedError, type Session, toWallMs } from './session.ts'
import { loaded, settledOf, sleepUntil, until } from './waiting.ts'

/** Why a validate is sent: no transition does. */
export const VALIDATE_REASON: SendReason = {
  ids: ['validate-optionally'],
  why: 'The caller asked whether the token is valid.',
}

const REFUSALS = {
  pause: ['THROTTLED', 'pause-after-429'],
  budget: ['BUDGET_EXHAUSTED', 'ten-per-minute'],
  backOff: ['UNAVAILABLE', 'D-back-off'],
  lease: ['LEASE_HELD', 'D-one-at-a-time'],
  store: ['STORE_UNAVAILABLE', 'D-store-down'],
  credentials: ['CREDENTIALS_UNAVAILABLE', 'D-credentials'],
} as const

/** `auth.validate()`. `D-validate` */
export function createValidate(session: Session, tokens: Pick<TokenSource, 'rejected'>): AuthClient['validate'] {
  const { clock, timeline, policy, vault, keeper, protocol, lifecycle, ended } = session
  const late = () =>
    new AuthError('TIMEOUT', 'The token was not validated in time (D-time-outs).', { clause: 'D-time-outs' })
  const storeDown = () => storeRefusal(session.storeTrouble(), 'D-store-down', undefined, clock.now())

  return async ({ signal, timeoutMs = policy.callerTimeoutMs } = {}) => {
    if (ended.aborted) throw closedError()
    const deadlineMs = timeline.nowMs() + timeoutMs
    await until(session, loaded, { signal, timeoutMs, tooLong: storeDown })
    for (;;) {
      const used = vault.facts()
      const over = new AbortController()
      const timer = clock.setTimeout(() => over.abort(), Math.max(0, deadlineMs - timeline.nowMs()))
      const replying = protocol.validate(AbortSignal.any([over.signal, ended, ...(signal ? [signal] : [])]))
      const left = { signal, timeoutMs: Math.max(0, deadlineMs - timeline.nowMs()), tooLong: late }
      await settledOf(session, replying, left).finally(() => clock.clearTimeout(timer))
      const reply = await replying
      const nowMs = clock.now()
      if ('type' in reply) {
        if (reply.reason === 'latched' || reply.reason === 'expired') return { valid: false }
        const { untilMs, reason } = reply
        const [code, clause] = REFUSALS[reason]
        const retryAtMs = toWallMs(session, untilMs)
        const refused = () =>
          code === 'STORE_UNAVAILABLE'
            ? storeRefusal(session.storeTrouble(), clause, retryAtMs, nowMs)
            : refusal(code, clause, retryAtMs, nowMs)
        if (reason !== 'budget' || untilMs > deadlineMs) throw refused()
        await sleepUntil(session, untilMs, { signal, timeoutMs, tooLong: refused })
        continue
      }
      switch (reply.kind) {
        case 'valid': {
          const lives = keeper.known().pair?.accessLives ?? null
          const expiresInMs = reply.expiresInMs ?? leftMs(lives, keeper.nowMs())
          return expiresInMs > 0 ? { valid: true, expiresAtMs: nowMs + expiresInMs } : { valid: true }
        }
        case 'invalid':
          if (reply.status === 401 && used !== null) tokens.rejected(used.generation)
          return { valid: false }
        case 'throttled': {
          const untilMs = timeline.nowMs() + leftMs(keeper.known().pause, keeper.nowMs())
          lifecycle.send({ type: 'validate.throttled', atMs: timeline.nowMs(), untilMs })
          throw refusal('THROTTLED', 'pause-after-429', toWallMs(session, untilMs), nowMs, { status: 429 })
        }
        default: {
          if (ended.aborted) throw closedError()
          if (signal?.aborted) throw abortedError()
          if (over.signal.aborted) throw late()
          const message = `The token could not be validated: ${reply.kind} (D-validate).`
          throw new AuthError('UNAVAILABLE', message, { clause: 'D-validate', status: reply.status })
        }
      }
    }
  }
}
