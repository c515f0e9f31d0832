import type { Clock } from '../clock.ts'
import type { TokenReply } from '../http/token-endpoints.ts'
import type { SaltedFingerprints } from '../journal/fingerprints.ts'
import type { AnsweredLine, SentLine } from '../journal/format.ts'
import type { Policy } from '../policy/schema.ts'
import type { Secret } from '../secret.ts'
import type { Span, StoredPair } from '../store/record.ts'
import type { HeldCredentials } from './credentials.ts'
import type { RecordKeeper } from './record-keeper.ts'

type Granted = Extract<TokenReply, { kind: 'granted' }>
type Presented = Pick<SentLine, 'accessId' | 'accessExpAtMs'>

/** What a journal says of tokens and credentials: fingerprints under one salt, and expiries by this process's clock. */
export interface JournalIds {
  readonly salt: string
  readonly account: string
  access(token: Secret): Presented
  /** When an access token was asked for that another process was granted, ms since the epoch, as far as the record told. */
  askedForAtMs(accessId: string): number | undefined
  refresh(token: Secret): Pick<SentLine, 'refreshId' | 'refreshExpAtMs'>
  granted(reply: Granted): Partial<AnsweredLine>
  credentials(held: HeldCredentials): string
}

export interface JournalIdsOptions {
  readonly clock: Clock
  readonly policy: Pick<Policy, 'skewLeewayMs'>
  readonly keeper: Pick<RecordKeeper, 'known' | 'nowMs'>
  readonly account: string
}

/** How many tokens' expiries are remembered: pair after pair, the latest are used. */
const REMEMBERED = 64

export function createJournalIds(
  { clock, policy, keeper, account }: JournalIdsOptions,
  fingerprints: SaltedFingerprints,
): JournalIds {
  /** The hot path presents the same `Secret` again and again. */
  const ids = new WeakMap<Secret, string>()
  const expiries = new Map<string, number | undefined>()
  const begins = new Map<string, number>()

  const idOf = (token: Secret) => {
    const id = ids.get(token) ?? fingerprints.token(token.reveal())
    ids.set(token, id)
    return id
  }
  const remember = (id: string, expAtMs: number | undefined) => {
    expiries.set(id, expAtMs)
    const [oldest] = expiries.keys()
    if (expiries.size > REMEMBERED && oldest !== undefined) {
      expiries.delete(oldest)
      begins.delete(oldest)
    }
    return expAtMs
  }
  /** Of a pair that another process was granted only the record tells. */
  const expiryOf = (id: string, token: Secret, stored: (pair: StoredPair) => [Secret | null, Span, number]) => {
    if (expiries.has(id)) return expiries.get(id)
    const { pair } = keeper.known()
    if (pair === null) return undefined
    const [held, { startMs, lengthMs }, moreMs] = stored(pair)
    if (held?.reveal() !== token.reveal()) return undefined
    const beganAtMs = clock.now() + startMs - keeper.nowMs()
    begins.set(id, Math.floor(beganAtMs))
    return remember(id, Math.round(beganAtMs + lengthMs + moreMs))
  }

  return {
    salt: fingerprints.salt,
    account: fingerprints.account(account),
    access(token) {
      const accessId = idOf(token)
      return {
        accessId,
        accessExpAtMs: expiryOf(accessId, token, ({ access, accessLives }) => [access, accessLives, 0]),
      }
    },
    askedForAtMs: (accessId) => begins.get(accessId),
    refresh(token) {
      const refreshId = idOf(token)
      // The record holds its expiry less the leeway.
      const refreshExpAtMs = expiryOf(refreshId, token, ({ refresh, refreshUsable }) => [
        refresh,
        refreshUsable,
        policy.skewLeewayMs,
      ])
      return { refreshId, refreshExpAtMs }
    },
    granted({ access, refresh, accessLifetimeMs, refreshLifetimeMs, sentAtWallMs }) {
      const expiry = (token: Secret, lifetimeMs: number | undefined) =>
        remember(idOf(token), lifetimeMs === undefined ? undefined : Math.floor(sentAtWallMs + lifetimeMs))
      return {
        grantedAccessId: idOf(access),
        grantedAccessExpAtMs: expiry(access, accessLifetimeMs),
        ...(refresh && {
          grantedRefreshId: idOf(refresh),
          grantedRefreshExpAtMs: expiry(refresh, refreshLifetimeMs),
        }),
      }
    },
    credentials: ({ username, password }) => fingerprints.credentials(username, password.reveal()),
  }
}
