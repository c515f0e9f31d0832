import type { AuthErrorCode } from '../errors.ts'

/** What a client says of itself; nothing secret. Times are wall-clock ms since the epoch. */
export interface AuthStatus {
  /** State of the chart's region `tokens`, a dotted path: `valid`, `failed.invalidCredentials`. */
  readonly state: string
  /** State of the region `gate`: `open`, `paused`, `full`, `backingOff`. */
  readonly gate: string
  /** Whether a usable access token is held now. */
  readonly usable: boolean
  /** Counts the pairs of this account; 0 when none is held. */
  readonly generation: number
  /** The access token's expiry less the leeway. */
  readonly usableUntilMs?: number
  /** When the proactive refresh is due. */
  readonly refreshAtMs?: number
  /** The refresh token's expiry less the leeway. */
  readonly refreshUsableUntilMs?: number
  /** Token requests are paused until then. `pause-after-429` */
  readonly pausedUntilMs?: number
  /** No create or refresh until then. `D-back-off` */
  readonly backOffUntilMs?: number
  /** API requests are paused until then. `D-api-429` */
  readonly apiPausedUntilMs?: number
  /** Token requests that may still be sent in this minute, by what this client knows. `ten-per-minute` */
  readonly budgetLeft: number
  /** The server's clock less ours at the last grant, ms. `D-skew` */
  readonly skewMs?: number
  readonly lastError?: {
    readonly code: AuthErrorCode
    readonly clause?: string
    readonly message: string
    readonly atMs: number
  }
}
