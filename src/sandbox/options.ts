import type { Clock } from '../clock.ts'
import { checkKeys, checkNumber } from './checks.ts'
import { checkFault, type Fault } from './faults.ts'
import { checkModes, DEFAULT_MODES, MODE_NAMES, type SandboxModes } from './modes.ts'
import type { SignerFactory } from './signer.ts'
import { checkThrottle, type ThrottleOptions } from './throttle.ts'
import type { TokenKind } from './tokens.ts'
import type { SandboxUser } from './users.ts'

/** Options of `createSandbox`; every mode of {@link SandboxModes} is one too. All optional. */
export interface SandboxOptions extends Partial<SandboxModes> {
  /** Time and timers of the server. Default `systemClock()`. */
  clock?: Clock
  /** Signs the tokens. Default `joseSigner`; `synchronousSigner` where two runs must be alike. */
  signer?: SignerFactory
  /** Key of the signatures. Default a fixed one: the tokens open nothing but a sandbox. */
  signingKey?: string
  /** Draws the `jti` of a token; never twice the same. Default a counter, so that equal runs give equal tokens. */
  jti?: (kind: TokenKind) => string
  /** Default one user, `demo` with the password `demo-password`. */
  users?: readonly SandboxUser[]
  /** The throttle, on by default; `false` switches it off. */
  throttle?: ThrottleOptions | false
  /** Faults from the start. Default none. */
  faults?: readonly Fault[]
  /** How many of the latest requests the log keeps. Default `Infinity`. */
  logLimit?: number
}

const OWN_NAMES = ['clock', 'signer', 'signingKey', 'jti', 'users', 'throttle', 'faults', 'logLimit']

/** The options, checked and with what has a plain default filled in. */
export interface CheckedOptions {
  modes: SandboxModes
  throttle: Required<ThrottleOptions> | undefined
  faults: readonly Fault[]
  logLimit: number
}

/** Throws `CONFIG_INVALID` when an option is unknown or its value is not one. */
export function checkOptions(options: SandboxOptions): CheckedOptions {
  checkKeys('option', options, [...OWN_NAMES, ...MODE_NAMES])
  const { throttle = {}, faults = [], logLimit = Number.POSITIVE_INFINITY } = options
  const modes = Object.fromEntries(Object.entries(options).filter(([name]) => !OWN_NAMES.includes(name)))
  return {
    modes: { ...DEFAULT_MODES, ...checkModes(modes) },
    throttle: throttle === false ? undefined : checkThrottle(throttle),
    faults: faults.map(checkFault),
    logLimit: checkNumber('logLimit', logLimit, { min: 1, integer: true, unbounded: true }),
  }
}
