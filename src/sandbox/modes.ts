import { checkBoolean, checkKeys, checkNumber, checkOneOf } from './checks.ts'

/** Names of the tokens on the wire. @see decision `D-wire-names` */
export type WireNames = 'reference' | 'guide' | 'new'

/** How the server behaves until told otherwise; each can be an option and can be changed while it runs with `set`. */
export interface SandboxModes {
  /** Seconds an access token lives. Default 3600. @see clause `access-lives-1h` */
  accessLifetimeS: number
  /** Seconds a refresh token lives. Default 86 400. @see clause `refresh-lives-24h` */
  refreshLifetimeS: number
  /** A refresh answers with a new refresh token too. Default true. @see decision `D-partial-refresh` */
  rotate: boolean
  /** A rotated refresh token is refused from then on. Default true. */
  blacklist: boolean
  /**
   * Milliseconds of the sandbox's clock between the look at the blacklist and the entry in it: two refreshes with one
   * token inside it both succeed, as on the real server, where check and write are separate. Default 0: never.
   */
  rotationRaceMs: number
  /**
   * `access` and `refresh` (`reference`), `access_token` and `refresh_token` (`guide`), or `new_access_token` and
   * `new_refresh_token` (`new`). Default `reference`.
   */
  names: WireNames
  /** Leave `access_expiry_seconds` and `refresh_expiry_seconds` out of the grants. Default false. */
  omitExpirySeconds: boolean
  /** A valid token is answered with its remaining whole seconds, as the guide promises, not with `{}`. Default false. */
  validateReportsLifetime: boolean
  /** An access token from a refresh copies the refresh token's `iat` (simplejwt before 5.5.1). Default false. */
  copyRefreshIat: boolean
  /** The API refuses tokens with 403 instead of 401 (a view without authenticate header). Default false. @see decision `D-api-403` */
  forbidden403: boolean
  /** Milliseconds the server's clock is ahead of the sandbox's: in `Date` and in the times of tokens. Default 0. @see decision `D-skew` */
  skewMs: number
  /** Milliseconds every request takes to arrive; a request aborted in that time is not acted on. Default 0. */
  latencyMs: number
  /** Milliseconds every reply takes to come back; the server has acted by then. Default 0. */
  replyLatencyMs: number
}

/** What the server does by default. */
export const DEFAULT_MODES: Readonly<SandboxModes> = Object.freeze({
  accessLifetimeS: 3600,
  refreshLifetimeS: 86_400,
  rotate: true,
  blacklist: true,
  rotationRaceMs: 0,
  names: 'reference',
  omitExpirySeconds: false,
  validateReportsLifetime: false,
  copyRefreshIat: false,
  forbidden403: false,
  skewMs: 0,
  latencyMs: 0,
  replyLatencyMs: 0,
})

/** The names of all modes. */
export const MODE_NAMES = Object.keys(DEFAULT_MODES) as readonly (keyof SandboxModes)[]

const TOKEN_NAMES: Record<WireNames, { access: string; refresh: string }> = {
  reference: { access: 'access', refresh: 'refresh' },
  guide: { access: 'access_token', refresh: 'refresh_token' },
  new: { access: 'new_access_token', refresh: 'new_refresh_token' },
}

/** The name of a field of a grant on the wire; names other than `access` and `refresh` stay as they are. */
export function wireName(field: string, names: WireNames): string {
  return field === 'access' || field === 'refresh' ? TOKEN_NAMES[names][field] : field
}

/** Throws when a mode is unknown or its value is not one. Keys whose value is `undefined` count as absent. */
export function checkModes(modes: Partial<SandboxModes>): Partial<SandboxModes> {
  checkKeys('mode', modes, MODE_NAMES)
  const checked: Record<string, unknown> = {}
  for (const name of MODE_NAMES) {
    const value = modes[name]
    if (value === undefined) continue
    if (name === 'names') checked[name] = checkOneOf(name, value, Object.keys(TOKEN_NAMES))
    else if (name === 'skewMs') checked[name] = checkNumber(name, value, { min: -1e12, max: 1e12 })
    else if (typeof DEFAULT_MODES[name] === 'boolean') checked[name] = checkBoolean(name, value)
    else checked[name] = checkNumber(name, value, { min: name.endsWith('LifetimeS') ? 1 : 0, max: 1e12 })
  }
  return checked
}
