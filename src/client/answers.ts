import type { TokenReply } from '../http/token-endpoints.ts'
import { backOffMs } from '../policy/back-off.ts'
import type { Outcome } from '../policy/events.ts'
import type { Policy } from '../policy/schema.ts'
import { leftMs } from '../store/record.ts'
import type { Adoption } from './adoption.ts'
import type { Budget } from './budget.ts'
import * as changes from './changes.ts'
import type { HeldCredentials } from './credentials.ts'
import type { RecordKeeper } from './record-keeper.ts'
import type { Timeline } from './timeline.ts'
import type { Vault } from './vault.ts'

/** A request that was marked, and sent: what it stands on. */
export interface Sent {
  readonly marked: changes.Marked
  /** Aborted by a sign-out. */
  readonly signal: AbortSignal
}

/** From an answer to the record and to an outcome. */
export interface Answers {
  afterCreate(sent: Sent, used: HeldCredentials, reply: TokenReply): Promise<Outcome>
  afterRefresh(sent: Sent, reply: TokenReply): Promise<Outcome>
  /** It was marked, and not sent after all. */
  notSent(sent: Sent, outcome: Outcome): Promise<Outcome>
}

export interface AnswersOptions {
  timeline: Timeline
  policy: Policy
  random: () => number
  keeper: RecordKeeper
  budget: Budget
  vault: Vault
  adoption: Adoption
  onSkew: (skewMs: number) => void
}

export function createAnswers(options: AnswersOptions): Answers {
  const { timeline, policy, random, keeper, budget, vault, adoption, onSkew } = options
  const atMs = () => timeline.nowMs()

  /** What every outcome of a send carries. */
  const now = () => {
    const fullUntilMs = budget.fullUntilMs()
    return { atMs: atMs(), ...(fullUntilMs === undefined ? {} : { fullUntilMs }) }
  }

  /** Stores what became of a send. Where somebody else was at the record meanwhile, what is stored is adopted. */
  const settle = async ({ marked }: Sent, result: changes.Result, outcome: () => Outcome): Promise<Outcome> => {
    let stood = true
    await keeper.keep((record, nowMs) => {
      stood = changes.standsOn(record, marked)
      return changes.applied(result, marked, stood, record, nowMs)
    })
    if (!stood) return { type: 'outcome.adopted', atMs: atMs(), facts: await adoption.adopt() }
    adoption.heard()
    return outcome()
  }

  const granted = (request: changes.TokenRequest, sent: Sent, reply: Extract<TokenReply, { kind: 'granted' }>) => {
    const { sentAtWallMs, skewMs, access } = reply
    if (skewMs !== undefined) onSkew(skewMs)
    const previous = request === 'refresh' ? keeper.known().pair : null
    const { sentMs, generation } = sent.marked
    const pair = changes.storedPair(reply, sentMs, generation, previous, policy, random())
    return settle(sent, changes.granted(pair), () => {
      const { pair: stored } = adoption.facts()
      if (stored === null) throw new Error('a granted pair is not in the record')
      // After a sign-out nobody is served any more, though the answer was on its way.
      if (!sent.signal.aborted) {
        const wallMs = timeline.toWallMs(atMs())
        // What the machine slept since the send, as far as the store's time does not tell it already.
        const sleptMs = Math.max(0, wallMs - sentAtWallMs - (keeper.nowMs() - sentMs))
        vault.put(stored, access, wallMs - atMs() - sleptMs)
      }
      return { type: 'outcome.granted', ...now(), pair: vault.earliest(stored) }
    })
  }

  const unavailable = (
    request: changes.TokenRequest,
    sent: Sent,
    reply: Extract<TokenReply, { kind: 'unavailable' | 'malformed' }>,
  ) => {
    const { kind } = reply
    // Aborted by ourselves: nothing is held against the server, and the mark says that it may have acted.
    if (kind === 'unavailable' && reply.reason === 'aborted')
      return { type: 'outcome.unavailable', ...now(), untilMs: atMs() } as const
    const [drawn, partMs] = [random(), timeline.partMs()]
    const lengthMs = (step: number) => backOffMs(step, drawn, policy) + partMs
    return settle(sent, changes.unavailable(request, lengthMs), () => ({
      type: `outcome.${kind}`,
      ...now(),
      untilMs: atMs() + leftMs(keeper.known().backOff, keeper.nowMs()),
    }))
  }

  const throttled = (sent: Sent, reply: Extract<TokenReply, { kind: 'throttled' }>) =>
    settle(sent, changes.throttled(sent.marked, reply.pauseMs + timeline.partMs()), () => ({
      type: 'outcome.throttled',
      ...now(),
      untilMs: atMs() + leftMs(keeper.known().pause, keeper.nowMs()),
    }))

  return {
    async notSent(sent, outcome) {
      void budget.unused(sent.marked.slotMs)
      return settle(sent, changes.notSent(sent.marked), () => outcome)
    },

    async afterCreate(sent, used, reply) {
      void budget.answered(sent.marked.slotMs)
      switch (reply.kind) {
        case 'granted':
          return granted('create', sent, reply)
        case 'throttled':
          return throttled(sent, reply)
        case 'unauthorized':
        case 'rejected': {
          const { kind } = reply
          const latch = kind === 'unauthorized' ? 'invalidCredentials' : 'rejected'
          const latched = await adoption.fingerprintOf(used)
          return settle(sent, changes.createRefused(sent.marked, latch, latched), () => ({
            type: `outcome.${kind}`,
            ...now(),
          }))
        }
        default:
          return unavailable('create', sent, reply)
      }
    },

    async afterRefresh(sent, reply) {
      void budget.answered(sent.marked.slotMs)
      // Gone from here on, not only once that is stored.
      if (reply.kind === 'rejected') vault.discard(sent.marked.pairGeneration ?? 0)
      switch (reply.kind) {
        case 'granted':
          return granted('refresh', sent, reply)
        case 'throttled':
          return throttled(sent, reply)
        case 'unauthorized': {
          // Somebody may have rotated the token meanwhile: a newer version in the store explains the 401.
          await keeper.read().catch(() => {})
          const lives = keeper.known().pair?.refreshUsable ?? null
          const expired = leftMs(lives, keeper.nowMs()) <= 0
          const spent = sent.marked.unfinishedBefore || expired || policy.refreshUnauthorized === 'recreate'
          return settle(sent, changes.refreshUnauthorized(sent.marked, spent), () => ({
            type: 'outcome.unauthorized',
            ...now(),
            spent,
          }))
        }
        case 'rejected':
          return settle(sent, changes.refreshRejected(), () => ({ type: 'outcome.rejected', ...now() }))
        default:
          return unavailable('refresh', sent, reply)
      }
    },
  }
}
