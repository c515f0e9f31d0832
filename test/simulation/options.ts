import type { AuthClientOptions, TokenStore } from '../../src/index.ts'

/** What can be left out of a world, to find the shortest story. */
export const SOURCES = [
  ...['bursts', 'tokens', 'forced', 'validates', 'aborts', 'faults', 'storms', 'server', 'passwords', 'jumps'],
  ...['suspends', 'kills', 'restarts', 'chaos', 'signOuts', 'probes', 'outages', 'latency'],
] as const
export type Source = (typeof SOURCES)[number]

export interface WorldOptions {
  readonly seed: number
  /** Which world of the seed. */
  readonly index: number
  readonly days: number
  /** How many clients share the account; drawn by default. */
  readonly clients?: number | undefined
  readonly without?: readonly Source[] | undefined
  /** What is wrong with the clients on purpose, to see that it is found. Not for worlds of another thread. */
  readonly sabotage?: Sabotage | undefined
}

export interface Sabotage {
  readonly policy?: AuthClientOptions['policy']
  readonly store?: (store: TokenStore) => TokenStore
  readonly fetch?: (fetch: Transport) => Transport
}

export type Transport = NonNullable<AuthClientOptions['fetch']>

export interface Violation {
  /** A monitor's id, or the check that only a simulation can do. */
  readonly check: string
  readonly evidence: string
  /** Since the world began. */
  readonly atMs: number
  /** What led to it. */
  readonly story: readonly string[]
}

export interface WorldReport {
  readonly days: number
  readonly requests: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly happened: Readonly<Record<string, number>>
  readonly excused: Readonly<Record<string, number>>
  readonly violation: Violation | undefined
  readonly hash: string
}
