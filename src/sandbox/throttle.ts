import { checkBoolean, checkKeys, checkNumber, checkOneOf } from './checks.ts'

/** The throttle of the sandbox: DRF's sliding log, and the vendor's lock-out on top. @see clause `ten-per-minute` */
export interface ThrottleOptions {
  /** Requests allowed in any `windowMs`. Default 10. */
  limit?: number
  /** Milliseconds; a request of exactly this age no longer counts. Default 60 000. */
  windowMs?: number
  /** Milliseconds after a refusal in which every counted request is refused. 0: DRF alone. Default 600 000. @see clause `pause-after-429` */
  lockoutMs?: number
  /** A refused request starts the lock-out anew. Default false. */
  refusedRestarts?: boolean
  /** Who shares the limit: those behind one address, or those who name one user. Default `ip`. */
  keyBy?: 'ip' | 'user'
  /** Answer as DRF does, with its body and `Retry-After` (whole seconds, at most the window), not as the vendor does. Default false. */
  retryAfter?: boolean
  /** Which requests count and can be refused: create, refresh and validate, or API requests too. Default `token`. */
  counts?: 'token' | 'all'
}

/** The defaults of {@link ThrottleOptions}. */
export const DEFAULT_THROTTLE: Readonly<Required<ThrottleOptions>> = Object.freeze({
  limit: 10,
  windowMs: 60_000,
  lockoutMs: 600_000,
  refusedRestarts: false,
  keyBy: 'ip',
  retryAfter: false,
  counts: 'token',
})

/** A refusal; `waitS` are DRF's whole seconds. */
export interface Refusal {
  waitS: number
}

/** Counts requests by key. */
export interface Throttle {
  /** Records the request, or refuses it. A refused request is not recorded. */
  admit(key: string): Refusal | undefined
  reset(): void
}

/** Creates the throttle; `nowMs` is any clock that counts milliseconds. */
export function createThrottle(
  { limit, windowMs, lockoutMs, refusedRestarts }: Required<ThrottleOptions>,
  nowMs: () => number,
): Throttle {
  const sentAtMs = new Map<string, number[]>()
  const lockedUntilMs = new Map<string, number>()

  return {
    admit(key) {
      const atMs = nowMs()
      const recent = (sentAtMs.get(key) ?? []).filter((sent) => atMs - sent < windowMs)
      sentAtMs.set(key, recent)
      const lockedMs = (lockedUntilMs.get(key) ?? atMs) - atMs
      const full = recent.length >= limit
      if (lockedMs <= 0 && !full) {
        recent.push(atMs)
        return undefined
      }
      if (lockedMs <= 0 || refusedRestarts) lockedUntilMs.set(key, atMs + lockoutMs)
      const [oldest] = recent
      const waitMs = full && oldest !== undefined ? oldest + windowMs - atMs : Math.min(lockedMs, windowMs)
      return { waitS: Math.max(1, Math.ceil(waitMs / 1000)) }
    },
    reset() {
      sentAtMs.clear()
      lockedUntilMs.clear()
    },
  }
}

/** Throws when an option is unknown or its value is not one; fills in the defaults. */
export function checkThrottle(options: ThrottleOptions): Required<ThrottleOptions> {
  checkKeys('option of throttle', options, Object.keys(DEFAULT_THROTTLE))
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const all = { ...DEFAULT_THROTTLE, ...given }
  return {
    limit: checkNumber('throttle.limit', all.limit, { min: 1, integer: true }),
    windowMs: checkNumber('throttle.windowMs', all.windowMs, { min: 1 }),
    lockoutMs: checkNumber('throttle.lockoutMs', all.lockoutMs),
    refusedRestarts: checkBoolean('throttle.refusedRestarts', all.refusedRestarts),
    keyBy: checkOneOf('throttle.keyBy', all.keyBy, ['ip', 'user']),
    retryAfter: checkBoolean('throttle.retryAfter', all.retryAfter),
    counts: checkOneOf('throttle.counts', all.counts, ['token', 'all']),
  }
}
